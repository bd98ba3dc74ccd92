/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Traps and callbacks of the hypervisor. A fault is an answer: trap_guard() runs a function and says
 * what ended it.
 */
#ifndef LIB_TRAP_H
#define LIB_TRAP_H

#include "hypervisor/types.h"

#include <xen/xen.h>

/* As entry.S leaves it on the stack. */
struct trap_frame {
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};

/* What comes by a callback, in the place of a vector. */
#define TRAP_EVENTS    0x100u
#define TRAP_FAILSAFE  0x101u
#define TRAP_SYSCALL   0x102u
#define TRAP_SYSCALL32 0x103u
#define TRAP_SYSENTER  0x104u
#define TRAP_NMI       0x105u

/*
 * The result of a check that ended in a trap: far above any result of a hypercall that a check looks
 * at; only its text is ever printed.
 */
#define TRAPPED(vector)   (0x7a000000l | (long)(vector))
#define IS_TRAPPED(value) (((value) & ~0xfffl) == 0x7a000000l)

/* Tells the hypervisor about all handlers of this vcpu. Also undoes what a probe changed of them. */
void trap_init_vcpu(void);

/*
 * Runs function(argument). 0 when it returned, TRAPPED(vector) when a trap ended it; *frame (if not
 * NULL) is then what the trap found. Not nested. Upcalls and NMIs do not end it.
 */
long trap_guard(void (*function)(void *), void *argument, struct trap_frame *frame);
/* The address of the last page fault. */
uint64_t trap_address(void);

/* Guarded accesses: 0 or TRAPPED(vector). */
long trap_read(const volatile void *address, uint64_t *value);
long trap_write(volatile void *address, uint64_t value);

/*
 * Runs code in the guest's user mode, on the same page tables, with the registers of `context`; it
 * comes back by a trap, an interrupt or a system call: TRAPPED(what). rcx and r11 are the context's.
 */
long trap_user(const struct iret_context *context, struct trap_frame *frame);
/* A context to begin with: flat selectors, upcalls masked, a stack. */
struct iret_context trap_user_context(const void *code);

/* How many of these the vcpu took (they do not end a guarded function). */
extern volatile uint32_t trap_event_count, trap_nmi_count;
/* Called for each upcall when it is not NULL, in place of clearing all that is pending. */
extern void (*trap_on_events)(void);

void trap_dispatch(struct trap_frame *frame);

extern const char entry_stubs[], entry_events[], entry_failsafe[], entry_syscall[];
extern const char entry_syscall32[], entry_sysenter[], entry_nmi[];

bool guard_enter(void (*function)(void *), void *argument, uint64_t *sp);
void __noreturn guard_leave(uint64_t sp);
void __noreturn frame_return(const struct iret_context *frame);

#endif
