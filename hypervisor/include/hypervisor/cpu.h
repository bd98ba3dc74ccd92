/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Processors: ids 0 .. CONFIG_MAX_CPUS-1, which of them run, and calls across them.
 *
 * Per-CPU data is an array indexed by CPU id: DEFINE_PER_CPU(type, name) makes `name`, reached with
 * per_cpu(name, cpu) and this_cpu(name).
 */
#ifndef HYPERVISOR_CPU_H
#define HYPERVISOR_CPU_H

#include "arch/cpu.h"
#include "hypervisor/bitmap.h"
#include "hypervisor/types.h"

struct cpu_mask {
    unsigned long bits[BITMAP_LONGS(CONFIG_MAX_CPUS)];
};

extern struct cpu_mask cpu_online_mask;  /* takes part in everything */
extern struct cpu_mask cpu_present_mask; /* found in the firmware tables */

#define DEFINE_PER_CPU(type, name)  __typeof__(type) name[CONFIG_MAX_CPUS]
#define DECLARE_PER_CPU(type, name) extern __typeof__(type) name[CONFIG_MAX_CPUS]
#define per_cpu(name, cpu)          ((name)[cpu])
#define this_cpu(name)              ((name)[arch_cpu_id()])

static inline bool cpu_mask_test(const struct cpu_mask *mask, unsigned int cpu)
{
    return bit_test(mask->bits, cpu);
}

static inline void cpu_mask_set(struct cpu_mask *mask, unsigned int cpu)
{
    (void)bit_test_and_set(mask->bits, cpu);
}

static inline void cpu_mask_clear(struct cpu_mask *mask, unsigned int cpu)
{
    (void)bit_test_and_clear(mask->bits, cpu);
}

static inline bool cpu_is_online(unsigned int cpu)
{
    return cpu < CONFIG_MAX_CPUS && cpu_mask_test(&cpu_online_mask, cpu);
}

#define cpu_for_each(cpu, mask)  bitmap_for_each(cpu, (mask)->bits, CONFIG_MAX_CPUS)
#define cpu_for_each_online(cpu) cpu_for_each(cpu, &cpu_online_mask)

/*
 * Runs fn(data) on every online CPU of the mask, this one included when it is in the mask, with
 * interrupts off, and waits until all are done. Not from interrupt context, no lock held below
 * LOCK_CALL that the callee may want.
 */
void cpu_call(const struct cpu_mask *mask, void (*fn)(void *data), void *data);

/* NUMA node of a CPU, 0 on a machine without SRAT. */
unsigned int cpu_node(unsigned int cpu);

#endif
