/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The hypervisor's own page tables. Theory: arch/x86/mm/paging.c.
 *
 * All L4 entries of slots 256..271 exist from paging_init() on and never change, the per-domain slot
 * aside; so a guest's root that was filled once by paging_init_root() stays right for ever.
 */
#ifndef ASM_PAGING_H
#define ASM_PAGING_H

#include "asm/page.h"
#include "hypervisor/types.h"

struct domain;

/* Machine memory, sorted, disjoint, merged; bytes, end exclusive. Types as the firmware's e820. */
enum memory_type {
    MEMORY_RAM = 1,
    MEMORY_RESERVED = 2,
    MEMORY_ACPI = 3,
    MEMORY_NVS = 4,
    MEMORY_UNUSABLE = 5,
    MEMORY_DISABLED = 6,
    MEMORY_PERSISTENT = 7,
};

struct memory_range {
    paddr_t start, end;
    uint32_t type;
};

extern struct memory_range memory_map[];
extern unsigned int memory_map_count;

/* Physical minus virtual address of the image. */
extern uint64_t image_phys_offset;

/* CR3 of the address space that belongs to no guest: the idle vcpus'. */
extern uint64_t hypervisor_root_cr3;

/*
 * Fills slots 256..271 of a root that a guest will run on. Slot 260 from d->arch.per_domain_l3_mfn
 * when that is neither 0 nor MFN_INVALID. d may be NULL. The other slots are not touched.
 */
void paging_init_root(uint64_t *l4, struct domain *d);

/*
 * Maps device memory uncached; bytes need not be page-aligned and the result has paddr's offset.
 * NULL when there is no room. Not from interrupt context. Guard pages on both sides.
 */
void *ioremap(paddr_t paddr, size_t bytes) __must_check;
void iounmap(void *address); /* what ioremap or memory_remap returned; NULL is fine */

/* The same, cached: firmware tables that are not in the direct map. */
void *memory_remap(paddr_t paddr, size_t bytes) __must_check;

/* True when all of [paddr, paddr + bytes) can be read through paddr_to_virt(). */
bool direct_map_covers(paddr_t paddr, uint64_t bytes);

/*
 * A CPU's stack, STACK_BYTES aligned to STACK_BYTES: the lowest address, or NULL. Pages 0..2 are the
 * stacks of #DF, NMI and #MC, page 3 is not mapped, pages 4..7 are the stack proper.
 */
#define STACK_GUARD_OFFSET (3 * PAGE_SIZE)
void *vmap_stack(void) __must_check;
void vunmap_stack(void *stack);

/* Frame of 2 MiB of the machine-to-phys table (1 GiB of the machine); MFN_INVALID where none is. */
mfn_t m2p_chunk_mfn(unsigned int chunk);

/* The frame table has memory behind the entry of this frame (which need not be RAM). */
bool frame_table_backs(mfn_t mfn);

/* All of the frame is RAM by the memory map; the hypervisor's own and the first MiB's included. */
bool memory_is_ram(mfn_t mfn);

/* The entry that maps a hypervisor address in the hypervisor's root, at whatever level; NULL: none. */
uint64_t *paging_walk_own(uint64_t va);

/* ---- boot only ------------------------------------------------------------------------------- */

struct boot_info;

/* From the memory map: own tables with W^X, direct map, frame table, M2P; switches to them. */
void paging_init(const struct boot_info *info);

/*
 * Memory before the frame allocator stands (memory_pool_init); zeroed pages, never given back. Panics
 * when there is none. Before paging_init is done, below must be at most 4 GiB.
 */
paddr_t early_alloc(uint64_t bytes, uint64_t align, paddr_t below);

/* Gives all RAM that is not in use to the frame allocator, node by node. */
void memory_pool_init(void);

/* A module's frames are not needed any more: to the frame allocator with them. */
void boot_module_release(unsigned int module);

/* One frame of RAM below 1 MiB for the AP trampoline. 0: there is none. */
paddr_t trampoline_page(void);

/* After all CPUs run: takes away the boot page tables, which were writable and executable. */
void paging_forget_boot(void);

#endif
