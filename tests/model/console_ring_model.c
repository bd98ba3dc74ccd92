/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The console's output ring beside a model that remembers every byte since boot: reads by index,
 * from old, present and future places, with and without clearing, while the ring grows.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asm/host.h"
#include "hypervisor/bug.h"
#include "hypervisor/console.h"
#include "hypervisor/printk.h"

#define ROUNDS    30000u
#define ALL_BYTES (64u << 20)

static char *all; /* every byte written */
static uint32_t produced, cleared, ring_bytes = 16384;

static void record(const char *text, uint32_t bytes)
{
    memcpy(all + produced, text, bytes);
    produced += bytes;
}

static void write_some(void)
{
    char text[700];
    uint32_t bytes = (uint32_t)host_random_below(sizeof(text)), i;

    for (i = 0; i < bytes; i++) {
        text[i] = (char)host_random();
    }
    console_write(text, bytes);
    record(text, bytes);
}

static void print_some(void)
{
    uint64_t value = host_random();
    char text[64];
    int bytes = snprintf(text, sizeof(text), "(XEN) value %#lx\n", (unsigned long)value);

    if (produced > 0 && all[produced - 1] != '\n') {
        record("\n", 1);
    }
    pr_error("value %#lx\n", (unsigned long)value);
    record(text, (uint32_t)bytes);
}

/* Oldest byte still there. */
static uint32_t kept(void)
{
    uint32_t oldest = produced > ring_bytes ? produced - ring_bytes : 0;

    return max(oldest, cleared);
}

static void read_some(void)
{
    static char text[40000];
    uint32_t bytes = (uint32_t)host_random_below(sizeof(text)), asked = bytes, index, from;
    bool clear = host_random_below(20) == 0;

    switch (host_random_below(4)) {
    case 0:
        index = 0;
        break;
    case 1:
        index = produced - (uint32_t)host_random_below(100);
        break;
    case 2:
        index = produced + (uint32_t)host_random_below(100);
        break;
    default:
        index = (uint32_t)host_random();
        break;
    }
    from = index < kept() || index > produced ? kept() : index;
    console_ring_read(text, &bytes, &index, clear);
    BUG_ON(bytes != min(asked, produced - from));
    BUG_ON(index != from + bytes);
    BUG_ON(memcmp(text, all + from, bytes) != 0);
    if (clear) {
        cleared = produced;
    }
}

int main(void)
{
    unsigned int round;

    host_setup(1024, 1);
    all = malloc(ALL_BYTES);
    BUG_ON(all == NULL);
    for (round = 0; round < ROUNDS; round++) {
        switch (host_random_below(3)) {
        case 0:
            write_some();
            break;
        case 1:
            print_some();
            break;
        default:
            read_some();
            break;
        }
        if (round == ROUNDS / 2) {
            console_ring_resize(65536);
            ring_bytes = 65536;
            cleared = max(cleared, produced > 16384 ? produced - 16384 : 0);
        }
    }
    free(all);
    host_teardown_leaky();
    printf("%u rounds, %u bytes\n", ROUNDS, produced);
    return 0;
}
