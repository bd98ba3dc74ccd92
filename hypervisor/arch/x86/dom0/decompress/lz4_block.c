/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * LZ4 blocks (lz4's doc/lz4_Block_format.md). A block is a row of sequences:
 *
 *     token        high half: literals, low half: length of the match less 4; 15 goes on in
 *                  following bytes, which are added up to and with the first one that is not 255
 *     [length]     more literals
 *     literals     copied as they are; the last sequence of a block ends with them
 *     offset       16 bits: how far back in what was unpacked the match begins; never 0
 *     [length]     more of the match, which may run into what it writes itself
 */
#include "lz4_block.h"

#include "hypervisor/string.h"

#define HALF_MAX  15u
#define MATCH_MIN 4u

struct unpacking {
    struct bytes in;
    uint64_t at; /* in `in` */
    uint8_t *to;
    uint64_t room, done;
};

static bool next_byte(struct unpacking *u, uint8_t *byte)
{
    if (u->at == u->in.length) {
        return false;
    }
    *byte = u->in.data[u->at++];
    return true;
}

/* A length that begins with half a token. Cannot overflow: each 255 is a byte of the input. */
static bool read_length(struct unpacking *u, uint8_t half, uint64_t *length)
{
    uint8_t more = 255;

    *length = half;
    while (half == HALF_MAX && more == 255) {
        if (!next_byte(u, &more)) {
            return false;
        }
        *length += more;
    }
    return true;
}

static bool copy_literals(struct unpacking *u, uint8_t token)
{
    uint64_t length;

    if (!read_length(u, token >> 4, &length) || length > u->in.length - u->at ||
        length > u->room - u->done) {
        return false;
    }
    memcpy(u->to + u->done, u->in.data + u->at, length);
    u->at += length;
    u->done += length;
    return true;
}

static bool copy_match(struct unpacking *u, uint8_t token)
{
    uint8_t low, high;
    uint64_t offset, length, part;

    if (!next_byte(u, &low) || !next_byte(u, &high) || !read_length(u, token & HALF_MAX, &length)) {
        return false;
    }
    offset = (uint64_t)high << 8 | low;
    length += MATCH_MIN;
    if (offset == 0 || offset > u->done || length > u->room - u->done) {
        return false;
    }
    /* A match longer than its offset repeats: each turn doubles what there is to copy from. */
    for (; length; length -= part, offset += part) {
        part = min(offset, length);
        memcpy(u->to + u->done, u->to + u->done - offset, part);
        u->done += part;
    }
    return true;
}

int64_t lz4_block_unpack(struct bytes in, uint8_t *to, uint64_t room)
{
    struct unpacking u = { .in = in, .to = to, .room = room };
    uint8_t token;

    do {
        if (!next_byte(&u, &token) || !copy_literals(&u, token)) {
            return -1;
        }
        if (u.at == in.length) {
            return (int64_t)u.done;
        }
    } while (copy_match(&u, token));
    return -1;
}
