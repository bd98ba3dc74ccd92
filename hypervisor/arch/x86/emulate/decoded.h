/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* An instruction between its decoding and its execution. */
#ifndef EMULATE_DECODED_H
#define EMULATE_DECODED_H

#include "asm/emulator.h"
#include "decode_table.h"

enum operand_kind { OPERAND_NONE, OPERAND_REGISTER, OPERAND_MEMORY, OPERAND_VALUE };

struct operand {
    uint8_t kind;   /* enum operand_kind */
    uint8_t number; /* of the register */
    uint64_t value;
};

struct decoded {
    const uint8_t *bytes;
    uint8_t count, at; /* at: the next byte; at the end, the length */

    uint8_t repeat; /* 0xf2, 0xf3 or 0 */
    bool operand16, address_other, lock;
    uint8_t rex, opcode, modrm;
    bool is_0f, short_of_bytes, rip_relative;

    struct decode_row row; /* of the opcode, with that of its group */
    uint8_t width;         /* bytes of the operands */
    uint8_t address_bytes;
    struct operand to, from, third;

    /* Memory operand. */
    uint8_t segment; /* enum emulator_segment */
    bool segment_given;
    uint64_t offset;
};

/* EMULATOR_DONE when `d` is complete; EMULATOR_UNKNOWN, or EMULATOR_FAULT for a LOCK out of place. */
enum emulator_result emulator_decode(struct emulator *emulator, struct decoded *d);

/* Works on registers that are the caller's copy; rip is not touched but by string instructions. */
enum emulator_result emulator_execute(struct emulator *emulator, struct decoded *d,
                                      struct cpu_user_regs *regs);
enum emulator_result emulator_execute_string(struct emulator *emulator, struct decoded *d,
                                             struct cpu_user_regs *regs, bool *again);

static inline enum emulator_result emulator_fault(struct emulator *emulator, uint8_t vector,
                                                  bool has_code, uint32_t code)
{
    emulator->fault =
        (struct emulator_fault){ .vector = vector, .has_code = has_code, .code = code };
    return EMULATOR_FAULT;
}

#endif
