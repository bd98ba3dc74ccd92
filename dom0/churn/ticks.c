/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The time-stamp counter as a program sees it:
 *
 *     ticks khz=RATE forbidden=WORD
 *
 * RATE is measured against the clock. WORD tells what became of a child that had the kernel forbid
 * it the counter (prctl(2), PR_SET_TSC): yes, or what went wrong.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <x86intrin.h>

#include "churn.h"

#define MEASURE_NS 200000000u

static uint64_t measure_khz(void)
{
    uint64_t start_ns = now_ns(), start = __rdtsc(), end_ns;

    do {
        end_ns = now_ns();
    } while (end_ns - start_ns < MEASURE_NS);
    return (__rdtsc() - start) * 1000000 / (end_ns - start_ns);
}

static const char *forbid(void)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        if (prctl(PR_SET_TSC, PR_TSC_SIGSEGV, 0, 0, 0)) {
            _exit(1);
        }
        (void)__rdtsc();
        _exit(2);
    }
    if (child < 0 || waitpid(child, &status, 0) != child) {
        return "no-child";
    }
    if (WIFSIGNALED(status)) {
        return WTERMSIG(status) == SIGSEGV ? "yes" : "another-signal";
    }
    return WEXITSTATUS(status) == 1 ? "no-prctl" : "no";
}

void ticks_print(void)
{
    printf("ticks khz=%llu", (unsigned long long)measure_khz());
    fflush(stdout);
    printf(" forbidden=%s\n", forbid());
}
