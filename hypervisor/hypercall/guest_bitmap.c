/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Bitmaps in a toolstack's memory. Bits are numbered from the lowest of the first byte on. */
#include "guest_bitmap.h"

#include "hypervisor/bitmap.h"
#include "hypervisor/guest.h"
#include "hypervisor/string.h"

#define BYTES_MAX (GUEST_BITMAP_BITS_MAX / 8)

int guest_bitmap_read(const struct xenctl_bitmap *from, unsigned long *bits, unsigned int count)
{
    unsigned int used = min(from->nr_bits, count), bytes = DIV_ROUND_UP(used, 8u);

    if (from->nr_bits > GUEST_BITMAP_BITS_MAX) {
        return -XEN_EINVAL;
    }
    memset(bits, 0, BITMAP_LONGS(count) * sizeof(bits[0]));
    if (bytes != 0 && guest_copy_from(bits, guest_handle(from->bitmap), bytes)) {
        return -XEN_EFAULT;
    }
    if (used % BITS_PER_LONG != 0) {
        bits[used / BITS_PER_LONG] &= ~(~0ul << used % BITS_PER_LONG);
    }
    return 0;
}

int guest_bitmap_write(const struct xenctl_bitmap *to, const unsigned long *bits,
                       unsigned int count)
{
    unsigned int used = min(to->nr_bits, count), bytes;
    uint8_t out[BYTES_MAX];

    if (to->nr_bits > GUEST_BITMAP_BITS_MAX) {
        return -XEN_EINVAL;
    }
    bytes = DIV_ROUND_UP(to->nr_bits, 8u);
    memset(out, 0, sizeof(out));
    for (unsigned int bit = 0; bit < used; bit++) {
        if (bit_test(bits, bit)) {
            out[bit / 8] |= (uint8_t)(1u << bit % 8);
        }
    }
    return bytes != 0 ? guest_copy_to(guest_handle(to->bitmap), out, bytes) : 0;
}
