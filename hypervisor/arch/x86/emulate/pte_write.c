/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Decode and execute for writes to page tables that fault.
 *
 * A PV kernel maps its page tables read-only. Most of its updates are hypercalls; the others are the
 * instructions of its atomic operations on entries: MOV, XCHG, CMPXCHG, XADD, AND, OR, XOR, ADD, SUB
 * with a memory destination, BTS, BTR, BTC. The address is known from the fault; what is left is the
 * operand's width, its source, and the flags (AMD APM 3; flags that are undefined stay as they are).
 */
#include "asm/pte_write.h"
#include "asm/pv.h"
#include "hypervisor/string.h"
#include "operation.h"

enum pte_write_kind {
    WRITE_ADD = ALU_ADD,
    WRITE_OR = ALU_OR,
    WRITE_AND = ALU_AND,
    WRITE_SUB = ALU_SUB,
    WRITE_XOR = ALU_XOR,
    WRITE_MOV,
    WRITE_XCHG,
    WRITE_CMPXCHG,
    WRITE_XADD,
    WRITE_BTS,
    WRITE_BTR,
    WRITE_BTC,
};

#define NO_IMMEDIATE 0u

static bool is_alu_opcode(uint8_t opcode)
{
    unsigned int group = opcode >> 3;

    return opcode < 0x38 && (opcode & 7) < 2 && group != 2 && group != 3;
}

static bool pte_write_has_modrm(uint8_t opcode, uint8_t map)
{
    if (map == MAP_0F) {
        return opcode == 0xb0 || opcode == 0xb1 || opcode == 0xc0 || opcode == 0xc1 ||
               opcode == 0xc3 || opcode == 0xab || opcode == 0xb3 || opcode == 0xbb ||
               opcode == 0xba;
    }
    return is_alu_opcode(opcode) || (opcode >= 0x80 && opcode <= 0x83 && opcode != 0x82) ||
           (opcode >= 0x86 && opcode <= 0x89) || opcode == 0xc6 || opcode == 0xc7;
}

/* Kind and immediate bytes of an opcode of the 0F map. */
static bool decode_0f(struct pte_write *op, unsigned int *immediate_bytes)
{
    static const uint8_t bit_group[4] = { 0, WRITE_BTS, WRITE_BTR, WRITE_BTC };
    uint8_t group = op->in.modrm >> 3 & 7;

    switch (op->in.opcode) {
    case 0xb0:
    case 0xb1:
        op->kind = WRITE_CMPXCHG;
        return true;
    case 0xc0:
    case 0xc1:
        op->kind = WRITE_XADD;
        return true;
    case 0xc3:
        op->kind = WRITE_MOV;
        return true;
    case 0xab:
        op->kind = WRITE_BTS;
        return true;
    case 0xb3:
        op->kind = WRITE_BTR;
        return true;
    case 0xbb:
        op->kind = WRITE_BTC;
        return true;
    case 0xba:
        op->kind = bit_group[group & 3];
        *immediate_bytes = 1;
        return group > 4;
    default:
        return false;
    }
}

static bool decode_one_byte(struct pte_write *op, unsigned int *immediate_bytes)
{
    uint8_t group = op->in.modrm >> 3 & 7, opcode = op->in.opcode;

    if (is_alu_opcode(opcode)) {
        op->kind = opcode >> 3;
        return true;
    }
    switch (opcode) {
    case 0x80:
    case 0x83:
        *immediate_bytes = 1;
        op->kind = group;
        return group != 2 && group != 3 && group != 7;
    case 0x81:
        *immediate_bytes = min(op->width, 4);
        op->kind = group;
        return group != 2 && group != 3 && group != 7;
    case 0x86:
    case 0x87:
        op->kind = WRITE_XCHG;
        return true;
    case 0x88:
    case 0x89:
        op->kind = WRITE_MOV;
        return true;
    case 0xc6:
        *immediate_bytes = 1;
        op->kind = WRITE_MOV;
        return group == 0;
    case 0xc7:
        *immediate_bytes = min(op->width, 4);
        op->kind = WRITE_MOV;
        return group == 0;
    default:
        return false;
    }
}

