/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* What the files of core/memory share. */
#ifndef CORE_MEMORY_POOL_H
#define CORE_MEMORY_POOL_H

#include "hypervisor/frame.h"
#include "hypervisor/lock.h"
#include "hypervisor/types.h"

/* ---- range.c: which frames exist ------------------------------------------------------------- */

/* Frames of one run of RAM, sorted by address, never overlapping or touching with equal nodes. */
struct frame_range {
    uint64_t from, to;
    unsigned int node;
};

/* Adds a run of RAM. False when some of it is known already, or there are too many ranges. */
bool range_add(uint64_t from, uint64_t to, unsigned int node) __must_check;

/* True when all of [from, to) is known. */
bool range_covers(uint64_t from, uint64_t to);

/* Range i, NULL when there are no more. */
const struct frame_range *range_at(unsigned int i);

/* ---- pool.c: the buddy allocator --------------------------------------------------------------- */

#define ZONE_COUNT 32 /* bits of a frame number + 1 */

#define FREE_ORDER  0x1full
#define FREE_HEAD   (1ull << 8)
#define FREE_DIRTY  (1ull << 9)
#define FREE_DEBT   (1ull << 10)
#define DIRTY_SHIFT 32
#define DIRTY_NONE  UINT32_MAX

struct free_list {
    uint32_t first, last; /* meaningless when the zone's bit is clear */
};

struct pool {
    struct spinlock lock;
    uint64_t free;
    uint64_t total;
    uint64_t dirty_blocks;
    uint32_t zones[FRAME_ORDER_MAX + 1];
    struct free_list lists[FRAME_ORDER_MAX + 1][ZONE_COUNT];
};

extern struct pool frame_pools[CONFIG_MAX_NUMA_NODES];

static inline unsigned int zone_of(uint32_t index)
{
    return index == 0 ? 0 : 32u - (unsigned int)__builtin_clz(index);
}

static inline uint32_t frame_index(const struct frame *frame)
{
    return (uint32_t)(frame - frame_table);
}

/*
 * Frees frames that have no reference left. `debt`: TLBs may still know them. Their contents are
 * taken to be dirty.
 */
void pool_free(struct frame *frame, unsigned int order, bool debt);

/* Takes from what nobody claimed: false when there is less than that. The reverse cannot fail. */
bool pool_reserve(uint64_t frames) __must_check;
void pool_unreserve(uint64_t frames);

/* Hears at each reservation how many free frames are nobody's now, in any context; may be NULL. */
extern void (*pool_watcher)(uint64_t frames);

/* Allocates frames that were reserved. */
struct frame *pool_alloc_reserved(unsigned int order, unsigned int node, unsigned int flags,
                                  unsigned int bits) __must_check;

/* ---- frame.c ----------------------------------------------------------------------------------- */

/*
 * The first frames of the domain's list lose the owner's reference, and go back to the allocator. Those that
 * others refer to go to the end of the list; they leave it with their last reference. Returns how many it
 * looked at, at most `frames`; 0 when the list is empty. The caller keeps the domain alive.
 */
uint64_t frame_release_some(struct domain *domain, uint64_t frames) __must_check;

#endif
