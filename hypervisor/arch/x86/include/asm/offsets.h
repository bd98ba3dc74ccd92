/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Offsets that assembly uses; asserted against the structures in arch/x86/entry/offsets.c. */
#ifndef ASM_OFFSETS_H
#define ASM_OFFSETS_H

#define REGS_R15          0
#define REGS_RAX          80
#define REGS_RCX          88
#define REGS_ERROR_CODE   120
#define REGS_ENTRY_VECTOR 124
#define REGS_RIP          128
#define REGS_CS           136
#define REGS_RFLAGS       144
#define REGS_RSP          152
#define REGS_SS           160
#define REGS_ES           168

/* struct cpu_stack_top */
#define STACK_TOP_BYTES   232
#define STACK_TOP_CPU     200
#define STACK_TOP_CURRENT 208

/* struct syscall_landing of asm/entry.h */
#define SYSCALL_LANDING_SHIFT   6
#define SYSCALL_LANDING_STACK   0
#define SYSCALL_LANDING_SCRATCH 8

#endif
