/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Where the parts of dom0 go.
 *
 * Its pseudo-physical memory, lowest first, and where it is mapped at boot (xen/xen.h, "Start-of-day
 * memory layout"; xen/elfnote.h for what the kernel may ask to be different):
 *
 *      start (VIRT_BASE)  kernel | initramfs* | p2m* | start info | page tables | stack | padding   end
 *      behind it          initramfs, when the kernel takes it by pfn (MOD_START_PFN)
 *                         p2m and the tables that map it, when the kernel says where (INIT_P2M)
 *                         everything else
 *
 *      * only without the note named
 *
 * Invariants
 *  1. The parts do not overlap; the linear region is contiguous in pfns and begins with pfn 0.
 *  2. There is a table for each that mapping the whole region needs, the root included.
 */
#include "asm/dom0_plan.h"
#include "asm/page.h"
#include "hypervisor/string.h"

#define REGION_ALIGN     (4ull << 20)
#define REGION_PADDING   (512ull << 10)
#define STACK_BYTES_DOM0 PAGE_SIZE

static uint64_t pages(uint64_t bytes)
{
    return DIV_ROUND_UP(bytes, PAGE_SIZE);
}

/* Start info, tables and stack from `address` on; the tables must map themselves as well. */
static void layout_tail(struct dom0_layout *layout, uint64_t address)
{
    layout->start_info = address;
    layout->tables = address + PAGE_SIZE;
    layout->table_count = 0;
    do {
        layout->table_count++;
        layout->tables_end = layout->tables + layout->table_count * PAGE_SIZE;
        layout->stack_end = layout->tables_end + STACK_BYTES_DOM0;
        layout->end = ROUND_UP(layout->stack_end + REGION_PADDING, REGION_ALIGN);
    } while (1 + dom0_tables_needed(layout->start, layout->end) > layout->table_count);
}

uint64_t dom0_layout_plan(struct dom0_layout *layout, const struct kernel_image *image,
                          uint64_t initrd_bytes, uint64_t frames)
{
    uint64_t address = ROUND_UP(image->end, PAGE_SIZE), next;

    memset(layout, 0, sizeof(*layout));
    layout->start = image->virt_base;
    layout->initrd_bytes = initrd_bytes;
    layout->p2m_frames = pages(frames * sizeof(uint64_t));
    if (!image->module_by_pfn && initrd_bytes) {
        layout->initrd_address = address;
        layout->initrd_pfn = (address - layout->start) >> PAGE_SHIFT;
        address += pages(initrd_bytes) * PAGE_SIZE;
    }
    if (!image->has_init_p2m) {
        layout->p2m_address = address;
        layout->p2m_pfn = (address - layout->start) >> PAGE_SHIFT;
        address += layout->p2m_frames * PAGE_SIZE;
    }
    layout_tail(layout, address);
    next = (layout->end - layout->start) >> PAGE_SHIFT;
    if (image->module_by_pfn && initrd_bytes) {
        layout->initrd_pfn = next;
        next += pages(initrd_bytes);
    }
    if (image->has_init_p2m) {
        layout->p2m_address = image->init_p2m;
        layout->p2m_pfn = next;
        layout->p2m_table_frames =
            dom0_tables_needed(image->init_p2m, image->init_p2m + layout->p2m_frames * PAGE_SIZE);
        next += layout->p2m_frames + layout->p2m_table_frames;
    }
    return next;
}
