/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Executing what was decoded: operands are read, the row's action is done, the destination is written.
 * What changes memory under LOCK, and XCHG, exchanges it against the value that was read; when another
 * vcpu was faster the caller tries again.
 */
#include "asm/instruction.h"
#include "decoded.h"
#include "hypervisor/string.h"
#include "operation.h"

#define FLAG_CF 0x001ull
#define FLAG_ZF 0x040ull
#define RSP     4

struct execution {
    struct emulator *emulator;
    struct decoded *d;
    struct cpu_user_regs *regs;
    uint64_t to, from; /* values of the operands */
    bool write;        /* `to` is to be written back */
};

/* ---- operands ---------------------------------------------------------------------------------- */

/* ah, ch, dh, bh: bytes 4 to 7 without a REX prefix. */
static bool is_high_byte(const struct decoded *d, unsigned int number, unsigned int width)
{
    return width == 1 && d->rex == 0 && number >= 4 && number < 8;
}

static uint64_t register_get(const struct execution *x, unsigned int number, unsigned int width)
{
    if (is_high_byte(x->d, number, width)) {
        return *instruction_register(x->regs, number - 4) >> 8 & 0xff;
    }
    return *instruction_register(x->regs, number) & width_mask(width);
}

static void register_set(const struct execution *x, unsigned int number, unsigned int width,
                         uint64_t value)
{
    uint64_t *reg = instruction_register(x->regs, number), mask = width_mask(width);

    if (is_high_byte(x->d, number, width)) {
        reg = instruction_register(x->regs, number - 4);
        *reg = (*reg & ~0xff00ull) | (value & 0xff) << 8;
    } else {
        *reg = width >= 4 ? value & mask : (*reg & ~mask) | (value & mask);
    }
}

static enum emulator_result memory_get(const struct execution *x, unsigned int width,
                                       uint64_t *value)
{
    *value = 0;
    return x->emulator->ops->read == NULL
               ? EMULATOR_UNKNOWN
               : x->emulator->ops->read(x->emulator, x->d->segment, x->d->offset, value, width);
}

static enum emulator_result operand_get(const struct execution *x, const struct operand *operand,
                                        unsigned int width, uint64_t *value)
{
    switch (operand->kind) {
    case OPERAND_REGISTER:
        *value = register_get(x, operand->number, width);
        return EMULATOR_DONE;
    case OPERAND_MEMORY:
        return memory_get(x, width, value);
    default:
        *value = operand->value & width_mask(width);
        return EMULATOR_DONE;
    }
}

/* Against what was read before: EMULATOR_RETRY when it has changed. */
static enum emulator_result memory_exchange(const struct execution *x, uint64_t before)
{
    uint64_t expected = before;
    enum emulator_result result;

    if (x->emulator->ops->compare_exchange == NULL) {
        return EMULATOR_UNKNOWN;
    }
    result = x->emulator->ops->compare_exchange(x->emulator, x->d->segment, x->d->offset, &expected,
                                                &x->to, x->d->width);
    return result == EMULATOR_DONE && expected != before ? EMULATOR_RETRY : result;
}

static enum emulator_result destination_put(const struct execution *x, uint64_t before)
{
    const struct decoded *d = x->d;

    if (d->to.kind == OPERAND_REGISTER) {
        register_set(x, d->to.number, d->width, x->to);
        return EMULATOR_DONE;
    }
    if (d->lock || d->row.action == DO_XCHG) {
        return memory_exchange(x, before);
    }
    return x->emulator->ops->write == NULL
               ? EMULATOR_UNKNOWN
               : x->emulator->ops->write(x->emulator, d->segment, d->offset, &x->to, d->width);
}

/* ---- actions on operands that were read -------------------------------------------------------- */

