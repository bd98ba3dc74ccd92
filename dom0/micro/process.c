/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Services of the kernel that lean on the hypervisor: modes, address spaces, page tables, faults. */
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "micro.h"

#define REGION_BYTES (16u << 20)

static int pin_to_cpu(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    return sched_setaffinity(0, sizeof(set), &set);
}

static int run_syscall(unsigned int operations)
{
    for (unsigned int i = 0; i < operations; i++) {
        syscall(SYS_getppid);
    }
    return 0;
}

static int run_clock(unsigned int operations)
{
    for (unsigned int i = 0; i < operations; i++) {
        now_ns();
    }
    return 0;
}

/* A byte goes to another process and back; both pinned to the CPUs given. */
static int ping_pong(unsigned int operations, int cpu, int other_cpu)
{
    int there[2], back[2];
    char byte = 0;

    if (pipe(there) || pipe(back)) {
        return -1;
    }
    pid_t child = fork();
    if (child < 0) {
        return -1;
    }
    if (child == 0) {
        pin_to_cpu(other_cpu);
        close(there[1]);
        while (read(there[0], &byte, 1) == 1 && write(back[1], &byte, 1) == 1) {
        }
        _exit(0);
    }
    int result = pin_to_cpu(cpu);
    for (unsigned int i = 0; i < operations && !result; i++) {
        if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1) {
            result = -1;
        }
    }
    close(there[0]);
    close(there[1]);
    close(back[0]);
    close(back[1]);
    waitpid(child, NULL, 0);
    return result;
}

static int run_pipe_one_cpu(unsigned int operations)
{
    return ping_pong(operations, 0, 0);
}

static int run_pipe_two_cpus(unsigned int operations)
{
    if (sysconf(_SC_NPROCESSORS_ONLN) < 2) {
        errno = ENODEV;
        return -1;
    }
    return ping_pong(operations, 0, 1);
}

static int fork_and_wait(bool exec)
{
    int status;
    pid_t child = fork();

    if (child < 0) {
        return -1;
    }
    if (child == 0) {
        if (exec) {
            execl("/proc/self/exe", "micro", "--exit", (char *)NULL);
        }
        _exit(0);
    }
    return waitpid(child, &status, 0) == child && WIFEXITED(status) ? 0 : -1;
}

static int run_fork_exit(unsigned int operations)
{
    int result = 0;

    for (unsigned int i = 0; i < operations && !result; i++) {
        result = fork_and_wait(false);
    }
    return result;
}

static int run_fork_exec(unsigned int operations)
{
    int result = 0;

    for (unsigned int i = 0; i < operations && !result; i++) {
        result = fork_and_wait(true);
    }
    return result;
}

static void *map_region(void)
{
    void *region =
        mmap(NULL, REGION_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (region != MAP_FAILED) {
        madvise(region, REGION_BYTES, MADV_NOHUGEPAGE);
    }
    return region;
}

/* One operation is one page touched for the first time; unmapping is counted in. */
static int run_page_fault(unsigned int operations)
{
    const unsigned int pages = REGION_BYTES / PAGE_BYTES;

    for (unsigned int done = 0; done < operations; done += pages) {
        volatile char *region = map_region();
        if (region == MAP_FAILED) {
            return -1;
        }
        for (unsigned int page = 0; page < pages; page++) {
            region[(size_t)page * PAGE_BYTES] = 1;
        }
        munmap((void *)region, REGION_BYTES);
    }
    return 0;
}

/* One operation makes one populated page read-only or writable again. */
static int run_mprotect(unsigned int operations)
{
    const unsigned int pages = REGION_BYTES / PAGE_BYTES;
    void *region = map_region();
    int result = 0;

    if (region == MAP_FAILED) {
        return -1;
    }
    memset(region, 1, REGION_BYTES);
    for (unsigned int done = 0; done < operations && !result; done += 2 * pages) {
        result = mprotect(region, REGION_BYTES, PROT_READ);
        if (!result) {
            result = mprotect(region, REGION_BYTES, PROT_READ | PROT_WRITE);
        }
    }
    munmap(region, REGION_BYTES);
    return result;
}

const struct measurement process_measurements[] = {
    { "syscall", 20000, run_syscall },
    { "clock", 20000, run_clock },
    { "pipe-one-cpu", 2000, run_pipe_one_cpu },
    { "pipe-two-cpus", 2000, run_pipe_two_cpus },
    { "fork-exit", 100, run_fork_exit },
    { "fork-exec", 50, run_fork_exec },
    { "page-fault", 8192, run_page_fault },
    { "mprotect-page", 32768, run_mprotect },
    { .run = 0 },
};
