/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The instruction emulator: one instruction of a guest, decoded by a table and executed against what
 * its caller provides for memory, ports and registers of the system. It knows of no hypervisor.
 */
#ifndef ASM_EMULATOR_H
#define ASM_EMULATOR_H

#include "abi/xen.h"
#include "hypervisor/types.h"

#define EMULATOR_BYTES_MAX 15u

enum emulator_result {
    EMULATOR_DONE,  /* registers and rip are the next instruction's, or the next round's of a REP */
    EMULATOR_FAULT, /* the exception in emulator.fault is due; registers as before */
    EMULATOR_RETRY, /* an access is not complete: once it is, the same again; registers as before */
    EMULATOR_UNKNOWN, /* no such instruction here; registers as before */
};

enum emulator_segment {
    EMULATOR_ES,
    EMULATOR_CS,
    EMULATOR_SS,
    EMULATOR_DS,
    EMULATOR_FS,
    EMULATOR_GS
};

struct emulator_fault {
    uint8_t vector;
    bool has_code;
    uint32_t code;
    uint64_t address; /* of #PF */
};

struct emulator;

/*
 * All return EMULATOR_*; after EMULATOR_FAULT the fault is in emulator->fault. Offsets are within the
 * segment, wrapped to the address size. `bytes` is 1, 2, 4, 8 or, for compare_exchange, 16, which has
 * to be aligned (#GP). A NULL one makes the instructions that need it EMULATOR_UNKNOWN.
 */
struct emulator_ops {
    enum emulator_result (*read)(struct emulator *emulator, enum emulator_segment segment,
                                 uint64_t offset, void *data, unsigned int bytes);
    enum emulator_result (*write)(struct emulator *emulator, enum emulator_segment segment,
                                  uint64_t offset, const void *data, unsigned int bytes);
    /* *expected is updated with what was there; the same value as before: it was exchanged. */
    enum emulator_result (*compare_exchange)(struct emulator *emulator,
                                             enum emulator_segment segment, uint64_t offset,
                                             void *expected, const void *value, unsigned int bytes);
    enum emulator_result (*read_port)(struct emulator *emulator, uint16_t port, uint32_t *value,
                                      unsigned int bytes);
    enum emulator_result (*write_port)(struct emulator *emulator, uint16_t port, uint32_t value,
                                       unsigned int bytes);
    enum emulator_result (*read_control)(struct emulator *emulator, unsigned int reg,
                                         uint64_t *value);
    enum emulator_result (*write_control)(struct emulator *emulator, unsigned int reg,
                                          uint64_t value);
};

struct emulator {
    struct cpu_user_regs *regs; /* general registers, rip and rflags */
    const struct emulator_ops *ops;
    uint8_t mode; /* bytes of an address by default: 2, 4 or 8 */
    struct emulator_fault fault;
};

/*
 * Executes the instruction whose bytes are given; `count` of them, at most EMULATOR_BYTES_MAX, could
 * be fetched. Too few bytes are EMULATOR_UNKNOWN. Bounded work: one round of a REP at most.
 */
enum emulator_result emulator_step(struct emulator *emulator, const uint8_t *bytes,
                                   unsigned int count) __must_check;

#endif
