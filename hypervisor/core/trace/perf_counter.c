/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The counters' values, a row for each CPU, written by that CPU alone; and what they are called. A
 * reset may race with a count, which is then missed or kept.
 */
#include "hypervisor/perf_counter.h"

#ifdef CONFIG_PERF_COUNTERS

DEFINE_PER_CPU(struct perf_values, perf_values);

#define DESCRIBE_ONE(name, text)         { text, PERF_##name, 1 },
#define DESCRIBE_MANY(name, text, count) { text, PERF_##name, count },
const struct perf_description perf_descriptions[] = { PERF_COUNTERS(DESCRIBE_ONE, DESCRIBE_MANY) };
const unsigned int perf_description_count = ARRAY_SIZE(perf_descriptions);

uint32_t perf_value_of(unsigned int cpu, unsigned int value)
{
    return READ_ONCE(per_cpu(perf_values, cpu).values[value]);
}

void perf_counters_reset(void)
{
    for (unsigned int cpu = 0; cpu < CONFIG_MAX_CPUS; cpu++) {
        for (unsigned int value = 0; value < PERF_VALUES; value++) {
            WRITE_ONCE(per_cpu(perf_values, cpu).values[value], 0);
        }
    }
}

#else

const struct perf_description perf_descriptions[] = { { NULL, 0, 0 } };
const unsigned int perf_description_count = 0;

uint32_t perf_value_of(unsigned int cpu, unsigned int value)
{
    return 0;
}

void perf_counters_reset(void)
{
}

#endif

uint32_t perf_value_sum(unsigned int value)
{
    uint32_t sum = 0;
    unsigned int cpu;

    cpu_for_each_online(cpu)
    {
        sum += perf_value_of(cpu, value);
    }
    return sum;
}
