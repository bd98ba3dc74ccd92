/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The instruction emulator held against the processor: random instructions of every row of its table
 * run natively and through it; registers, memory and flags must agree. Then what no native run shows:
 * ports, control registers, faults, retries, 16-bit addresses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <cmocka.h>

#include "asm/emulator.h"
#include "asm/instruction.h"
#include "hypervisor/arch/x86/emulate/decode_table.h"
#include "hypervisor/arch/x86/emulate/operation.h"
#include "support/native_instruction.h"

#define ROUNDS  300000u
#define FLAG_CF 0x001ull
#define FLAG_ZF 0x040ull
#define FLAG_DF 0x400ull
#define FLAG_OF 0x800ull

static uint8_t memory[NATIVE_MEMORY_BYTES]; /* the emulator's copy of native->memory */
static unsigned int accesses;

/* ---- what the emulator works on ---------------------------------------------------------------- */

/* Addresses are those of the native memory, so that registers can be the same. */
static uint8_t *place(uint64_t offset, unsigned int bytes)
{
    uint64_t at = offset - (uintptr_t)native->memory;

    assert_true(at < NATIVE_MEMORY_BYTES && bytes <= NATIVE_MEMORY_BYTES - at);
    accesses++;
    return memory + at;
}

static enum emulator_result do_read(struct emulator *emulator, enum emulator_segment segment,
                                    uint64_t offset, void *data, unsigned int bytes)
{
    memcpy(data, place(offset, bytes), bytes);
    return EMULATOR_DONE;
}

static enum emulator_result do_write(struct emulator *emulator, enum emulator_segment segment,
                                     uint64_t offset, const void *data, unsigned int bytes)
{
    memcpy(place(offset, bytes), data, bytes);
    return EMULATOR_DONE;
}

static enum emulator_result do_compare_exchange(struct emulator *emulator,
                                                enum emulator_segment segment, uint64_t offset,
                                                void *expected, const void *value,
                                                unsigned int bytes)
{
    uint8_t *at = place(offset, bytes);
    bool equal = memcmp(at, expected, bytes) == 0;

    memcpy(expected, at, bytes);
    if (equal) {
        memcpy(at, value, bytes);
    }
    return EMULATOR_DONE;
}

static const struct emulator_ops memory_ops = { .read = do_read,
                                                .write = do_write,
                                                .compare_exchange = do_compare_exchange };

/* ---- random instructions ----------------------------------------------------------------------- */

static uint64_t random64(void)
{
    return (uint64_t)random() << 42 ^ (uint64_t)random() << 21 ^ (uint64_t)random();
}

static uint64_t random_operand(void)
{
    static const uint64_t often[] = {
        0,      1,          0x7f,       0x80,  0xff,       0x7fff,
        0x8000, 0x7fffffff, 0x80000000, ~0ull, 1ull << 63, ~0ull >> 1
    };

    return random() & 1 ? often[(unsigned long)random() % ARRAY_SIZE(often)] : random64();
}

struct trial {
    uint8_t bytes[16];
    unsigned int count;
    struct decode_row row;
    unsigned int width;
    bool memory, rex;
};

static void put(struct trial *trial, uint8_t byte)
{
    trial->bytes[trial->count++] = byte;
}

static bool has_modrm(uint8_t form)
{
    return form >= FORM_EG && form <= FORM_GEI8;
}

static bool is_string(uint8_t action)
{
    return action == DO_MOVS || action == DO_CMPS || action == DO_STOS || action == DO_LODS ||
           action == DO_SCAS;
}

/* Can a process run it, and does it leave the stack alone? */
static bool is_tried(const struct trial *trial)
{
    switch (trial->row.action) {
    case DO_NOTHING_KNOWN:
    case DO_GROUP:
    case DO_PUSH:
    case DO_POP:
    case DO_INS:
    case DO_OUTS:
    case DO_IN:
    case DO_OUT:
    case DO_MOV_FROM_CONTROL:
    case DO_MOV_TO_CONTROL:
    case DO_CLTS:
    case DO_CMPXCHG_PAIR: /* has a test of its own */
        return false;
    default:
        return trial->row.form != FORM_AO && trial->row.form != FORM_OA &&
               !(trial->row.flags & ROW_NOT_LONG);
    }
}

/* Destinations may be any register but rsp and rdi, which points to the memory. */
static unsigned int random_register(void)
{
    unsigned int number;

    do {
        number = (unsigned int)random() & 15;
    } while (number == NATIVE_RSP || number == 7);
    return number;
}

