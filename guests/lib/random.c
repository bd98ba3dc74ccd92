/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* splitmix64: a counter, mixed. */
#include "lib/random.h"
#include "lib/guest.h"

static uint64_t state;
static bool seeded;

uint64_t random_seed(void)
{
    uint64_t seed = guest_option_number("seed", 1);

    if (!seeded) {
        state = seed;
        seeded = true;
    }
    return seed;
}

uint64_t random_next(void)
{
    uint64_t mixed;

    (void)random_seed();
    state += 0x9e3779b97f4a7c15ul;
    mixed = state;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9ul;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebul;
    return mixed ^ mixed >> 31;
}

uint64_t random_below(uint64_t below)
{
    return random_next() % below;
}
