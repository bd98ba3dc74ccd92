/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Small objects: a size-class allocator over frame_alloc. Alignment is 16 bytes or the next power of
 * two of the size up to a cache line; larger than half a page comes in whole frames. Not from
 * interrupt context.
 */
#ifndef HYPERVISOR_HEAP_H
#define HYPERVISOR_HEAP_H

#include "hypervisor/types.h"

/* Uninitialised / zeroed; NULL when memory is out or bytes is 0 or absurd. */
void *heap_alloc(size_t bytes) __must_check;
void *heap_zalloc(size_t bytes) __must_check;
void *heap_zalloc_array(size_t count, size_t bytes) __must_check; /* checks the product */
void heap_free(void *object);                                     /* NULL is fine */

#define heap_new(type)              ((type *)heap_zalloc(sizeof(type)))
#define heap_new_array(type, count) ((type *)heap_zalloc_array(count, sizeof(type)))

uint64_t heap_bytes_in_use(void);
bool heap_valid(void);

#endif
