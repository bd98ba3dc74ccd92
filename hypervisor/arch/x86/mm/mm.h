/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Between the files of this folder. */
#ifndef MM_H
#define MM_H

#include "asm/boot_info.h"
#include "asm/page.h"
#include "asm/paging.h"
#include "hypervisor/types.h"

/* Flags of the hypervisor's own leaves; NX is taken out on processors without it. */
#define LEAF_DATA (PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY | PTE_GLOBAL | PTE_NX)
#define LEAF_READ (PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY | PTE_GLOBAL | PTE_NX)
#define LEAF_TEXT (PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY | PTE_GLOBAL)

extern char xenios_start[], xenios_text_end[], xenios_rodata_end[], xenios_data_end[], xenios_end[];
extern char boot_stack[];

/* ---- early.c ---- */

/* Sanitises the loader's map, reserves what is in use. Panics in one line on what cannot work. */
void early_init(const struct boot_info *info);

/* As early_alloc, contents undefined; 0 when there is none. */
paddr_t early_reserve(uint64_t bytes, uint64_t align, paddr_t below);

/* Calls fn for each page-aligned piece of RAM that nobody reserved, in rising order. */
void early_for_each_free(void (*fn)(paddr_t start, paddr_t end));

/* Page-aligned pieces of RAM, used or not, within the direct map. */
void ram_for_each(void (*fn)(paddr_t start, paddr_t end));

/* ---- tables.c ---- */

/* The hypervisor's root, by a direct-map address. */
extern uint64_t *hypervisor_root;

/* A zeroed table from wherever memory comes at this time; NULL when there is none. */
uint64_t *table_alloc(void);

/* The L3 of a slot exists from then on; user: guests may read through it. */
void table_make_slot(unsigned int slot, bool user);

/*
 * Maps [va, va + bytes) to paddr with the largest pages that fit, at most of 2^max_shift bytes.
 * Nothing may be mapped there. False when there was no memory for a table.
 */
bool table_map(uint64_t va, paddr_t paddr, uint64_t bytes, uint64_t flags,
               unsigned int max_shift) __must_check;

/* 4 KiB pages only: clears the entries; no flush. */
void table_unmap(uint64_t va, uint64_t bytes);

/* ---- frames.c ---- */

/* Maps frame table and M2P for all RAM; then, on the new tables, fills them. */
void frame_table_map(void);
void frame_table_fill(void);

/* ---- vmap.c ---- */

void vmap_init(void);

#endif
