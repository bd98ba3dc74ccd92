/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Tables indexed by machine frame: the frame table (32 bytes a frame) and the machine-to-phys table
 * (8 bytes a frame). Both are backed by 2 MiB chunks, only where RAM is:
 *
 *   chunk of the frame table: 256 MiB of the machine      chunk of the M2P: 1 GiB
 *
 * Invariants:
 *   F1  each RAM frame's entries are backed (frame_chunks, m2p_chunks have the bits);
 *   F2  an M2P frame holds nothing but M2P, for guests may read it; entries of frames that are not
 *       RAM, or not a guest's, read ~0.
 *
 * Without a free 2 MiB page a chunk of the frame table is put together of single frames; the M2P's
 * chunks must be whole, as the ABI hands them out by their first frame (XENMEM_machphys_mfn_list).
 */
#include "mm.h"

#include "arch/memory.h"
#include "asm/cpu_features.h"
#include "hypervisor/bitmap.h"
#include "hypervisor/bug.h"
#include "hypervisor/frame.h"
#include "hypervisor/string.h"

#define RAM_END_MAX (DIRECT_MAP_END - DIRECT_MAP_START)

#define FRAMES_PER_FRAME_CHUNK (PAGE_BYTES_2M / sizeof(struct frame))
#define FRAMES_PER_M2P_CHUNK   (PAGE_BYTES_2M / sizeof(uint64_t))
#define FRAME_CHUNKS_MAX       (RAM_END_MAX / PAGE_SIZE / FRAMES_PER_FRAME_CHUNK)
#define M2P_CHUNKS_MAX         (RAM_END_MAX / PAGE_SIZE / FRAMES_PER_M2P_CHUNK)

static unsigned long frame_chunks[BITMAP_LONGS(FRAME_CHUNKS_MAX)];
static unsigned long m2p_chunks[BITMAP_LONGS(M2P_CHUNKS_MAX)];
static uint64_t ram_end_mfn;

static uint64_t *const m2p = (uint64_t *)M2P_START;

static void map_chunk_of_pages(uint64_t va)
{
    uint64_t done;

    for (done = 0; done < PAGE_BYTES_2M; done += PAGE_SIZE) {
        paddr_t at = early_reserve(PAGE_SIZE, PAGE_SIZE, RAM_END_MAX);

        if (at == 0 || !table_map(va + done, at, PAGE_SIZE, LEAF_DATA, L1_SHIFT)) {
            panic("no memory for the frame table");
        }
    }
}

static void map_frame_chunk(unsigned int chunk)
{
    uint64_t va = FRAME_TABLE_START + chunk * PAGE_BYTES_2M;
    paddr_t at;

    if (bit_test(frame_chunks, chunk)) {
        return;
    }
    bit_set(frame_chunks, chunk);
    at = early_reserve(PAGE_BYTES_2M, PAGE_BYTES_2M, RAM_END_MAX);
    if (at == 0) {
        map_chunk_of_pages(va);
    } else if (!table_map(va, at, PAGE_BYTES_2M, LEAF_DATA, L2_SHIFT)) {
        panic("no memory for the frame table");
    }
}

static void map_m2p_chunk(unsigned int chunk)
{
    uint64_t offset = chunk * PAGE_BYTES_2M;
    paddr_t at;

    if (bit_test(m2p_chunks, chunk)) {
        return;
    }
    bit_set(m2p_chunks, chunk);
    at = early_reserve(PAGE_BYTES_2M, PAGE_BYTES_2M, RAM_END_MAX);
    if (at == 0 || !table_map(M2P_START + offset, at, PAGE_BYTES_2M, LEAF_DATA, L2_SHIFT) ||
        !table_map(M2P_GUEST_START + offset, at, PAGE_BYTES_2M, LEAF_READ | PTE_USER, L2_SHIFT)) {
        panic("no memory for the machine-to-phys table");
    }
}

