/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The host: the fake CPU that runs now is found by a global; the CPUs are coroutines of one thread. */
#ifndef ASM_CURRENT_H
#define ASM_CURRENT_H

#include "asm/layout.h"
#include "asm/regs.h"
#include "hypervisor/compiler.h"

#include <stdbool.h>

struct vcpu;

struct host_cpu {
    unsigned int id;
    bool irq_enabled;
    struct vcpu *current;
    struct cpu_user_regs guest_regs;
};

extern struct host_cpu *host_cpu; /* the one that runs */

/* May run another fake CPU, and this one's interrupts and calls when `enabled`. */
void host_relax(void);
void host_interrupts_enabled(void);

static inline unsigned int arch_cpu_id(void)
{
    return host_cpu->id;
}

static inline struct vcpu *arch_current_vcpu(void)
{
    return host_cpu->current;
}

static inline void arch_set_current_vcpu(struct vcpu *vcpu)
{
    host_cpu->current = vcpu;
}

static inline struct cpu_user_regs *guest_regs(void)
{
    return &host_cpu->guest_regs;
}

static inline bool arch_irq_enabled(void)
{
    return host_cpu->irq_enabled;
}

static inline void arch_irq_disable(void)
{
    host_cpu->irq_enabled = false;
}

static inline void arch_irq_enable(void)
{
    host_cpu->irq_enabled = true;
    host_interrupts_enabled();
}

static inline unsigned long arch_irq_save(void)
{
    unsigned long flags = host_cpu->irq_enabled;

    arch_irq_disable();
    return flags;
}

static inline void arch_irq_restore(unsigned long flags)
{
    if (flags != 0) {
        arch_irq_enable();
    }
}

static inline void arch_cpu_relax(void)
{
    host_relax();
}

#endif
