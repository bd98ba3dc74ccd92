/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The builder maps the kernel, its tables and some room behind them (xen/xen.h: at least 512 KiB, up
 * to the next 4 MiB). Everything else is mapped here, by L1 tables made of that room; they hang in the
 * same L2, which has place for 1 GiB.
 */
#include "lib/page.h"
#include "hypervisor/string.h"
#include "lib/check.h"
#include "lib/guest.h"
#include "lib/hypercall.h"
#include "lib/pagetable.h"

#define PAGES_MAX     16384u
#define WINDOWS_START (GUEST_BASE + 0x20000000ul)

static uint32_t free_pfns[PAGES_MAX];
static unsigned int free_count;

uint64_t mfn_of(const volatile void *address)
{
    return ((const uint64_t *)guest_start->mfn_list)[pfn_of(address)];
}

void *page_of_mfn(uint64_t mfn)
{
    return page_of_pfn(((const volatile uint64_t *)MACH2PHYS_VIRT_START)[mfn]);
}

void *page_alloc(void)
{
    void *page;

    if (free_count == 0) {
        give_up("out of pages");
    }
    page = page_of_pfn(free_pfns[--free_count]);
    memset(page, 0, PAGE_SIZE);
    return page;
}

void page_free(void *page)
{
    free_pfns[free_count++] = (uint32_t)pfn_of(page);
}

unsigned int page_free_count(void)
{
    return free_count;
}

/* Hangs an L1 of the content given into the L2 that translates the address. */
static void add_l1(uint64_t address, uint64_t *l1)
{
    must(page_set_rights(l1, PTE_RO), "a new table's rights");
    must(mmu_update(pte_machine(address, 2), pte_for(mfn_of(l1), PTE_TABLE)), "a new table");
}

static bool is_mapped(uint64_t address)
{
    const uint64_t *l1 = pte_find(address, 1);

    return l1 && (*l1 & PTE_PRESENT);
}

/* Maps the pages of one L1 that has none of them yet. */
static void map_chunk(uint64_t pfn, uint64_t end)
{
    uint64_t *l1 = page_alloc();
    uint64_t address = address_of(page_of_pfn(pfn));

    for (uint64_t i = pfn; i < end && i < ROUND_UP(pfn + 1, 512); i++) {
        l1[i & 511] = pte_for(((const uint64_t *)guest_start->mfn_list)[i], PTE_RW | PTE_NX);
    }
    add_l1(address, l1);
}

void page_init(uint64_t boot_sp)
{
    uint64_t first = pfn_of((void *)ROUND_UP(boot_sp, PAGE_SIZE));
    uint64_t end = min(guest_start->nr_pages, (unsigned long)PAGES_MAX);
    uint64_t mapped = first;

    while (mapped < end && is_mapped(address_of(page_of_pfn(mapped)))) {
        mapped++;
    }
    for (uint64_t pfn = first; pfn < mapped; pfn++) {
        free_pfns[free_count++] = (uint32_t)pfn;
    }
    for (uint64_t pfn = mapped; pfn < end; pfn = ROUND_UP(pfn + 1, 512)) {
        if (pte_find(address_of(page_of_pfn(pfn)), 1)) {
            /* The last of the builder's tables ends amid 2 MiB. */
            for (uint64_t i = pfn; i < end && i < ROUND_UP(pfn + 1, 512); i++) {
                must(va_update(page_of_pfn(i),
                               pte_for(((const uint64_t *)guest_start->mfn_list)[i], PTE_RW)),
                     "the builder's table");
            }
        } else {
            map_chunk(pfn, end);
        }
    }
    for (uint64_t pfn = mapped; pfn < end; pfn++) {
        free_pfns[free_count++] = (uint32_t)pfn;
    }
    add_l1(WINDOWS_START, page_alloc());
}

void *window(unsigned int slot)
{
    return (void *)(WINDOWS_START + slot * PAGE_SIZE);
}
