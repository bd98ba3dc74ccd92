/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Instructions of the hypervisor that may fault, and where to go on when they do. Both addresses are
 * relative to their own place, so that an entry is 8 bytes and needs no relocation.
 */
#ifndef ASM_EXTABLE_H
#define ASM_EXTABLE_H

#ifdef __ASSEMBLY__

/* clang-format off */
.macro EXTABLE fault, fixup
    .pushsection "exception_table", "a"
    .balign 4
    .long \fault - .
    .long \fixup - .
    .popsection
.endm
/* clang-format on */

#else

#include "hypervisor/types.h"

/* In inline assembly: the labels of the faulting instruction and of the continuation. */
#define EXTABLE(fault, fixup)                   \
    ".pushsection \"exception_table\", \"a\"\n" \
    ".balign 4\n"                               \
    ".long " fault " - .\n"                     \
    ".long " fixup " - .\n"                     \
    ".popsection\n"

/* Where to continue after a fault at ip in the hypervisor, or 0 when no fault was expected there. */
uint64_t extable_find(uint64_t ip);

#endif
#endif
