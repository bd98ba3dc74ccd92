/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The seed and what is drawn from it: one 64-bit state, stepped and mixed (a Weyl sequence). */
#include "inside.h"

#include "hypervisor/hypercall.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static uint64_t seed, state;
static bool seeded;
static unsigned int preempt_odds;
static const uint8_t *input;
static size_t input_left;

static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 32) * 0xd6e8feb86659fd93ull;
    x = (x ^ x >> 32) * 0xd6e8feb86659fd93ull;
    return x ^ x >> 32;
}

static void seed_once(void)
{
    const char *given = getenv("XENIOS_SEED");
    struct timespec now;

    if (seeded) {
        return;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    seed = given != NULL
               ? strtoull(given, NULL, 0)
               : mix((uint64_t)now.tv_nsec << 20 ^ (uint64_t)now.tv_sec ^ (uint64_t)getpid() << 40);
    state = seed;
    seeded = true;
    fprintf(stderr, "XENIOS_SEED=0x%" PRIx64 "\n", seed);
}

void host_random_setup(void)
{
    seed_once();
    preempt_odds = 8;
    input = NULL;
    input_left = 0;
}

uint64_t host_seed(void)
{
    seed_once();
    return seed;
}

void host_random_from(const uint8_t *bytes, size_t count)
{
    input = bytes;
    input_left = count;
    state = 0;
    seeded = true;
}

uint64_t host_random(void)
{
    seed_once();
    state += 0x9e3779b97f4a7c15ull;
    if (input_left > 0) {
        input_left--;
        return mix(*input++ + 1);
    }
    return mix(state);
}

uint64_t host_random_below(uint64_t limit)
{
    return host_random() % limit;
}

void host_set_preempt_odds(unsigned int odds)
{
    preempt_odds = odds;
}

bool host_preempts(void)
{
    return preempt_odds != 0 && host_random_below(preempt_odds) == 0;
}

HOST_WEAK bool hypercall_preempt(void)
{
    return host_preempts();
}
