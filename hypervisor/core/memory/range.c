/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Which machine frames are RAM with an entry in the frame table, and of which NUMA node.
 *
 * frame_valid() stands in front of every frame number that comes from a guest, so it must be quick:
 * one byte for each 64 MiB chunk of the machine says "all of it, node n", "none of it", or "look in
 * the list of ranges", which has a handful of entries.
 *
 *     chunk_of[mfn / 16384]:   0 none   255 mixed   n + 1 all of it RAM of node n
 *
 * Invariants
 *  1. ranges[] is sorted, without overlap; ranges that touch have different nodes.
 *  2. chunk_of[] says about each chunk what ranges[] says.
 *
 * Ranges are only ever added, and only at boot before other processors run: no lock.
 */
#include "hypervisor/bug.h"
#include "hypervisor/frame.h"
#include "hypervisor/string.h"
#include "pool.h"

#define CHUNK_SHIFT 14
#define CHUNK_COUNT (1u << 17) /* 8 TiB: more than the direct map holds */
#define CHUNK_NONE  0
#define CHUNK_MIXED 255
#define RANGES_MAX  128

_Static_assert(CONFIG_MAX_NUMA_NODES < CHUNK_MIXED, "a node number and two marks in a byte");

struct frame *frame_table __read_mostly;
uint64_t frame_table_end __read_mostly;

static uint8_t chunk_of[CHUNK_COUNT];
static struct frame_range ranges[RANGES_MAX];
static unsigned int range_count;

static const struct frame_range *range_find(uint64_t mfn)
{
    unsigned int low = 0, high = range_count;

    while (low < high) {
        unsigned int middle = (low + high) / 2;

        if (mfn < ranges[middle].from) {
            high = middle;
        } else if (mfn >= ranges[middle].to) {
            low = middle + 1;
        } else {
            return &ranges[middle];
        }
    }
    return NULL;
}

bool frame_valid(mfn_t mfn)
{
    uint64_t chunk = mfn.value >> CHUNK_SHIFT;

    if (chunk >= CHUNK_COUNT || chunk_of[chunk] == CHUNK_NONE) {
        return false;
    }
    return likely(chunk_of[chunk] != CHUNK_MIXED) || range_find(mfn.value) != NULL;
}

unsigned int frame_node(mfn_t mfn)
{
    uint8_t entry = chunk_of[mfn.value >> CHUNK_SHIFT];

    ASSERT(entry != CHUNK_NONE);
    if (likely(entry != CHUNK_MIXED)) {
        return entry - 1u;
    }
    return range_find(mfn.value)->node;
}

bool range_covers(uint64_t from, uint64_t to)
{
    while (from < to) {
        const struct frame_range *range = range_find(from);

        if (range == NULL) {
            return false;
        }
        from = range->to;
    }
    return true;
}

const struct frame_range *range_at(unsigned int i)
{
    return i < range_count ? &ranges[i] : NULL;
}

static void chunks_update(uint64_t from, uint64_t to)
{
    for (uint64_t chunk = from >> CHUNK_SHIFT; chunk <= (to - 1) >> CHUNK_SHIFT; chunk++) {
        const struct frame_range *range = range_find(chunk << CHUNK_SHIFT);
        bool whole = range != NULL && range->to >= (chunk + 1) << CHUNK_SHIFT;

        chunk_of[chunk] = whole ? (uint8_t)(range->node + 1) : CHUNK_MIXED;
    }
}

static void range_remove(unsigned int i)
{
    memmove(&ranges[i], &ranges[i + 1], (range_count - i - 1) * sizeof(ranges[0]));
    range_count--;
}

bool range_add(uint64_t from, uint64_t to, unsigned int node)
{
    unsigned int i = 0;

    if (from >= to || to > (uint64_t)CHUNK_COUNT << CHUNK_SHIFT) {
        return false;
    }
    while (i < range_count && ranges[i].to <= from) {
        i++;
    }
    if ((i < range_count && ranges[i].from < to) || range_count == RANGES_MAX) {
        return false;
    }
    memmove(&ranges[i + 1], &ranges[i], (range_count - i) * sizeof(ranges[0]));
    ranges[i] = (struct frame_range){ .from = from, .to = to, .node = node };
    range_count++;
    if (i + 1 < range_count && ranges[i + 1].from == to && ranges[i + 1].node == node) {
        ranges[i].to = ranges[i + 1].to;
        range_remove(i + 1);
    }
    if (i > 0 && ranges[i - 1].to == from && ranges[i - 1].node == node) {
        ranges[i - 1].to = ranges[i].to;
        range_remove(i);
    }
    chunks_update(from, to);
    return true;
}
