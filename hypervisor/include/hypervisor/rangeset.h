/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Sets of 64-bit numbers kept as inclusive ranges [first, last]: the I/O ports, machine frames and
 * interrupts a domain may use. Ranges that touch or overlap are merged.
 *
 * The lock is inside (class LOCK_RANGESET): every function may be called at any time, but not in
 * interrupt context. Adding and removing allocate memory.
 */
#ifndef HYPERVISOR_RANGESET_H
#define HYPERVISOR_RANGESET_H

#include "hypervisor/types.h"

struct rangeset;

/* The most ranges one set holds: what a toolstack's nonsense may cost. */
#define RANGESET_RANGES_MAX 16384u

/* `name` is kept by reference, for dumps. NULL when memory is out. */
struct rangeset *rangeset_create(const char *name) __must_check;
void rangeset_destroy(struct rangeset *set); /* NULL is fine */

/*
 * Adds (removes) every number of [first, last]; what is there (not there) already does not matter.
 * -XEN_EINVAL when last < first, -XEN_ENOMEM, -XEN_E2BIG with too many ranges; the set is unchanged
 * then.
 */
int rangeset_add_range(struct rangeset *set, uint64_t first, uint64_t last) __must_check;
int rangeset_remove_range(struct rangeset *set, uint64_t first, uint64_t last) __must_check;

/* All of [first, last] is in the set; some of it is. False for a NULL set or last < first. */
bool rangeset_contains_range(struct rangeset *set, uint64_t first, uint64_t last);
bool rangeset_overlaps_range(struct rangeset *set, uint64_t first, uint64_t last);

static inline bool rangeset_contains(struct rangeset *set, uint64_t value)
{
    return rangeset_contains_range(set, value, value);
}

bool rangeset_is_empty(struct rangeset *set);

/*
 * Calls fn for each range in rising order under the set's lock (fn must not touch the set, nor take
 * a lock that stands above LOCK_RANGESET) until it returns other than 0, and returns that.
 */
int rangeset_for_each(struct rangeset *set, int (*fn)(uint64_t first, uint64_t last, void *data),
                      void *data);

/* Replaces the contents of `to` by those of `from`: 0 or -XEN_ENOMEM with `to` unchanged. */
int rangeset_copy(struct rangeset *to, struct rangeset *from) __must_check;

bool rangeset_valid(struct rangeset *set);

#endif
