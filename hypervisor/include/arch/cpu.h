/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * THE ARCH CONTRACT: this processor.  Every architecture provides, mostly inline in asm/current.h:
 *
 *   unsigned int arch_cpu_id(void);              id of the CPU that runs this, 0 .. CONFIG_MAX_CPUS-1
 *   struct vcpu *arch_current_vcpu(void);        whose context this CPU is in (the idle vcpu's too)
 *   void arch_set_current_vcpu(struct vcpu *);
 *   void arch_irq_disable(void), arch_irq_enable(void);
 *   unsigned long arch_irq_save(void);           disables; returns what was
 *   void arch_irq_restore(unsigned long);
 *   bool arch_irq_enabled(void);
 *   void arch_cpu_relax(void);                   inside a busy wait
 */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include "hypervisor/types.h"

struct vcpu;
struct cpu_mask;

#include "asm/current.h"

/* Makes another CPU look at its softwork (IPI); harmless when it already does. Any context. */
void arch_cpu_kick(unsigned int cpu);

/* As cpu_call() of hypervisor/cpu.h, which is the generic name for it. */
void arch_cpu_call(const struct cpu_mask *mask, void (*fn)(void *data), void *data);

/* Stops this CPU until an interrupt, unless softwork is pending. Interrupts on before and after. */
void arch_cpu_idle(void);

unsigned int arch_cpu_node(unsigned int cpu);

/* Prints registers (of the vcpu when not NULL) and the symbolised stack of this CPU. */
void arch_dump_stack(void);
void arch_dump_vcpu(struct vcpu *vcpu);

/*
 * Has another CPU print its registers and stack, whatever it does at the time, by an interrupt that
 * cannot be masked; it goes on then. False when it did not within a second. One caller at a time.
 */
bool arch_cpu_dump(unsigned int cpu);

/* Never return. */
void arch_machine_restart(void) __noreturn;
void arch_machine_power_off(void) __noreturn;
void arch_machine_halt(void) __noreturn; /* all CPUs stopped, message stays on the screen */

#endif
