/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* A clock that the test moves, and one deadline a CPU. */
#include "inside.h"
#include "optional.h"

#include "arch/time.h"

#define TIME_AT_START ((int64_t)NS_PER_SECOND)

static int64_t now = TIME_AT_START;
static int64_t deadlines[CONFIG_MAX_CPUS];

void host_time_setup(void)
{
    unsigned int cpu;

    now = TIME_AT_START;
    for (cpu = 0; cpu < CONFIG_MAX_CPUS; cpu++) {
        deadlines[cpu] = INT64_MAX;
    }
}

HOST_WEAK int64_t arch_time_now(void)
{
    return now;
}

/* One a nanosecond. */
uint64_t arch_cycles(void)
{
    return (uint64_t)arch_time_now();
}

void arch_timer_program(int64_t deadline)
{
    deadlines[arch_cpu_id()] = deadline;
}

int64_t host_timer_deadline(unsigned int cpu)
{
    return deadlines[cpu];
}

static void interrupt(void *data)
{
    if (host_has(timer_interrupt)) {
        timer_interrupt();
    }
}

void host_advance_time(uint64_t ns)
{
    int64_t until = now + (int64_t)ns;
    unsigned int cpu, first;

    for (;;) {
        for (cpu = first = 0; cpu < host_cpu_count; cpu++) {
            if (deadlines[cpu] < deadlines[first]) {
                first = cpu;
            }
        }
        if (deadlines[first] > until) {
            break;
        }
        now = max(now, deadlines[first]);
        deadlines[first] = INT64_MAX;
        host_as_cpu(first, interrupt, NULL);
    }
    now = until;
}

HOST_WEAK void arch_vcpu_time_update(struct vcpu *vcpu, bool force)
{
}
