/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Searches in bitmaps of up to 130 bits find the first bit there is, and look at no word beyond.
 *
 * cbmc: --bounds-check --pointer-check --unsigned-overflow-check --undefined-shift-check
 * cbmc: --unwind 4 --unwinding-assertions
 */
#include "hypervisor/lib/bitmap.c"

#define BITS_MAX 130u

void *malloc(size_t bytes);
unsigned int nondet_uint(void);

static void check(const unsigned long *map, unsigned int bits, unsigned int from, bool set)
{
    unsigned int found =
        set ? bitmap_find_set(map, bits, from) : bitmap_find_clear(map, bits, from);
    unsigned int other = nondet_uint();

    __CPROVER_assert(found <= bits, "found in range, or none");
    __CPROVER_assert(found == bits || (found >= from && bit_test(map, found) == set),
                     "what was found is one");
    __CPROVER_assume(other >= from && other < bits && other < found);
    __CPROVER_assert(bit_test(map, other) != set, "there is none before it");
}

int main(void)
{
    unsigned int bits = nondet_uint(), from = nondet_uint();
    unsigned long *map;

    __CPROVER_assume(bits <= BITS_MAX && from <= BITS_MAX + 64);
    map = malloc(BITMAP_LONGS(bits) * sizeof(*map));
    __CPROVER_assume(map);
    if (nondet_uint()) {
        check(map, bits, from, true);
    } else {
        check(map, bits, from, false);
    }
    return 0;
}
