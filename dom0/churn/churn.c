/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * churn THREADS ROUNDS: what ticks.c prints, then work that keeps the processors of a guest busy with each other.
 *
 * Each round of each thread maps, fills, protects and unmaps memory (the others' TLBs are to forget
 * it), contends for the kernel's locks and for one of its own, forks now and then, and looks whether
 * the clock or what memory holds is right. ROUNDS 0: until it is killed. The last line is
 *
 *     churn threads=T rounds=R ms=M backwards=B wrong=W
 *
 * and the exit status is 0 when B and W are.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "churn.h"

#define PAGE        4096
#define PAGES       8
#define FORK_EVERY  64
#define YIELD_EVERY 16

static unsigned long rounds;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static unsigned long guarded; /* rounds of all threads, under the mutex */
static _Atomic uint64_t newest_ns;
static atomic_ulong backwards, wrong;

uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* What any thread has seen is past for all of them. */
static void check_clock(void)
{
    uint64_t seen = atomic_load(&newest_ns), now = now_ns();

    if (now < seen) {
        atomic_fetch_add(&backwards, 1);
    }
    while (now > seen && !atomic_compare_exchange_weak(&newest_ns, &seen, now)) {
    }
}

static void check(int is_right)
{
    if (!is_right) {
        atomic_fetch_add(&wrong, 1);
    }
}

static void check_memory(uint64_t mark)
{
    uint64_t *words =
        mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const size_t step = PAGE / sizeof(*words);

    if (words == MAP_FAILED) {
        check(0);
        return;
    }
    for (size_t page = 0; page < PAGES; page++) {
        check(words[page * step] == 0);
        words[page * step] = mark + page;
    }
    check(mprotect(words, PAGES * PAGE, PROT_READ) == 0);
    for (size_t page = 0; page < PAGES; page++) {
        check(words[page * step] == mark + page);
    }
    check(munmap(words, PAGES * PAGE) == 0);
}

static void contend(unsigned long round)
{
    int file = open("/dev/null", O_WRONLY);

    check(file >= 0 && close(file) == 0);
    pthread_mutex_lock(&mutex);
    guarded++;
    if (round % YIELD_EVERY == 0) {
        sched_yield();
    }
    pthread_mutex_unlock(&mutex);
}

static void fork_once(uint64_t mark)
{
    volatile uint64_t own = mark;
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        own++;
        _exit(own == mark + 1 ? 7 : 0);
    }
    check(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
          WEXITSTATUS(status) == 7 && own == mark);
}

static void *work(void *argument)
{
    uint64_t id = (uintptr_t)argument;

    for (unsigned long round = 1; rounds == 0 || round <= rounds; round++) {
        uint64_t mark = id << 48 | round << 8;

        check_clock();
        check_memory(mark);
        contend(round);
        if (round % FORK_EVERY == 0) {
            fork_once(mark);
        }
    }
    return NULL;
}

int main(int count, char **words)
{
    unsigned long threads = count == 3 ? strtoul(words[1], NULL, 10) : 0;
    uint64_t start = now_ns();
    pthread_t *handles = calloc(threads, sizeof(*handles));

    if (threads == 0 || !handles) {
        fprintf(stderr, "usage: churn THREADS ROUNDS\n");
        return 2;
    }
    ticks_print();
    rounds = strtoul(words[2], NULL, 10);
    for (unsigned long i = 0; i < threads; i++) {
        if (pthread_create(&handles[i], NULL, work, (void *)(uintptr_t)(i + 1))) {
            perror("churn");
            return 2;
        }
    }
    for (unsigned long i = 0; i < threads; i++) {
        pthread_join(handles[i], NULL);
    }
    check(guarded == threads * rounds);
    printf("churn threads=%lu rounds=%lu ms=%llu backwards=%lu wrong=%lu\n", threads, rounds,
           (unsigned long long)((now_ns() - start) / 1000000), backwards, wrong);
    return backwards || wrong;
}
