/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Memory maps beside a naive model: the strongest type of each of 128 bytes. With room enough both
 * agree on every byte; with too little, what is left is never weaker than the model says.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "asm/boot_info.h"
#include "asm/host.h"
#include "hypervisor/bug.h"

#define BYTES   128u
#define ENTRIES 12u
#define ROUNDS  30000u

static const uint32_t by_strength[] = {
    MEMORY_RAM,      MEMORY_ACPI,     MEMORY_PERSISTENT, MEMORY_NVS,
    MEMORY_RESERVED, MEMORY_UNUSABLE, MEMORY_DISABLED,
};

/* Strength + 1; 0: a hole. */
static unsigned int model[BYTES];

static unsigned int strength_of(uint32_t type)
{
    unsigned int i;

    for (i = 0; i < ARRAY_SIZE(by_strength); i++) {
        if (by_strength[i] == type) {
            return i + 1;
        }
    }
    panic("type %u came from nowhere", type);
}

static void model_add(struct memory_range range)
{
    unsigned int strength = strength_of(range.type);
    paddr_t at;

    for (at = range.start; at < range.end; at++) {
        model[at] = max(model[at], strength);
    }
}

static void compare(const struct memory_range *map, unsigned int count, bool all)
{
    unsigned int found[BYTES] = { 0 }, i;
    paddr_t at;

    BUG_ON(!memory_map_valid(map, count));
    for (i = 0; i < count; i++) {
        for (at = map[i].start; at < map[i].end; at++) {
            found[at] = strength_of(map[i].type);
        }
    }
    for (i = 0; i < BYTES; i++) {
        BUG_ON(all && found[i] != model[i]);
        BUG_ON(found[i] != 0 && found[i] < model[i]);
    }
}

int main(void)
{
    struct memory_range in[ENTRIES], out[4 * ENTRIES + 4];
    unsigned int round, i, count, room;

    for (round = 0; round < ROUNDS; round++) {
        memset(model, 0, sizeof(model));
        count = host_random_below(ENTRIES + 1);
        for (i = 0; i < count; i++) {
            in[i].start = host_random_below(BYTES);
            in[i].end = in[i].start + host_random_below((uint32_t)(BYTES - in[i].start) + 1);
            in[i].type = by_strength[host_random_below(ARRAY_SIZE(by_strength))];
            model_add(in[i]);
        }
        room = 1 + host_random_below(ENTRIES);
        compare(out, memory_map_sanitise(out, room, in, count), false);
        count = memory_map_sanitise(out, ARRAY_SIZE(out), in, count);
        compare(out, count, true);
        if (count > 0) {
            model_add(in[0]);
            count =
                memory_map_punch(out, count, ARRAY_SIZE(out), in[0].start, in[0].end, in[0].type);
            compare(out, count, true);
        }
    }
    printf("memory map model: %u rounds agree\n", ROUNDS);
    return 0;
}
