/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The host: what asm/nospec.h of the machine computes, told plainly. Nobody speculates in a test. */
#ifndef ASM_NOSPEC_H
#define ASM_NOSPEC_H

#include "hypervisor/compiler.h"
#include "hypervisor/types.h"

static __always_inline uint64_t arch_index_mask(uint64_t index, uint64_t size)
{
    return index < size ? ~0ull : 0;
}

static __always_inline void arch_speculation_fence(void)
{
}

#endif
