/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Counters of what happens, read by XEN_SYSCTL_perfc_op; nothing without CONFIG_PERF_COUNTERS.
 *
 *     perf_count(vcpu_wakes);
 *     perf_count_at(hypercalls, call->op);      beyond the array: its last value
 *
 * 32 bits a CPU, without locks or atomics: a count that an interrupt breaks into may be missed.
 */
#ifndef HYPERVISOR_PERF_COUNTER_H
#define HYPERVISOR_PERF_COUNTER_H

#include "hypervisor/cpu.h"
#include "hypervisor/types.h"

/* COUNTER(name, description), ARRAY(name, description, values): the order tools see. */
#define PERF_COUNTERS(COUNTER, ARRAY)                          \
    ARRAY(hypercalls, "hypercalls", 64)                        \
    ARRAY(exceptions, "exceptions", 32)                        \
    COUNTER(page_faults, "page faults of guests")              \
    COUNTER(pte_emulations, "page-table writes carried out")   \
    COUNTER(privileged, "privileged instructions carried out") \
    COUNTER(interrupts, "interrupts")                          \
    COUNTER(multicalls, "calls in multicalls")                 \
    COUNTER(mmu_updates, "requests of mmu_update")             \
    COUNTER(events_sent, "events sent by guests")              \
    COUNTER(grant_maps, "grants mapped")                       \
    COUNTER(grant_unmaps, "grants unmapped")                   \
    COUNTER(grant_copies, "grants copied")                     \
    COUNTER(schedules, "runs of the scheduler")                \
    COUNTER(switches, "switches to another vcpu")              \
    COUNTER(vcpu_wakes, "wake-ups of vcpus")                   \
    COUNTER(continuations, "hypercalls continued later")

enum perf_value {
#define PERF_ONE(name, text)          PERF_##name, PERF_##name##_last = PERF_##name,
#define PERF_MANY(name, text, values) PERF_##name, PERF_##name##_last = PERF_##name + (values)-1,
    PERF_COUNTERS(PERF_ONE, PERF_MANY) PERF_VALUES
#undef PERF_ONE
#undef PERF_MANY
};

#ifdef CONFIG_PERF_COUNTERS

struct perf_values {
    uint32_t values[PERF_VALUES];
} __aligned(64);

DECLARE_PER_CPU(struct perf_values, perf_values);

#define perf_count(name) ((void)this_cpu(perf_values).values[PERF_##name]++)
#define perf_count_at(name, index)                                      \
    ((void)this_cpu(perf_values)                                        \
         .values[min((unsigned int)PERF_##name + (unsigned int)(index), \
                     (unsigned int)PERF_##name##_last)]++)

#else

#define perf_count(name)           ((void)0)
#define perf_count_at(name, index) ((void)0)

#endif

struct perf_description {
    const char *text;
    uint16_t first;  /* enum perf_value */
    uint16_t values; /* 1: a counter, of which each processor's part is told */
};

/* 0 without CONFIG_PERF_COUNTERS. */
extern const unsigned int perf_description_count;
extern const struct perf_description perf_descriptions[];

/* A value on one CPU; of all of them. */
uint32_t perf_value_of(unsigned int cpu, unsigned int value);
uint32_t perf_value_sum(unsigned int value);
void perf_counters_reset(void);

#endif
