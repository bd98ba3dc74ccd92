/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * micro [NAME]...                    the services of kernel and hypervisor, here or on plain Linux
 * micro --power-on                   how long the machine has been running, by the processor's counter,
 *                                    firmware and boot loader included
 * micro --clock                      the monotonic clock, in nanoseconds
 * micro --memory                     bytes that are neither free nor a domain's; in dom0 only
 * micro --serve                      answers the next from the background
 * micro --network LABEL ADDRESS      TCP to there: round trip of a byte, 64 KiB of a stream each way
 * micro --disk DEVICE                4 KiB at scattered places, 64 KiB in a row. Overwrites it
 *
 * One line for each: `micro NAME NANOSECONDS-PER-OPERATION`, the best of a few rounds; or
 * `micro NAME unavailable (why)`. Each row of the first is dominated by one service of the hypervisor: address
 * space switches, page table updates, faults, hypercalls, events, grants.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "micro.h"

#define ROUNDS 3

uint64_t now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

void measure(const struct measurement *m)
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

static void measure_chosen(const struct measurement *table, int count, char **names)
{
    for (; table->name; table++) {
        bool chosen = count == 0;

        for (int i = 0; i < count; i++) {
            chosen |= !strcmp(names[i], table->name);
        }
        if (chosen) {
            measure(table);
        }
    }
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";

    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!strcmp(what, "--exit")) {
        return 0; /* what fork-exec executes */
    } else if (!strcmp(what, "--power-on")) {
        tell_power_on();
    } else if (!strcmp(what, "--clock")) {
        printf("%llu\n", (unsigned long long)now_ns());
    } else if (!strcmp(what, "--memory")) {
        return memory_tell();
    } else if (!strcmp(what, "--serve")) {
        return network_serve();
    } else if (!strcmp(what, "--network") && argc == 4) {
        return network_measure(argv[2], argv[3]);
    } else if (!strcmp(what, "--disk") && argc == 3) {
        return disk_measure(argv[2]);
    } else if (what[0] == '-') {
        fprintf(stderr, "micro: %s is not understood\n", what);
        return 2;
    } else {
        measure_chosen(process_measurements, argc - 1, argv + 1);
        measure_chosen(xen_measurements, argc - 1, argv + 1);
    }
    return 0;
}
