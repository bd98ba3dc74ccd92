/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Building and walking the hypervisor's own tables. Tables are only ever added, so a walk needs no
 * lock: an entry that points to a table keeps pointing to it. Two CPUs that need the same table race
 * with a compare-exchange, and the loser gives its own back.
 */
#include "mm.h"

#include "asm/cpu_features.h"
#include "asm/direct_map.h"
#include "hypervisor/atomic.h"
#include "hypervisor/bug.h"
#include "hypervisor/frame.h"

#define TABLE_FLAGS (PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY)

uint64_t *hypervisor_root;
uint64_t hypervisor_root_cr3;

uint64_t *table_alloc(void)
{
    /* The boot page tables map the first 4 GiB; so tables made with their help come from there. */
    paddr_t at = early_reserve(PAGE_SIZE, PAGE_SIZE, 1ull << 32);

    if (at != 0) {
        return __builtin_memset(paddr_to_virt(at), 0, PAGE_SIZE);
    }
    return frame_alloc_mapped(0, ALLOC_ZERO);
}

void table_make_slot(unsigned int slot, bool user)
{
    uint64_t *l3 = table_alloc();

    if (l3 == NULL) {
        panic("no memory for the hypervisor's page tables");
    }
    hypervisor_root[slot] =
        pte_make(virt_to_mfn(l3), TABLE_FLAGS & ~(user ? PTE_WRITE : 0)) | (user ? PTE_USER : 0);
}

/* The table an entry points to, made when there is none; NULL when there is no memory. */
static uint64_t *next_table(uint64_t *entry, uint64_t user)
{
    uint64_t found = atomic_read(entry);
    uint64_t *table;

    if (!(found & PTE_PRESENT)) {
        table = table_alloc();
        if (table == NULL) {
            return NULL;
        }
        if (atomic_compare_exchange(entry, &found,
                                    pte_make(virt_to_mfn(table), TABLE_FLAGS | user))) {
            return table;
        }
        frame_free_mapped(table, 0);
    }
    BUG_ON(found & PTE_HUGE);
    return mfn_to_virt(pte_mfn(found));
}

/* Shift of the largest page that maps va to paddr within bytes. */
static unsigned int page_shift(uint64_t va, paddr_t paddr, uint64_t bytes, unsigned int max_shift)
{
    uint64_t both = va | paddr;

    if (max_shift >= L3_SHIFT && bytes >= PAGE_BYTES_1G && both % PAGE_BYTES_1G == 0 &&
        cpu_has(CPU_PAGE1GB)) {
        return L3_SHIFT;
    }
    if (max_shift >= L2_SHIFT && bytes >= PAGE_BYTES_2M && both % PAGE_BYTES_2M == 0) {
        return L2_SHIFT;
    }
    return L1_SHIFT;
}

static uint64_t *entry_for(uint64_t va, unsigned int shift, uint64_t user)
{
    uint64_t *table = mfn_to_virt(pte_mfn(hypervisor_root[l4_index(va)]));
    unsigned int level;

    for (level = L3_SHIFT; level > shift; level -= 9) {
        table = next_table(&table[PTE_INDEX(va, level)], user);
        if (table == NULL) {
            return NULL;
        }
    }
    return &table[PTE_INDEX(va, shift)];
}

bool table_map(uint64_t va, paddr_t paddr, uint64_t bytes, uint64_t flags, unsigned int max_shift)
{
    if (!cpu_has(CPU_NX)) {
        flags &= ~PTE_NX;
    }
    BUG_ON((va | paddr | bytes) % PAGE_SIZE != 0);
    while (bytes > 0) {
        unsigned int shift = page_shift(va, paddr, bytes, max_shift);
        uint64_t step = 1ull << shift;
        uint64_t *entry = entry_for(va, shift, flags & PTE_USER);

        if (entry == NULL) {
            return false;
        }
        BUG_ON(*entry & PTE_PRESENT);
        WRITE_ONCE(*entry, paddr | flags | (shift > L1_SHIFT ? PTE_HUGE : 0));
        va += step;
        paddr += step;
        bytes -= step;
    }
    return true;
}

uint64_t *paging_walk_own(uint64_t va)
{
    uint64_t *table = hypervisor_root;
    unsigned int level;

    for (level = L4_SHIFT;; level -= 9) {
        uint64_t *entry = &table[PTE_INDEX(va, level)];

        if (!(atomic_read(entry) & PTE_PRESENT)) {
            return NULL;
        }
        if (level == L1_SHIFT || (level < L4_SHIFT && (*entry & PTE_HUGE))) {
            return entry;
        }
        table = mfn_to_virt(pte_mfn(*entry));
    }
}

void table_unmap(uint64_t va, uint64_t bytes)
{
    for (; bytes > 0; va += PAGE_SIZE, bytes -= PAGE_SIZE) {
        uint64_t *entry = paging_walk_own(va);

        if (entry != NULL) {
            WRITE_ONCE(*entry, 0);
        }
    }
}