/* ModRM of two registers, or of one and [rdi + displacement]. */
static void put_modrm(struct trial *trial, int group, unsigned int reg, unsigned int rm)
{
    uint8_t middle = (uint8_t)((group >= 0 ? (unsigned int)group : reg & 7) << 3);

    if (trial->memory) {
        put(trial, 0x40 | middle | 7);
        put(trial, (uint8_t)(random() & 0x1f));
    } else {
        put(trial, 0xc0 | middle | (rm & 7));
    }
}

static unsigned int immediate_bytes(const struct trial *trial)
{
    switch (trial->row.form) {
    case FORM_EI:
    case FORM_GEI:
    case FORM_AI:
        return trial->width < 4 ? trial->width : 4;
    case FORM_EI8:
    case FORM_GEI8:
        return 1;
    case FORM_RI:
        return trial->width;
    default:
        return 0;
    }
}

/* An instruction of a random row; false when that row is not one to try. */
static bool make(struct trial *trial)
{
    bool is_0f = random() & 1, word = random() % 4 == 0, wide = random() & 1;
    uint8_t opcode = (uint8_t)random(), rex = 0;
    unsigned int reg = random_register(), rm = random_register();
    int group = -1;

    *trial = (struct trial){ .row = is_0f ? decode_0f[opcode] : decode_one_byte[opcode] };
    trial->memory = random() & 1;
    if (trial->row.action == DO_GROUP) {
        const struct decode_row *row;

        group = (int)(random() & 7);
        row = &decode_group[trial->row.detail][group];
        trial->row.action = row->action;
        trial->row.detail = row->detail;
        trial->row.flags |= row->flags;
        trial->row.form = row->form != FORM_NONE ? row->form : trial->row.form;
    }
    if (!is_tried(trial) || (trial->row.flags & ROW_MEMORY && (!trial->memory || word)) ||
        (trial->row.action == DO_BIT && trial->row.form == FORM_EG && trial->memory) ||
        (trial->row.action == DO_BSWAP && word)) {
        return false;
    }
    if (!has_modrm(trial->row.form)) {
        trial->memory = false;
    }
    trial->width = trial->row.flags & ROW_BYTE ? 1 : wide ? 8 : word ? 2 : 4;
    /* Without REX, numbers 4 to 7 of one-byte operands are ah to bh. */
    if (random() & 1 && reg < 8 && rm < 8 && !wide) {
        trial->rex = false;
    } else {
        trial->rex = true;
        rex = (uint8_t)(0x40 | (wide ? 8 : 0) | (group < 0 ? reg >> 1 & 4 : 0));
        rex |= has_modrm(trial->row.form) ? (trial->memory ? 0 : rm >> 3) : rm >> 3;
    }
    if (word) {
        put(trial, 0x66);
    }
    if (trial->memory && trial->row.flags & ROW_LOCK && trial->row.form != FORM_GE &&
        random() % 4 == 0) {
        put(trial, 0xf0);
    }
    if (trial->rex) {
        put(trial, rex);
    }
    if (is_0f) {
        put(trial, 0x0f);
    }
    if (has_modrm(trial->row.form)) {
        put(trial, opcode);
        put_modrm(trial, group, reg, rm);
    } else {
        /* The register in the opcode is the row's whole range. */
        bool in_opcode = trial->row.form >= FORM_R && trial->row.form <= FORM_RI;

        put(trial, in_opcode ? (uint8_t)((opcode & ~7) | (rm & 7)) : opcode);
    }
    for (unsigned int i = immediate_bytes(trial); i > 0; i--) {
        put(trial, (uint8_t)random());
    }
    return true;
}

/* Flags that the instruction defines. */
static uint64_t defined_flags(const struct trial *trial, uint64_t count)
{
    switch (trial->row.action) {
    case DO_MUL:
    case DO_IMUL:
        return FLAG_CF | FLAG_OF;
    case DO_BIT:
        return FLAG_CF;
    case DO_BITSCAN:
        return FLAG_ZF;
    case DO_SHIFT:
        count &= trial->width == 8 ? 63 : 31;
        return count == 0 ? FLAGS_STATUS
                          : FLAGS_STATUS & ~(0x10ull | (count > 1 ? FLAG_OF : 0) |
                                             (count >= 8 * trial->width ? FLAG_CF : 0));
    default:
        return FLAGS_STATUS;
    }
}

