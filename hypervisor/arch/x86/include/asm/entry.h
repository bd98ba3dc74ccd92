/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Entries into the hypervisor and the way back out: exceptions, interrupts, SYSCALL, SYSENTER.
 * Theory: arch/x86/entry/entry.S.
 */
#ifndef ASM_ENTRY_H
#define ASM_ENTRY_H

#include "asm/entry_vectors.h"
#include "asm/regs.h"
#include "hypervisor/compiler.h"
#include "hypervisor/types.h"

/* What a SYSCALL finds without a register to spare: one line a CPU. */
struct syscall_landing {
    uint64_t stack;   /* &cpu_stack_top()->guest_regs.es */
    uint64_t scratch; /* the guest's stack pointer, for two instructions */
    uint64_t pad[6];
};

_Static_assert(sizeof(struct syscall_landing) == 64, "one cache line a CPU");

/* Builds the IDT once (boot CPU). Before it: any exception is a triple fault. */
void idt_init(void);

/* Loads the IDT on this CPU. IST 1..4 of the CPU's TSS must be set: see IST_*. */
void idt_load(void);

#define IST_NONE          0
#define IST_DOUBLE_FAULT  1
#define IST_NMI           2
#define IST_MACHINE_CHECK 3
#define IST_DEBUG         4

/* STAR, LSTAR, CSTAR, FMASK, SYSENTER MSRs of this CPU, and its landing. On its own stack. */
void syscall_init_cpu(void);

/* Called by assembly. */
void exception_dispatch(struct cpu_user_regs *regs);
void interrupt_dispatch(unsigned int vector, struct cpu_user_regs *regs); /* arch/x86/irq */
void interrupt_entry(struct cpu_user_regs *regs);
void nmi_handle(struct cpu_user_regs *regs);           /* arch/x86/cpu */
void machine_check_handle(struct cpu_user_regs *regs); /* arch/x86/cpu */
void syscall_dispatch(struct cpu_user_regs *regs);
void entry_prepare_exit(void);
void entry_iret_failed(struct cpu_user_regs *regs);

/* An exception of the hypervisor itself that nothing expected (arch/x86/cpu): dump, stop. */
void exception_fatal(unsigned int vector, struct cpu_user_regs *regs) __noreturn;

/* Leave to the current vcpu's guest, registers in guest_regs(), or start the idle loop; the stack is
 * abandoned. Interrupts off. */
void entry_resume_guest(void) __noreturn;
void entry_resume_idle(void) __noreturn;
void idle_loop(void) __noreturn;

/* True when the frame is a guest's (ring 3). */
static inline bool regs_from_guest(const struct cpu_user_regs *regs)
{
    return (regs->cs & 3) == 3;
}

/* True on processors where SMAP is on: entries from a guest clear AC, copies set it. */
extern uint8_t entry_smap_enabled;

/* What entries from guests and exits to them do about speculation (asm/speculation.h). */
extern uint8_t entry_scrub, entry_verw;
void entry_refill_rsb(void);

#endif