static void do_bit(struct execution *x)
{
    uint64_t bit = 1ull << (x->from & (8u * x->d->width - 1));

    x->regs->rflags = (x->regs->rflags & ~FLAG_CF) | (x->to & bit ? FLAG_CF : 0);
    switch (x->d->row.detail) {
    case 1:
        x->to |= bit;
        break;
    case 2:
        x->to &= ~bit;
        break;
    case 3:
        x->to ^= bit;
        break;
    default:
        break;
    }
}

static void do_bitscan(struct execution *x)
{
    if (x->from == 0) {
        x->regs->rflags |= FLAG_ZF;
        x->write = false;
        return;
    }
    x->regs->rflags &= ~FLAG_ZF;
    x->to = x->d->row.detail ? 63u - (unsigned int)__builtin_clzll(x->from)
                             : (unsigned int)__builtin_ctzll(x->from);
}

static void do_multiply(struct execution *x)
{
    unsigned int width = x->d->width;
    uint64_t high, low = multiply(width, x->d->row.detail, register_get(x, 0, width), x->to, &high,
                                  &x->regs->rflags);

    if (width == 1) {
        x->regs->rax = (x->regs->rax & ~0xffffull) | high << 8 | low;
    } else {
        register_set(x, 0, width, low);
        register_set(x, 2, width, high);
    }
}

static void do_compare_exchange(struct execution *x)
{
    uint64_t accumulator = x->regs->rax & width_mask(x->d->width);

    (void)alu(ALU_CMP, x->d->width, accumulator, x->to, &x->regs->rflags);
    if (accumulator == x->to) {
        x->to = x->from;
    } else {
        register_set(x, 0, x->d->width, x->to);
        x->write = x->d->to.kind == OPERAND_MEMORY; /* what was there is written again */
    }
}

static void do_exchange(struct execution *x)
{
    uint64_t to = x->to;

    if (x->d->row.action == DO_XADD) {
        x->to = alu(ALU_ADD, x->d->width, to, x->from, &x->regs->rflags);
    } else {
        x->to = x->from;
    }
    register_set(x, x->d->from.number, x->d->width, to);
}

static void do_signed_multiply(struct execution *x, uint64_t third)
{
    bool three = x->d->third.kind == OPERAND_VALUE;
    uint64_t high;

    x->to = multiply(x->d->width, true, x->from, three ? third : x->to, &high, &x->regs->rflags);
}

/* The new value of the destination, registers and flags. */
static void act(struct execution *x)
{
    const struct decode_row *row = &x->d->row;
    unsigned int width = x->d->width;
    uint64_t *flags = &x->regs->rflags;

    switch (row->action) {
    case DO_ALU:
        x->to = alu(row->detail, width, x->to, x->from, flags);
        break;
    case DO_TEST:
        (void)alu(ALU_AND, width, x->to, x->from, flags);
        break;
    case DO_SHIFT:
        x->to = shift(row->detail, width, x->to, (uint8_t)x->from, flags);
        break;
    case DO_INC:
    case DO_DEC:
        x->to = increment(width, x->to, row->action == DO_DEC, flags);
        break;
    case DO_NOT:
        x->to = ~x->to;
        break;
    case DO_NEG:
        x->to = alu(ALU_SUB, width, 0, x->to, flags);
        break;
    case DO_MUL:
        do_multiply(x);
        break;
    case DO_IMUL:
        do_signed_multiply(x, x->d->third.value);
        break;
    case DO_BIT:
        do_bit(x);
        break;
    case DO_BITSCAN:
        do_bitscan(x);
        break;
    case DO_BSWAP:
        x->to = width == 8 ? __builtin_bswap64(x->to) : __builtin_bswap32((uint32_t)x->to);
        break;
    case DO_XADD:
    case DO_XCHG:
        do_exchange(x);
        break;
    case DO_CMPXCHG:
        do_compare_exchange(x);
        break;
    case DO_CMOV:
        x->to = condition(x->d->opcode, *flags) ? x->from : x->to;
        break;
    case DO_SETCC:
        x->to = condition(x->d->opcode, *flags);
        break;
    case DO_LEA:
        x->to = x->d->offset;
        break;
    case DO_MOVSX:
        x->to = sign_extended(x->from, row->detail);
        break;
    default: /* DO_MOV, DO_MOVZX */
        x->to = x->from;
        break;
    }
}

