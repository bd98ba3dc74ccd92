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
 * Ranges are only ever added, at boot, by one processor at a time. Readers take no lock: range_version
 * is odd while the list is being changed, and a reader that saw it change looks again.
 */
#include "hypervisor/atomic.h"
#include "hypervisor/bug.h"
#include "hypervisor/frame.h"
#include "hypervisor/nospec.h"
#include "hypervisor/string.h"
#include "arch/cpu.h"
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
static uint32_t range_version;
static unsigned int range_largest; /* looked at first: most of the memory is there */

static bool range_search(uint64_t mfn, struct frame_range *found)
{
    unsigned int low = 0, high = READ_ONCE(range_count);

    *found = ranges[READ_ONCE(range_largest)];
    if (likely(mfn >= found->from && mfn < found->to)) {
        return true;
    }
    while (low < high) {
        unsigned int middle = (low + high) / 2;

        *found = ranges[middle];
        if (mfn < found->from) {
            high = middle;
        } else if (mfn >= found->to) {
            low = middle + 1;
        } else {
            return true;
        }
    }
    return false;
}

/* The range that the frame is in. */
static bool range_find(uint64_t mfn, struct frame_range *found)
{
    for (;;) {
        uint32_t version = atomic_read_acquire(&range_version);
        bool result = range_search(mfn, found);

        read_barrier();
        if (likely(!(version & 1) && atomic_read(&range_version) == version)) {
            return result;
        }
        arch_cpu_relax();
    }
}

bool frame_valid(mfn_t mfn)
{
    uint64_t chunk = mfn.value >> CHUNK_SHIFT;
    struct frame_range range;

    if (chunk >= CHUNK_COUNT) {
        return false;
    }
    chunk = index_nospec(chunk, CHUNK_COUNT);
    if (chunk_of[chunk] == CHUNK_NONE) {
        return false;
    }
    if (READ_ONCE(chunk_of[chunk]) == CHUNK_MIXED && !range_find(mfn.value, &range)) {
        return false;
    }
    arch_speculation_fence(); /* what is not valid has no entry in the frame table to look at */
    return true;
}

unsigned int frame_node(mfn_t mfn)
{
    uint8_t entry = chunk_of[mfn.value >> CHUNK_SHIFT];
    struct frame_range range;

    ASSERT(entry != CHUNK_NONE);
    if (likely(entry != CHUNK_MIXED)) {
        return entry - 1u;
    }
    return range_find(mfn.value, &range) ? range.node : 0;
}

bool range_covers(uint64_t from, uint64_t to)
{
    struct frame_range range;

    while (from < to) {
        if (!range_find(from, &range)) {
            return false;
        }
        from = range.to;
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
        struct frame_range range;
        bool whole = range_find(chunk << CHUNK_SHIFT, &range) && range.to >= (chunk + 1)
                                                                                 << CHUNK_SHIFT;

        WRITE_ONCE(chunk_of[chunk], whole ? (uint8_t)(range.node + 1) : CHUNK_MIXED);
    }
}

static void range_remove(unsigned int i)
{
    memmove(&ranges[i], &ranges[i + 1], (range_count - i - 1) * sizeof(ranges[0]));
    range_count--;
}

/* Puts a new range at place i, joined with its neighbours where they touch. */
static void range_insert(unsigned int i, struct frame_range range)
{
    if (i < range_count && ranges[i].from == range.to && ranges[i].node == range.node) {
        range.to = ranges[i].to;
        range_remove(i);
    }
    if (i > 0 && ranges[i - 1].to == range.from && ranges[i - 1].node == range.node) {
        ranges[i - 1].to = range.to;
        return;
    }
    memmove(&ranges[i + 1], &ranges[i], (range_count - i) * sizeof(ranges[0]));
    ranges[i] = range;
    range_count++;
}

static uint64_t range_length(unsigned int i)
{
    return ranges[i].to - ranges[i].from;
}

bool range_add(uint64_t from, uint64_t to, unsigned int node)
{
    struct frame_range range = { .from = from, .to = to, .node = node };
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
    (void)atomic_add(&range_version, 1);
    range_insert(i, range);
    range_largest = 0;
    for (i = 1; i < range_count; i++) {
        if (range_length(i) > range_length(range_largest)) {
            range_largest = i;
        }
    }
    (void)atomic_add(&range_version, 1);
    chunks_update(from, to);
    return true;
}
