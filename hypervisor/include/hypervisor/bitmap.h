/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Bits in arrays of unsigned long. The atomic ones order fully; the others are the owner's lock's. */
#ifndef HYPERVISOR_BITMAP_H
#define HYPERVISOR_BITMAP_H

#include "hypervisor/types.h"

#define BITS_PER_LONG      64u
#define BITMAP_LONGS(bits) (((bits) + BITS_PER_LONG - 1) / BITS_PER_LONG)

static inline bool bit_test(const unsigned long *map, unsigned int bit)
{
    return READ_ONCE(map[bit / BITS_PER_LONG]) >> (bit % BITS_PER_LONG) & 1;
}

static inline void bit_set(unsigned long *map, unsigned int bit)
{
    map[bit / BITS_PER_LONG] |= 1ul << (bit % BITS_PER_LONG);
}

static inline void bit_clear(unsigned long *map, unsigned int bit)
{
    map[bit / BITS_PER_LONG] &= ~(1ul << (bit % BITS_PER_LONG));
}

/* Atomic; returns what the bit was. */
static inline bool bit_test_and_set(unsigned long *map, unsigned int bit)
{
    unsigned long mask = 1ul << (bit % BITS_PER_LONG);

    return __atomic_fetch_or(&map[bit / BITS_PER_LONG], mask, __ATOMIC_SEQ_CST) & mask;
}

static inline bool bit_test_and_clear(unsigned long *map, unsigned int bit)
{
    unsigned long mask = 1ul << (bit % BITS_PER_LONG);

    return __atomic_fetch_and(&map[bit / BITS_PER_LONG], ~mask, __ATOMIC_SEQ_CST) & mask;
}

/* First set (clear) bit at or after `from`, or `bits` when there is none. */
unsigned int bitmap_find_set(const unsigned long *map, unsigned int bits, unsigned int from);
unsigned int bitmap_find_clear(const unsigned long *map, unsigned int bits, unsigned int from);
unsigned int bitmap_weight(const unsigned long *map, unsigned int bits);

#define bitmap_for_each(bit, map, bits)                         \
    for ((bit) = bitmap_find_set(map, bits, 0); (bit) < (bits); \
         (bit) = bitmap_find_set(map, bits, (bit) + 1))

#endif
