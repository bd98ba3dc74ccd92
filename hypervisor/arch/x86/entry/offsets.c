/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Holds asm/offsets.h against the structures: it makes no code. */
#include "asm/current.h"
#include "asm/entry.h"
#include "asm/offsets.h"

#define CHECK_REGS(constant, member) \
    _Static_assert((constant) == offsetof(struct cpu_user_regs, member), #member)

CHECK_REGS(REGS_R15, r15);
CHECK_REGS(REGS_RAX, rax);
CHECK_REGS(REGS_RCX, rcx);
CHECK_REGS(REGS_ERROR_CODE, error_code);
CHECK_REGS(REGS_ENTRY_VECTOR, entry_vector);
CHECK_REGS(REGS_RIP, rip);
CHECK_REGS(REGS_CS, cs);
CHECK_REGS(REGS_RFLAGS, rflags);
CHECK_REGS(REGS_RSP, rsp);
CHECK_REGS(REGS_SS, ss);
CHECK_REGS(REGS_ES, es);

_Static_assert(sizeof(struct cpu_stack_top) == STACK_TOP_BYTES, "stack top");
_Static_assert(offsetof(struct cpu_stack_top, guest_regs) == 0, "guest_regs");
_Static_assert(offsetof(struct cpu_stack_top, cpu) == STACK_TOP_CPU, "cpu");
_Static_assert(offsetof(struct cpu_stack_top, current) == STACK_TOP_CURRENT, "current");
_Static_assert(sizeof(struct syscall_landing) == 1 << SYSCALL_LANDING_SHIFT, "landing");
_Static_assert(offsetof(struct syscall_landing, stack) == SYSCALL_LANDING_STACK, "stack");
_Static_assert(offsetof(struct syscall_landing, scratch) == SYSCALL_LANDING_SCRATCH, "scratch");
