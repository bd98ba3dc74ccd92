/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The page tables dom0 starts on: the linear region with the kernel, start info, the tables themselves
 * (read-only) and the stack; and the p2m where the kernel wants it (xen/elfnote.h, INIT_P2M).
 */
#include "asm/dom0_plan.h"
#include "arch/memory.h"
#include "asm/page.h"
#include "hypervisor/bug.h"
#include "hypervisor/string.h"

#define TABLE_FLAGS     (PTE_PRESENT | PTE_WRITE | PTE_USER | PTE_ACCESSED | PTE_DIRTY)
#define READ_ONLY_FLAGS (PTE_PRESENT | PTE_USER | PTE_ACCESSED | PTE_DIRTY)
#define L2_SHIFT        21
#define L3_SHIFT        30
#define L4_SHIFT        39

/* Tables come from consecutive pfns. */
struct table_source {
    const struct dom0_memory *memory;
    uint64_t next_pfn, end_pfn;
};

static uint64_t spans(uint64_t start, uint64_t end, unsigned int shift)
{
    return ((end - 1) >> shift) - (start >> shift) + 1;
}

uint64_t dom0_tables_needed(uint64_t start, uint64_t end)
{
    return spans(start, end, L2_SHIFT) + spans(start, end, L3_SHIFT) + spans(start, end, L4_SHIFT);
}

static mfn_t table_take(struct table_source *source)
{
    mfn_t mfn;

    BUG_ON(source->next_pfn >= source->end_pfn);
    mfn = dom0_mfn(source->memory, source->next_pfn++);
    memset(mfn_to_virt(mfn), 0, PAGE_SIZE);
    return mfn;
}

/* Maps one page, with tables from the source where they are missing. */
static void map_page(struct table_source *source, uint64_t *root, uint64_t address, mfn_t mfn,
                     uint64_t flags)
{
    uint64_t *table = root;

    for (unsigned int shift = L4_SHIFT; shift > PAGE_SHIFT; shift -= 9) {
        uint64_t *entry = &table[address >> shift & 511];

        if (!*entry) {
            *entry = pte_make(table_take(source), TABLE_FLAGS);
        }
        table = mfn_to_virt(pte_mfn(*entry));
    }
    table[address >> PAGE_SHIFT & 511] = pte_make(mfn, flags);
}

mfn_t dom0_tables_build(const struct dom0_memory *memory, const struct dom0_layout *layout)
{
    struct table_source source = {
        .memory = memory,
        .next_pfn = (layout->tables - layout->start) >> PAGE_SHIFT,
        .end_pfn = (layout->tables_end - layout->start) >> PAGE_SHIFT,
    };
    mfn_t root_mfn = table_take(&source);
    uint64_t *root = mfn_to_virt(root_mfn);

    for (uint64_t address = layout->start; address < layout->end; address += PAGE_SIZE) {
        bool is_table = address >= layout->tables && address < layout->tables_end;

        map_page(&source, root, address, dom0_mfn(memory, (address - layout->start) >> PAGE_SHIFT),
                 is_table ? READ_ONLY_FLAGS : TABLE_FLAGS);
    }
    if (layout->p2m_table_frames) {
        source.next_pfn = layout->p2m_pfn + layout->p2m_frames;
        source.end_pfn = source.next_pfn + layout->p2m_table_frames;
        for (uint64_t i = 0; i < layout->p2m_frames; i++) {
            map_page(&source, root, layout->p2m_address + i * PAGE_SIZE,
                     dom0_mfn(memory, layout->p2m_pfn + i), TABLE_FLAGS);
        }
    }
    return root_mfn;
}
