/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Decompression of kernel payloads by the system's own libraries, linked in statically: liblzma, zlib,
 * libzstd. LZ4 is lz4_block.c's: a page of code, where its library is a tenth of the hypervisor. Used once, at
 * boot. Each gets the whole input and the whole room at once; a result that would not fit, input that ends
 * early and a bad checksum are errors.
 */
#include "asm/kernel_image.h"

#ifdef CONFIG_KERNEL_XZ
#include <lzma.h>
#endif
#ifdef CONFIG_KERNEL_GZIP
#include <zlib.h>
#endif
#ifdef CONFIG_KERNEL_ZSTD
#include <zstd.h>
#endif
#ifdef CONFIG_KERNEL_LZ4
#include "lz4_block.h"
#endif

/* What Linux puts behind a payload: its unpacked length. */
#define TRAILER_BYTES 4u

#ifdef CONFIG_KERNEL_XZ
static const char *unpack_xz(struct bytes in, uint8_t *to, uint64_t room, uint64_t *length)
{
    uint64_t memory_limit = UINT64_MAX;
    size_t in_at = 0, out_at = 0;
    lzma_ret result = lzma_stream_buffer_decode(&memory_limit, 0, NULL, in.data, &in_at, in.length,
                                                to, &out_at, room);

    *length = out_at;
    return result == LZMA_OK          ? NULL
           : result == LZMA_MEM_ERROR ? "not enough memory to unpack the kernel (xz)"
           : result == LZMA_BUF_ERROR ? "kernel payload is truncated (xz)"
                                      : "kernel payload is corrupt (xz)";
}
#endif

#ifdef CONFIG_KERNEL_GZIP
static const char *unpack_gzip(struct bytes in, uint8_t *to, uint64_t room, uint64_t *length)
{
    z_stream stream = {
        .next_in = (z_const Bytef *)in.data,
        .avail_in = (uInt)in.length,
        .next_out = to,
        .avail_out = (uInt)room,
    };
    int result;

    if (in.length > UINT32_MAX || room > UINT32_MAX) {
        return "kernel payload is too large (gzip)";
    }
    if (inflateInit2(&stream, MAX_WBITS + 16) != Z_OK) {
        return "not enough memory to unpack the kernel (gzip)";
    }
    result = inflate(&stream, Z_FINISH);
    *length = stream.total_out;
    inflateEnd(&stream);
    return result == Z_STREAM_END  ? NULL
           : result == Z_BUF_ERROR ? "kernel payload is truncated (gzip)"
                                   : "kernel payload is corrupt (gzip)";
}
#endif

#ifdef CONFIG_KERNEL_ZSTD
static const char *unpack_zstd(struct bytes in, uint8_t *to, uint64_t room, uint64_t *length)
{
    size_t frame = ZSTD_findFrameCompressedSize(in.data, in.length), result;

    if (ZSTD_isError(frame)) {
        return "kernel payload is truncated or corrupt (zstd)";
    }
    result = ZSTD_decompress(to, room, in.data, frame);
    if (ZSTD_isError(result)) {
        return "kernel payload is corrupt (zstd)";
    }
    *length = result;
    return NULL;
}
#endif

#ifdef CONFIG_KERNEL_LZ4
/* The legacy frame: a magic number, then blocks of a 32-bit length and at most 8 MiB unpacked. */
static const char *unpack_lz4(struct bytes in, uint8_t *to, uint64_t room, uint64_t *length)
{
    const unsigned int block_bytes_max = 8u << 20;
    uint64_t at = 4;

    *length = 0;
    do {
        uint64_t left = room - *length;
        uint32_t block;
        int64_t got;

        if (at > in.length || in.length - at < 4) {
            return "kernel payload is truncated (lz4)";
        }
        block = in.data[at] | in.data[at + 1] << 8 | in.data[at + 2] << 16 |
                (uint32_t)in.data[at + 3] << 24;
        at += 4;
        if (block > block_bytes_max + block_bytes_max / 255 + 16) { /* more than literals alone */
            return "kernel payload is corrupt (lz4)";
        }
        if (block > in.length - at) {
            return "kernel payload is truncated (lz4)";
        }
        got = lz4_block_unpack((struct bytes){ in.data + at, block }, to + *length,
                               left < block_bytes_max ? left : block_bytes_max);
        if (got < 0) {
            return "kernel payload is corrupt (lz4)";
        }
        at += block;
        *length += (uint64_t)got;
    } while (at < in.length);
    return NULL;
}
#endif

/* trailer_bytes: what follows the compressed stream proper; gzip's own trailer holds the length. */
static const struct unpacker {
    enum payload_format format;
    uint64_t trailer_bytes;
    const char *(*unpack)(struct bytes in, uint8_t *to, uint64_t room, uint64_t *length);
} unpackers[] = {
#ifdef CONFIG_KERNEL_XZ
    { PAYLOAD_XZ, TRAILER_BYTES, unpack_xz },
#endif
#ifdef CONFIG_KERNEL_GZIP
    { PAYLOAD_GZIP, 0, unpack_gzip },
#endif
#ifdef CONFIG_KERNEL_ZSTD
    { PAYLOAD_ZSTD, TRAILER_BYTES, unpack_zstd },
#endif
#ifdef CONFIG_KERNEL_LZ4
    { PAYLOAD_LZ4, TRAILER_BYTES, unpack_lz4 },
#endif
    { .unpack = NULL },
};

const char *payload_decompress(struct bytes payload, uint8_t *to, uint64_t room, uint64_t *length)
{
    enum payload_format format = payload_format(payload);
    struct bytes in = payload;
    const char *problem;

    *length = 0;
    for (const struct unpacker *unpacker = unpackers; unpacker->unpack; unpacker++) {
        if (unpacker->format != format) {
            continue;
        }
        if (payload.length <= unpacker->trailer_bytes) {
            return "kernel payload is truncated";
        }
        in.length -= unpacker->trailer_bytes;
        problem = unpacker->unpack(in, to, room, length);
        if (!problem && *length != payload_unpacked_bytes(payload)) {
            problem = "kernel payload is not as long as it says";
        }
        return problem;
    }
    return format == PAYLOAD_UNKNOWN ? "kernel is neither ELF nor a payload of a known compression"
                                     : "kernel's compression is not built into this hypervisor";
}
