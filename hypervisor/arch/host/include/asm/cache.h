/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* On the host memory is coherent: nothing to do. */
#ifndef ASM_CACHE_H
#define ASM_CACHE_H

#include "hypervisor/types.h"

static inline void cache_flush_range(const void *from, size_t bytes)
{
    (void)from;
    (void)bytes;
}

static inline void cache_flush_all_local(void)
{
}

#endif
