/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Page-table entries of long mode (Intel SDM vol. 3, 4.5; AMD APM vol. 2, 5.4) and their indices. */
#ifndef ASM_PAGE_H
#define ASM_PAGE_H

#include "asm/layout.h"

#define PTE_PRESENT  LAYOUT_ADDRESS(0x001)
#define PTE_WRITE    LAYOUT_ADDRESS(0x002)
#define PTE_USER     LAYOUT_ADDRESS(0x004)
#define PTE_PWT      LAYOUT_ADDRESS(0x008)
#define PTE_PCD      LAYOUT_ADDRESS(0x010)
#define PTE_ACCESSED LAYOUT_ADDRESS(0x020)
#define PTE_DIRTY    LAYOUT_ADDRESS(0x040)
#define PTE_HUGE     LAYOUT_ADDRESS(0x080) /* levels 2 and 3; level 1 has PTE_PAT there */
#define PTE_PAT      LAYOUT_ADDRESS(0x080)
#define PTE_PAT_HUGE LAYOUT_ADDRESS(0x1000)
/*
 * The hypervisor's own entries only: loading CR3 keeps them, and counts as a full flush of a guest's.
 * No entry in a guest's table may ever have it.
 */
#define PTE_GLOBAL LAYOUT_ADDRESS(0x100)
#define PTE_AVAIL  LAYOUT_ADDRESS(0x7ff0000000000e00) /* software's: the MMU ignores them */
#define PTE_NX     LAYOUT_ADDRESS(0x8000000000000000)

#define PTE_ADDRESS_MASK LAYOUT_ADDRESS(0x000ffffffffff000)
#define PTE_FLAGS_MASK   (~PTE_ADDRESS_MASK)

/* Memory types: indices into the PAT that asm/msr.h's PAT_VALUE programs (the PV ABI's). */
#define PTE_CACHE_WB       0
#define PTE_CACHE_WT       PTE_PWT
#define PTE_CACHE_UC_MINUS PTE_PCD
#define PTE_CACHE_UC       (PTE_PCD | PTE_PWT)
#define PTE_CACHE_WC       PTE_PAT
#define PTE_CACHE_WP       (PTE_PAT | PTE_PWT)
#define PTE_CACHE_MASK     (PTE_PAT | PTE_PCD | PTE_PWT)

#define PTES_PER_TABLE 512

#define L1_SHIFT 12
#define L2_SHIFT 21
#define L3_SHIFT 30
#define L4_SHIFT 39

#define PAGE_BYTES_2M (LAYOUT_ADDRESS(1) << L2_SHIFT)
#define PAGE_BYTES_1G (LAYOUT_ADDRESS(1) << L3_SHIFT)

#define PTE_INDEX(va, shift) (((va) >> (shift)) & 511)

#ifndef __ASSEMBLY__

#include "hypervisor/types.h"

static inline mfn_t pte_mfn(uint64_t pte)
{
    return MFN((pte & PTE_ADDRESS_MASK) >> PAGE_SHIFT);
}

static inline uint64_t pte_make(mfn_t mfn, uint64_t flags)
{
    return mfn_to_paddr(mfn) | flags;
}

static inline unsigned int l1_index(uint64_t va)
{
    return PTE_INDEX(va, L1_SHIFT);
}

static inline unsigned int l2_index(uint64_t va)
{
    return PTE_INDEX(va, L2_SHIFT);
}

static inline unsigned int l3_index(uint64_t va)
{
    return PTE_INDEX(va, L3_SHIFT);
}

static inline unsigned int l4_index(uint64_t va)
{
    return PTE_INDEX(va, L4_SHIFT);
}

static inline bool address_is_canonical(uint64_t va)
{
    return (uint64_t)((int64_t)(va << 16) >> 16) == va;
}

#endif
#endif
