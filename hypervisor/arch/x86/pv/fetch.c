/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Reading the current guest's instruction: the one place that does, and once for each emulation. */
#include "asm/instruction.h"
#include "hypervisor/guest.h"

unsigned int instruction_fetch(const struct cpu_user_regs *regs, uint8_t *bytes)
{
    unsigned int in_page = (unsigned int)(PAGE_SIZE - (regs->rip & ~PAGE_MASK));

    if (guest_copy_from(bytes, regs->rip, INSTRUCTION_BYTES_MAX) == 0) {
        return INSTRUCTION_BYTES_MAX;
    }
    /* The next page is not there: the instruction may well end before it. */
    if (in_page < INSTRUCTION_BYTES_MAX && guest_copy_from(bytes, regs->rip, in_page) == 0) {
        return in_page;
    }
    return 0;
}
