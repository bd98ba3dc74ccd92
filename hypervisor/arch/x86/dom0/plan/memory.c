/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Memory of dom0: allocated in the largest pieces there are, so that pfns and mfns run in parallel over
 * long stretches.
 */
#include "asm/dom0_plan.h"
#include "arch/memory.h"
#include "hypervisor/bug.h"
#include "hypervisor/frame.h"
#include "hypervisor/string.h"

const char *dom0_memory_allocate(struct domain *domain, struct dom0_memory *memory, uint64_t frames)
{
    unsigned int order = FRAME_ORDER_MAX;

    memory->chunk_count = 0;
    memory->frames = 0;
    while (memory->frames < frames) {
        struct dom0_chunk *chunk = &memory->chunks[memory->chunk_count];
        struct frame *frame = NULL;

        while ((1ull << order) > frames - memory->frames) {
            order--;
        }
        while (!(frame = frame_alloc(order, ALLOC_NODE_ANY, ALLOC_NO_SCRUB)) && order) {
            order--;
        }
        if (!frame) {
            return "not enough memory for dom0";
        }
        if (memory->chunk_count == DOM0_CHUNKS_MAX) {
            return "memory is too fragmented for dom0";
        }
        if (frame_assign(domain, frame, order, 0)) {
            return "memory of dom0 cannot be assigned to it";
        }
        *chunk = (struct dom0_chunk){ memory->frames, frame_mfn(frame).value, 1ull << order };
        for (uint64_t i = 0; i < chunk->frames; i++) {
            arch_m2p_set(MFN(chunk->mfn + i), chunk->pfn + i);
        }
        memory->chunk_count++;
        memory->frames += chunk->frames;
    }
    return NULL;
}

mfn_t dom0_mfn(const struct dom0_memory *memory, uint64_t pfn)
{
    unsigned int low = 0, high = memory->chunk_count;

    BUG_ON(pfn >= memory->frames);
    while (high - low > 1) {
        unsigned int middle = (low + high) / 2;

        if (memory->chunks[middle].pfn <= pfn) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return MFN(memory->chunks[low].mfn + pfn - memory->chunks[low].pfn);
}

void *dom0_page(const struct dom0_memory *memory, uint64_t pfn)
{
    return mfn_to_virt(dom0_mfn(memory, pfn));
}

/* Calls for each page's part of [address, address + bytes); from may be NULL: clear. */
static void fill(const struct dom0_memory *memory, uint64_t address, const uint8_t *from,
                 uint64_t bytes)
{
    while (bytes) {
        uint64_t offset = address & ~PAGE_MASK, part = min(PAGE_SIZE - offset, bytes);
        uint8_t *to = (uint8_t *)dom0_page(memory, address >> PAGE_SHIFT) + offset;

        if (from) {
            memcpy(to, from, part);
            from += part;
        } else {
            memset(to, 0, part);
        }
        address += part;
        bytes -= part;
    }
}

void dom0_copy(const struct dom0_memory *memory, uint64_t address, const void *from, uint64_t bytes)
{
    fill(memory, address, from, bytes);
}

void dom0_clear(const struct dom0_memory *memory, uint64_t address, uint64_t bytes)
{
    fill(memory, address, NULL, bytes);
}
