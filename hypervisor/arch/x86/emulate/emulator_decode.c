/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Decoding for the emulator: prefixes, opcode, row of the table, ModRM with its address, immediates.
 * AMD APM 3, chapter 1.
 */
#include "asm/instruction.h"
#include "decoded.h"
#include "hypervisor/string.h"
#include "operation.h"

#define VECTOR_UD 6

static uint8_t next_byte(struct decoded *d)
{
    if (d->at >= d->count) {
        d->short_of_bytes = true;
        return 0;
    }
    return d->bytes[d->at++];
}

/* A little-endian number of that many bytes, sign-extended. */
static uint64_t next_signed(struct decoded *d, unsigned int bytes)
{
    uint64_t value = 0;

    for (unsigned int i = 0; i < bytes; i++) {
        value |= (uint64_t)next_byte(d) << 8 * i;
    }
    return sign_extended(value, bytes);
}

/* ---- prefixes and opcode ----------------------------------------------------------------------- */

static bool take_segment(struct decoded *d, uint8_t byte)
{
    static const struct {
        uint8_t byte, segment;
    } overrides[] = {
        { 0x26, EMULATOR_ES }, { 0x2e, EMULATOR_CS }, { 0x36, EMULATOR_SS },
        { 0x3e, EMULATOR_DS }, { 0x64, EMULATOR_FS }, { 0x65, EMULATOR_GS },
    };

    for (unsigned int i = 0; i < ARRAY_SIZE(overrides); i++) {
        if (overrides[i].byte == byte) {
            d->segment = overrides[i].segment;
            d->segment_given = true;
            return true;
        }
    }
    return false;
}

static bool take_prefix(struct decoded *d, uint8_t byte)
{
    switch (byte) {
    case 0x66:
        d->operand16 = true;
        return true;
    case 0x67:
        d->address_other = true;
        return true;
    case 0xf0:
        d->lock = true;
        return true;
    case 0xf2:
    case 0xf3:
        d->repeat = byte;
        return true;
    default:
        return take_segment(d, byte);
    }
}

static void take_opcode(const struct emulator *emulator, struct decoded *d)
{
    uint8_t byte = next_byte(d);

    while (!d->short_of_bytes && take_prefix(d, byte)) {
        byte = next_byte(d);
    }
    if (emulator->mode == 8 && (byte & 0xf0) == 0x40) {
        d->rex = byte;
        byte = next_byte(d);
    }
    if (byte == 0x0f) {
        d->is_0f = true;
        byte = next_byte(d);
    }
    d->opcode = byte;
    d->row = d->is_0f ? decode_0f[byte] : decode_one_byte[byte];
}

static void choose_widths(const struct emulator *emulator, struct decoded *d)
{
    bool word = d->operand16 != (emulator->mode == 2);

    d->address_bytes = emulator->mode;
    if (d->address_other) {
        d->address_bytes = emulator->mode == 4 ? 2 : 4;
    }
    if (d->row.flags & ROW_BYTE) {
        d->width = 1;
    } else if (d->rex & 8 || (d->row.flags & ROW_STACK && emulator->mode == 8 && !word)) {
        d->width = 8;
    } else {
        d->width = word ? 2 : 4;
    }
}

/* ---- ModRM ------------------------------------------------------------------------------------- */

static uint64_t reg(const struct emulator *emulator, unsigned int number)
{
    return *instruction_register(emulator->regs, number);
}

/* Stack registers as the base mean the stack's segment, unless a prefix says otherwise. */
static void base_is(struct decoded *d, unsigned int number)
{
    if (!d->segment_given && (number == 4 || number == 5)) {
        d->segment = EMULATOR_SS;
    }
}

static void take_address16(const struct emulator *emulator, struct decoded *d)
{
    static const uint8_t bases[8] = { 3, 3, 5, 5, 6, 7, 5, 3 };
    static const uint8_t indexes[4] = { 6, 7, 6, 7 };
    unsigned int mod = d->modrm >> 6, rm = d->modrm & 7;

    if (mod == 0 && rm == 6) {
        d->offset = next_signed(d, 2);
    } else {
        base_is(d, bases[rm]);
        d->offset = reg(emulator, bases[rm]) + (rm < 4 ? reg(emulator, indexes[rm]) : 0);
        d->offset += mod == 0 ? 0 : next_signed(d, mod);
    }
}

static void take_sib(const struct emulator *emulator, struct decoded *d)
{
    uint8_t sib = next_byte(d);
    unsigned int base = (sib & 7) | (d->rex & 1) << 3;
    unsigned int index = (sib >> 3 & 7) | (d->rex & 2) << 2;

    if (index != 4) {
        d->offset = reg(emulator, index) << (sib >> 6);
    }
    if ((sib & 7) == 5 && d->modrm >> 6 == 0) {
        d->offset += next_signed(d, 4);
    } else {
        base_is(d, base);
        d->offset += reg(emulator, base);
    }
}

static void take_address(const struct emulator *emulator, struct decoded *d)
{
    unsigned int mod = d->modrm >> 6, rm = d->modrm & 7;

    if (d->address_bytes == 2) {
        take_address16(emulator, d);
        return;
    }
    if (rm == 4) {
        take_sib(emulator, d);
    } else if (mod == 0 && rm == 5) {
        d->offset = next_signed(d, 4);
        d->rip_relative = emulator->mode == 8;
    } else {
        unsigned int base = rm | (d->rex & 1) << 3;

        base_is(d, base);
        d->offset = reg(emulator, base);
    }
    if (mod == 1 || mod == 2) {
        d->offset += next_signed(d, mod == 1 ? 1 : 4);
    }
}

