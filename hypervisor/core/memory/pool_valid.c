/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The buddy allocator's invariants (pool.c), in code. */
#include "hypervisor/atomic.h"
#include "hypervisor/frame.h"
#include "hypervisor/lock.h"
#include "abi/xen.h"
#include "pool.h"

static uint64_t type_of(uint64_t index)
{
    return frame_table[index].type;
}

/* Invariants 1 (the block itself), 2 and 3. */
static bool block_valid(uint32_t index, unsigned int order, unsigned int node)
{
    uint32_t size = 1u << order, buddy = index ^ size;
    uint32_t first_dirty = (uint32_t)(type_of(index) >> DIRTY_SHIFT);

    if (index % size != 0 || (type_of(index) & FREE_ORDER) != order ||
        !(type_of(index) & FREE_HEAD)) {
        return false;
    }
    for (uint32_t i = 0; i < size; i++) {
        const struct frame *frame = &frame_table[index + i];

        if (!frame_valid(MFN(index + i)) || frame_node(MFN(index + i)) != node ||
            frame->count != FRAME_FREE || frame->owner != DOMID_INVALID ||
            (i != 0 && (frame->type & FREE_HEAD)) ||
            (i < first_dirty && (frame->type & FREE_DIRTY))) {
            return false;
        }
    }
    if (order < FRAME_ORDER_MAX && zone_of(buddy) == zone_of(index) && frame_valid(MFN(buddy)) &&
        frame_node(MFN(buddy)) == node && frame_table[buddy].count == FRAME_FREE &&
        (type_of(buddy) & FREE_HEAD) && (type_of(buddy) & FREE_ORDER) == order) {
        return false;
    }
    return true;
}

static bool list_valid(const struct pool *pool, unsigned int node, unsigned int order,
                       unsigned int zone, uint64_t *frames, uint64_t *dirty_blocks)
{
    const struct free_list *list = &pool->lists[order][zone];
    uint32_t previous = FRAME_NO_LINK;
    bool dirty_seen = false;

    for (uint32_t i = list->first; i != FRAME_NO_LINK; i = frame_table[i].next) {
        bool dirty = type_of(i) >> DIRTY_SHIFT != DIRTY_NONE;

        if (frame_table[i].prev != previous || zone_of(i) != zone || (dirty_seen && !dirty) ||
            !block_valid(i, order, node)) {
            return false;
        }
        dirty_seen = dirty;
        *dirty_blocks += dirty;
        *frames += 1ull << order;
        previous = i;
    }
    return list->last == previous && previous != FRAME_NO_LINK;
}

static bool pool_valid(struct pool *pool, unsigned int node)
{
    uint64_t frames = 0, dirty_blocks = 0;
    bool valid = true;

    spin_lock(&pool->lock);
    for (unsigned int order = 0; valid && order <= FRAME_ORDER_MAX; order++) {
        for (unsigned int zone = 0; valid && zone < ZONE_COUNT; zone++) {
            if (pool->zones[order] & 1u << zone) {
                valid = list_valid(pool, node, order, zone, &frames, &dirty_blocks);
            }
        }
    }
    valid = valid && frames == pool->free && dirty_blocks == pool->dirty_blocks &&
            pool->free <= pool->total;
    spin_unlock(&pool->lock);
    return valid;
}

static bool frame_in_use_valid(const struct frame *frame)
{
    uint64_t count = atomic_read(&frame->count), references = count & FRAME_COUNT_MASK;

    if (count & FRAME_PRIVATE) {
        return references == 1 && frame->owner == DOMID_INVALID && !(count & FRAME_ALLOCATED);
    }
    return references != 0 && frame->owner != DOMID_INVALID;
}

bool frame_pool_valid(void)
{
    const struct frame_range *range;
    uint64_t free = 0;

    for (unsigned int i = 0; (range = range_at(i)) != NULL; i++) {
        if (range->from >= range->to || range->to > frame_table_end ||
            (i > 0 && range_at(i - 1)->to > range->from)) {
            return false;
        }
        for (uint64_t mfn = range->from; mfn < range->to; mfn++) {
            if (frame_table[mfn].count == FRAME_FREE) {
                free++;
            } else if (!frame_in_use_valid(&frame_table[mfn])) {
                return false;
            }
        }
    }
    for (unsigned int node = 0; node < CONFIG_MAX_NUMA_NODES; node++) {
        if (!pool_valid(&frame_pools[node], node)) {
            return false;
        }
    }
    return free == frame_count_free();
}
