/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Sorting of arrays. */
#ifndef HYPERVISOR_SORT_H
#define HYPERVISOR_SORT_H

#include "hypervisor/types.h"

/* Below 0, 0 or above 0 as *a comes before, beside or after *b. */
typedef int (*sort_compare_t)(const void *a, const void *b);

/* In place, ascending, not stable; count elements of `bytes` each. No memory, no recursion. */
void sort_array(void *base, size_t count, size_t bytes, sort_compare_t compare);

#endif
