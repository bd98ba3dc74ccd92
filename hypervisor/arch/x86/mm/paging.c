/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The hypervisor's own address space (asm/layout.h has the map):
 *
 *   what                     rights       pages
 *   image: text              read, exec   4 KiB
 *   image: rodata            read         4 KiB, its alias in the direct map and that of text too
 *   image: data, bss         read, write  4 KiB, without a guard page in the boot CPU's stack
 *   direct map               read, write  1 GiB, 2 MiB, 4 KiB: RAM, ACPI tables, the first MiB
 *   frame table, M2P         read, write  2 MiB where RAM is; M2P a second time, read-only, for guests
 *   vmap                     as asked     4 KiB
 *
 * Invariants:
 *   P1  no page can be both written and executed through any mapping (NX permitting);
 *   P2  all L4 entries of slots 256..271, the per-domain slot aside, are set by paging_init() and
 *       never change, so copies of them in guests' roots stay right;
 *   P3  only M2P_GUEST has user entries, and no writable one;
 *   P4  all leaves are PTE_GLOBAL, and no others in the machine are: a load of CR3 drops all that a
 *       guest put into the TLB and nothing of ours. Changes of leaves need tlb_flush_all().
 *
 * Locks: set-up runs on the boot CPU alone. Later only vmap.c changes entries, each those of the
 * addresses it owns.
 */
#include "mm.h"

#include "asm/cpu_features.h"
#include "asm/direct_map.h"
#include "asm/domain.h"
#include "asm/msr.h"
#include "asm/tlb.h"
#include "hypervisor/bug.h"
#include "hypervisor/domain.h"
#include "hypervisor/printk.h"
#include "hypervisor/string.h"

#define LOW_END (1ull << 20)

extern uint64_t boot_l4[];

uint64_t image_phys_offset;

/* Physical address of the image. */
static paddr_t image_start;

static void map_or_panic(uint64_t va, paddr_t paddr, uint64_t bytes, uint64_t flags,
                         unsigned int max_shift)
{
    if (!table_map(va, paddr, bytes, flags, max_shift)) {
        panic("no memory for the hypervisor's page tables");
    }
}

/* Part of the direct map; text and rodata of the image are read-only there too. */
static void map_direct(paddr_t start, paddr_t end)
{
    paddr_t read_only_end = virt_to_paddr(xenios_rodata_end);

    start = max(start, (paddr_t)LOW_END);
    while (start < end) {
        uint64_t flags = LEAF_DATA;
        paddr_t stop = end;

        if (start < image_start) {
            stop = min(end, image_start);
        } else if (start < read_only_end) {
            stop = min(end, read_only_end);
            flags = LEAF_READ;
        }
        map_or_panic(DIRECT_MAP_START + start, start, stop - start, flags, L3_SHIFT);
        start = stop;
    }
}

/* Pages that hold ACPI's data, wholly or in part, and no RAM. */
static void map_firmware_tables(void)
{
    paddr_t done = LOW_END;
    unsigned int i;

    for (i = 0; i < memory_map_count; i++) {
        const struct memory_range *range = &memory_map[i];
        paddr_t start = max(ROUND_DOWN(range->start, PAGE_SIZE), done);
        paddr_t end =
            min(ROUND_UP(range->end, PAGE_SIZE), (paddr_t)(DIRECT_MAP_END - DIRECT_MAP_START));

        if (range->type == MEMORY_RAM) {
            done = max(done, ROUND_DOWN(range->end, PAGE_SIZE));
        } else if ((range->type == MEMORY_ACPI || range->type == MEMORY_NVS) && start < end) {
            if (i + 1 < memory_map_count && memory_map[i + 1].type == MEMORY_RAM) {
                end = min(end, ROUND_UP(memory_map[i + 1].start, PAGE_SIZE));
            }
            map_or_panic(DIRECT_MAP_START + start, start, end - start, LEAF_DATA, L2_SHIFT);
            done = end;
        }
    }
}

static void map_image_part(const char *from, const char *to, uint64_t flags)
{
    map_or_panic((uint64_t)from, virt_to_paddr(from), (uint64_t)(to - from), flags, L1_SHIFT);
}

static void map_image(void)
{
    const char *guard = boot_stack + STACK_GUARD_OFFSET;

    map_image_part(xenios_start, xenios_text_end, LEAF_TEXT);
    map_image_part(xenios_text_end, xenios_rodata_end, LEAF_READ);
    map_image_part(xenios_rodata_end, guard, LEAF_DATA);
    map_image_part(guard + PAGE_SIZE, xenios_end, LEAF_DATA);
}

void paging_init(const struct boot_info *info)
{
    unsigned int slot;

    early_init(info);
    image_start = virt_to_paddr(xenios_start);

    hypervisor_root = table_alloc();
    BUG_ON(hypervisor_root == NULL);
    hypervisor_root_cr3 = virt_to_paddr(hypervisor_root);
    for (slot = SLOT_FIRST; slot < SLOT_END; slot++) {
        if (slot == SLOT_M2P_GUEST || slot == SLOT_M2P || slot == SLOT_VMAP ||
            slot >= SLOT_FRAME_TABLE) {
            table_make_slot(slot, slot == SLOT_M2P_GUEST);
        }
    }
    map_image();
    map_or_panic(DIRECT_MAP_START, 0, LOW_END, LEAF_DATA, L1_SHIFT);
    ram_for_each(map_direct);
    map_firmware_tables();
    frame_table_map();
    cr3_load(hypervisor_root_cr3);
    frame_table_fill();
    vmap_init();
}

void paging_init_root(uint64_t *l4, struct domain *d)
{
    unsigned int slot;

    for (slot = SLOT_FIRST; slot < SLOT_END; slot++) {
        l4[slot] = hypervisor_root[slot];
    }
    if (d != NULL && d->arch.per_domain_l3_mfn.value != 0 &&
        !mfn_equal(d->arch.per_domain_l3_mfn, MFN_INVALID)) {
        l4[SLOT_PER_DOMAIN] =
            pte_make(d->arch.per_domain_l3_mfn, PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY);
    }
}

bool direct_map_covers(paddr_t paddr, uint64_t bytes)
{
    paddr_t end = paddr + bytes;

    if (end < paddr || end > DIRECT_MAP_END - DIRECT_MAP_START) {
        return false;
    }
    for (paddr = ROUND_DOWN(paddr, PAGE_SIZE); paddr < end; paddr += PAGE_SIZE) {
        if (paging_walk_own(DIRECT_MAP_START + paddr) == NULL) {
            return false;
        }
    }
    return true;
}

void paging_forget_boot(void)
{
    memset(boot_l4, 0, PAGE_SIZE);
}
