/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Multiboot 2 (specification 2.0, section 3): a list of tags, each 8-byte aligned. */
#include "decode.h"

#include "hypervisor/string.h"

enum multiboot2_tag_type {
    TAG_END = 0,
    TAG_COMMAND_LINE = 1,
    TAG_LOADER = 2,
    TAG_MODULE = 3,
    TAG_BASIC_MEMORY = 4,
    TAG_MEMORY_MAP = 6,
    TAG_FRAMEBUFFER = 8,
    TAG_EFI64 = 12,
    TAG_ACPI_OLD = 14,
    TAG_ACPI_NEW = 15,
};

struct multiboot2_header {
    uint32_t bytes, reserved;
};

struct multiboot2_tag {
    uint32_t type, bytes;
};

/* After the tag's head. */
struct multiboot2_module {
    uint32_t start, end;
};

struct multiboot2_map_head {
    uint32_t entry_bytes, version;
};

struct multiboot2_memory {
    uint64_t start, length;
    uint32_t type, reserved;
};

struct multiboot2_framebuffer {
    uint8_t geometry[22];
    uint8_t reserved[2];
    uint8_t colours[6];
};

/* Far more than any loader makes; bounds the walk. */
#define INFO_BYTES_MAX (16u << 20)

static const char *decode_module(struct boot_info *out, paddr_t at, paddr_t end, boot_read_t read)
{
    struct multiboot2_module found;
    struct boot_module *module;
    const char *problem = NULL;

    if (end - at < sizeof(found) || !read(at, &found, sizeof(found))) {
        return "a module's tag is too short";
    }
    module = boot_add_module(out, found.start, found.end, &problem);
    if (module == NULL) {
        return problem;
    }
    if (!boot_read_string(read, at + sizeof(found), end, module->command_line,
                          sizeof(module->command_line))) {
        return "a module's command line is out of reach";
    }
    return NULL;
}

static const char *decode_memory_map(struct boot_info *out, paddr_t at, paddr_t end,
                                     boot_read_t read)
{
    struct multiboot2_map_head head;
    struct multiboot2_memory entry;
    const char *problem;

    if (end - at < sizeof(head) || !read(at, &head, sizeof(head))) {
        return "the memory map's tag is too short";
    }
    if (head.entry_bytes < sizeof(entry)) {
        return "the memory map has entries of a bad size";
    }
    /* Only one map counts: the last one. */
    out->memory_map_count = 0;
    for (at += sizeof(head); end - at >= head.entry_bytes; at += head.entry_bytes) {
        if (!read(at, &entry, sizeof(entry))) {
            return "the memory map is out of reach";
        }
        problem = boot_add_memory(out, entry.start, entry.length, entry.type);
        if (problem != NULL) {
            return problem;
        }
    }
    return NULL;
}

static const char *decode_basic_memory(struct boot_info *out, paddr_t at, paddr_t end,
                                       boot_read_t read)
{
    uint32_t kib[2];
    const char *problem;

    if (out->memory_map_count != 0 || end - at < sizeof(kib) || !read(at, kib, sizeof(kib))) {
        return NULL;
    }
    problem = boot_add_memory(out, 0, (uint64_t)kib[0] << 10, MEMORY_RAM);
    if (problem == NULL) {
        problem = boot_add_memory(out, 1 << 20, (uint64_t)kib[1] << 10, MEMORY_RAM);
    }
    return problem;
}

static const char *decode_rsdp(struct boot_info *out, paddr_t at, paddr_t end, boot_read_t read,
                               bool newer)
{
    uint64_t bytes = min(end - at, (paddr_t)sizeof(out->rsdp));

    if (out->rsdp_bytes != 0 && !newer) {
        return NULL;
    }
    if (!read(at, out->rsdp, bytes)) {
        out->rsdp_bytes = 0;
        return "the copy of the ACPI root pointer is out of reach";
    }
    out->rsdp_bytes = (uint32_t)bytes;
    return NULL;
}

static void decode_framebuffer(struct boot_info *out, paddr_t at, paddr_t end, boot_read_t read)
{
    struct multiboot2_framebuffer found = { 0 };

    if (end - at >= sizeof(found.geometry) &&
        read(at, &found, min((uint64_t)sizeof(found), end - at))) {
        boot_set_video(out, found.geometry, found.colours);
    }
}

/* One tag whose contents are [at, end). */
static const char *decode_tag(struct boot_info *out, uint32_t type, paddr_t at, paddr_t end,
                              boot_read_t read)
{
    switch (type) {
    case TAG_COMMAND_LINE:
        if (!boot_read_string(read, at, end, out->command_line, sizeof(out->command_line))) {
            return "the command line is out of reach";
        }
        return NULL;
    case TAG_LOADER:
        if (!boot_read_string(read, at, end, out->loader, sizeof(out->loader))) {
            return "the boot loader's name is out of reach";
        }
        return NULL;
    case TAG_MODULE:
        return decode_module(out, at, end, read);
    case TAG_BASIC_MEMORY:
        return decode_basic_memory(out, at, end, read);
    case TAG_MEMORY_MAP:
        return decode_memory_map(out, at, end, read);
    case TAG_FRAMEBUFFER:
        decode_framebuffer(out, at, end, read);
        return NULL;
    case TAG_EFI64:
        out->efi = end - at >= 8 && read(at, &out->efi_system_table, 8);
        return NULL;
    case TAG_ACPI_OLD:
    case TAG_ACPI_NEW:
        return decode_rsdp(out, at, end, read, type == TAG_ACPI_NEW);
    default:
        return NULL;
    }
}

const char *multiboot2_decode(struct boot_info *out, paddr_t info, boot_read_t read)
{
    struct multiboot2_header header;
    struct multiboot2_tag tag;
    const char *problem;
    paddr_t at, end;

    if (!read(info, &header, sizeof(header))) {
        return "the boot loader's information is out of reach";
    }
    if (header.bytes < sizeof(header) || header.bytes > INFO_BYTES_MAX) {
        return "the boot loader's information has a bad size";
    }
    end = info + header.bytes;
    for (at = info + sizeof(header); at < end && end - at >= sizeof(tag);
         at += ROUND_UP((paddr_t)tag.bytes, 8)) {
        if (!read(at, &tag, sizeof(tag))) {
            return "the boot loader's information is out of reach";
        }
        if (tag.type == TAG_END) {
            return NULL;
        }
        if (tag.bytes < sizeof(tag) || tag.bytes > end - at) {
            return "the boot loader's information has a tag of a bad size";
        }
        problem = decode_tag(out, tag.type, at + sizeof(tag), at + tag.bytes, read);
        if (problem != NULL) {
            return problem;
        }
    }
    return NULL;
}
