/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Instructions that change one page-table entry in memory, as arithmetic: the decoder and the
 * operation, apart from any page table. arch/x86/emulate/pte_write.c.
 */
#ifndef ASM_PTE_WRITE_H
#define ASM_PTE_WRITE_H

#include "asm/instruction.h"

/* What the instruction does to its memory operand. */
struct pte_write {
    struct instruction in;
    uint8_t kind;   /* enum pte_write_kind of pte_write.c */
    uint8_t width;  /* operand bytes: 1, 2, 4, 8 */
    uint8_t length; /* of the whole instruction */
    bool has_immediate;
    uint64_t immediate; /* sign-extended */
};

/* False when the instruction is none of those that are emulated. */
bool pte_write_decode(struct pte_write *op, const uint8_t *bytes, unsigned int count);

/*
 * Given the memory operand's value, gives the new one and updates registers and flags of the guest
 * as the processor would; false when the instruction does not write (a compare that failed). `regs`
 * should be a copy until the write is known to have happened.
 */
bool pte_write_execute(const struct pte_write *op, struct cpu_user_regs *regs, uint64_t old,
                       uint64_t *value);

#endif
