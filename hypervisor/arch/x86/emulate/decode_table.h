/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* What an opcode is: a row a byte of the two maps, and of the groups that ModRM's reg selects from. */
#ifndef EMULATE_DECODE_TABLE_H
#define EMULATE_DECODE_TABLE_H

#include "hypervisor/types.h"

/* What is done; 0: not emulated. */
enum emulated {
    DO_NOTHING_KNOWN,
    DO_ALU, /* detail: enum alu_operation */
    DO_TEST,
    DO_MOV,
    DO_MOVZX, /* detail: source bytes */
    DO_MOVSX,
    DO_XCHG,
    DO_XADD,
    DO_CMPXCHG,
    DO_CMPXCHG_PAIR,
    DO_SHIFT, /* detail: enum shift_operation */
    DO_INC,
    DO_DEC,
    DO_NOT,
    DO_NEG,
    DO_MUL, /* detail: signed */
    DO_IMUL,
    DO_BIT,     /* detail: 0 BT, 1 BTS, 2 BTR, 3 BTC */
    DO_BITSCAN, /* detail: 1 from the top */
    DO_BSWAP,
    DO_CMOV,
    DO_SETCC,
    DO_LEA,
    DO_PUSH,
    DO_POP,
    DO_NOP,
    DO_MOVS,
    DO_CMPS,
    DO_STOS,
    DO_LODS,
    DO_SCAS,
    DO_INS,
    DO_OUTS,
    DO_IN,
    DO_OUT,
    DO_MOV_FROM_CONTROL,
    DO_MOV_TO_CONTROL,
    DO_CLTS,
    DO_GROUP, /* detail: enum group */
};

/* Where the operands are, in the words of AMD APM 3, appendix A. */
enum form {
    FORM_NONE,
    FORM_EG, /* ModRM's r/m, then its reg */
    FORM_GE,
    FORM_E,
    FORM_EI,  /* immediate as wide as the operand, 4 bytes at most */
    FORM_EI8, /* one byte, extended */
    FORM_E1,
    FORM_ECL,
    FORM_GEI,
    FORM_GEI8,
    FORM_AI,
    FORM_AO, /* accumulator, then memory by an offset in the instruction */
    FORM_OA,
    FORM_R, /* the register in the opcode's low bits */
    FORM_RA,
    FORM_RI, /* an immediate as wide as the operand, 8 bytes too */
    FORM_I,
    FORM_I8,
    FORM_STRING,
    FORM_PORT_I8,
    FORM_PORT_DX,
    FORM_CONTROL,
};

enum group {
    GROUP_1,
    GROUP_1A,
    GROUP_2,
    GROUP_3,
    GROUP_4,
    GROUP_5,
    GROUP_8,
    GROUP_9,
    GROUP_11,
    GROUPS
};

#define ROW_BYTE     0x01u /* one-byte operands */
#define ROW_LOCK     0x02u /* LOCK is allowed with a destination in memory */
#define ROW_READ     0x04u /* the destination is read */
#define ROW_KEEP     0x08u /* and not written */
#define ROW_STACK    0x10u /* eight bytes by default in 64-bit mode */
#define ROW_NOT_LONG 0x20u /* no such instruction in 64-bit mode */
#define ROW_MEMORY   0x40u /* ModRM's r/m has to be memory */

struct decode_row {
    uint8_t action; /* enum emulated */
    uint8_t form;   /* enum form */
    uint8_t flags;  /* ROW_* */
    uint8_t detail;
};

extern const struct decode_row decode_one_byte[256], decode_0f[256];
extern const struct decode_row decode_group[GROUPS][8];

#endif
