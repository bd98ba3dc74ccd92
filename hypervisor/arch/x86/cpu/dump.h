/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Between the files of this folder. */
#ifndef DUMP_H
#define DUMP_H

#include "asm/regs.h"
#include "hypervisor/types.h"

/* Registers of a frame, with the names of the places they point to. */
void dump_registers(const struct cpu_user_regs *regs);

/* The call stack from a frame pointer and an instruction pointer (0: from the caller's). */
void dump_calls(uint64_t rbp, uint64_t rsp, uint64_t rip);

/* In an NMI: true when it was arch_cpu_dump()'s, and the dump is out. */
bool cpu_dump_nmi(const struct cpu_user_regs *regs);

/* What panic() does after its message; regs may be NULL. */
void panic_finish(const struct cpu_user_regs *regs) __noreturn;

/* The head of a dump: stops the other CPUs, breaks the console's locks, says what happened. */
void panic_start(const char *format, ...) __printf_like(1, 2);

#endif