static void map_for_range(paddr_t start, paddr_t end)
{
    uint64_t first = start >> PAGE_SHIFT, last = (end >> PAGE_SHIFT) - 1;
    uint64_t chunk;

    for (chunk = first / FRAMES_PER_FRAME_CHUNK; chunk <= last / FRAMES_PER_FRAME_CHUNK; chunk++) {
        map_frame_chunk((unsigned int)chunk);
    }
    for (chunk = first / FRAMES_PER_M2P_CHUNK; chunk <= last / FRAMES_PER_M2P_CHUNK; chunk++) {
        map_m2p_chunk((unsigned int)chunk);
    }
    ram_end_mfn = max(ram_end_mfn, last + 1);
}

void frame_table_map(void)
{
    ram_for_each(map_for_range);
    frame_table = (struct frame *)FRAME_TABLE_START;
    frame_table_end = ram_end_mfn;
}

void frame_table_fill(void)
{
    unsigned int chunk;

    bitmap_for_each(chunk, frame_chunks, FRAME_CHUNKS_MAX)
    {
        memset((void *)(FRAME_TABLE_START + chunk * PAGE_BYTES_2M), 0, PAGE_BYTES_2M);
    }
    bitmap_for_each(chunk, m2p_chunks, M2P_CHUNKS_MAX)
    {
        memset((void *)(M2P_START + chunk * PAGE_BYTES_2M), 0xff, PAGE_BYTES_2M);
    }
}

static bool m2p_covers(mfn_t mfn)
{
    return mfn.value < ram_end_mfn &&
           bit_test(m2p_chunks, (unsigned int)(mfn.value / FRAMES_PER_M2P_CHUNK));
}

void arch_m2p_set(mfn_t mfn, uint64_t pfn)
{
    if (m2p_covers(mfn)) {
        WRITE_ONCE(m2p[mfn.value], pfn);
    }
}

uint64_t arch_m2p_get(mfn_t mfn)
{
    return m2p_covers(mfn) ? READ_ONCE(m2p[mfn.value]) : M2P_INVALID;
}

mfn_t m2p_chunk_mfn(unsigned int chunk)
{
    uint64_t *entry;

    if (chunk >= M2P_CHUNKS_MAX || !bit_test(m2p_chunks, chunk)) {
        return MFN_INVALID;
    }
    entry = paging_walk_own(M2P_START + chunk * PAGE_BYTES_2M);
    return entry == NULL ? MFN_INVALID : pte_mfn(*entry & ~(uint64_t)PTE_PAT_HUGE);
}

uint64_t arch_memory_end_mfn(void)
{
    return ram_end_mfn;
}

bool frame_table_backs(mfn_t mfn)
{
    return mfn.value < ram_end_mfn &&
           bit_test(frame_chunks, (unsigned int)(mfn.value / FRAMES_PER_FRAME_CHUNK));
}

bool memory_is_ram(mfn_t mfn)
{
    paddr_t start = mfn_to_paddr(mfn);
    unsigned int low = 0, high = memory_map_count;

    if (mfn.value >= ram_end_mfn) {
        return false;
    }
    while (low < high) {
        unsigned int middle = (low + high) / 2;
        const struct memory_range *range = &memory_map[middle];

        if (range->end <= start) {
            low = middle + 1;
        } else if (range->start > start) {
            high = middle;
        } else {
            return range->type == MEMORY_RAM && start + PAGE_SIZE <= range->end;
        }
    }
    return false;
}

/* The first MiB is the firmware's and the devices', whatever the map says of it. */
#define LOW_FRAMES 0x100

bool arch_mfn_is_mmio(mfn_t mfn)
{
    if (mfn.value < LOW_FRAMES) {
        return mfn.value != trampoline_page() >> PAGE_SHIFT;
    }
    return mfn.value < 1ull << (boot_cpu.physical_bits - PAGE_SHIFT) && !memory_is_ram(mfn);
}
