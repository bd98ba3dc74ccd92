/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Who and where: the top of the per-CPU stack holds the register frame of the guest (lowest), then
 * what this CPU must find without any register of its own. No GS base is used: it is the guest's.
 */
#ifndef ASM_CURRENT_H
#define ASM_CURRENT_H

#include "asm/layout.h"
#include "asm/regs.h"
#include "hypervisor/types.h"

struct vcpu;

struct cpu_stack_top {
    struct cpu_user_regs guest_regs; /* without its es..gs tail when the CPU pushes it */
    uint32_t cpu;
    uint32_t pad;
    struct vcpu *current;
    uint64_t scratch[2];
};

/* The processor aligns its stack to 16 bytes before it pushes ss: guest_regs.es must be aligned. */
_Static_assert((sizeof(struct cpu_stack_top) - offsetof(struct cpu_user_regs, es)) % 16 == 0,
               "the frame a guest's entry pushes must end at guest_regs.es");

static __always_inline struct cpu_stack_top *cpu_stack_top(void)
{
    unsigned long sp;

    __asm__("mov %%rsp, %0" : "=r"(sp));
    return (struct cpu_stack_top *)((sp | (STACK_BYTES - 1)) + 1) - 1;
}

static __always_inline unsigned int arch_cpu_id(void)
{
    return cpu_stack_top()->cpu;
}

static __always_inline struct vcpu *arch_current_vcpu(void)
{
    return cpu_stack_top()->current;
}

static __always_inline void arch_set_current_vcpu(struct vcpu *vcpu)
{
    cpu_stack_top()->current = vcpu;
}

/* Registers of the current vcpu's guest, as it entered. */
static __always_inline struct cpu_user_regs *guest_regs(void)
{
    return &cpu_stack_top()->guest_regs;
}

static __always_inline void arch_irq_disable(void)
{
    __asm__ volatile("cli" ::: "memory");
}

static __always_inline void arch_irq_enable(void)
{
    __asm__ volatile("sti" ::: "memory");
}

static __always_inline unsigned long arch_flags(void)
{
    unsigned long flags;

    __asm__ volatile("pushf; pop %0" : "=r"(flags));
    return flags;
}

#define X86_EFLAGS_IF 0x200ul

static __always_inline bool arch_irq_enabled(void)
{
    return arch_flags() & X86_EFLAGS_IF;
}

static __always_inline unsigned long arch_irq_save(void)
{
    unsigned long flags = arch_flags();

    arch_irq_disable();
    return flags;
}

static __always_inline void arch_irq_restore(unsigned long flags)
{
    if (flags & X86_EFLAGS_IF) {
        arch_irq_enable();
    }
}

static __always_inline void arch_cpu_relax(void)
{
    __asm__ volatile("pause" ::: "memory");
}

#endif
