/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * micro [NAME]...   small measurements inside dom0, or of plain Linux to compare with
 *
 * One line for each: `micro NAME NANOSECONDS-PER-OPERATION`, the best of a few rounds; or
 * `micro NAME unavailable (why)`. `micro --power-on` tells how long the machine has been running, by the
 * processor's counter, firmware and boot loader included. Each is dominated by one service of the hypervisor: address
 * space switches, page table updates, faults, hypercalls, events, grants.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <xen/xen.h>
#include <xen/sys/evtchn.h>
#include <xen/sys/gntalloc.h>
#include <xen/sys/gntdev.h>
#include <xen/sys/privcmd.h>

#define ROUNDS                3
#define PAGE_BYTES            4096
#define REGION_BYTES          (16u << 20)
#define HYPERCALL_XEN_VERSION 17
#define EVTCHN_DOMAIN         0

struct measurement {
    const char *name;
    unsigned int operations; /* in a round */
    /* Does the operations; 0, or -1 with errno. */
    int (*run)(unsigned int operations);
};

static uint64_t now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

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

static int run_hypercall(unsigned int operations)
{
    /* XENVER_version: reads nothing, copies nothing. */
    struct privcmd_hypercall call = { .op = HYPERCALL_XEN_VERSION, .arg = { 0 } };
    int file = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
    int result = 0;

    if (file < 0) {
        return -1;
    }
    for (unsigned int i = 0; i < operations && result >= 0; i++) {
        result = ioctl(file, IOCTL_PRIVCMD_HYPERCALL, &call);
    }
    close(file);
    return result < 0 ? -1 : 0;
}

static int loop_events(int file, unsigned int operations)
{
    struct ioctl_evtchn_bind_unbound_port unbound = { .remote_domain = EVTCHN_DOMAIN };
    int near = ioctl(file, IOCTL_EVTCHN_BIND_UNBOUND_PORT, &unbound);

    if (near < 0) {
        return -1;
    }
    struct ioctl_evtchn_bind_interdomain bind = { .remote_domain = EVTCHN_DOMAIN,
                                                  .remote_port = (unsigned int)near };
    int far = ioctl(file, IOCTL_EVTCHN_BIND_INTERDOMAIN, &bind);
    if (far < 0) {
        return -1;
    }
    struct ioctl_evtchn_notify notify = { .port = (unsigned int)near };
    uint32_t port;
    /* A freshly bound port may have one event pending; non-blocking reads take it away. */
    int flags = fcntl(file, F_GETFL);
    fcntl(file, F_SETFL, flags | O_NONBLOCK);
    while (read(file, &port, sizeof(port)) == sizeof(port)) {
        if (write(file, &port, sizeof(port)) != sizeof(port)) {
            return -1;
        }
    }
    fcntl(file, F_SETFL, flags);
    for (unsigned int i = 0; i < operations; i++) {
        if (ioctl(file, IOCTL_EVTCHN_NOTIFY, &notify) ||
            read(file, &port, sizeof(port)) != sizeof(port) || port != (uint32_t)far ||
            write(file, &port, sizeof(port)) != sizeof(port)) {
            return -1;
        }
    }
    return 0;
}

/* Sends an event from one port of dom0 to another, reads it and unmasks. */
static int run_event(unsigned int operations)
{
    int file = open("/dev/xen/evtchn", O_RDWR | O_CLOEXEC);

    if (file < 0) {
        return -1;
    }
    int result = loop_events(file, operations);
    close(file);
    return result;
}

/* Maps a granted page, reads it, unmaps it. */
static int map_grant(int file, uint32_t reference)
{
    struct ioctl_gntdev_map_grant_ref map = {
        .count = 1, .refs = { { .domid = EVTCHN_DOMAIN, .ref = reference } }
    };

    if (ioctl(file, IOCTL_GNTDEV_MAP_GRANT_REF, &map)) {
        return -1;
    }
    volatile char *page = mmap(NULL, PAGE_BYTES, PROT_READ, MAP_SHARED, file, (off_t)map.index);
    if (page == MAP_FAILED) {
        return -1;
    }
    bool good = page[0] == 'x';
    munmap((void *)page, PAGE_BYTES);
    struct ioctl_gntdev_unmap_grant_ref unmap = { .index = map.index, .count = 1 };
    if (!good) {
        errno = EIO;
    }
    return ioctl(file, IOCTL_GNTDEV_UNMAP_GRANT_REF, &unmap) || !good ? -1 : 0;
}

static int run_grant(unsigned int operations)
{
    int source = open("/dev/xen/gntalloc", O_RDWR | O_CLOEXEC);
    int file = open("/dev/xen/gntdev", O_RDWR | O_CLOEXEC);
    struct ioctl_gntalloc_alloc_gref grant = { .domid = EVTCHN_DOMAIN, .count = 1 };

    if (source < 0 || file < 0) {
        return -1;
    }
    grant.flags = GNTALLOC_FLAG_WRITABLE;
    if (ioctl(source, IOCTL_GNTALLOC_ALLOC_GREF, &grant)) {
        return -1;
    }
    char *page =
        mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, source, (off_t)grant.index);
    if (page == MAP_FAILED) {
        return -1;
    }
    page[0] = 'x';
    int result = 0;
    for (unsigned int i = 0; i < operations && !result; i++) {
        result = map_grant(file, grant.gref_ids[0]);
    }
    munmap(page, PAGE_BYTES);
    close(file);
    close(source);
    return result;
}

static const struct measurement measurements[] = {
    { "syscall", 20000, run_syscall },
    { "clock", 20000, run_clock },
    { "pipe-one-cpu", 2000, run_pipe_one_cpu },
    { "pipe-two-cpus", 2000, run_pipe_two_cpus },
    { "fork-exit", 100, run_fork_exit },
    { "fork-exec", 50, run_fork_exec },
    { "page-fault", 8192, run_page_fault },
    { "mprotect-page", 32768, run_mprotect },
    { "hypercall", 20000, run_hypercall },
    { "event", 2000, run_event },
    { "grant-map", 500, run_grant },
};

static void measure(const struct measurement *m)
{
    uint64_t best = UINT64_MAX;

    for (unsigned int round = 0; round < ROUNDS; round++) {
        uint64_t start = now_ns();
        if (m->run(m->operations)) {
            printf("micro %s unavailable (%s)\n", m->name, strerror(errno));
            return;
        }
        uint64_t elapsed = now_ns() - start;
        best = elapsed < best ? elapsed : best;
    }
    printf("micro %s %llu\n", m->name, (unsigned long long)(best / m->operations));
}

/* The counter runs since power-on; its rate is measured against the clock for a moment. */
static void tell_power_on(void)
{
    uint64_t start = now_ns(), ticks = __builtin_ia32_rdtsc(), elapsed;

    do {
        elapsed = now_ns() - start;
    } while (elapsed < 100000000u);
    double rate = (double)(__builtin_ia32_rdtsc() - ticks) / (double)elapsed;
    printf("micro power-on %.0f\n", (double)ticks / rate);
}

int main(int argc, char **argv)
{
    if (argc == 2 && !strcmp(argv[1], "--exit")) {
        return 0;
    }
    if (argc == 2 && !strcmp(argv[1], "--power-on")) {
        tell_power_on();
        return 0;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < sizeof(measurements) / sizeof(measurements[0]); i++) {
        bool chosen = argc < 2;
        for (int j = 1; j < argc; j++) {
            chosen |= !strcmp(argv[j], measurements[i].name);
        }
        if (chosen) {
            measure(&measurements[i]);
        }
    }
    return 0;
}