static struct operand in_register(unsigned int number)
{
    return (struct operand){ .kind = OPERAND_REGISTER, .number = (uint8_t)number };
}

static struct operand a_value(uint64_t value)
{
    return (struct operand){ .kind = OPERAND_VALUE, .value = value };
}

static const struct operand in_memory = { .kind = OPERAND_MEMORY };

static unsigned int modrm_reg(const struct decoded *d)
{
    return (d->modrm >> 3 & 7) | (d->rex & 4) << 1;
}

/* The operand of ModRM's r/m. */
static struct operand modrm_rm(const struct decoded *d)
{
    return d->modrm >> 6 == 3 ? in_register((d->modrm & 7) | (d->rex & 1) << 3) : in_memory;
}

static bool form_has_modrm(uint8_t form)
{
    return (form >= FORM_EG && form <= FORM_GEI8) || form == FORM_CONTROL;
}

/* The group's row completes the opcode's: what it does, and often with which form. */
static void take_group(struct decoded *d)
{
    const struct decode_row *row = &decode_group[d->row.detail][d->modrm >> 3 & 7];

    d->row.action = row->action;
    d->row.detail = row->detail;
    d->row.flags |= row->flags;
    if (row->form != FORM_NONE) {
        d->row.form = row->form;
    }
}

/* ---- operands ---------------------------------------------------------------------------------- */

static void take_modrm_operands(struct decoded *d)
{
    struct operand rm = modrm_rm(d), other = in_register(modrm_reg(d));
    unsigned int immediate = d->width < 4 ? d->width : 4;

    switch (d->row.form) {
    case FORM_EG:
        d->to = rm;
        d->from = other;
        break;
    case FORM_GE:
    case FORM_GEI:
    case FORM_GEI8:
        d->to = other;
        d->from = rm;
        if (d->row.form != FORM_GE) {
            d->third = a_value(next_signed(d, d->row.form == FORM_GEI ? immediate : 1));
        }
        break;
    case FORM_EI:
    case FORM_EI8:
        d->to = rm;
        d->from = a_value(next_signed(d, d->row.form == FORM_EI ? immediate : 1));
        break;
    case FORM_E1:
        d->to = rm;
        d->from = a_value(1);
        break;
    case FORM_ECL:
        d->to = rm;
        d->from = in_register(1);
        break;
    case FORM_CONTROL:
        d->to = in_register((d->modrm & 7) | (d->rex & 1) << 3); /* mod does not matter */
        d->from = a_value(modrm_reg(d));
        break;
    default:
        d->to = rm;
        break;
    }
}

static void take_other_operands(const struct emulator *emulator, struct decoded *d)
{
    unsigned int in_opcode = (d->opcode & 7) | (d->rex & 1) << 3;
    unsigned int immediate = d->width < 4 ? d->width : 4;

    switch (d->row.form) {
    case FORM_AI:
        d->to = in_register(0);
        d->from = a_value(next_signed(d, immediate));
        break;
    case FORM_AO:
    case FORM_OA:
        d->offset = next_signed(d, d->address_bytes);
        d->to = d->row.form == FORM_AO ? in_register(0) : in_memory;
        d->from = d->row.form == FORM_AO ? in_memory : in_register(0);
        break;
    case FORM_R:
        d->to = in_register(in_opcode);
        break;
    case FORM_RA:
        d->to = in_register(in_opcode);
        d->from = in_register(0);
        /* 0x90: it does not even clear the upper half of rax. */
        d->row.action = in_opcode == 0 ? DO_NOP : d->row.action;
        break;
    case FORM_RI:
        d->to = in_register(in_opcode);
        d->from = a_value(next_signed(d, d->width));
        break;
    case FORM_I:
    case FORM_I8:
        d->to = a_value(next_signed(d, d->row.form == FORM_I ? immediate : 1));
        break;
    case FORM_PORT_I8:
        d->from = a_value(next_byte(d));
        break;
    case FORM_PORT_DX:
        d->from = a_value(emulator->regs->rdx & 0xffff);
        break;
    default:
        break;
    }
}

/* LOCK stands before the instructions that change memory, and nowhere else. */
static bool lock_misplaced(const struct decoded *d)
{
    return d->lock && (!(d->row.flags & ROW_LOCK) || d->to.kind != OPERAND_MEMORY);
}

enum emulator_result emulator_decode(struct emulator *emulator, struct decoded *d)
{
    d->segment = EMULATOR_DS;
    take_opcode(emulator, d);
    if (form_has_modrm(d->row.form)) {
        d->modrm = next_byte(d);
        if (d->row.action == DO_GROUP) {
            take_group(d);
        }
    }
    choose_widths(emulator, d);
    if (form_has_modrm(d->row.form) && d->modrm >> 6 != 3 && d->row.form != FORM_CONTROL) {
        take_address(emulator, d);
    }
    if (form_has_modrm(d->row.form)) {
        take_modrm_operands(d);
    } else {
        take_other_operands(emulator, d);
    }
    if (d->short_of_bytes || d->row.action == DO_NOTHING_KNOWN ||
        (d->row.flags & ROW_NOT_LONG && emulator->mode == 8) ||
        (d->opcode == 0x63 && !d->is_0f && emulator->mode != 8)) {
        return EMULATOR_UNKNOWN;
    }
    if (lock_misplaced(d) || (d->row.flags & ROW_MEMORY && d->modrm >> 6 == 3)) {
        return emulator_fault(emulator, VECTOR_UD, false, 0);
    }
    if (d->rip_relative) {
        d->offset += emulator->regs->rip + d->at;
    }
    d->offset &= width_mask(d->address_bytes);
    return EMULATOR_DONE;
}
