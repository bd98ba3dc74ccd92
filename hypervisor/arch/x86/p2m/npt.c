/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The physical map's format for AMD's nested paging: long mode's page tables, walked with user
 * rights (AMD APM vol. 2, 15.25.5).
 *
 *     63 no execution | 62..56 0 | 55..52 type | 51..12 frame | 7 large | 6..5 dirty, accessed |
 *     2 user | 1 write | 0 present
 *
 * The type stands in bits that the processor ignores, and an IOMMU that would walk the same tables
 * does too. An entry that is not present keeps no frame: nothing can be speculated from it. Accessed
 * and dirty are set from the start, so that the processor never writes an entry.
 */
#include "asm/p2m.h"

#include "asm/page.h"
#include "hypervisor/bug.h"

#define NPT_TYPE_SHIFT 52
#define NPT_TYPE_MASK  0xfull
#define NPT_BASE       (PTE_PRESENT | PTE_USER | PTE_ACCESSED | PTE_DIRTY)

_Static_assert(P2M_TYPES <= NPT_TYPE_MASK + 1, "a type has four bits");

static uint64_t npt_leaf(mfn_t mfn, enum p2m_type type, unsigned int level)
{
    uint64_t word = (uint64_t)type << NPT_TYPE_SHIFT;

    if (!p2m_type_has_frame(type)) {
        return word;
    }
    ASSERT((mfn_to_paddr(mfn) & ~PTE_ADDRESS_MASK) == 0);
    word |= pte_make(mfn, NPT_BASE) | (level > 1 ? PTE_HUGE : 0);
    word |= p2m_type_writable(type) ? PTE_WRITE : 0;
    /* Code in somebody else's frame, or in a device, is nothing that a guest needs. */
    word |= p2m_type_is_ram(type) ? 0 : PTE_NX;
    return type == P2M_DEVICE ? word | PTE_CACHE_UC : word;
}

static uint64_t npt_table(mfn_t mfn)
{
    return pte_make(mfn, NPT_BASE | PTE_WRITE);
}

static bool npt_is_table(uint64_t word, unsigned int level)
{
    return level > 1 && (word & (PTE_PRESENT | PTE_HUGE)) == PTE_PRESENT;
}

static enum p2m_type npt_type(uint64_t word)
{
    return (enum p2m_type)(word >> NPT_TYPE_SHIFT & NPT_TYPE_MASK);
}

const struct p2m_format p2m_format_npt = {
    .name = "AMD nested paging",
    .levels = 4,
    .leaf_level_max = 3,
    .leaf = npt_leaf,
    .table = npt_table,
    .is_table = npt_is_table,
    .type = npt_type,
    .mfn = pte_mfn,
};
