/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Searches in bitmaps, a word at a time. Bits beyond `bits` are never looked at. */
#include "hypervisor/bitmap.h"

/* First bit at or after `from` whose value, xored with `flip`, is 1. */
static inline unsigned int find(const unsigned long *map, unsigned int bits, unsigned int from,
                                unsigned long flip)
{
    unsigned int index = from / BITS_PER_LONG;
    unsigned long word;

    if (from >= bits) {
        return bits;
    }
    word = (READ_ONCE(map[index]) ^ flip) & (~0ul << (from % BITS_PER_LONG));
    while (word == 0) {
        if (++index >= BITMAP_LONGS(bits)) {
            return bits;
        }
        word = READ_ONCE(map[index]) ^ flip;
    }
    from = index * BITS_PER_LONG + (unsigned int)__builtin_ctzl(word);
    return from < bits ? from : bits;
}

unsigned int bitmap_find_set(const unsigned long *map, unsigned int bits, unsigned int from)
{
    return find(map, bits, from, 0);
}

unsigned int bitmap_find_clear(const unsigned long *map, unsigned int bits, unsigned int from)
{
    return find(map, bits, from, ~0ul);
}

/* Set bits of a word by adding neighbours: no popcnt on the oldest machines, no library either. */
static inline unsigned int word_weight(unsigned long word)
{
    word -= word >> 1 & 0x5555555555555555ul;
    word = (word & 0x3333333333333333ul) + (word >> 2 & 0x3333333333333333ul);
    word = (word + (word >> 4)) & 0x0f0f0f0f0f0f0f0ful;
    return (unsigned int)(word * 0x0101010101010101ul >> 56);
}

unsigned int bitmap_weight(const unsigned long *map, unsigned int bits)
{
    unsigned int weight = 0, index;

    for (index = 0; index < bits / BITS_PER_LONG; index++) {
        weight += word_weight(READ_ONCE(map[index]));
    }
    if (bits % BITS_PER_LONG != 0) {
        weight += word_weight(READ_ONCE(map[index]) & ((1ul << bits % BITS_PER_LONG) - 1));
    }
    return weight;
}
