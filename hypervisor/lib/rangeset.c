/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Sets of numbers as a sorted array of inclusive ranges.
 *
 *     ranges: [0x20, 0x3f] [0x60, 0x60] [0x3f8, 0x3ff] ........ (count = 3, room = 8)
 *
 * Invariants (rangeset_valid):
 *   1. first <= last in every range;
 *   2. ranges rise and do not touch: ranges[i].last + 1 < ranges[i + 1].first;
 *   3. count <= room, count <= RANGESET_RANGES_MAX.
 *
 * Lookups are a binary search under the read lock; they are what the guests' hot paths do. Changes
 * are rare and may move the whole array. Locks: one rwlock a set, class LOCK_RANGESET, the heap's
 * lock is taken inside it. Two sets are never locked at once.
 */
#include "hypervisor/rangeset.h"

#include "hypervisor/error.h"
#include "hypervisor/heap.h"
#include "hypervisor/lock.h"
#include "hypervisor/string.h"

struct range {
    uint64_t first, last;
};

struct rangeset {
    struct rwlock lock;
    const char *name;
    struct range *ranges;
    unsigned int count, room;
};

#define ROOM_FIRST 8u

struct rangeset *rangeset_create(const char *name)
{
    struct rangeset *set = heap_new(struct rangeset);

    if (set != NULL) {
        rwlock_init(&set->lock, LOCK_RANGESET);
        set->name = name;
    }
    return set;
}

void rangeset_destroy(struct rangeset *set)
{
    if (set != NULL) {
        heap_free(set->ranges);
        heap_free(set);
    }
}

