/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The opcodes that are emulated: AMD APM 3, appendix A. */
#include "decode_table.h"

#include "operation.h"

#define RMW  (ROW_READ | ROW_LOCK)
#define TEST (ROW_READ | ROW_KEEP)

/* The six forms of one arithmetic operation. */
#define ALU_ROWS(opcode, operation, flags)                                      \
    [(opcode)] = { DO_ALU, FORM_EG, ROW_BYTE | (flags), operation },            \
    [(opcode) + 1] = { DO_ALU, FORM_EG, flags, operation },                     \
    [(opcode) + 2] = { DO_ALU, FORM_GE, ROW_BYTE | ((flags)&TEST), operation }, \
    [(opcode) + 3] = { DO_ALU, FORM_GE, (flags)&TEST, operation },              \
    [(opcode) + 4] = { DO_ALU, FORM_AI, ROW_BYTE | ((flags)&TEST), operation }, \
    [(opcode) + 5] = { DO_ALU, FORM_AI, (flags)&TEST, operation }

#define BOTH(opcode, action, form, flags, detail)              \
    [(opcode)] = { action, form, ROW_BYTE | (flags), detail }, \
    [(opcode) + 1] = { action, form, flags, detail }

const struct decode_row decode_one_byte[256] = {
    ALU_ROWS(0x00, ALU_ADD, RMW),
    ALU_ROWS(0x08, ALU_OR, RMW),
    ALU_ROWS(0x10, ALU_ADC, RMW),
    ALU_ROWS(0x18, ALU_SBB, RMW),
    ALU_ROWS(0x20, ALU_AND, RMW),
    ALU_ROWS(0x28, ALU_SUB, RMW),
    ALU_ROWS(0x30, ALU_XOR, RMW),
    ALU_ROWS(0x38, ALU_CMP, TEST),
    [0x50 ... 0x57] = { DO_PUSH, FORM_R, ROW_STACK | TEST, 0 },
    [0x58 ... 0x5f] = { DO_POP, FORM_R, ROW_STACK, 0 },
    [0x63] = { DO_MOVSX, FORM_GE, 0, 4 },
    [0x68] = { DO_PUSH, FORM_I, ROW_STACK, 0 },
    [0x69] = { DO_IMUL, FORM_GEI, 0, 0 },
    [0x6a] = { DO_PUSH, FORM_I8, ROW_STACK, 0 },
    [0x6b] = { DO_IMUL, FORM_GEI8, 0, 0 },
    BOTH(0x6c, DO_INS, FORM_STRING, 0, 0),
    BOTH(0x6e, DO_OUTS, FORM_STRING, 0, 0),
    [0x80] = { DO_GROUP, FORM_EI, ROW_BYTE, GROUP_1 },
    [0x81] = { DO_GROUP, FORM_EI, 0, GROUP_1 },
    [0x82] = { DO_GROUP, FORM_EI, ROW_BYTE | ROW_NOT_LONG, GROUP_1 },
    [0x83] = { DO_GROUP, FORM_EI8, 0, GROUP_1 },
    BOTH(0x84, DO_TEST, FORM_EG, TEST, 0),
    BOTH(0x86, DO_XCHG, FORM_EG, RMW, 0),
    BOTH(0x88, DO_MOV, FORM_EG, 0, 0),
    BOTH(0x8a, DO_MOV, FORM_GE, 0, 0),
    [0x8d] = { DO_LEA, FORM_GE, ROW_MEMORY, 0 },
    [0x8f] = { DO_GROUP, FORM_E, ROW_STACK, GROUP_1A },
    [0x90 ... 0x97] = { DO_XCHG, FORM_RA, ROW_READ, 0 },
    BOTH(0xa0, DO_MOV, FORM_AO, 0, 0),
    BOTH(0xa2, DO_MOV, FORM_OA, 0, 0),
    BOTH(0xa4, DO_MOVS, FORM_STRING, 0, 0),
    BOTH(0xa6, DO_CMPS, FORM_STRING, 0, 0),
    BOTH(0xa8, DO_TEST, FORM_AI, TEST, 0),
    BOTH(0xaa, DO_STOS, FORM_STRING, 0, 0),
    BOTH(0xac, DO_LODS, FORM_STRING, 0, 0),
    BOTH(0xae, DO_SCAS, FORM_STRING, 0, 0),
    [0xb0 ... 0xb7] = { DO_MOV, FORM_RI, ROW_BYTE, 0 },
    [0xb8 ... 0xbf] = { DO_MOV, FORM_RI, 0, 0 },
    [0xc0] = { DO_GROUP, FORM_EI8, ROW_BYTE, GROUP_2 },
    [0xc1] = { DO_GROUP, FORM_EI8, 0, GROUP_2 },
    [0xc6] = { DO_GROUP, FORM_EI, ROW_BYTE, GROUP_11 },
    [0xc7] = { DO_GROUP, FORM_EI, 0, GROUP_11 },
    BOTH(0xd0, DO_GROUP, FORM_E1, 0, GROUP_2),
    BOTH(0xd2, DO_GROUP, FORM_ECL, 0, GROUP_2),
    BOTH(0xe4, DO_IN, FORM_PORT_I8, 0, 0),
    BOTH(0xe6, DO_OUT, FORM_PORT_I8, 0, 0),
    BOTH(0xec, DO_IN, FORM_PORT_DX, 0, 0),
    BOTH(0xee, DO_OUT, FORM_PORT_DX, 0, 0),
    [0xf6] = { DO_GROUP, FORM_E, ROW_BYTE, GROUP_3 },
    [0xf7] = { DO_GROUP, FORM_E, 0, GROUP_3 },
    [0xfe] = { DO_GROUP, FORM_E, ROW_BYTE, GROUP_4 },
    [0xff] = { DO_GROUP, FORM_E, 0, GROUP_5 },
};

