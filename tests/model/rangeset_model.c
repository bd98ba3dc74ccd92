/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Range sets beside a naive model: one bool a number, over two windows of 64 numbers at the ends of
 * the 64-bit line, where the arithmetic is most likely to be wrong.
 */
#include <stdio.h>
#include <stdlib.h>

#include "asm/host.h"
#include "hypervisor/bug.h"
#include "hypervisor/rangeset.h"

#define WINDOW 64u
#define ROUNDS 40000u

static bool model[2 * WINDOW];

/* Number of a place in the model: the lower half counts from 0, the upper half ends at 2^64 - 1. */
static uint64_t number(unsigned int place)
{
    return place < WINDOW ? place : UINT64_MAX - (2 * WINDOW - 1 - place);
}

static bool all(unsigned int from, unsigned int to)
{
    unsigned int i;

    /* What is between the windows is never in the set. */
    if (from < WINDOW && to >= WINDOW) {
        return false;
    }
    for (i = from; i <= to; i++) {
        if (!model[i]) {
            return false;
        }
    }
    return true;
}

static bool some(unsigned int from, unsigned int to)
{
    unsigned int i;

    for (i = from; i <= to; i++) {
        if (model[i]) {
            return true;
        }
    }
    return false;
}

static int check_range(uint64_t first, uint64_t last, void *data)
{
    unsigned int *ranges = data;

    (*ranges)++;
    return 0;
}

static unsigned int model_ranges(void)
{
    unsigned int i, count = 0;

    for (i = 0; i < 2 * WINDOW; i++) {
        count += model[i] && (i == 0 || i == WINDOW || !model[i - 1]);
    }
    return count;
}

static void check(struct rangeset *set, unsigned int from, unsigned int to)
{
    unsigned int ranges = 0, place;

    BUG_ON(!rangeset_valid(set));
    BUG_ON(rangeset_contains_range(set, number(from), number(to)) != all(from, to));
    BUG_ON(rangeset_overlaps_range(set, number(from), number(to)) != some(from, to));
    for (place = 0; place < 2 * WINDOW; place++) {
        BUG_ON(rangeset_contains(set, number(place)) != model[place]);
    }
    BUG_ON(rangeset_for_each(set, check_range, &ranges) != 0);
    BUG_ON(ranges != model_ranges());
    BUG_ON(rangeset_is_empty(set) != (ranges == 0));
}

static void step(struct rangeset *set)
{
    unsigned int half = (unsigned int)host_random_below(2) * WINDOW;
    unsigned int from = half + (unsigned int)host_random_below(WINDOW);
    unsigned int to = from + (unsigned int)host_random_below(half + WINDOW - from), i;
    bool add = host_random_below(2) == 0;
    uint64_t first = number(from), last = number(to);

    if (!add && host_random_below(50) == 0) { /* a removal may span the middle */
        from = half = 0;
        to = WINDOW + (unsigned int)host_random_below(WINDOW);
        first = 0;
        last = number(to);
    }
    BUG_ON((add ? rangeset_add_range(set, first, last) : rangeset_remove_range(set, first, last)) !=
           0);
    for (i = from; i <= to; i++) {
        model[i] = add;
    }
    from = (unsigned int)host_random_below(2 * WINDOW);
    to = from + (unsigned int)host_random_below(2 * WINDOW - from);
    check(set, from, to);
}

int main(void)
{
    struct rangeset *set, *copy;
    unsigned int round;

    host_setup(1024, 1);
    set = rangeset_create("model");
    copy = rangeset_create("copy");
    BUG_ON(set == NULL || copy == NULL);
    for (round = 0; round < ROUNDS; round++) {
        step(set);
        if (round % 1000 == 0) {
            BUG_ON(rangeset_copy(copy, set) != 0);
            check(copy, 0, 0);
        }
    }
    BUG_ON(rangeset_contains_range(set, 5, 4) || rangeset_overlaps_range(set, 5, 4));
    BUG_ON(rangeset_add_range(set, 5, 4) == 0 || rangeset_remove_range(set, 5, 4) == 0);
    BUG_ON(rangeset_contains(NULL, 0) || rangeset_overlaps_range(NULL, 0, 9));
    rangeset_destroy(set);
    rangeset_destroy(copy);
    host_teardown();
    printf("%u rounds\n", ROUNDS);
    return 0;
}
