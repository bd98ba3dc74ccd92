/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The machine's memory map, made fit for use: what firmware hands over may be unsorted, overlap, and
 * hold empty entries.
 *
 *   found:      [---- RAM -----------------)        [--- RAM ---)
 *                        [-- reserved --)       [-ACPI-)
 *   sanitised:  [- RAM --)[-- reserved --)[RAM) [-ACPI-)[- RAM -)
 *
 * Invariants of a sanitised map (memory_map_valid):
 *   M1  no entry is empty;
 *   M2  entries rise and do not overlap;
 *   M3  neighbours that touch differ in type.
 *
 * Where entries overlap the more restrictive type wins, so memory is RAM only when every entry that
 * speaks of it says so. Bytes no entry speaks of stay holes.
 *
 * How: the entries are painted one by one over a map that always satisfies M1..M3, weak types first,
 * so that an entry lost for want of room can never have been what kept memory from being RAM.
 */
#include "asm/boot_info.h"
#include "hypervisor/string.h"

#define RESTRICTION_MAX 6

/* Larger: more restrictive. Unknown types are taken for reserved. */
static unsigned int restriction(uint32_t type)
{
    switch (type) {
    case MEMORY_RAM:
        return 0;
    case MEMORY_ACPI:
        return 1;
    case MEMORY_PERSISTENT:
        return 2;
    case MEMORY_NVS:
        return 3;
    case MEMORY_UNUSABLE:
        return 5;
    case MEMORY_DISABLED:
        return RESTRICTION_MAX;
    default:
        return 4;
    }
}

static bool insert(struct memory_range *map, unsigned int *count, unsigned int max,
                   unsigned int place, struct memory_range range)
{
    if (place >= max) {
        return false;
    }
    if (*count == max) {
        (*count)--; /* the highest is lost */
    }
    memmove(&map[place + 1], &map[place], (*count - place) * sizeof(*map));
    map[place] = range;
    (*count)++;
    return true;
}

static void merge(struct memory_range *map, unsigned int *count)
{
    unsigned int from, to = 0;

    for (from = 1; from < *count; from++) {
        if (map[to].end == map[from].start && map[to].type == map[from].type) {
            map[to].end = map[from].end;
        } else {
            map[++to] = map[from];
        }
    }
    *count = *count == 0 ? 0 : to + 1;
}

/*
 * Paints `range` over the sorted disjoint map: holes are filled, weaker types overwritten, stronger
 * ones kept.
 */
static void paint(struct memory_range *map, unsigned int *count, unsigned int max,
                  struct memory_range range)
{
    unsigned int i = 0;

    while (range.start < range.end) {
        struct memory_range piece = range;

        while (i < *count && map[i].end <= range.start) {
            i++;
        }
        if (i == *count || map[i].start >= range.end) {
            (void)insert(map, count, max, i, range);
            return;
        }
        if (range.start < map[i].start) { /* the hole in front */
            piece.end = map[i].start;
            if (!insert(map, count, max, i, piece)) {
                return;
            }
            range.start = piece.end;
            continue;
        }
        piece.end = min(range.end, map[i].end);
        if (restriction(range.type) > restriction(map[i].type)) {
            struct memory_range old = map[i];

            map[i] = piece;
            if (piece.end < old.end) {
                (void)insert(map, count, max, i + 1,
                             (struct memory_range){ piece.end, old.end, old.type });
            }
            if (old.start < piece.start) {
                (void)insert(map, count, max, i,
                             (struct memory_range){ old.start, piece.start, old.type });
            }
        }
        range.start = piece.end;
    }
}

static void paint_all(struct memory_range *to, unsigned int *done, unsigned int max,
                      const struct memory_range *from, unsigned int count, unsigned int strength)
{
    unsigned int i;

    for (i = 0; i < count; i++) {
        if (restriction(from[i].type) == strength) {
            paint(to, done, max, from[i]);
            merge(to, done);
        }
    }
}

unsigned int memory_map_sanitise(struct memory_range *to, unsigned int max,
                                 const struct memory_range *from, unsigned int count)
{
    unsigned int strength, done = 0;

    for (strength = 0; strength <= RESTRICTION_MAX; strength++) {
        paint_all(to, &done, max, from, count, strength);
    }
    return done;
}

unsigned int memory_map_punch(struct memory_range *map, unsigned int count, unsigned int max,
                              paddr_t start, paddr_t end, uint32_t type)
{
    paint(map, &count, max, (struct memory_range){ start, end, type });
    merge(map, &count);
    return count;
}

bool memory_map_valid(const struct memory_range *map, unsigned int count)
{
    unsigned int i;

    for (i = 0; i < count; i++) {
        if (map[i].start >= map[i].end) {
            return false;
        }
        if (i > 0 && map[i].start < map[i - 1].end) {
            return false;
        }
        if (i > 0 && map[i].start == map[i - 1].end && map[i].type == map[i - 1].type) {
            return false;
        }
    }
    return true;
}