/* ---- one trial --------------------------------------------------------------------------------- */

static void choose_state(struct cpu_user_regs *regs)
{
    for (unsigned int i = 0; i < 16; i++) {
        native->regs[i] = random_operand();
    }
    for (unsigned int i = 0; i < NATIVE_MEMORY_BYTES; i += 8) {
        uint64_t value = random_operand();

        memcpy(native->memory + i, &value, 8);
    }
    if (random() & 1) { /* so that comparisons succeed now and then */
        memcpy(native->memory, &native->regs[0], 8);
        memcpy(native->memory + 64, native->memory + 128, 32);
    }
    native->regs[6] = (uintptr_t)native->memory + 64 + ((unsigned long)random() & 31);
    native->regs[7] = (uintptr_t)native->memory + 128 + ((unsigned long)random() & 31);
    native->flags = 0x202 | (random64() & FLAGS_STATUS);
    memset(regs, 0, sizeof(*regs));
    for (unsigned int i = 0; i < 16; i++) {
        *instruction_register(regs, i) = native->regs[i];
    }
    regs->rflags = native->flags;
    regs->rip = 0x1000;
    memcpy(memory, native->memory, sizeof(memory));
}

static void describe(const struct trial *trial)
{
    fprintf(stderr, "instruction:");
    for (unsigned int i = 0; i < trial->count; i++) {
        fprintf(stderr, " %02x", trial->bytes[i]);
    }
    fprintf(stderr, "\n");
}

static void compare(const struct trial *trial, struct cpu_user_regs *regs, uint64_t flags_defined)
{
    bool same = memcmp(memory, native->memory, sizeof(memory)) == 0 &&
                (regs->rflags & flags_defined) == (native->flags & flags_defined);

    for (unsigned int i = 0; i < 16; i++) {
        if (i != NATIVE_RSP && *instruction_register(regs, i) != native->regs[i]) {
            fprintf(stderr, "register %u: %#lx, natively %#lx\n", i,
                    (unsigned long)*instruction_register(regs, i), (unsigned long)native->regs[i]);
            same = false;
        }
    }
    if (!same) {
        fprintf(stderr, "flags %#lx, natively %#lx\n", (unsigned long)regs->rflags,
                (unsigned long)native->flags);
        describe(trial);
    }
    assert_true(same);
}

static void try(const struct trial *trial)
{
    struct cpu_user_regs regs;
    struct emulator emulator = { .regs = &regs, .ops = &memory_ops, .mode = 8 };
    uint64_t count, rip;
    enum emulator_result result;

    choose_state(&regs);
    if (is_string(trial->row.action)) {
        native->regs[1] = regs.rcx = (uint64_t)random() % 5;
        native->flags = regs.rflags |= random() & 1 ? FLAG_DF : 0;
    }
    count = trial->row.form == FORM_ECL   ? regs.rcx & 0xff
            : trial->row.form == FORM_EI8 ? trial->bytes[trial->count - 1]
                                          : 1;
    native_run(trial->bytes, trial->count);
    do {
        rip = regs.rip;
        result = emulator_step(&emulator, trial->bytes, trial->count);
    } while (result == EMULATOR_DONE && regs.rip == rip);
    if (result != EMULATOR_DONE) {
        describe(trial);
    }
    assert_int_equal(result, EMULATOR_DONE);
    assert_int_equal(regs.rip, 0x1000 + trial->count);
    compare(trial, &regs, defined_flags(trial, count));
}

static void agrees_with_the_processor(void **state)
{
    unsigned int tried = 0;
    struct trial trial;

    for (unsigned int i = 0; i < ROUNDS; i++) {
        if (make(&trial)) {
            try(&trial);
            tried++;
        }
    }
    assert_true(tried > ROUNDS / 10);
}

static void strings_agree_with_the_processor(void **state)
{
    static const uint8_t opcodes[] = { 0xa4, 0xa6, 0xaa, 0xac, 0xae };

    for (unsigned int i = 0; i < 20000; i++) {
        uint8_t opcode = opcodes[(unsigned long)random() % 5] | (random() & 1);
        struct trial trial = { .row = decode_one_byte[opcode] };
        unsigned int prefix = (unsigned int)random() % 3;

        if (prefix != 0) {
            put(&trial, prefix == 1 ? 0xf2 : 0xf3);
        }
        if (random() & 1) {
            put(&trial, 0x48);
        }
        put(&trial, opcode);
        try(&trial);
    }
}