/* ---- instructions of another shape ------------------------------------------------------------- */

static enum emulator_result execute_port(struct execution *x)
{
    const struct emulator_ops *ops = x->emulator->ops;
    unsigned int bytes = x->d->width > 4 ? 4 : x->d->width;
    uint16_t port = (uint16_t)x->d->from.value;
    enum emulator_result result;
    uint32_t value = 0;

    if (x->d->row.action == DO_OUT) {
        return ops->write_port == NULL
                   ? EMULATOR_UNKNOWN
                   : ops->write_port(x->emulator, port, (uint32_t)register_get(x, 0, bytes), bytes);
    }
    result = ops->read_port == NULL ? EMULATOR_UNKNOWN
                                    : ops->read_port(x->emulator, port, &value, bytes);
    if (result == EMULATOR_DONE) {
        register_set(x, 0, bytes, value);
    }
    return result;
}

static enum emulator_result execute_control(struct execution *x)
{
    const struct emulator_ops *ops = x->emulator->ops;
    unsigned int width = x->emulator->mode == 8 ? 8 : 4, number = (unsigned int)x->d->from.value;
    enum emulator_result result;
    uint64_t value;

    if (ops->read_control == NULL || ops->write_control == NULL) {
        return EMULATOR_UNKNOWN;
    }
    if (x->d->row.action == DO_MOV_TO_CONTROL) {
        return ops->write_control(x->emulator, number, register_get(x, x->d->to.number, width));
    }
    if (x->d->row.action == DO_CLTS) {
        result = ops->read_control(x->emulator, 0, &value);
        return result == EMULATOR_DONE ? ops->write_control(x->emulator, 0, value & ~8ull) : result;
    }
    result = ops->read_control(x->emulator, number, &value);
    if (result == EMULATOR_DONE) {
        register_set(x, x->d->to.number, width, value);
    }
    return result;
}

/* CMPXCHG8B and 16B: edx:eax against memory, ecx:ebx into it. */
static enum emulator_result execute_pair(struct execution *x)
{
    unsigned int half = x->d->width == 8 ? 8 : 4;
    uint64_t mask = width_mask(half), there[2] = { 0, 0 }, want[2], put[2];
    struct cpu_user_regs *regs = x->regs;
    enum emulator_result result;

    if (x->emulator->ops->compare_exchange == NULL) {
        return EMULATOR_UNKNOWN;
    }
    want[0] = half == 8 ? regs->rax : (regs->rax & mask) | regs->rdx << 32;
    want[1] = regs->rdx;
    put[0] = half == 8 ? regs->rbx : (regs->rbx & mask) | regs->rcx << 32;
    put[1] = regs->rcx;
    memcpy(there, want, 2 * half);
    result = x->emulator->ops->compare_exchange(x->emulator, x->d->segment, x->d->offset, there,
                                                put, 2 * half);
    if (result != EMULATOR_DONE) {
        return result;
    }
    if (memcmp(there, want, 2 * half) == 0) {
        regs->rflags |= FLAG_ZF;
    } else {
        regs->rflags &= ~FLAG_ZF;
        register_set(x, 0, half, half == 8 ? there[0] : there[0] & mask);
        register_set(x, 2, half, half == 8 ? there[1] : there[0] >> 32);
    }
    return EMULATOR_DONE;
}

/* The stack is as wide as addresses are by default. */
static enum emulator_result execute_stack(struct execution *x)
{
    struct emulator *emulator = x->emulator;
    struct decoded *d = x->d;
    uint64_t stack = register_get(x, RSP, emulator->mode), value = 0;
    enum emulator_result result;

