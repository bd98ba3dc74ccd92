/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * A kernel file for a PV domain: what it is, where its parts go, what it asks of the hypervisor.
 * Pure decoders over (bytes, length); arch/x86/dom0/image.
 */
#ifndef ASM_KERNEL_IMAGE_H
#define ASM_KERNEL_IMAGE_H

#include "hypervisor/types.h"

struct bytes {
    const uint8_t *data;
    uint64_t length;
};

/*
 * The payload of a bzImage (Linux boot protocol 2.08 and later), or the file itself when it is none.
 * NULL, or what is wrong in one line.
 */
const char *bzimage_payload(struct bytes file, struct bytes *payload);

enum payload_format {
    PAYLOAD_UNKNOWN,
    PAYLOAD_ELF,
    PAYLOAD_GZIP,
    PAYLOAD_XZ,
    PAYLOAD_ZSTD,
    PAYLOAD_LZ4,
    PAYLOAD_UNSUPPORTED, /* bzip2, lzma, lzo: known but not built in */
};

enum payload_format payload_format(struct bytes payload);
const char *payload_format_name(enum payload_format format);

/*
 * Bytes after decompression as the payload says (Linux appends them, little-endian), 0 when it is
 * not plausible.
 */
uint64_t payload_unpacked_bytes(struct bytes payload);

/* Decompresses into `to`; *length is what came out. NULL, or what is wrong in one line. */
const char *payload_decompress(struct bytes payload, uint8_t *to, uint64_t room, uint64_t *length);

#define KERNEL_SEGMENTS_MAX 16

/* A loadable segment: `file` at address, then zeros up to bytes. */
struct kernel_segment {
    uint64_t address; /* virtual */
    uint64_t bytes;
    struct bytes file;
};

/* What the ELF notes of the vendor "Xen" say (xen/elfnote.h), and what they were checked for. */
struct kernel_image {
    struct kernel_segment segments[KERNEL_SEGMENTS_MAX];
    unsigned int segment_count;
    uint64_t start, end; /* virtual addresses around all segments */

    bool has_entry, has_hypercall_page, has_init_p2m;
    uint64_t entry, hypercall_page, virt_base, paddr_offset, init_p2m;
    bool module_by_pfn; /* MOD_START_PFN: the initramfs need not be mapped */
    bool supports_dom0; /* SUPPORTED_FEATURES or FEATURES names dom0, or there are neither */
    char guest_os[32], guest_version[32], xen_version[16], loader[16];
};

/*
 * Reads an ELF64 file and its notes and checks all of it: segments within the file, disjoint addresses
 * in order, entry inside, notes that a 64-bit PV domain needs. NULL, or what is wrong or missing in
 * one line. The image points into the file.
 */
const char *kernel_image_read(struct bytes elf, struct kernel_image *image);

#endif
