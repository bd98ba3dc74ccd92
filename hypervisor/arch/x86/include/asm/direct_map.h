/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* All RAM at a fixed offset. */
#ifndef ASM_DIRECT_MAP_H
#define ASM_DIRECT_MAP_H

#include "asm/layout.h"
#include "hypervisor/types.h"

static inline void *paddr_to_virt(paddr_t pa)
{
    return (void *)(uintptr_t)(DIRECT_MAP_START + pa);
}

static inline void *mfn_to_virt(mfn_t mfn)
{
    return paddr_to_virt(mfn_to_paddr(mfn));
}

/* For addresses of the direct map and of the image itself. */
static inline paddr_t virt_to_paddr(const void *address)
{
    uintptr_t va = (uintptr_t)address;
    extern uint64_t image_phys_offset; /* physical minus virtual of the image */

    return va >= DIRECT_MAP_START ? va - DIRECT_MAP_START : va + image_phys_offset;
}

static inline mfn_t virt_to_mfn(const void *address)
{
    return paddr_to_mfn(virt_to_paddr(address));
}

#endif
