/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Kernel files: container, payload, ELF and notes, from any bytes. */
#include "asm/kernel_image.h"

#include <stdint.h>
#include <stdlib.h>

#define UNPACKED_MAX (1u << 16)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static uint8_t sum;

/* Every byte that an accepted image names must be there. */
static void touch(const struct kernel_image *image)
{
    for (unsigned int i = 0; i < image->segment_count; i++) {
        const struct kernel_segment *segment = &image->segments[i];

        for (uint64_t at = 0; at < segment->file.length; at++) {
            sum ^= segment->file.data[at];
        }
        if (segment->file.length > segment->bytes || segment->address < image->start ||
            segment->address + segment->bytes > image->end) {
            abort();
        }
    }
    if (image->entry < image->start || image->entry >= image->end) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static uint8_t unpacked[UNPACKED_MAX];
    struct kernel_image image;
    struct bytes payload;
    uint64_t length;

    if (bzimage_payload((struct bytes){ data, bytes }, &payload)) {
        return 0;
    }
    if (payload_format(payload) != PAYLOAD_ELF) {
        if (payload_decompress(payload, unpacked, sizeof(unpacked), &length)) {
            return 0;
        }
        payload = (struct bytes){ unpacked, length };
    }
    if (!kernel_image_read(payload, &image)) {
        touch(&image);
    }
    return 0;
}
