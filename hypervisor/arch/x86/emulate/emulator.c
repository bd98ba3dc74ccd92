/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The instruction emulator.
 *
 *     bytes --decode--> row of a table, operands --execute--> registers (a copy) and memory
 *                                                                  |
 *                                     EMULATOR_DONE: the copy becomes the guest's, rip goes on
 *
 * For the instructions of a guest that touch what the processor cannot reach by itself: devices in
 * memory, ports, registers of the system. The caller says what memory and ports are; the emulator
 * writes a guest's memory at most once an instruction, and last. So nothing has to be undone.
 *
 * Not here: instructions that change the flow, far pointers, x87, MMX, SSE. They are UNKNOWN; nothing
 * but a guest that executes from a device, or keeps such operands in one, meets that.
 */
#include "asm/emulator.h"

#include "decoded.h"
#include "hypervisor/bug.h"
#include "operation.h"

static bool is_string(uint8_t action)
{
    return action >= DO_MOVS && action <= DO_OUTS;
}

enum emulator_result emulator_step(struct emulator *emulator, const uint8_t *bytes,
                                   unsigned int count)
{
    unsigned int usable = min(count, EMULATOR_BYTES_MAX);
    struct decoded d = { .bytes = bytes, .count = (uint8_t)usable };
    struct cpu_user_regs regs = *emulator->regs;
    enum emulator_result result = emulator_decode(emulator, &d);
    bool again = false;

    if (result != EMULATOR_DONE) {
        return result;
    }
    result = is_string(d.row.action) ? emulator_execute_string(emulator, &d, &regs, &again)
                                     : emulator_execute(emulator, &d, &regs);
    if (result == EMULATOR_DONE) {
        regs.rip = again ? regs.rip : (regs.rip + d.at) & width_mask(emulator->mode);
        *emulator->regs = regs;
    }
    return result;
}
