/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* This guest's page tables: entries by address, and the hypercalls that change them. */
#ifndef LIB_PAGETABLE_H
#define LIB_PAGETABLE_H

#include "hypervisor/types.h"

#include <xen/xen.h>

#define PTE_PRESENT  (1ul << 0)
#define PTE_WRITE    (1ul << 1)
#define PTE_USER     (1ul << 2)
#define PTE_PWT      (1ul << 3)
#define PTE_PCD      (1ul << 4)
#define PTE_ACCESSED (1ul << 5)
#define PTE_DIRTY    (1ul << 6)
#define PTE_HUGE     (1ul << 7)
#define PTE_GLOBAL   (1ul << 8)
#define PTE_NX       (1ul << 63)
#define PTE_ADDRESS  0x000ffffffffff000ul

#define PTE_TABLE (PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED | PTE_DIRTY)
#define PTE_RW    PTE_TABLE
#define PTE_RO    (PTE_PRESENT | PTE_USER | PTE_ACCESSED)

/* Which entry of a level-n table translates the address. */
static inline unsigned int pte_index(uint64_t address, unsigned int level)
{
    return address >> (12 + 9 * (level - 1)) & 511;
}

static inline uint64_t pte_for(uint64_t mfn, uint64_t flags)
{
    return mfn << PAGE_SHIFT | flags;
}

uint64_t root_mfn(void);

/* The entry of a level that translates the address: read-only memory. NULL when there is no table. */
const uint64_t *pte_find(uint64_t address, unsigned int level);
/* The machine address of that entry; 0 when there is none. */
uint64_t pte_machine(uint64_t address, unsigned int level);
/* The machine frame of the level-n table that translates the address. */
uint64_t table_mfn(uint64_t address, unsigned int level);

/* Hypercalls; the result is theirs. `machine` may hold an MMU_* command in its low bits. */
long mmu_update(uint64_t machine, uint64_t value);
long mmu_update_foreign(uint64_t machine, uint64_t value, unsigned int foreign);
long mmuext(unsigned int command, uint64_t mfn_or_address, uint64_t second);
long mmuext_foreign(unsigned int command, uint64_t argument, uint64_t second, unsigned int domid);
long va_update(const volatile void *address, uint64_t pte);

/* Changes the rights of a page's mapping in this guest's one and only place for it. */
long page_set_rights(const volatile void *page, uint64_t flags);

/*
 * A virtual page outside of the guest's memory that has an L1, for mappings of anything: slot n of 16.
 * It is not present to begin with.
 */
void *window(unsigned int slot);

#endif
