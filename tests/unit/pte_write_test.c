/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The emulation of instructions that write page-table entries, held against the processor: random
 * instructions with random operands run natively and through the emulator; memory, registers and
 * flags must agree.
 */
#include "asm/pte_write.h"
#include "asm/pv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#define ROUNDS     200000u
#define CODE_BYTES 256u

/* Flags that the emulator must get right: AF is not among them, OF and others where defined. */
#define FLAGS_ALL (X86_EFLAGS_CF | X86_EFLAGS_PF | X86_EFLAGS_ZF | X86_EFLAGS_SF | X86_EFLAGS_OF)

struct native_state {
    uint64_t rax, rcx, rdx, rbx, rsi, r8, flags, memory;
};

static uint8_t *code;

static uint64_t random64(void)
{
    return (uint64_t)random() << 42 ^ (uint64_t)random() << 21 ^ (uint64_t)random();
}

/* mov rdi points to the state; loads registers, runs the instruction on [rdi + 56], stores them. */
static void run_native(struct native_state *state, const uint8_t *instruction, unsigned int bytes)
{
    static const uint8_t load[] = {
        0x53,                   /* push rbx */
        0x57,                   /* push rdi */
        0xff, 0x77, 0x30, 0x9d, /* push [rdi+48]; popf */
        0x48, 0x8b, 0x07,       /* mov rax, [rdi] */
        0x48, 0x8b, 0x4f, 0x08, /* mov rcx, [rdi+8] */
        0x48, 0x8b, 0x57, 0x10, /* mov rdx, [rdi+16] */
        0x48, 0x8b, 0x5f, 0x18, /* mov rbx, [rdi+24] */
        0x48, 0x8b, 0x77, 0x20, /* mov rsi, [rdi+32] */
        0x4c, 0x8b, 0x47, 0x28, /* mov r8, [rdi+40] */
    };
    static const uint8_t store[] = {
        0x9c, 0x8f, 0x47, 0x30, /* pushf; pop [rdi+48] */
        0x48, 0x89, 0x07,       /* mov [rdi], rax */
        0x48, 0x89, 0x4f, 0x08, /* ... */
        0x48, 0x89, 0x57, 0x10, 0x48, 0x89, 0x5f, 0x18, 0x48, 0x89,
        0x77, 0x20, 0x4c, 0x89, 0x47, 0x28, 0x5f, 0x5b, 0xc3, /* pop rdi; pop rbx; ret */
    };
    uint8_t *at = code;

    memcpy(at, load, sizeof(load));
    at += sizeof(load);
    memcpy(at, instruction, bytes);
    at += bytes;
    memcpy(at, store, sizeof(store));
    ((void (*)(struct native_state *))(uintptr_t)code)(state);
}

/* An instruction with destination [rdi + 56] and a source among rax, rcx, rdx, rbx, rsi, r8. */
static unsigned int make_instruction(uint8_t *out)
{
    static const struct {
        uint8_t map_0f, opcode, group, immediate; /* group 0xff: a register; immediate: 1, 4: z */
    } forms[] = {
        { 0, 0x00, 0xff, 0 }, { 0, 0x01, 0xff, 0 }, { 0, 0x08, 0xff, 0 }, { 0, 0x09, 0xff, 0 },
        { 0, 0x20, 0xff, 0 }, { 0, 0x21, 0xff, 0 }, { 0, 0x28, 0xff, 0 }, { 0, 0x29, 0xff, 0 },
        { 0, 0x30, 0xff, 0 }, { 0, 0x31, 0xff, 0 }, { 0, 0x80, 0, 1 },    { 0, 0x80, 1, 1 },
        { 0, 0x80, 4, 1 },    { 0, 0x80, 5, 1 },    { 0, 0x80, 6, 1 },    { 0, 0x81, 0, 4 },
        { 0, 0x81, 1, 4 },    { 0, 0x81, 4, 4 },    { 0, 0x81, 5, 4 },    { 0, 0x81, 6, 4 },
        { 0, 0x83, 0, 1 },    { 0, 0x83, 1, 1 },    { 0, 0x83, 4, 1 },    { 0, 0x83, 5, 1 },
        { 0, 0x83, 6, 1 },    { 0, 0x86, 0xff, 0 }, { 0, 0x87, 0xff, 0 }, { 0, 0x88, 0xff, 0 },
        { 0, 0x89, 0xff, 0 }, { 0, 0xc6, 0, 1 },    { 0, 0xc7, 0, 4 },    { 1, 0xb0, 0xff, 0 },
        { 1, 0xb1, 0xff, 0 }, { 1, 0xc0, 0xff, 0 }, { 1, 0xc1, 0xff, 0 }, { 1, 0xba, 5, 1 },
        { 1, 0xba, 6, 1 },    { 1, 0xba, 7, 1 },
    };
    static const uint8_t sources[] = { 0, 1, 2, 3, 6, 8 };
    unsigned int form = (unsigned int)random() % ARRAY_SIZE(forms), at = 0;
    uint8_t source = sources[random() % ARRAY_SIZE(sources)];
    bool operand16 = random() % 4 == 0, wide = random() % 2;
    uint8_t rex = (uint8_t)(0x40 | wide << 3 | (source >= 8) << 2);
    unsigned int immediate = forms[form].immediate;

    if (operand16) {
        out[at++] = 0x66;
    }
    if (rex != 0x40 || random() % 2) {
        out[at++] = rex;
    }
    if (forms[form].map_0f) {
        out[at++] = 0x0f;
    }
    out[at++] = forms[form].opcode;
    out[at++] =
        (uint8_t)(0x40 | (forms[form].group == 0xff ? source & 7 : forms[form].group) << 3 | 7);
    out[at++] = 56;
    if (immediate == 4 && operand16 && !wide) {
        immediate = 2;
    }
    for (unsigned int i = 0; i < immediate; i++) {
        out[at++] = (uint8_t)random();
    }
    return at;
}

