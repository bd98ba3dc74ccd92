/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Processors: bringing them up, talking to them. arch/x86/smp. */
#ifndef ASM_SMP_H
#define ASM_SMP_H

#include "hypervisor/cpu.h"
#include "hypervisor/types.h"

/* APIC id of each CPU id; ~0 when there is no such CPU. CPU 0 is the boot CPU. */
extern uint32_t cpu_apic_id[CONFIG_MAX_CPUS];

/* CPU with that APIC id, or -1. */
int cpu_of_apic_id(uint32_t apic_id);

/* Numbers the processors of the firmware tables: cpu_present_mask, cpu_apic_id. IPIs' handlers. */
void smp_prepare(void);

/* Starts them all; those that do not answer are left out with a message. */
void smp_boot(void);

/* Stops all other CPUs for good, by NMI: panic, restart. Any context. */
void smp_stop_others(void);

/* The NMI that smp_stop_others sends: does not return when this CPU is to stop. */
void smp_nmi(void);

#endif