/* Even opcodes are the byte forms, except in the bit group and MOVNTI. */
static unsigned int operand_width(const struct instruction *in)
{
    bool has_byte_form =
        in->map == MAP_ONE_BYTE ? in->opcode != 0x83 : in->opcode == 0xb0 || in->opcode == 0xc0;

    return has_byte_form && !(in->opcode & 1) ? 1 : instruction_operand_bytes(in);
}

bool pte_write_decode(struct pte_write *op, const uint8_t *bytes, unsigned int count)
{
    unsigned int immediate_bytes = NO_IMMEDIATE;
    uint64_t immediate = 0;

    memset(op, 0, sizeof(*op));
    if (!instruction_decode(&op->in, bytes, count, pte_write_has_modrm) || !op->in.has_modrm ||
        instruction_rm_is_register(&op->in)) {
        return false;
    }
    op->width = (uint8_t)operand_width(&op->in);
    if (!(op->in.map == MAP_0F ? decode_0f(op, &immediate_bytes)
                               : decode_one_byte(op, &immediate_bytes))) {
        return false;
    }
    if (op->in.length + immediate_bytes > count) {
        return false;
    }
    memcpy(&immediate, bytes + op->in.length, immediate_bytes);
    if (immediate_bytes) {
        immediate = sign_extended(immediate, immediate_bytes);
    }
    op->has_immediate = immediate_bytes != 0;
    op->immediate = immediate;
    op->length = (uint8_t)(op->in.length + immediate_bytes);
    return true;
}

/* The part of a general register an operand of that width names: ah..bh without REX included. */
static uint64_t register_read(const struct pte_write *op, struct cpu_user_regs *regs,
                              unsigned int number)
{
    if (op->width == 1 && !op->in.rex && number >= 4 && number < 8) {
        return *instruction_register(regs, number - 4) >> 8 & 0xff;
    }
    return *instruction_register(regs, number) & width_mask(op->width);
}

static void register_write(const struct pte_write *op, struct cpu_user_regs *regs,
                           unsigned int number, uint64_t value)
{
    uint64_t *reg = instruction_register(regs, number);

    if (op->width == 1 && !op->in.rex && number >= 4 && number < 8) {
        reg = instruction_register(regs, number - 4);
        *reg = (*reg & ~0xff00ull) | (value & 0xff) << 8;
    } else if (op->width >= 4) {
        *reg = value & width_mask(op->width);
    } else {
        *reg = (*reg & ~width_mask(op->width)) | (value & width_mask(op->width));
    }
}

static uint64_t bit_operation(const struct pte_write *op, struct cpu_user_regs *regs, uint64_t old,
                              uint64_t source)
{
    uint64_t bit = 1ull << (source & (8 * op->width - 1));

    regs->rflags = (regs->rflags & ~(uint64_t)X86_EFLAGS_CF) | (old & bit ? X86_EFLAGS_CF : 0);
    switch (op->kind) {
    case WRITE_BTS:
        return old | bit;
    case WRITE_BTR:
        return old & ~bit;
    default:
        return old ^ bit;
    }
}

bool pte_write_execute(const struct pte_write *op, struct cpu_user_regs *regs, uint64_t old,
                       uint64_t *value)
{
    unsigned int reg = instruction_reg(&op->in);
    uint64_t source =
        op->has_immediate ? op->immediate & width_mask(op->width) : register_read(op, regs, reg);
    uint64_t accumulator;

    old &= width_mask(op->width);
    switch (op->kind) {
    case WRITE_MOV:
        *value = source;
        return true;
    case WRITE_XCHG:
        register_write(op, regs, reg, old);
        *value = source;
        return true;
    case WRITE_XADD:
        *value = alu(ALU_ADD, op->width, old, source, &regs->rflags);
        register_write(op, regs, reg, old);
        return true;
    case WRITE_CMPXCHG:
        accumulator = regs->rax & width_mask(op->width);
        (void)alu(ALU_CMP, op->width, accumulator, old, &regs->rflags);
        if (accumulator != old) {
            register_write(op, regs, 0, old);
            return false;
        }
        *value = source;
        return true;
    case WRITE_BTS:
    case WRITE_BTR:
    case WRITE_BTC:
        *value = bit_operation(op, regs, old, source);
        return true;
    default:
        *value = alu(op->kind, op->width, old, source, &regs->rflags);
        return true;
    }
}