static void print_instruction(const uint8_t *bytes, unsigned int length)
{
    for (unsigned int i = 0; i < length; i++) {
        fprintf(stderr, "%02x ", bytes[i]);
    }
    fprintf(stderr, "\n");
}

static void emulator_agrees_with_processor(void **unused)
{
    (void)unused;
    for (unsigned int round = 0; round < ROUNDS; round++) {
        uint8_t bytes[INSTRUCTION_BYTES_MAX + 1] = { 0 };
        unsigned int length = make_instruction(bytes);
        struct native_state native = { random64(), random64(), random64(), random64(),
                                       random64(), random64(), 0x202,      random64() };
        struct cpu_user_regs regs;
        uint64_t old, mask, value = 0;
        struct pte_write op;

        if (random() % 2) {
            native.rax = native.memory;
        }
        memset(&regs, 0, sizeof(regs));
        regs.rax = native.rax;
        regs.rcx = native.rcx;
        regs.rdx = native.rdx;
        regs.rbx = native.rbx;
        regs.rsi = native.rsi;
        regs.r8 = native.r8;
        regs.rflags = native.flags;
        old = native.memory;
        assert_true(pte_write_decode(&op, bytes, length));
        if (op.length != length) {
            print_instruction(bytes, length);
        }
        assert_int_equal(op.length, length);
        mask = op.width == 8 ? ~0ull : (1ull << 8 * op.width) - 1;
        if (!pte_write_execute(&op, &regs, old, &value)) {
            value = old;
        }
        value = (old & ~mask) | (value & mask);
        run_native(&native, bytes, length);
        if (value != native.memory || regs.rax != native.rax || regs.rcx != native.rcx ||
            regs.rdx != native.rdx || regs.rbx != native.rbx || regs.rsi != native.rsi ||
            regs.r8 != native.r8 || ((regs.rflags ^ native.flags) & FLAGS_ALL)) {
            print_instruction(bytes, length);
            fail_msg("memory %#lx, processor %#lx; flags %#lx, processor %#lx", value,
                     native.memory, regs.rflags, native.flags);
        }
    }
}

static void register_destinations_are_refused(void **unused)
{
    static const uint8_t mov_register[] = { 0x48, 0x89, 0xc8 };
    static const uint8_t truncated[] = { 0x48, 0xc7, 0x07, 1, 2 };
    static const uint8_t load[] = { 0x48, 0x8b, 0x07 };
    struct pte_write op;

    (void)unused;
    assert_false(pte_write_decode(&op, mov_register, sizeof(mov_register)));
    assert_false(pte_write_decode(&op, truncated, sizeof(truncated)));
    assert_false(pte_write_decode(&op, load, sizeof(load)));
    assert_false(pte_write_decode(&op, load, 0));
}

static int setup(void **unused)
{
    const char *seed = getenv("XENIOS_SEED");

    (void)unused;
    srandom(seed ? (unsigned int)strtoul(seed, NULL, 0) : 1);
    code = mmap(NULL, CODE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
                -1, 0);
    return code == MAP_FAILED;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(emulator_agrees_with_processor),
        cmocka_unit_test(register_destinations_are_refused),
    };

    return cmocka_run_group_tests_name("pte_write", tests, setup, NULL);
}
