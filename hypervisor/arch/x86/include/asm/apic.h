/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The local APIC, xAPIC or x2APIC (options x2apic, no-x2apic). Theory: arch/x86/apic/lapic.c. */
#ifndef ASM_APIC_H
#define ASM_APIC_H

#include "hypervisor/types.h"

void lapic_init(void);     /* boot CPU, once: mode, mapping; then lapic_init_cpu() */
void lapic_init_cpu(void); /* each CPU: enabled, all local vectors masked but ours */

bool lapic_is_x2apic(void);
uint32_t lapic_id(void); /* of this CPU, 32 bits in x2APIC mode */
void lapic_eoi(void);

/* Any context. The vector is delivered fixed, edge. */
void lapic_send_ipi(uint32_t apic_id, unsigned int vector);
void lapic_send_nmi(uint32_t apic_id);
void lapic_send_init(uint32_t apic_id);
void lapic_send_startup(uint32_t apic_id, unsigned int page); /* paddr of the code >> 12 */

bool lapic_is_serviced(unsigned int vector); /* the in-service bit of this CPU */
bool lapic_is_requested(unsigned int vector);

/*
 * The timer, VECTOR_TIMER, one-shot. With a TSC deadline: arm with the TSC value. Else: with
 * ticks of the counter, whose frequency lapic_timer_count() helps to measure. 0 disarms.
 */
bool lapic_timer_has_deadline(void);
void lapic_timer_arm_deadline(uint64_t tsc);
void lapic_timer_arm_ticks(uint32_t ticks);
uint32_t lapic_timer_count(void); /* what is left of the ticks */

/* Quiet this CPU's APIC: before a restart, or in panic. */
void lapic_disable(void);

void lapic_dump(void);

#endif
