/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * One x86-64 instruction of a guest, cut into its fields (AMD APM 3, chapter 1). A pure decoder over
 * bytes that were copied once: no guest memory is touched.
 */
#ifndef ASM_INSTRUCTION_H
#define ASM_INSTRUCTION_H

#include "abi/xen.h"
#include "hypervisor/types.h"

#define INSTRUCTION_BYTES_MAX 15

enum instruction_map { MAP_ONE_BYTE, MAP_0F };

struct instruction {
    uint8_t length; /* of what was decoded so far; all of it once decoding is done */
    uint8_t opcode;
    uint8_t map; /* enum instruction_map */
    uint8_t rex;
    bool operand16, address32, repeat, repeat_not, lock;
    bool has_modrm;
    uint8_t modrm;
    uint8_t segment_override; /* the prefix byte, 0 when none */
};

/* Register and r/m numbers with their REX extension. */
static inline unsigned int instruction_reg(const struct instruction *in)
{
    return (in->modrm >> 3 & 7) | (in->rex & 4) << 1;
}

static inline unsigned int instruction_rm(const struct instruction *in)
{
    return (in->modrm & 7) | (in->rex & 1) << 3;
}

static inline bool instruction_rm_is_register(const struct instruction *in)
{
    return in->modrm >> 6 == 3;
}

/* Operand bytes of an instruction that is not one of the byte forms: 2, 4 or 8. */
static inline unsigned int instruction_operand_bytes(const struct instruction *in)
{
    return in->rex & 8 ? 8 : in->operand16 ? 2 : 4;
}

/*
 * Prefixes, REX, opcode (one-byte map and 0F) and, where `modrm(opcode, map)` says so, ModRM with SIB
 * and displacement. False when the bytes end first. Immediates are the caller's: they begin at length.
 */
bool instruction_decode(struct instruction *in, const uint8_t *bytes, unsigned int count,
                        bool (*has_modrm)(uint8_t opcode, uint8_t map));

/* The general register of that number in a frame. */
uint64_t *instruction_register(struct cpu_user_regs *regs, unsigned int number);

/* Copies up to 15 bytes at the current guest's rip; how many could be read. */
unsigned int instruction_fetch(const struct cpu_user_regs *regs, uint8_t *bytes);

#endif
