/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * bzImage: the real-mode header of the Linux x86 boot protocol says where the payload lies
 * (Linux Documentation/x86/boot.rst: setup_sects 0x1f1, "HdrS" 0x202, version 0x206,
 * payload_offset 0x248, payload_length 0x24c).
 */
#include "asm/kernel_image.h"
#include "hypervisor/string.h"

#define HEADER_END            0x250u
#define OFFSET_SETUP_SECTS    0x1f1u
#define OFFSET_MAGIC          0x202u
#define OFFSET_VERSION        0x206u
#define OFFSET_PAYLOAD_OFFSET 0x248u
#define OFFSET_PAYLOAD_LENGTH 0x24cu
#define VERSION_WITH_PAYLOAD  0x208u
#define SECTOR_BYTES          512u
#define SETUP_SECTS_DEFAULT   4u

/* Linux kernels unpack to less than that; it bounds what a corrupt file can ask for. */
#define UNPACKED_BYTES_MAX (1ull << 30)

static uint32_t read32(const uint8_t *from)
{
    uint32_t value;

    memcpy(&value, from, sizeof(value));
    return value;
}

static bool starts_with(struct bytes bytes, const void *magic, size_t length)
{
    return bytes.length >= length && memcmp(bytes.data, magic, length) == 0;
}

const char *bzimage_payload(struct bytes file, struct bytes *payload)
{
    uint64_t setup_bytes, offset, length;
    uint16_t version;

    *payload = file;
    if (file.length < HEADER_END || memcmp(file.data + OFFSET_MAGIC, "HdrS", 4) != 0) {
        return NULL;
    }
    memcpy(&version, file.data + OFFSET_VERSION, sizeof(version));
    if (version < VERSION_WITH_PAYLOAD) {
        return "bzImage of a boot protocol older than 2.08";
    }
    setup_bytes =
        file.data[OFFSET_SETUP_SECTS] ? file.data[OFFSET_SETUP_SECTS] : SETUP_SECTS_DEFAULT;
    setup_bytes = (setup_bytes + 1) * SECTOR_BYTES;
    offset = setup_bytes + read32(file.data + OFFSET_PAYLOAD_OFFSET);
    length = read32(file.data + OFFSET_PAYLOAD_LENGTH);
    if (!length) {
        return "bzImage without a payload";
    }
    if (offset > file.length || length > file.length - offset) {
        return "bzImage is truncated: its payload ends beyond the file";
    }
    *payload = (struct bytes){ file.data + offset, length };
    return NULL;
}

enum payload_format payload_format(struct bytes payload)
{
    static const struct {
        uint8_t magic[6];
        uint8_t length;
        uint8_t format;
    } formats[] = {
        { { 0x7f, 'E', 'L', 'F' }, 4, PAYLOAD_ELF },
        { { 0x1f, 0x8b }, 2, PAYLOAD_GZIP },
        { { 0xfd, '7', 'z', 'X', 'Z', 0 }, 6, PAYLOAD_XZ },
        { { 0x28, 0xb5, 0x2f, 0xfd }, 4, PAYLOAD_ZSTD },
        { { 0x02, 0x21, 0x4c, 0x18 }, 4, PAYLOAD_LZ4 },
        { { 'B', 'Z', 'h' }, 3, PAYLOAD_UNSUPPORTED },
        { { 0x5d, 0x00, 0x00 }, 3, PAYLOAD_UNSUPPORTED },
        { { 0x89, 'L', 'Z', 'O' }, 4, PAYLOAD_UNSUPPORTED },
    };

    for (unsigned int i = 0; i < ARRAY_SIZE(formats); i++) {
        if (starts_with(payload, formats[i].magic, formats[i].length)) {
            return (enum payload_format)formats[i].format;
        }
    }
    return PAYLOAD_UNKNOWN;
}

const char *payload_format_name(enum payload_format format)
{
    static const char *const names[] = {
        [PAYLOAD_UNKNOWN] = "unknown",
        [PAYLOAD_ELF] = "ELF",
        [PAYLOAD_GZIP] = "gzip",
        [PAYLOAD_XZ] = "xz",
        [PAYLOAD_ZSTD] = "zstd",
        [PAYLOAD_LZ4] = "lz4",
        [PAYLOAD_UNSUPPORTED] = "bzip2, lzma or lzo",
    };

    return names[format];
}

uint64_t payload_unpacked_bytes(struct bytes payload)
{
    uint64_t bytes;

    if (payload.length < 8) {
        return 0;
    }
    bytes = read32(payload.data + payload.length - 4);
    return bytes > UNPACKED_BYTES_MAX ? 0 : bytes;
}