    if (emulator->ops->read == NULL || emulator->ops->write == NULL) {
        return EMULATOR_UNKNOWN;
    }
    if (d->row.action == DO_PUSH) {
        result = operand_get(x, &d->to, d->width, &value);
        stack = (stack - d->width) & width_mask(emulator->mode);
        if (result == EMULATOR_DONE) {
            result = emulator->ops->write(emulator, EMULATOR_SS, stack, &value, d->width);
        }
        if (result == EMULATOR_DONE) {
            register_set(x, RSP, emulator->mode, stack);
        }
        return result;
    }
    if (d->to.kind == OPERAND_MEMORY) {
        return EMULATOR_UNKNOWN; /* two places, of which one may be a device's */
    }
    result = emulator->ops->read(emulator, EMULATOR_SS, stack, &value, d->width);
    if (result == EMULATOR_DONE) {
        register_set(x, RSP, emulator->mode, stack + d->width);
        register_set(x, d->to.number, d->width, value);
    }
    return result;
}

/* ---- everything that has operands -------------------------------------------------------------- */

static unsigned int source_width(const struct decoded *d)
{
    bool extends = d->row.action == DO_MOVZX || d->row.action == DO_MOVSX;

    /* A shift's count is one byte, whatever is shifted. */
    return extends ? d->row.detail : d->row.action == DO_SHIFT ? 1 : d->width;
}

/* A bit's number in a register counts from the operand on, in both directions. */
static void move_bit_string(struct execution *x)
{
    struct decoded *d = x->d;
    int64_t bit;

    if (d->row.action == DO_BIT && d->row.form == FORM_EG && d->to.kind == OPERAND_MEMORY) {
        bit = (int64_t)sign_extended(register_get(x, d->from.number, d->width), d->width);
        d->offset += (uint64_t)((bit >> (d->width == 8 ? 6 : d->width == 4 ? 5 : 4)) * d->width);
        d->offset &= width_mask(d->address_bytes);
    }
}

static bool reads_destination(const struct decoded *d)
{
    /* A move by condition and a scan may leave their register as it is. */
    return d->row.flags & ROW_READ || d->row.action == DO_CMOV || d->row.action == DO_BITSCAN ||
           (d->row.action == DO_IMUL && d->third.kind == OPERAND_NONE);
}

static enum emulator_result execute_operands(struct execution *x)
{
    struct decoded *d = x->d;
    enum emulator_result result = EMULATOR_DONE;
    uint64_t before;

    move_bit_string(x);
    x->write = !(d->row.flags & ROW_KEEP) && d->row.action != DO_MUL;
    if (d->row.action != DO_LEA) {
        result = operand_get(x, &d->from, source_width(d), &x->from);
    }
    if (result == EMULATOR_DONE && reads_destination(d)) {
        result = operand_get(x, &d->to, d->width, &x->to);
    }
    if (result != EMULATOR_DONE) {
        return result;
    }
    before = x->to;
    act(x);
    if (!x->write) {
        return EMULATOR_DONE;
    }
    x->to &= width_mask(d->width);
    return destination_put(x, before);
}

enum emulator_result emulator_execute(struct emulator *emulator, struct decoded *d,
                                      struct cpu_user_regs *regs)
{
    struct execution x = { .emulator = emulator, .d = d, .regs = regs };

    switch (d->row.action) {
    case DO_NOP:
        return EMULATOR_DONE;
    case DO_IN:
    case DO_OUT:
        return execute_port(&x);
    case DO_MOV_FROM_CONTROL:
    case DO_MOV_TO_CONTROL:
    case DO_CLTS:
        return execute_control(&x);
    case DO_CMPXCHG_PAIR:
        return execute_pair(&x);
    case DO_PUSH:
    case DO_POP:
        return execute_stack(&x);
    default:
        return execute_operands(&x);
    }
}
