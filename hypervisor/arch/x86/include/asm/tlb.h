/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * TLB flushes. Theory: arch/x86/mm/tlb.c. The clock and the debts are arch/memory.h's.
 *
 * The waiting forms answer other CPUs' flush requests while they wait, so they may be called with
 * interrupts on or off; but no lock may be held that a flushing CPU could spin on with interrupts off.
 */
#ifndef ASM_TLB_H
#define ASM_TLB_H

#include "hypervisor/types.h"

struct cpu_mask;

void tlb_flush_local(void); /* all that guests' tables can have put there */
void tlb_flush_local_va(uint64_t va);

/*
 * All that guests' tables can have put there, on all online CPUs of the mask, this one included when
 * in it; return when done. tlb_flush_all: everything, the hypervisor's entries too, everywhere.
 */
void tlb_flush_mask(const struct cpu_mask *mask);
void tlb_flush_mask_va(const struct cpu_mask *mask, uint64_t va);
void tlb_flush_all(void);

/* Loads CR3; counts as a flush of all that guests can have put there (PTE_GLOBAL is ours alone). */
void cr3_load(uint64_t cr3);
uint64_t cr3_read(void);

/* Set-up of the IPI, once. */
void tlb_init(void);

/* Serves a pending request to this CPU: for loops that wait with interrupts off. */
void tlb_poll(void);

#endif
