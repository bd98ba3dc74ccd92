/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * How dom0 is laid out: the part of its building that needs no machine, arch/x86/dom0/plan; the host's
 * tests carry it out too.
 */
#ifndef ASM_DOM0_PLAN_H
#define ASM_DOM0_PLAN_H

#include "asm/kernel_image.h"
#include "hypervisor/types.h"

struct domain;

/* Machine memory of dom0: its pfns in order, as chunks of contiguous frames. */
#define DOM0_CHUNKS_MAX 2048u

struct dom0_chunk {
    uint64_t pfn, mfn, frames;
};

struct dom0_memory {
    struct dom0_chunk chunks[DOM0_CHUNKS_MAX];
    unsigned int chunk_count;
    uint64_t frames;
};

/* Where the parts lie. Virtual addresses are dom0's; pfn(va) = (va - start) / 4096 below `end`. */
struct dom0_layout {
    uint64_t start, end; /* the linear region that is mapped at boot */
    uint64_t start_info, tables, tables_end, stack_end;
    uint64_t table_count;
    uint64_t initrd_pfn, initrd_bytes, initrd_address; /* address 0: not mapped */
    uint64_t p2m_pfn, p2m_frames, p2m_table_frames, p2m_address;
};

/* options.c: what the command line asks for. Frames of memory and vcpus for this machine. */
uint64_t dom0_frames_wanted(uint64_t frames_free);
uint64_t dom0_frames_limit(uint64_t frames);
unsigned int dom0_vcpus_wanted(void);
bool dom0_vcpus_pinned(void);

/*
 * layout.c: where everything goes in a dom0 of so many frames. The frames that it takes, which may be
 * more than those.
 */
uint64_t dom0_layout_plan(struct dom0_layout *layout, const struct kernel_image *image,
                          uint64_t initrd_bytes, uint64_t frames);

/* memory.c. NULL, or what is wrong in one line; what was allocated by then is the domain's. */
const char *dom0_memory_allocate(struct domain *domain, struct dom0_memory *memory,
                                 uint64_t frames);
mfn_t dom0_mfn(const struct dom0_memory *memory, uint64_t pfn);
void *dom0_page(const struct dom0_memory *memory, uint64_t pfn);
/* Copies into (clears) consecutive pseudo-physical memory from a byte address on. */
void dom0_copy(const struct dom0_memory *memory, uint64_t address, const void *from,
               uint64_t bytes);
void dom0_clear(const struct dom0_memory *memory, uint64_t address, uint64_t bytes);

/*
 * tables.c: tables below the root that mappings of a range need; and the tables of the linear region and
 * of the p2m: the root's frame.
 */
uint64_t dom0_tables_needed(uint64_t start, uint64_t end);
mfn_t dom0_tables_build(const struct dom0_memory *memory, const struct dom0_layout *layout);

#endif
