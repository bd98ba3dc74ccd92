/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Heap sort: in place, without recursion, never worse than count * log2(count) comparisons. The
 * array is made a binary heap (children of i at 2i+1 and 2i+2, none greater than its parent), then
 * the greatest element goes to the end again and again.
 */
#include "hypervisor/sort.h"
#include "hypervisor/string.h"

struct array {
    uint8_t *base;
    size_t bytes;
    sort_compare_t compare;
};

static inline uint8_t *element(const struct array *array, size_t index)
{
    return array->base + index * array->bytes;
}

static void exchange(const struct array *array, size_t a, size_t b)
{
    uint8_t *left = element(array, a), *right = element(array, b), kept[64];
    size_t done, part;

    for (done = 0; done < array->bytes; done += part) {
        part = min(array->bytes - done, sizeof(kept));
        memcpy(kept, left + done, part);
        memcpy(left + done, right + done, part);
        memcpy(right + done, kept, part);
    }
}

/* Restores the heap of `count` elements below `root`, whose subtrees are heaps. */
static void sift_down(const struct array *array, size_t root, size_t count)
{
    size_t child;

    while ((child = 2 * root + 1) < count) {
        if (child + 1 < count &&
            array->compare(element(array, child), element(array, child + 1)) < 0) {
            child++;
        }
        if (array->compare(element(array, root), element(array, child)) >= 0) {
            return;
        }
        exchange(array, root, child);
        root = child;
    }
}

void sort_array(void *base, size_t count, size_t bytes, sort_compare_t compare)
{
    struct array array = { base, bytes, compare };
    size_t i;

    for (i = count / 2; i-- > 0;) {
        sift_down(&array, i, count);
    }
    for (i = count; i-- > 1;) {
        exchange(&array, 0, i);
        sift_down(&array, 0, i);
    }
}
