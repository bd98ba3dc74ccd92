/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Port input and output of a PV guest: arch/x86/pv/emulate_io.c. */
#ifndef ASM_EMULATE_IO_H
#define ASM_EMULATE_IO_H

#include "asm/instruction.h"

/* IN, OUT, INS, OUTS with REP: true when done or trapped, false when the #GP stands. */
bool pv_emulate_io(struct cpu_user_regs *regs, const struct instruction *in, const uint8_t *bytes,
                   unsigned int count);

#endif
