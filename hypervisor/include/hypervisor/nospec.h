/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Indices that a guest chooses. A bounds check is a branch, and a processor that guesses it wrong reads
 * beyond the table with the guest's index (Spectre, variant 1). So after the check the index is bounded
 * once more by arithmetic, which nobody guesses: 0 when it was out of range.
 *
 *     if (number >= count) {
 *         return -XEN_EINVAL;
 *     }
 *     row = &rows[index_nospec(number, count)];
 */
#ifndef HYPERVISOR_NOSPEC_H
#define HYPERVISOR_NOSPEC_H

#include "asm/nospec.h"

/* arch_index_mask(index, size) of asm/nospec.h: all ones when index < size, else 0; no branch. */
static __always_inline uint64_t index_nospec(uint64_t index, uint64_t size)
{
    return index & arch_index_mask(index, size);
}

#endif