/* Index of the first range whose last is not below the value; count when there is none. */
static unsigned int lower_bound(const struct rangeset *set, uint64_t value)
{
    unsigned int low = 0, high = set->count;

    while (low < high) {
        unsigned int middle = low + (high - low) / 2;

        if (set->ranges[middle].last < value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Makes room for one more range. */
static int grow(struct rangeset *set)
{
    unsigned int room = set->room == 0 ? ROOM_FIRST : set->room * 2;
    struct range *ranges;

    if (set->count < set->room) {
        return 0;
    }
    if (set->count >= RANGESET_RANGES_MAX) {
        return -XEN_E2BIG;
    }
    ranges = heap_new_array(struct range, room);
    if (ranges == NULL) {
        return -XEN_ENOMEM;
    }
    if (set->count > 0) {
        memcpy(ranges, set->ranges, set->count * sizeof(*ranges));
    }
    heap_free(set->ranges);
    set->ranges = ranges;
    set->room = room;
    return 0;
}

/* Replaces `old` ranges at `at` by `new` ones whose contents the caller fills in; room is there. */
static void replace(struct rangeset *set, unsigned int at, unsigned int old, unsigned int new)
{
    unsigned int after = set->count - at - old;

    if (after > 0 && old != new) {
        memmove(&set->ranges[at + new], &set->ranges[at + old], after * sizeof(*set->ranges));
    }
    set->count = set->count - old + new;
}

static int add(struct rangeset *set, uint64_t first, uint64_t last)
{
    /* A range that ends right before `first`, or starts right after `last`, is merged too. */
    unsigned int at = lower_bound(set, first == 0 ? 0 : first - 1), end = at;
    int error;

    while (end < set->count &&
           (set->ranges[end].first <= last || set->ranges[end].first - 1 == last)) {
        end++;
    }
    if (at == end) {
        error = grow(set);
        if (error != 0) {
            return error;
        }
    } else {
        first = min(first, set->ranges[at].first);
        last = max(last, set->ranges[end - 1].last);
    }
    replace(set, at, end - at, 1);
    set->ranges[at] = (struct range){ first, last };
    return 0;
}

static int subtract(struct rangeset *set, uint64_t first, uint64_t last)
{
    unsigned int at = lower_bound(set, first), end = at, kept = 0;
    struct range left, right;
    bool has_left, has_right;
    int error;

    while (end < set->count && set->ranges[end].first <= last) {
        end++;
    }
    if (at == end) {
        return 0;
    }
    left = (struct range){ set->ranges[at].first, first - 1 };
    right = (struct range){ last + 1, set->ranges[end - 1].last };
    has_left = set->ranges[at].first < first;
    has_right = set->ranges[end - 1].last > last;
    if (has_left && has_right && end - at == 1) {
        error = grow(set);
        if (error != 0) {
            return error;
        }
    }
    replace(set, at, end - at, (unsigned int)has_left + has_right);
    if (has_left) {
        set->ranges[at + kept++] = left;
    }
    if (has_right) {
        set->ranges[at + kept] = right;
    }
    return 0;
}

int rangeset_add_range(struct rangeset *set, uint64_t first, uint64_t last)
{
    int error;

    if (last < first) {
        return -XEN_EINVAL;
    }
    write_lock(&set->lock);
    error = add(set, first, last);
    write_unlock(&set->lock);
    return error;
}

int rangeset_remove_range(struct rangeset *set, uint64_t first, uint64_t last)
{
    int error;

    if (last < first) {
        return -XEN_EINVAL;
    }
    write_lock(&set->lock);
    error = subtract(set, first, last);
    write_unlock(&set->lock);
    return error;
}

bool rangeset_contains_range(struct rangeset *set, uint64_t first, uint64_t last)
{
    unsigned int at;
    bool inside;

    if (set == NULL || last < first) {
        return false;
    }
    read_lock(&set->lock);
    at = lower_bound(set, first);
    inside = at < set->count && set->ranges[at].first <= first && set->ranges[at].last >= last;
    read_unlock(&set->lock);
    return inside;
}

bool rangeset_overlaps_range(struct rangeset *set, uint64_t first, uint64_t last)
{
    unsigned int at;
    bool overlaps;

    if (set == NULL || last < first) {
        return false;
    }
    read_lock(&set->lock);
    at = lower_bound(set, first);
    overlaps = at < set->count && set->ranges[at].first <= last;
    read_unlock(&set->lock);
    return overlaps;
}

bool rangeset_is_empty(struct rangeset *set)
{
    return set == NULL || READ_ONCE(set->count) == 0;
}

int rangeset_for_each(struct rangeset *set, int (*fn)(uint64_t first, uint64_t last, void *data),
                      void *data)
{
    unsigned int i;
    int result = 0;

    read_lock(&set->lock);
    for (i = 0; i < set->count && result == 0; i++) {
        result = fn(set->ranges[i].first, set->ranges[i].last, data);
    }
    read_unlock(&set->lock);
    return result;
}

/* A copy of the set's array, NULL and *room 0 for an empty set. */
static int snapshot(struct rangeset *set, struct range **ranges, unsigned int *count)
{
    int error = 0;

    *ranges = NULL;
    read_lock(&set->lock);
    *count = set->count;
    if (set->count > 0) {
        *ranges = heap_new_array(struct range, set->count);
        if (*ranges == NULL) {
            error = -XEN_ENOMEM;
        } else {
            memcpy(*ranges, set->ranges, set->count * sizeof(**ranges));
        }
    }
    read_unlock(&set->lock);
    return error;
}

int rangeset_copy(struct rangeset *to, struct rangeset *from)
{
    struct range *ranges, *old;
    unsigned int count;
    int error = snapshot(from, &ranges, &count);

    if (error != 0) {
        return error;
    }
    write_lock(&to->lock);
    old = to->ranges;
    to->ranges = ranges;
    to->count = to->room = count;
    write_unlock(&to->lock);
    heap_free(old);
    return 0;
}

bool rangeset_valid(struct rangeset *set)
{
    bool valid;
    unsigned int i;

    read_lock(&set->lock);
    valid = set->count <= set->room && set->count <= RANGESET_RANGES_MAX;
    for (i = 0; valid && i < set->count; i++) {
        valid = set->ranges[i].first <= set->ranges[i].last &&
                (i == 0 || (set->ranges[i - 1].last < set->ranges[i].first &&
                            set->ranges[i].first - set->ranges[i - 1].last > 1));
    }
    read_unlock(&set->lock);
    return valid;
}
