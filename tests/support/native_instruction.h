/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Runs one instruction on the processor that the test runs on, from a state and into it. The state
 * lies below 2 GiB, where instructions reach it without a register. Include it in one file.
 */
#ifndef TESTS_SUPPORT_NATIVE_INSTRUCTION_H
#define TESTS_SUPPORT_NATIVE_INSTRUCTION_H

#include "hypervisor/types.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define NATIVE_MEMORY_BYTES 256u
#define NATIVE_RSP          4

/* Registers in the processor's order; that of rsp is not loaded. */
struct native_state {
    uint64_t regs[16], flags;
    uint8_t memory[NATIVE_MEMORY_BYTES] __attribute__((aligned(16)));
};

static struct native_state *native; /* what the next run starts from, and what it left */
static uint8_t *native_code;

static void native_setup(void)
{
    uint8_t *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE | PROT_EXEC,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

    if (pages == MAP_FAILED) {
        abort();
    }
    native_code = pages;
    native = (struct native_state *)(void *)(pages + 4096);
}

static void native_teardown(void)
{
    (void)munmap(native_code, 8192);
}

static uint8_t *native_emit(uint8_t *at, const void *bytes, unsigned int count)
{
    memcpy(at, bytes, count);
    return at + count;
}

/* REX.W opcode ModRM SIB disp32: `opcode` with that register and an absolute address. */
static uint8_t *native_emit_move(uint8_t *at, uint8_t opcode, unsigned int reg, const void *address)
{
    uint32_t place = (uint32_t)(uintptr_t)address;
    const uint8_t bytes[] = { (uint8_t)(0x48 | (reg & 8) >> 1), opcode,
                              (uint8_t)(0x04 | (reg & 7) << 3), 0x25 };

    return native_emit(native_emit(at, bytes, sizeof(bytes)), &place, sizeof(place));
}

/* push and pop of the flags' place: FF /6 and 8F /0. */
static uint8_t *native_emit_stack(uint8_t *at, uint8_t opcode, unsigned int group)
{
    uint32_t place = (uint32_t)(uintptr_t)&native->flags;
    const uint8_t bytes[] = { opcode, (uint8_t)(0x04 | group << 3), 0x25 };

    return native_emit(native_emit(at, bytes, sizeof(bytes)), &place, sizeof(place));
}

static void native_run(const uint8_t *instruction, unsigned int bytes)
{
    /* What a function has to keep: rbx, rbp, r12 to r15. */
    static const uint8_t keep[] = { 0x53, 0x55, 0x41, 0x54, 0x41, 0x55, 0x41, 0x56, 0x41, 0x57 };
    static const uint8_t restore[] = { 0xfc, 0x41, 0x5f, 0x41, 0x5e, 0x41,
                                       0x5d, 0x41, 0x5c, 0x5d, 0x5b, 0xc3 };
    static const uint8_t pop_flags = 0x9d, push_flags = 0x9c;
    uint8_t *at = native_emit(native_code, keep, sizeof(keep));

    at = native_emit_stack(at, 0xff, 6);
    at = native_emit(at, &pop_flags, 1);
    for (unsigned int i = 0; i < 16; i++) {
        at = i == NATIVE_RSP ? at : native_emit_move(at, 0x8b, i, &native->regs[i]);
    }
    at = native_emit(at, instruction, bytes);
    for (unsigned int i = 0; i < 16; i++) {
        at = i == NATIVE_RSP ? at : native_emit_move(at, 0x89, i, &native->regs[i]);
    }
    at = native_emit(at, &push_flags, 1);
    at = native_emit_stack(at, 0x8f, 0);
    (void)native_emit(at, restore, sizeof(restore));
    ((void (*)(void))(uintptr_t)native_code)();
}

#endif
