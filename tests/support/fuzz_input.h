/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* A fuzzer's input read piece by piece; beyond its end there are zeroes. */
#ifndef SUPPORT_FUZZ_INPUT_H
#define SUPPORT_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct fuzz_input {
    const uint8_t *bytes;
    size_t left;
};

/* Up to `bytes` of the input, the rest zero. */
static inline void fuzz_fill(struct fuzz_input *input, void *to, size_t bytes)
{
    size_t have = bytes < input->left ? bytes : input->left;

    memset(to, 0, bytes);
    memcpy(to, input->bytes, have);
    input->bytes += have;
    input->left -= have;
}

static inline uint8_t fuzz_u8(struct fuzz_input *input)
{
    uint8_t value;

    fuzz_fill(input, &value, sizeof(value));
    return value;
}

static inline uint32_t fuzz_u32(struct fuzz_input *input)
{
    uint32_t value;

    fuzz_fill(input, &value, sizeof(value));
    return value;
}

/* Mostly below `limit`, now and then anything. */
static inline uint32_t fuzz_mostly_below(struct fuzz_input *input, uint32_t limit)
{
    uint8_t value = fuzz_u8(input);

    return value == 0xff ? fuzz_u32(input) : value % limit;
}

#endif
