/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The buddy allocator.
 *
 * Free memory is kept in blocks of 2^order frames, aligned to their size. A NUMA node is a pool; in
 * a pool a block lies in a zone by the number of bits in its frame number, so that "an address below
 * 2^b" is a mask of zones, and in the list of its order:
 *
 *     frame_pools[node].lists[order][zone]:  first -> clean -> clean -> ... -> dirty -> dirty <- last
 *     frame_pools[node].zones[order]:        bit z set: lists[order][z] is not empty
 *
 * An allocation tries the zones above 4 GiB first, those below 16 MiB last. A larger block is halved;
 * a freed one merges with its buddy as long as that is free, of the same order, node and zone.
 *
 * A free frame's words: count is FRAME_FREE; type has, in every frame, whether its contents are
 * dirty, and in a block's first frame (FREE_HEAD) what is known about the block: its order, the
 * offset of the first frame that may be dirty, and whether a TLB may still know some of it (then
 * tlb_stamp is the youngest stamp of the debt). Dirty means: not known to be zero. Everything freed
 * is dirty; it is cleared by the idle loop (frame_scrub_some) or when it is allocated.
 *
 * Claims: frames_unclaimed counts the free frames that are nobody's yet. An allocation first takes
 * its number from there (or from its domain's claim), which makes claims exact without a lock.
 *
 * Invariants (frame_pool_valid)
 *  1. A free frame is in exactly one block; a block is in the list of its order and zone.
 *  2. No two buddies of one zone and node are both free blocks of the same order.
 *  3. No frame of a block before first_dirty is dirty. In a list, clean blocks come first.
 *  4. pool->free is the sum of its blocks (and of a block that is being scrubbed).
 *  5. frames_unclaimed + the claims = the sum of pool->free, when nobody is amid an allocation.
 *
 * Lock: pool->lock (LOCK_FRAME_POOL), one pool at a time. TLB flushes and scrubbing happen with the
 * block in hand and no lock held.
 */
#include "hypervisor/atomic.h"
#include "hypervisor/bug.h"
#include "hypervisor/cpu.h"
#include "hypervisor/frame.h"
#include "hypervisor/lock.h"
#include "hypervisor/option.h"
#include "hypervisor/printk.h"
#include "hypervisor/string.h"
#include "arch/memory.h"
#include "pool.h"

#define ZONES_HIGH 0xffe00000u /* frame numbers of 21 bits and more: addresses above 4 GiB */
#define ZONES_LOW  0x00001fffu /* 12 bits and less: below 16 MiB */
#define ZONES_ALL  0xffffffffu

#define SCRUB_ORDER 4

/* What is known of a block. */
struct block {
    struct frame *frame;
    unsigned int order;
    uint32_t first_dirty; /* DIRTY_NONE */
    bool debt;
    uint32_t stamp;
};

struct pool frame_pools[CONFIG_MAX_NUMA_NODES]; /* zeros but for the locks: not in the image */
static unsigned int nodes_used; /* frame_pools[0 .. nodes_used - 1] may have memory */
static int64_t frames_unclaimed;

void (*pool_watcher)(uint64_t frames);

static bool scrub_enabled;

static bool opt_idle_scrub = true;
OPTION_BOOL("idle-scrub", opt_idle_scrub, "clear free memory while idle");

static uint32_t zones_below(unsigned int bits)
{
    if (bits < PAGE_SHIFT) {
        return 0;
    }
    return bits - PAGE_SHIFT >= ZONE_COUNT - 1 ? ZONES_ALL : (2u << (bits - PAGE_SHIFT)) - 1;
}

/* ---- blocks and lists -------------------------------------------------------------------------- */

static void block_link(struct pool *pool, const struct block *block)
{
    uint32_t index = frame_index(block->frame);
    unsigned int zone = zone_of(index);
    struct free_list *list = &pool->lists[block->order][zone];
    bool dirty = block->first_dirty != DIRTY_NONE;

    block->frame->type = (block->frame->type & FREE_DIRTY) | FREE_HEAD | block->order |
                         (block->debt ? FREE_DEBT : 0) |
                         ((uint64_t)block->first_dirty << DIRTY_SHIFT);
    block->frame->tlb_stamp = block->stamp;
    block->frame->next = block->frame->prev = FRAME_NO_LINK;
    if (!(pool->zones[block->order] & 1u << zone)) {
        pool->zones[block->order] |= 1u << zone;
        list->first = list->last = index;
    } else if (dirty) {
        block->frame->prev = list->last;
        frame_table[list->last].next = index;
        list->last = index;
    } else {
        block->frame->next = list->first;
        frame_table[list->first].prev = index;
        list->first = index;
    }
    pool->dirty_blocks += dirty;
}

static struct block block_unlink(struct pool *pool, struct frame *frame)
{
    struct block block = {
        .frame = frame,
        .order = frame->type & FREE_ORDER,
        .first_dirty = (uint32_t)(frame->type >> DIRTY_SHIFT),
        .debt = frame->type & FREE_DEBT,
        .stamp = frame->tlb_stamp,
    };
    unsigned int zone = zone_of(frame_index(frame));
    struct free_list *list = &pool->lists[block.order][zone];

    if (frame->prev != FRAME_NO_LINK) {
        frame_table[frame->prev].next = frame->next;
    } else {
        list->first = frame->next;
    }
    if (frame->next != FRAME_NO_LINK) {
        frame_table[frame->next].prev = frame->prev;
    } else {
        list->last = frame->prev;
    }
    if (list->first == FRAME_NO_LINK) {
        pool->zones[block.order] &= ~(1u << zone);
    }
    frame->type &= FREE_DIRTY;
    pool->dirty_blocks -= block.first_dirty != DIRTY_NONE;
    return block;
}

/* The free buddy of a block in hand, or NULL. */
static struct frame *block_buddy(const struct block *block)
{
    uint32_t index = frame_index(block->frame);
    uint32_t buddy = index ^ 1u << block->order;
    struct frame *frame = &frame_table[buddy];

    if (block->order == FRAME_ORDER_MAX || zone_of(buddy) != zone_of(index) ||
        !frame_valid(MFN(buddy)) || frame_node(MFN(buddy)) != frame_node(MFN(index))) {
        return NULL;
    }
    if (atomic_read(&frame->count) != FRAME_FREE || !(frame->type & FREE_HEAD) ||
        (frame->type & FREE_ORDER) != block->order) {
        return NULL;
    }
    return frame;
}

static void debt_join(struct block *block, const struct block *other)
{
    if (other->debt && (!block->debt || (int32_t)(other->stamp - block->stamp) > 0)) {
        block->stamp = other->stamp;
        block->debt = true;
    }
}

/* Puts a block in hand back, merged as far as it goes. */
static void block_insert(struct pool *pool, struct block block)
{
    struct frame *buddy;

    while ((buddy = block_buddy(&block)) != NULL) {
        struct block other = block_unlink(pool, buddy);
        struct block *lower = other.frame < block.frame ? &other : &block;
        struct block *upper = lower == &other ? &block : &other;

        debt_join(lower, upper);
        if (lower->first_dirty == DIRTY_NONE && upper->first_dirty != DIRTY_NONE) {
            lower->first_dirty = upper->first_dirty + (1u << block.order);
        }
        lower->order++;
        block = *lower;
    }
    block_link(pool, &block);
}

/* Halves a block in hand: it becomes the lower half, the upper one is returned. */
static struct block block_halve(struct block *block)
{
    struct block upper = *block;
    uint32_t half;

    block->order--;
    half = 1u << block->order;
    upper.order = block->order;
    upper.frame += half;
    if (block->first_dirty == DIRTY_NONE) {
        return upper;
    }
    if (block->first_dirty >= half) {
        upper.first_dirty = block->first_dirty - half;
        block->first_dirty = DIRTY_NONE;
    } else {
        upper.first_dirty = 0; /* perhaps: nobody looked further */
    }
    return upper;
}

static struct frame *block_find(struct pool *pool, unsigned int order, uint32_t zones)
{
    for (unsigned int o = order; o <= FRAME_ORDER_MAX; o++) {
        uint32_t found = pool->zones[o] & zones;

        if (found != 0) {
            return &frame_table[pool->lists[o][31 - __builtin_clz(found)].first];
        }
    }
    return NULL;
}

static bool block_take(struct pool *pool, unsigned int order, uint32_t zones, struct block *block)
{
    struct frame *frame;

    spin_lock(&pool->lock);
    frame = block_find(pool, order, zones & ZONES_HIGH);
    if (frame == NULL) {
        frame = block_find(pool, order, zones & ~ZONES_HIGH & ~ZONES_LOW);
    }
    if (frame == NULL) {
        frame = block_find(pool, order, zones & ZONES_LOW);
    }
    if (frame != NULL) {
        *block = block_unlink(pool, frame);
        while (block->order > order) {
            struct block upper = block_halve(block);

            block_link(pool, &upper);
        }
        pool->free -= 1ull << order;
    }
    spin_unlock(&pool->lock);
    return frame != NULL;
}

/* ---- allocation -------------------------------------------------------------------------------- */

bool pool_reserve(uint64_t frames)
{
    int64_t unclaimed = atomic_read(&frames_unclaimed);

    do {
        if (unclaimed < (int64_t)frames) {
            return false;
        }
    } while (!atomic_compare_exchange(&frames_unclaimed, &unclaimed, unclaimed - (int64_t)frames));
    if (pool_watcher != NULL) {
        pool_watcher((uint64_t)unclaimed - frames);
    }
    return true;
}

void pool_unreserve(uint64_t frames)
{
    (void)atomic_add(&frames_unclaimed, (int64_t)frames);
}

/* Makes a block that left the lists into private frames. */
static void block_hand_out(const struct block *block, unsigned int flags)
{
    bool scrub = !(flags & ALLOC_NO_SCRUB) || (flags & ALLOC_ZERO);

    if (block->debt) {
        arch_tlb_flush_since(block->stamp);
    }
    for (uint32_t i = 0; i < 1u << block->order; i++) {
        struct frame *frame = block->frame + i;
        uint64_t count = FRAME_PRIVATE | 1;

        if (frame->type & FREE_DIRTY) {
            if (scrub) {
                memset(mfn_to_virt(frame_mfn(frame)), 0, PAGE_SIZE);
            } else {
                count |= FRAME_TAINTED;
            }
        }
        frame->type = 0;
        frame->validated = 0;
        frame->next = frame->prev = FRAME_NO_LINK;
        frame->tlb_stamp = block->stamp;
        atomic_write_release(&frame->count, count);
    }
}

struct frame *pool_alloc_reserved(unsigned int order, unsigned int node, unsigned int flags,
                                  unsigned int bits)
{
    uint32_t zones = zones_below(flags & ALLOC_BELOW_4G ? min(bits, 32u) : bits);
    unsigned int preferred = node;
    struct block block;

    if (order > FRAME_ORDER_MAX || zones == 0) {
        return NULL;
    }
    if (preferred >= nodes_used) {
        if (node != ALLOC_NODE_ANY && (flags & ALLOC_EXACT_NODE)) {
            return NULL;
        }
        preferred = nodes_used > 1 ? cpu_node(arch_cpu_id()) % nodes_used : 0;
        flags &= ~(unsigned int)ALLOC_EXACT_NODE;
    }
    for (unsigned int i = 0; i < nodes_used; i++) {
        if (block_take(&frame_pools[(preferred + i) % nodes_used], order, zones, &block)) {
            block_hand_out(&block, flags);
            return block.frame;
        }
        if (flags & ALLOC_EXACT_NODE) {
            break;
        }
    }
    return NULL;
}

struct frame *frame_alloc_bits(unsigned int order, unsigned int node, unsigned int flags,
                               unsigned int bits)
{
    struct frame *frame;

    if (order > FRAME_ORDER_MAX || !pool_reserve(1ull << order)) {
        return NULL;
    }
    frame = pool_alloc_reserved(order, node, flags, bits);
    if (frame == NULL) {
        pool_unreserve(1ull << order);
    }
    return frame;
}

struct frame *frame_alloc(unsigned int order, unsigned int node, unsigned int flags)
{
    return frame_alloc_bits(order, node, flags, 64);
}

void *frame_alloc_mapped(unsigned int order, unsigned int flags)
{
    struct frame *frame = frame_alloc(order, ALLOC_NODE_ANY, flags);

    if (frame == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < 1u << order; i++) {
        (void)atomic_or(&frame[i].count, FRAME_HYPERVISOR);
    }
    return mfn_to_virt(frame_mfn(frame));
}

/* ---- freeing ----------------------------------------------------------------------------------- */

void pool_free(struct frame *frame, unsigned int order, bool debt)
{
    struct pool *pool = &frame_pools[frame_node(frame_mfn(frame))];
    struct block block = {
        .frame = frame, .order = order, .debt = debt, .stamp = debt ? arch_tlb_clock() : 0
    };
    uint64_t new_frames = 0;

    for (uint32_t i = 0; i < 1u << order; i++) {
        new_frames += (frame[i].count & FRAME_STATIC) != 0;
        frame[i].type = FREE_DIRTY;
        frame[i].owner = DOMID_INVALID;
        atomic_write_release(&frame[i].count, FRAME_FREE);
    }
    spin_lock(&pool->lock);
    block_insert(pool, block);
    pool->free += 1ull << order;
    pool->total += new_frames;
    spin_unlock(&pool->lock);
    pool_unreserve(1ull << order);
}

void frame_free(struct frame *frame, unsigned int order)
{
    bool tainted = false;

    ASSERT(frame_mfn(frame).value % (1u << order) == 0);
    for (uint32_t i = 0; i < 1u << order; i++) {
        uint64_t count = atomic_read(&frame[i].count);

        BUG_ON(!(count & FRAME_PRIVATE) || (count & FRAME_COUNT_MASK) > 1);
        tainted |= (count & FRAME_TAINTED) != 0;
    }
    pool_free(frame, order, tainted);
}

void frame_free_mapped(void *address, unsigned int order)
{
    if (address != NULL) {
        frame_free(frame_of(virt_to_mfn(address)), order);
    }
}

/* ---- set-up ------------------------------------------------------------------------------------ */

static void frames_set_static(uint64_t from, uint64_t to)
{
    for (uint64_t i = from; i < to; i++) {
        frame_table[i] = (struct frame){
            .count = FRAME_STATIC | FRAME_PRIVATE | 1,
            .next = FRAME_NO_LINK,
            .prev = FRAME_NO_LINK,
            .owner = DOMID_INVALID,
        };
    }
}

void frame_static_add(mfn_t from, mfn_t to)
{
    uint64_t end = min(to.value, frame_table_end);

    if (from.value >= end) {
        return;
    }
    if (!range_add(from.value, end, 0)) {
        pr_warning("Memory %#lx-%#lx cannot be described; not used\n",
                   (unsigned long)mfn_to_paddr(from), (unsigned long)mfn_to_paddr(to));
        return;
    }
    frames_set_static(from.value, end);
}

void frame_pool_announce(mfn_t from, mfn_t to, unsigned int node)
{
    uint64_t start = max(from.value, (uint64_t)1), end = min(to.value, frame_table_end);

    if (start < end && range_add(start, end, node < CONFIG_MAX_NUMA_NODES ? node : 0)) {
        frames_set_static(start, end);
    }
}

void frame_pool_add(mfn_t from, mfn_t to, unsigned int node)
{
    uint64_t start = max(from.value, (uint64_t)1), end = min(to.value, frame_table_end);

    if (node >= CONFIG_MAX_NUMA_NODES) {
        node = 0;
    }
    if (start >= end) {
        return;
    }
    if (range_add(start, end, node)) {
        frames_set_static(start, end);
    } else if (!range_covers(start, end)) {
        pr_warning("Memory %#lx-%#lx cannot be described; not used\n",
                   (unsigned long)mfn_to_paddr(from), (unsigned long)mfn_to_paddr(to));
        return;
    }
    for (; nodes_used <= node; nodes_used++) { /* at boot only, before other CPUs run */
        spin_lock_init(&frame_pools[nodes_used].lock, LOCK_FRAME_POOL);
    }
    while (start < end) {
        unsigned int order =
            min((unsigned int)__builtin_ctzll(start), (unsigned int)FRAME_ORDER_MAX);

        while (start + (1ull << order) > end) {
            order--;
        }
        frame_free(&frame_table[start], order);
        start += 1ull << order;
    }
}

/* ---- scrubbing --------------------------------------------------------------------------------- */

/* Takes a small block out of a dirty one, beginning where that may be dirty. */
static bool scrub_take(struct pool *pool, struct block *block)
{
    for (unsigned int order = 0; order <= FRAME_ORDER_MAX && pool->dirty_blocks != 0; order++) {
        for (uint32_t zones = pool->zones[order]; zones != 0; zones &= zones - 1) {
            struct frame *frame = &frame_table[pool->lists[order][__builtin_ctz(zones)].last];

            if (frame->type >> DIRTY_SHIFT == DIRTY_NONE) {
                continue;
            }
            *block = block_unlink(pool, frame);
            while (block->order > SCRUB_ORDER) {
                struct block upper = block_halve(block);

                if (block->first_dirty == DIRTY_NONE) {
                    block_link(pool, block);
                    *block = upper;
                } else {
                    block_link(pool, &upper);
                }
            }
            return true;
        }
    }
    return false;
}

void frame_scrub_enable(bool enable)
{
    WRITE_ONCE(scrub_enabled, enable && opt_idle_scrub);
}

bool frame_scrub_some(void)
{
    for (unsigned int node = 0; READ_ONCE(scrub_enabled) && node < nodes_used; node++) {
        struct pool *pool = &frame_pools[node];
        struct block block;
        bool found;

        if (READ_ONCE(pool->dirty_blocks) == 0) {
            continue;
        }
        spin_lock(&pool->lock);
        found = scrub_take(pool, &block);
        spin_unlock(&pool->lock);
        if (!found) {
            continue;
        }
        if (block.debt) {
            arch_tlb_flush_since(block.stamp);
        }
        for (uint32_t i = block.first_dirty; i < 1u << block.order; i++) {
            if (block.frame[i].type & FREE_DIRTY) {
                memset(mfn_to_virt(frame_mfn(&block.frame[i])), 0, PAGE_SIZE);
                block.frame[i].type = 0;
            }
        }
        block.first_dirty = DIRTY_NONE;
        block.debt = false;
        spin_lock(&pool->lock);
        block_insert(pool, block);
        spin_unlock(&pool->lock);
        return true;
    }
    return false;
}

/* ---- numbers ----------------------------------------------------------------------------------- */

uint64_t frame_count_free_node(unsigned int node)
{
    return node < CONFIG_MAX_NUMA_NODES ? READ_ONCE(frame_pools[node].free) : 0;
}

uint64_t frame_count_total_node(unsigned int node)
{
    return node < CONFIG_MAX_NUMA_NODES ? READ_ONCE(frame_pools[node].total) : 0;
}

uint64_t frame_count_free(void)
{
    uint64_t sum = 0;

    for (unsigned int node = 0; node < nodes_used; node++) {
        sum += frame_count_free_node(node);
    }
    return sum;
}

uint64_t frame_count_total(void)
{
    uint64_t sum = 0;

    for (unsigned int node = 0; node < nodes_used; node++) {
        sum += frame_count_total_node(node);
    }
    return sum;
}

uint64_t frame_count_claimed(void)
{
    int64_t claimed = (int64_t)frame_count_free() - atomic_read(&frames_unclaimed);

    return claimed > 0 ? (uint64_t)claimed : 0;
}
