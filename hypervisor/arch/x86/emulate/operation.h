/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Arithmetic of the processor by itself: the result, and the flags of an operand of that width. */
#ifndef EMULATE_OPERATION_H
#define EMULATE_OPERATION_H

#include "hypervisor/types.h"

/* The first eight as the opcodes and the group 80..83 number them; the next as C0..D3 do. */
enum alu_operation { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP };
enum shift_operation {
    SHIFT_ROL,
    SHIFT_ROR,
    SHIFT_RCL,
    SHIFT_RCR,
    SHIFT_SHL,
    SHIFT_SHR,
    SHIFT_SAL,
    SHIFT_SAR
};

#define FLAGS_STATUS 0x8d5ull /* OF SF ZF AF PF CF */

static inline uint64_t width_mask(unsigned int width)
{
    return width >= 8 ? ~0ull : (1ull << 8 * width) - 1;
}

/* The number in the lowest `width` bytes, 1 to 8, as a signed one. */
static inline uint64_t sign_extended(uint64_t value, unsigned int width)
{
    unsigned int unused = 64 - 8 * width;

    return (uint64_t)((int64_t)(value << unused) >> unused);
}

/* width: 1, 2, 4 or 8 bytes. *flags: rflags before, with the status flags of the result after. */
uint64_t alu(enum alu_operation operation, unsigned int width, uint64_t a, uint64_t b,
             uint64_t *flags);

/* By count as the instruction has it; undefined flags are the processor's. */
uint64_t shift(enum shift_operation operation, unsigned int width, uint64_t a, uint8_t count,
               uint64_t *flags);

/* INC and DEC keep CF. */
uint64_t increment(unsigned int width, uint64_t a, bool down, uint64_t *flags);

/* One-operand multiplication: the high half in *high. */
uint64_t multiply(unsigned int width, bool is_signed, uint64_t a, uint64_t b, uint64_t *high,
                  uint64_t *flags);

/* Condition `code` (the low four bits of Jcc, SETcc, CMOVcc) of those flags. */
bool condition(unsigned int code, uint64_t flags);

#endif