static void bit_strings_agree_with_the_processor(void **state)
{
    static const uint8_t opcodes[] = { 0xa3, 0xab, 0xb3, 0xbb };

    for (unsigned int i = 0; i < 20000; i++) {
        bool wide = random() & 1;
        uint8_t opcode = opcodes[random() & 3];
        struct trial trial = { .row = decode_0f[opcode], .width = wide ? 8 : 4 };
        struct cpu_user_regs regs;
        struct emulator emulator = { .regs = &regs, .ops = &memory_ops, .mode = 8 };
        uint64_t bit = (uint64_t)(random() % 640 - 320);

        put(&trial, wide ? 0x48 : 0x40);
        put(&trial, 0x0f);
        put(&trial, opcode);
        put(&trial, 0x0f); /* [rdi], rcx */
        choose_state(&regs);
        native->regs[1] = regs.rcx = bit;
        native_run(trial.bytes, trial.count);
        assert_int_equal(emulator_step(&emulator, trial.bytes, trial.count), EMULATOR_DONE);
        compare(&trial, &regs, FLAG_CF);
    }
}

static void pairs_agree_with_the_processor(void **state)
{
    for (unsigned int i = 0; i < 2000; i++) {
        bool wide = random() & 1;
        struct trial trial = { .count = 0 };
        struct cpu_user_regs regs;
        struct emulator emulator = { .regs = &regs, .ops = &memory_ops, .mode = 8 };

        put(&trial, 0xf0);
        put(&trial, wide ? 0x48 : 0x40);
        put(&trial, 0x0f);
        put(&trial, 0xc7);
        put(&trial, 0x0f); /* [rdi] */
        choose_state(&regs);
        native->regs[7] = regs.rdi = (uintptr_t)native->memory;
        if (random() & 1) {
            memcpy(&native->regs[0], native->memory, 8);
            memcpy(&native->regs[2], native->memory + (wide ? 8 : 4), 8);
            regs.rax = native->regs[0];
            regs.rdx = native->regs[2];
        }
        native_run(trial.bytes, trial.count);
        assert_int_equal(emulator_step(&emulator, trial.bytes, trial.count), EMULATOR_DONE);
        compare(&trial, &regs, FLAGS_STATUS);
    }
}

/* ---- what the processor is not asked ----------------------------------------------------------- */

static uint32_t port_value;
static unsigned int port_bytes;
static uint16_t port_number;
static uint64_t control[16];
static enum emulator_result answer;

static enum emulator_result read_port(struct emulator *emulator, uint16_t port, uint32_t *value,
                                      unsigned int bytes)
{
    port_number = port;
    port_bytes = bytes;
    *value = port_value;
    return answer;
}

static enum emulator_result write_port(struct emulator *emulator, uint16_t port, uint32_t value,
                                       unsigned int bytes)
{
    port_number = port;
    port_bytes = bytes;
    port_value = value;
    return answer;
}

static enum emulator_result read_control(struct emulator *emulator, unsigned int reg,
                                         uint64_t *value)
{
    *value = control[reg];
    return EMULATOR_DONE;
}

static enum emulator_result write_control(struct emulator *emulator, unsigned int reg,
                                          uint64_t value)
{
    control[reg] = value;
    return EMULATOR_DONE;
}

static enum emulator_result exchange_fails(struct emulator *emulator, enum emulator_segment segment,
                                           uint64_t offset, void *expected, const void *value,
                                           unsigned int bytes)
{
    memset(expected, 0x5a, bytes);
    return EMULATOR_DONE;
}

static const struct emulator_ops system_ops = {
    .read = do_read,
    .write = do_write,
    .compare_exchange = exchange_fails,
    .read_port = read_port,
    .write_port = write_port,
    .read_control = read_control,
    .write_control = write_control,
};

static struct cpu_user_regs regs;
static struct emulator machine = { .regs = &regs, .ops = &system_ops };

static int setup_system(void **state)
{
    choose_state(&regs);
    machine.mode = 8;
    answer = EMULATOR_DONE;
    return 0;
}

