/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Virtual addresses for what the direct map does not have: devices, firmware tables, stacks.
 *
 * A bitmap with a bit a page over the first VMAP_PAGES pages from VMAP_START. An area takes its pages
 * and a page behind it that stays unmapped; the very first page is never given, so every area has a
 * guard page on both sides.
 *
 * Invariants:
 *   V1  a set bit belongs to one area, which alone changes the entries of its pages;
 *   V2  a bit is cleared only after its page was unmapped and all TLBs flushed;
 *   V3  area_pages[first page] is the length of an area; 0 in all other places.
 *
 * Lock: vmap_lock (LOCK_PAGING) for the bitmap; not held while tables are made or TLBs flushed.
 */
#include "mm.h"

#include "asm/direct_map.h"
#include "asm/tlb.h"
#include "hypervisor/bitmap.h"
#include "hypervisor/bug.h"
#include "hypervisor/frame.h"
#include "hypervisor/lock.h"
#include "hypervisor/string.h"

#define VMAP_PAGES 0x80000u /* 2 GiB */

static unsigned long used[BITMAP_LONGS(VMAP_PAGES)];
static uint32_t area_pages[VMAP_PAGES / 8]; /* by first page / 8: areas start on multiples of 8 */
static struct spinlock vmap_lock = SPINLOCK_INIT(LOCK_PAGING);

_Static_assert(STACK_BYTES == 8 * PAGE_SIZE, "areas are aligned for stacks");

void vmap_init(void)
{
    bit_set(used, 0);
}

static bool pages_free(unsigned int first, unsigned int count)
{
    return bitmap_find_set(used, first + count, first) == first + count;
}

/* First page of a new area of `count` pages and a guard; 0 when there is no room. */
static unsigned int area_alloc(unsigned int count)
{
    unsigned int first, i;
    unsigned long flags = spin_lock_irqsave(&vmap_lock);

    for (first = 8; first + count + 1 <= VMAP_PAGES; first += 8) {
        first = ROUND_UP(bitmap_find_clear(used, VMAP_PAGES, first), 8u);
        if (first + count + 1 <= VMAP_PAGES && pages_free(first - 1, count + 2)) {
            break;
        }
    }
    if (first + count + 1 > VMAP_PAGES) {
        first = 0;
    } else {
        for (i = 0; i < count; i++) {
            bit_set(used, first + i);
        }
        area_pages[first / 8] = count;
    }
    spin_unlock_irqrestore(&vmap_lock, flags);
    return first;
}

static void area_free(unsigned int first)
{
    unsigned int i, count;
    unsigned long flags = spin_lock_irqsave(&vmap_lock);

    count = area_pages[first / 8];
    area_pages[first / 8] = 0;
    for (i = 0; i < count; i++) {
        bit_clear(used, first + i);
    }
    spin_unlock_irqrestore(&vmap_lock, flags);
}

static uint64_t area_address(unsigned int first)
{
    return VMAP_START + first * PAGE_SIZE;
}

/* Unmaps what is mapped of an area, and gives the area back. */
static void area_unmap(unsigned int first)
{
    table_unmap(area_address(first), area_pages[first / 8] * PAGE_SIZE);
    tlb_flush_all();
    area_free(first);
}

static void *map_area(paddr_t paddr, size_t bytes, uint64_t flags)
{
    unsigned int offset = paddr % PAGE_SIZE, first;
    uint64_t total = ROUND_UP((uint64_t)bytes + offset, PAGE_SIZE);

    if (bytes == 0 || total < bytes || total / PAGE_SIZE >= VMAP_PAGES) {
        return NULL;
    }
    first = area_alloc((unsigned int)(total / PAGE_SIZE));
    if (first == 0) {
        return NULL;
    }
    if (!table_map(area_address(first), paddr - offset, total, flags, L1_SHIFT)) {
        area_unmap(first);
        return NULL;
    }
    return (void *)(area_address(first) + offset);
}

void *ioremap(paddr_t paddr, size_t bytes)
{
    return map_area(paddr, bytes, LEAF_DATA | PTE_CACHE_UC);
}

void *memory_remap(paddr_t paddr, size_t bytes)
{
    return map_area(paddr, bytes, LEAF_DATA | PTE_CACHE_WB);
}

void iounmap(void *address)
{
    unsigned int first = (unsigned int)(((uint64_t)address - VMAP_START) / PAGE_SIZE);

    if (address == NULL) {
        return;
    }
    BUG_ON((uint64_t)address < VMAP_START || first >= VMAP_PAGES || first % 8 != 0 ||
           area_pages[first / 8] == 0);
    area_unmap(first);
}

void *vmap_stack(void)
{
    unsigned int first = area_alloc(STACK_BYTES / PAGE_SIZE), i;

    if (first == 0) {
        return NULL;
    }
    for (i = 0; i < STACK_BYTES / PAGE_SIZE; i++) {
        uint64_t va = area_address(first) + i * PAGE_SIZE;
        void *page;

        if (i * PAGE_SIZE == STACK_GUARD_OFFSET) {
            continue;
        }
        page = frame_alloc_mapped(0, ALLOC_ZERO);
        if (page == NULL || !table_map(va, virt_to_paddr(page), PAGE_SIZE, LEAF_DATA, L1_SHIFT)) {
            frame_free_mapped(page, 0);
            vunmap_stack((void *)area_address(first));
            return NULL;
        }
    }
    return (void *)area_address(first);
}

void vunmap_stack(void *stack)
{
    unsigned int first = (unsigned int)(((uint64_t)stack - VMAP_START) / PAGE_SIZE), i;
    void *pages[STACK_BYTES / PAGE_SIZE] = { NULL };

    for (i = 0; i < ARRAY_SIZE(pages); i++) {
        uint64_t *entry = paging_walk_own((uint64_t)stack + i * PAGE_SIZE);

        if (entry != NULL) {
            pages[i] = mfn_to_virt(pte_mfn(*entry));
        }
    }
    area_unmap(first);
    for (i = 0; i < ARRAY_SIZE(pages); i++) {
        if (pages[i] != NULL) {
            frame_free_mapped(pages[i], 0);
        }
    }
}
