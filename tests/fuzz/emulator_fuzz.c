/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The instruction emulator on any bytes, in any mode, with any registers: it reads no byte beyond those
 * it was given, changes nothing but after EMULATOR_DONE, and moves rip by the length of an instruction.
 */
#include "asm/emulator.h"
#include "hypervisor/bug.h"
#include "support/fuzz_input.h"

#include <stdlib.h>
#include <string.h>

static struct fuzz_input input;
static uint8_t memory[64];

/* Now and then an access is refused, or not complete. */
static enum emulator_result answer(struct emulator *emulator)
{
    uint8_t choice = fuzz_u8(&input);

    if (choice == 1) {
        emulator->fault = (struct emulator_fault){ .vector = 14, .has_code = true };
        return EMULATOR_FAULT;
    }
    return choice == 2 ? EMULATOR_RETRY : EMULATOR_DONE;
}

static uint8_t *place(uint64_t offset, unsigned int bytes)
{
    BUG_ON(bytes == 0 || bytes > 16);
    return memory + offset % (sizeof(memory) - 16);
}

static enum emulator_result do_read(struct emulator *emulator, enum emulator_segment segment,
                                    uint64_t offset, void *data, unsigned int bytes)
{
    BUG_ON(segment > EMULATOR_GS || bytes > 8);
    memcpy(data, place(offset, bytes), bytes);
    return answer(emulator);
}

static enum emulator_result do_write(struct emulator *emulator, enum emulator_segment segment,
                                     uint64_t offset, const void *data, unsigned int bytes)
{
    BUG_ON(segment > EMULATOR_GS || bytes > 8);
    memcpy(place(offset, bytes), data, bytes);
    return answer(emulator);
}

static enum emulator_result do_compare_exchange(struct emulator *emulator,
                                                enum emulator_segment segment, uint64_t offset,
                                                void *expected, const void *value,
                                                unsigned int bytes)
{
    uint8_t *at = place(offset, bytes);

    if (memcmp(at, expected, bytes) == 0) {
        memcpy(at, value, bytes);
    } else {
        memcpy(expected, at, bytes);
    }
    return answer(emulator);
}

static enum emulator_result read_port(struct emulator *emulator, uint16_t port, uint32_t *value,
                                      unsigned int bytes)
{
    BUG_ON(bytes != 1 && bytes != 2 && bytes != 4);
    *value = fuzz_u32(&input);
    return answer(emulator);
}

static enum emulator_result write_port(struct emulator *emulator, uint16_t port, uint32_t value,
                                       unsigned int bytes)
{
    BUG_ON(bytes != 1 && bytes != 2 && bytes != 4);
    return answer(emulator);
}

static enum emulator_result read_control(struct emulator *emulator, unsigned int reg,
                                         uint64_t *value)
{
    BUG_ON(reg > 15);
    fuzz_fill(&input, value, sizeof(*value));
    return answer(emulator);
}

static enum emulator_result write_control(struct emulator *emulator, unsigned int reg,
                                          uint64_t value)
{
    BUG_ON(reg > 15);
    return answer(emulator);
}

static const struct emulator_ops all_ops = { do_read,      do_write,   do_compare_exchange,
                                             read_port,    write_port, read_control,
                                             write_control };
static const struct emulator_ops no_ops;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t modes[] = { 8, 4, 2, 8 };
    struct cpu_user_regs regs, before;
    struct emulator emulator = { .regs = &regs };
    unsigned int count;
    enum emulator_result result;
    uint8_t *bytes;

    input = (struct fuzz_input){ data, size };
    emulator.mode = modes[fuzz_u8(&input) & 3];
    emulator.ops = fuzz_u8(&input) == 0xff ? &no_ops : &all_ops;
    count = fuzz_u8(&input) % 20;
    bytes = malloc(count); /* exactly: one beyond is found */
    for (unsigned int i = 0; i < count; i++) {
        bytes[i] = fuzz_u8(&input);
    }
    fuzz_fill(&input, &regs, sizeof(regs));
    before = regs;
    result = emulator_step(&emulator, bytes, count);
    if (result != EMULATOR_DONE) {
        BUG_ON(memcmp(&before, &regs, sizeof(regs)) != 0);
    } else {
        uint64_t moved = regs.rip - before.rip;

        moved &= emulator.mode == 8 ? ~0ull : (1ull << 8 * emulator.mode) - 1;
        BUG_ON(moved > count || moved > EMULATOR_BYTES_MAX);
    }
    free(bytes);
    return 0;
}
