/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The processor's caches, for memory that was also accessed by another memory type. */
#ifndef ASM_CACHE_H
#define ASM_CACHE_H

#include "hypervisor/types.h"

/* Smallest line CLFLUSH works on in any processor with long mode. */
#define CACHE_LINE_BYTES 64

/* Writes back and drops these bytes from the caches of all CPUs. */
static inline void cache_flush_range(const void *from, size_t bytes)
{
    const char *line = from;

    __asm__ volatile("mfence" ::: "memory");
    for (size_t i = 0; i < bytes; i += CACHE_LINE_BYTES) {
        __asm__ volatile("clflush %0" ::"m"(line[i]) : "memory");
    }
    __asm__ volatile("mfence" ::: "memory");
}

/* WBINVD on this CPU. Slow: milliseconds. */
static inline void cache_flush_all_local(void)
{
    __asm__ volatile("wbinvd" ::: "memory");
}

#endif
