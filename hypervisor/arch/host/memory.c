/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Machine memory of the host: one reserved mapping of HOST_FRAMES_MAX frames, of which the first
 * `frames` are RAM, with a frame table over them; the machine-to-phys table; TLB debts.
 *
 * The mapping and what the allocator was given stay for the life of the program: a second
 * host_setup adds what is more, never takes away.
 */
#include "inside.h"
#include "optional.h"

#include "arch/memory.h"
#include "hypervisor/bug.h"
#include "hypervisor/cpu.h"

#include <stdlib.h>
#include <sys/mman.h>

uint8_t *host_ram;
uint64_t host_ram_bytes;

static uint64_t *m2p;
static uint32_t tlb_clock;
static uint32_t tlb_flushed_at[CONFIG_MAX_CPUS];
static uint64_t tlb_flushes;

static void *reserve(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    BUG_ON(memory == MAP_FAILED);
    return memory;
}

static void reserve_all(void)
{
    uint64_t i;

    host_ram = reserve(HOST_FRAMES_MAX * PAGE_SIZE);
    m2p = reserve(HOST_FRAMES_MAX * sizeof(*m2p));
    for (i = 0; i < HOST_FRAMES_MAX; i++) {
        m2p[i] = M2P_INVALID;
    }
    if (host_has(frame_table)) {
        frame_table = reserve(HOST_FRAMES_MAX * sizeof(*frame_table));
    }
}

void host_memory_setup(unsigned int frames)
{
    uint64_t before = host_ram_bytes / PAGE_SIZE, from = before;

    BUG_ON(frames > HOST_FRAMES_MAX || frames <= HOST_FRAMES_LOW);
    if (host_ram == NULL) {
        reserve_all();
        from = HOST_FRAMES_LOW;
    }
    tlb_flushes = 0;
    if (frames <= before) {
        return;
    }
    host_ram_bytes = frames * PAGE_SIZE;
    if (host_has(frame_table_end)) {
        frame_table_end = frames;
    }
    if (host_has(frame_pool_add)) {
        frame_pool_add(MFN(from), MFN(frames), 0);
        frame_scrub_enable(true);
    }
}

HOST_WEAK void arch_m2p_set(mfn_t mfn, uint64_t pfn)
{
    BUG_ON(mfn.value >= HOST_FRAMES_MAX);
    m2p[mfn.value] = pfn;
}

HOST_WEAK uint64_t arch_m2p_get(mfn_t mfn)
{
    return mfn.value < HOST_FRAMES_MAX ? m2p[mfn.value] : M2P_INVALID;
}

/* ---- TLB debts ------------------------------------------------------------------------------- */

HOST_WEAK uint32_t arch_tlb_clock(void)
{
    return ++tlb_clock;
}

bool host_tlb_debt(uint32_t stamp)
{
    unsigned int cpu;

    cpu_for_each_online(cpu)
    {
        if (tlb_flushed_at[cpu] < stamp) {
            return true;
        }
    }
    return false;
}

HOST_WEAK void arch_tlb_flush_since(uint32_t stamp)
{
    unsigned int cpu;

    cpu_for_each_online(cpu)
    {
        if (tlb_flushed_at[cpu] < stamp) {
            tlb_flushed_at[cpu] = tlb_clock;
            tlb_flushes++;
        }
    }
}

uint64_t host_tlb_flushes(void)
{
    return tlb_flushes;
}

/* ---- frames ---------------------------------------------------------------------------------- */

HOST_WEAK struct frame *arch_gfn_get_frame(struct domain *domain, gfn_t gfn)
{
    struct frame *frame;

    if (!host_has(frame_get) || !frame_valid(MFN(gfn.value))) {
        return NULL;
    }
    frame = frame_of(MFN(gfn.value));
    return frame_get(frame, domain) ? frame : NULL;
}

HOST_WEAK bool arch_mfn_is_mmio(mfn_t mfn)
{
    return mfn.value >= host_ram_bytes / PAGE_SIZE;
}

HOST_WEAK uint64_t arch_memory_end_mfn(void)
{
    return host_ram_bytes / PAGE_SIZE;
}