#define STEP(...)                                             \
    emulator_step(&machine, (const uint8_t[]){ __VA_ARGS__ }, \
                  sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void ports_are_read_and_written(void **state)
{
    regs.rax = 0x1122334455667788;
    regs.rdx = 0xffff0cf8;
    assert_int_equal(STEP(0xef), EMULATOR_DONE); /* out dx, eax */
    assert_int_equal(port_number, 0x0cf8);
    assert_int_equal(port_bytes, 4);
    assert_int_equal(port_value, 0x55667788);
    port_value = 0xaabbccdd;
    assert_int_equal(STEP(0xe4, 0x71), EMULATOR_DONE); /* in al, 0x71 */
    assert_int_equal(port_number, 0x71);
    assert_int_equal(regs.rax, 0x11223344556677dd);
    assert_int_equal(STEP(0x66, 0xed), EMULATOR_DONE); /* in ax, dx */
    assert_int_equal(regs.rax, 0x112233445566ccdd);
    assert_int_equal(STEP(0xed), EMULATOR_DONE); /* in eax, dx */
    assert_int_equal(regs.rax, 0xaabbccdd);
    regs.rcx = 2;
    regs.rdi = (uintptr_t)native->memory;
    regs.rip = 0x1000;
    assert_int_equal(STEP(0xf3, 0x6d), EMULATOR_DONE); /* rep insd */
    assert_int_equal(regs.rip, 0x1000);
    assert_int_equal(regs.rcx, 1);
    assert_int_equal(regs.rdi, (uintptr_t)native->memory + 4);
    assert_int_equal(STEP(0xf3, 0x6d), EMULATOR_DONE);
    assert_int_equal(regs.rip, 0x1002);
    assert_memory_equal(memory, "\xdd\xcc\xbb\xaa\xdd\xcc\xbb\xaa", 8);
}

static void nothing_changes_before_an_access_is_complete(void **state)
{
    struct cpu_user_regs before = regs;

    answer = EMULATOR_RETRY;
    assert_int_equal(STEP(0xed), EMULATOR_RETRY);
    assert_memory_equal(&regs, &before, sizeof(regs));
    assert_int_equal(STEP(0xf0, 0x01, 0x07),
                     EMULATOR_RETRY); /* lock add [rdi], eax: another was faster */
    assert_memory_equal(&regs, &before, sizeof(regs));
    machine.ops = &memory_ops;
    assert_int_equal(STEP(0xed), EMULATOR_UNKNOWN);
    machine.ops = &system_ops;
    assert_memory_equal(&regs, &before, sizeof(regs));
}

static void what_is_no_instruction_faults(void **state)
{
    assert_int_equal(STEP(0xf0, 0x89, 0x07), EMULATOR_FAULT); /* lock mov [rdi], eax */
    assert_int_equal(machine.fault.vector, 6);
    assert_int_equal(STEP(0xf0, 0x01, 0xc8), EMULATOR_FAULT); /* lock add eax, ecx */
    assert_int_equal(STEP(0xf0, 0x03, 0x07), EMULATOR_FAULT); /* lock add eax, [rdi] */
    assert_int_equal(STEP(0xf0, 0x39, 0x07), EMULATOR_FAULT); /* lock cmp [rdi], eax */
    assert_int_equal(STEP(0x8d, 0xc0), EMULATOR_FAULT);       /* lea eax, eax */
    assert_int_equal(STEP(0x0f, 0xc3, 0xc0), EMULATOR_FAULT); /* movnti eax, eax */
}

static void control_registers_move(void **state)
{
    control[0] = 0x8005003b;
    control[8] = 7;
    assert_int_equal(STEP(0x0f, 0x20, 0xc1), EMULATOR_DONE); /* mov rcx, cr0 */
    assert_int_equal(regs.rcx, 0x8005003b);
    assert_int_equal(STEP(0x44, 0x0f, 0x20, 0xc2), EMULATOR_DONE); /* mov rdx, cr8 */
    assert_int_equal(regs.rdx, 7);
    assert_int_equal(STEP(0x0f, 0x06), EMULATOR_DONE); /* clts */
    assert_int_equal(control[0], 0x80050033);
    regs.rbx = 0x1234000;
    assert_int_equal(STEP(0x0f, 0x22, 0xdb), EMULATOR_DONE); /* mov cr3, rbx */
    assert_int_equal(control[3], 0x1234000);
}

static void what_is_not_there_is_unknown(void **state)
{
    assert_int_equal(STEP(0x0f, 0x05), EMULATOR_UNKNOWN);          /* syscall */
    assert_int_equal(STEP(0xe8, 0, 0, 0, 0), EMULATOR_UNKNOWN);    /* call */
    assert_int_equal(STEP(0xff, 0xd0), EMULATOR_UNKNOWN);          /* call rax */
    assert_int_equal(STEP(0x82, 0xc0, 1), EMULATOR_UNKNOWN);       /* not in 64-bit mode */
    assert_int_equal(STEP(0x81, 0x07, 1, 2, 3), EMULATOR_UNKNOWN); /* too short */
    assert_int_equal(STEP(0x66, 0x66, 0x66), EMULATOR_UNKNOWN);    /* prefixes only */
    assert_int_equal(emulator_step(&machine, NULL, 0), EMULATOR_UNKNOWN);
}

static void addresses_have_sixteen_bits_too(void **state)
{
    machine.mode = 2;
    regs.rbx = 0xfffffffffff80000 | 0x10;
    regs.rsi = 0x20;
    regs.rdi = 0xffff;
    regs.rip = 0xffff;
    /* lea ax, [bx + si - 0x40]: within 16 bits, and rip wraps. */
    assert_int_equal(STEP(0x8d, 0x40, 0xc0), EMULATOR_DONE);
    assert_int_equal(regs.rax & 0xffff, 0xfff0);
    assert_int_equal(regs.rip, 2);
    assert_int_equal(STEP(0x8d, 0x06, 0x34, 0x12), EMULATOR_DONE); /* lea ax, [0x1234] */
    assert_int_equal(regs.rax & 0xffff, 0x1234);
    assert_int_equal(STEP(0x66, 0xb8, 1, 2, 3, 4), EMULATOR_DONE); /* mov eax, 0x04030201 */
    assert_int_equal(regs.rax, 0x04030201);
    /* With 0x67, the addresses of 32 bits: lea ax, [edi + 1]. */
    assert_int_equal(STEP(0x67, 0x8d, 0x47, 1), EMULATOR_DONE);
    assert_int_equal(regs.rax & 0xffff, 0);
    assert_int_equal(STEP(0x48), EMULATOR_UNKNOWN); /* dec ax is not REX, and not emulated */
}

static void the_stack_grows_and_shrinks(void **state)
{
    regs.rsp = (uintptr_t)native->memory + 64;
    regs.rax = 0x1122334455667788;
    assert_int_equal(STEP(0x50), EMULATOR_DONE); /* push rax */
    assert_int_equal(regs.rsp, (uintptr_t)native->memory + 56);
    assert_memory_equal(memory + 56, &regs.rax, 8);
    assert_int_equal(STEP(0x41, 0x58), EMULATOR_DONE); /* pop r8 */
    assert_int_equal(regs.r8, 0x1122334455667788);
    assert_int_equal(regs.rsp, (uintptr_t)native->memory + 64);
    assert_int_equal(STEP(0x6a, 0xff), EMULATOR_DONE); /* push -1 */
    assert_memory_equal(memory + 56, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
    assert_int_equal(STEP(0x66, 0x50), EMULATOR_DONE); /* push ax */
    assert_int_equal(regs.rsp, (uintptr_t)native->memory + 54);
    assert_int_equal(STEP(0x5c), EMULATOR_DONE); /* pop rsp: what was popped, not one more */
    assert_memory_equal(&regs.rsp, memory + 54, 8);
}

static int setup(void **state)
{
    unsigned int seed = (unsigned int)time(NULL);
    const char *given = getenv("XENIOS_SEED");

    seed = given != NULL ? (unsigned int)strtoul(given, NULL, 0) : seed;
    fprintf(stderr, "XENIOS_SEED=%#x\n", seed);
    srandom(seed);
    native_setup();
    return 0;
}

static int teardown(void **state)
{
    native_teardown();
    return 0;
}

#define SYSTEM_TEST(name) cmocka_unit_test_setup(name, setup_system)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_processor),
        cmocka_unit_test(strings_agree_with_the_processor),
        cmocka_unit_test(bit_strings_agree_with_the_processor),
        cmocka_unit_test(pairs_agree_with_the_processor),
        SYSTEM_TEST(ports_are_read_and_written),
        SYSTEM_TEST(nothing_changes_before_an_access_is_complete),
        SYSTEM_TEST(what_is_no_instruction_faults),
        SYSTEM_TEST(control_registers_move),
        SYSTEM_TEST(what_is_not_there_is_unknown),
        SYSTEM_TEST(addresses_have_sixteen_bits_too),
        SYSTEM_TEST(the_stack_grows_and_shrinks),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
