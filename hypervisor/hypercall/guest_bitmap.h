/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Bitmaps of CPUs and nodes in a toolstack's memory: struct xenctl_bitmap of xen/xen.h. */
#ifndef HYPERCALL_GUEST_BITMAP_H
#define HYPERCALL_GUEST_BITMAP_H

#include "hypervisor/types.h"

#include "abi/xen.h"

/* More bits than that are not looked at. */
#define GUEST_BITMAP_BITS_MAX 8192u

/*
 * Reads `count` bits: those the guest's bitmap does not have are 0, more than that are ignored.
 * -XEN_EFAULT; -XEN_EINVAL with more bits than GUEST_BITMAP_BITS_MAX.
 */
int guest_bitmap_read(const struct xenctl_bitmap *from, unsigned long *bits,
                      unsigned int count) __must_check;

/* Writes as many bits as the guest's bitmap has (whole bytes), 0 beyond `count`. Errors as above. */
int guest_bitmap_write(const struct xenctl_bitmap *to, const unsigned long *bits,
                       unsigned int count) __must_check;

#endif
