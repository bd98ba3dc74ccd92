/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * String instructions, one round at a time: with a REP prefix that has rounds left rip stays, and
 * interrupts come between rounds as they do on the processor.
 */
#include "decoded.h"
#include "hypervisor/string.h"
#include "operation.h"

#define FLAG_ZF 0x040ull
#define FLAG_DF 0x400ull

struct round {
    struct emulator *emulator;
    struct decoded *d;
    struct cpu_user_regs *regs;
    unsigned int width;
    uint64_t source, target, value;
};

static enum emulator_result read_source(struct round *r, uint64_t *value)
{
    return r->emulator->ops->read(r->emulator, r->d->segment, r->source, value, r->width);
}

/* The target's segment is ES, and no prefix changes it. */
static enum emulator_result read_target(struct round *r, uint64_t *value)
{
    return r->emulator->ops->read(r->emulator, EMULATOR_ES, r->target, value, r->width);
}

static enum emulator_result write_target(struct round *r, uint64_t value)
{
    return r->emulator->ops->write(r->emulator, EMULATOR_ES, r->target, &value, r->width);
}

static enum emulator_result do_compare(struct round *r)
{
    bool scan = r->d->row.action == DO_SCAS;
    uint64_t a = r->regs->rax & width_mask(r->width), b = 0;
    enum emulator_result result = EMULATOR_DONE;

    if (!scan) {
        a = 0;
        result = read_source(r, &a);
    }
    if (result == EMULATOR_DONE) {
        result = read_target(r, &b);
    }
    if (result == EMULATOR_DONE) {
        (void)alu(ALU_CMP, r->width, a, b, &r->regs->rflags);
    }
    return result;
}

static enum emulator_result do_load(struct round *r)
{
    uint64_t mask = width_mask(r->width), value = 0;
    enum emulator_result result = read_source(r, &value);

    if (result == EMULATOR_DONE) {
        value &= mask;
        r->regs->rax = r->width >= 4 ? value : (r->regs->rax & ~mask) | value;
    }
    return result;
}

static enum emulator_result do_port(struct round *r)
{
    const struct emulator_ops *ops = r->emulator->ops;
    uint16_t port = (uint16_t)r->regs->rdx;
    enum emulator_result result;
    uint64_t value = 0;
    uint32_t word = 0;

    if (r->d->row.action == DO_OUTS) {
        result = read_source(r, &value);
        return result == EMULATOR_DONE
                   ? ops->write_port(r->emulator, port, (uint32_t)value, r->width)
                   : result;
    }
    result = ops->read_port(r->emulator, port, &word, r->width);
    return result == EMULATOR_DONE ? write_target(r, word) : result;
}

static enum emulator_result do_round(struct round *r)
{
    enum emulator_result result;
    uint64_t value = 0;

    switch (r->d->row.action) {
    case DO_MOVS:
        result = read_source(r, &value);
        return result == EMULATOR_DONE ? write_target(r, value) : result;
    case DO_STOS:
        return write_target(r, r->regs->rax & width_mask(r->width));
    case DO_LODS:
        return do_load(r);
    case DO_CMPS:
    case DO_SCAS:
        return do_compare(r);
    default:
        return do_port(r);
    }
}

/* Adds to a register as wide as addresses are; what is above stays in 16-bit, goes in 32-bit mode. */
static void advance(uint64_t *reg, unsigned int address_bytes, uint64_t by)
{
    uint64_t mask = width_mask(address_bytes), value = (*reg + by) & mask;

    *reg = address_bytes == 2 ? (*reg & ~mask) | value : value;
}

static bool uses_source(uint8_t action)
{
    return action == DO_MOVS || action == DO_CMPS || action == DO_LODS || action == DO_OUTS;
}

static bool uses_target(uint8_t action)
{
    return action != DO_LODS && action != DO_OUTS;
}

static bool is_comparison(uint8_t action)
{
    return action == DO_CMPS || action == DO_SCAS;
}

/* After a round with a REP prefix: is there another? */
static bool repeat(const struct decoded *d, struct cpu_user_regs *regs)
{
    bool equal = regs->rflags & FLAG_ZF;

    advance(&regs->rcx, d->address_bytes, ~0ull);
    return (regs->rcx & width_mask(d->address_bytes)) != 0 &&
           (!is_comparison(d->row.action) || equal == (d->repeat == 0xf3));
}

enum emulator_result emulator_execute_string(struct emulator *emulator, struct decoded *d,
                                             struct cpu_user_regs *regs, bool *again)
{
    const struct emulator_ops *ops = emulator->ops;
    uint64_t mask = width_mask(d->address_bytes), step;
    bool ports = d->row.action == DO_INS || d->row.action == DO_OUTS;
    struct round round = {
        .emulator = emulator,
        .d = d,
        .regs = regs,
        .width = ports && d->width > 4 ? 4 : d->width,
        .source = regs->rsi & mask,
        .target = regs->rdi & mask,
    };
    enum emulator_result result;

    *again = false;
    if (ops->read == NULL || ops->write == NULL ||
        (ports && (ops->read_port == NULL || ops->write_port == NULL))) {
        return EMULATOR_UNKNOWN;
    }
    if (d->repeat != 0 && (regs->rcx & mask) == 0) {
        return EMULATOR_DONE;
    }
    result = do_round(&round);
    if (result != EMULATOR_DONE) {
        return result;
    }
    step = regs->rflags & FLAG_DF ? 0ull - round.width : round.width;
    if (uses_source(d->row.action)) {
        advance(&regs->rsi, d->address_bytes, step);
    }
    if (uses_target(d->row.action)) {
        advance(&regs->rdi, d->address_bytes, step);
    }
    *again = d->repeat != 0 && repeat(d, regs);
    return EMULATOR_DONE;
}
