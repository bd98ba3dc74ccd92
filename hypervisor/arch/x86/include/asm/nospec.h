/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Bounds by arithmetic: see hypervisor/nospec.h. */
#ifndef ASM_NOSPEC_H
#define ASM_NOSPEC_H

#include "hypervisor/compiler.h"
#include "hypervisor/types.h"

/* The borrow of the subtraction, spread over all bits. */
static __always_inline uint64_t arch_index_mask(uint64_t index, uint64_t size)
{
    uint64_t mask;

    __asm__ volatile("cmp %2, %1; sbb %0, %0" : "=r"(mask) : "r"(index), "rm"(size) : "cc");
    return mask;
}

/* Nothing behind it starts before everything in front of it is decided. */
static __always_inline void arch_speculation_fence(void)
{
    __asm__ volatile("lfence" ::: "memory");
}

#endif