const struct decode_row decode_0f[256] = {
    [0x06] = { DO_CLTS, FORM_NONE, 0, 0 },
    [0x0d] = { DO_NOP, FORM_E, 0, 0 },
    [0x18 ... 0x1f] = { DO_NOP, FORM_E, 0, 0 },
    [0x20] = { DO_MOV_FROM_CONTROL, FORM_CONTROL, 0, 0 },
    [0x22] = { DO_MOV_TO_CONTROL, FORM_CONTROL, 0, 0 },
    [0x40 ... 0x4f] = { DO_CMOV, FORM_GE, ROW_READ, 0 },
    [0x90 ... 0x9f] = { DO_SETCC, FORM_E, ROW_BYTE, 0 },
    [0xa3] = { DO_BIT, FORM_EG, TEST, 0 },
    [0xab] = { DO_BIT, FORM_EG, RMW, 1 },
    [0xaf] = { DO_IMUL, FORM_GE, ROW_READ, 0 },
    BOTH(0xb0, DO_CMPXCHG, FORM_EG, RMW, 0),
    [0xb3] = { DO_BIT, FORM_EG, RMW, 2 },
    [0xb6] = { DO_MOVZX, FORM_GE, 0, 1 },
    [0xb7] = { DO_MOVZX, FORM_GE, 0, 2 },
    [0xba] = { DO_GROUP, FORM_EI8, 0, GROUP_8 },
    [0xbb] = { DO_BIT, FORM_EG, RMW, 3 },
    [0xbc] = { DO_BITSCAN, FORM_GE, ROW_READ, 0 },
    [0xbd] = { DO_BITSCAN, FORM_GE, ROW_READ, 1 },
    [0xbe] = { DO_MOVSX, FORM_GE, 0, 1 },
    [0xbf] = { DO_MOVSX, FORM_GE, 0, 2 },
    BOTH(0xc0, DO_XADD, FORM_EG, RMW, 0),
    [0xc3] = { DO_MOV, FORM_EG, ROW_MEMORY, 0 },
    [0xc7] = { DO_GROUP, FORM_E, 0, GROUP_9 },
    [0xc8 ... 0xcf] = { DO_BSWAP, FORM_R, ROW_READ, 0 },
};

#define GROUP_1_ROW(operation, flags) [operation] = { DO_ALU, FORM_NONE, flags, operation }
#define SHIFT_ROW(operation)          [operation] = { DO_SHIFT, FORM_NONE, ROW_READ, operation }

/* A form of its own replaces that of the opcode; flags are added to the opcode's. */
const struct decode_row decode_group[GROUPS][8] = {
    [GROUP_1] = {
        GROUP_1_ROW(ALU_ADD, RMW), GROUP_1_ROW(ALU_OR, RMW), GROUP_1_ROW(ALU_ADC, RMW),
        GROUP_1_ROW(ALU_SBB, RMW), GROUP_1_ROW(ALU_AND, RMW), GROUP_1_ROW(ALU_SUB, RMW),
        GROUP_1_ROW(ALU_XOR, RMW), GROUP_1_ROW(ALU_CMP, TEST),
    },
    [GROUP_1A] = { [0] = { DO_POP, FORM_NONE, 0, 0 } },
    [GROUP_2] = {
        SHIFT_ROW(SHIFT_ROL), SHIFT_ROW(SHIFT_ROR), SHIFT_ROW(SHIFT_RCL), SHIFT_ROW(SHIFT_RCR),
        SHIFT_ROW(SHIFT_SHL), SHIFT_ROW(SHIFT_SHR), SHIFT_ROW(SHIFT_SAL), SHIFT_ROW(SHIFT_SAR),
    },
    [GROUP_3] = {
        [0 ... 1] = { DO_TEST, FORM_EI, TEST, 0 },
        [2] = { DO_NOT, FORM_NONE, RMW, 0 },
        [3] = { DO_NEG, FORM_NONE, RMW, 0 },
        [4] = { DO_MUL, FORM_NONE, TEST, 0 },
        [5] = { DO_MUL, FORM_NONE, TEST, 1 },
    },
    [GROUP_4] = {
        [0] = { DO_INC, FORM_NONE, RMW, 0 },
        [1] = { DO_DEC, FORM_NONE, RMW, 0 },
    },
    [GROUP_5] = {
        [0] = { DO_INC, FORM_NONE, RMW, 0 },
        [1] = { DO_DEC, FORM_NONE, RMW, 0 },
        [6] = { DO_PUSH, FORM_NONE, ROW_STACK | TEST, 0 },
    },
    [GROUP_8] = {
        [4] = { DO_BIT, FORM_NONE, TEST, 0 },
        [5] = { DO_BIT, FORM_NONE, RMW, 1 },
        [6] = { DO_BIT, FORM_NONE, RMW, 2 },
        [7] = { DO_BIT, FORM_NONE, RMW, 3 },
    },
    [GROUP_9] = { [1] = { DO_CMPXCHG_PAIR, FORM_NONE, ROW_LOCK | ROW_MEMORY, 0 } },
    [GROUP_11] = { [0] = { DO_MOV, FORM_NONE, 0, 0 } },
};
