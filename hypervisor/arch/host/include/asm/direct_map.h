/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The host: machine memory is one mapping; machine address 0 is its first byte. */
#ifndef ASM_DIRECT_MAP_H
#define ASM_DIRECT_MAP_H

#include "hypervisor/bug.h"
#include "hypervisor/types.h"

extern uint8_t *host_ram;
extern uint64_t host_ram_bytes; /* what is RAM of it: host_setup's first argument */

static inline void *paddr_to_virt(paddr_t pa)
{
    ASSERT(pa < host_ram_bytes);
    return host_ram + pa;
}

static inline void *mfn_to_virt(mfn_t mfn)
{
    return paddr_to_virt(mfn_to_paddr(mfn));
}

static inline paddr_t virt_to_paddr(const void *address)
{
    uint64_t offset = (uintptr_t)address - (uintptr_t)host_ram;

    ASSERT(offset < host_ram_bytes);
    return offset;
}

static inline mfn_t virt_to_mfn(const void *address)
{
    return paddr_to_mfn(virt_to_paddr(address));
}

#endif
