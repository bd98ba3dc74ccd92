/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Multiboot 1 (specification 0.6.96, section 3.3): one structure of fixed fields, with pointers. */
#include "decode.h"

#define INFO_HAS_MEMORY       (1u << 0)
#define INFO_HAS_COMMAND_LINE (1u << 2)
#define INFO_HAS_MODULES      (1u << 3)
#define INFO_HAS_MEMORY_MAP   (1u << 6)
#define INFO_HAS_LOADER       (1u << 9)
#define INFO_HAS_FRAMEBUFFER  (1u << 12)

struct multiboot1_info {
    uint32_t flags;
    uint32_t lower_kib, upper_kib;
    uint32_t boot_device;
    uint32_t command_line;
    uint32_t module_count, modules;
    uint32_t symbols[4];
    uint32_t map_bytes, map;
    uint32_t drives_bytes, drives;
    uint32_t config_table;
    uint32_t loader;
    uint32_t apm_table;
    uint32_t vbe[4];
    uint8_t framebuffer[22];
    uint8_t colours[6];
} __packed;

_Static_assert(offsetof(struct multiboot1_info, framebuffer) == 88, "multiboot 1 framebuffer");

struct multiboot1_module {
    uint32_t start, end, command_line, reserved;
};

struct multiboot1_memory {
    uint32_t bytes; /* of the entry, this field not counted */
    uint64_t start, length;
    uint32_t type;
} __packed;

#define STRINGS_END (1ull << 32)

static const char *decode_memory_map(struct boot_info *out, const struct multiboot1_info *info,
                                     boot_read_t read)
{
    uint64_t at = info->map, end = at + info->map_bytes;
    struct multiboot1_memory entry;
    const char *problem;

    while (at + sizeof(entry) <= end) {
        if (!read(at, &entry, sizeof(entry))) {
            return "the memory map is out of reach";
        }
        if (entry.bytes < sizeof(entry) - sizeof(entry.bytes)) {
            return "the memory map has an entry of a bad size";
        }
        problem = boot_add_memory(out, entry.start, entry.length, entry.type);
        if (problem != NULL) {
            return problem;
        }
        at += (uint64_t)entry.bytes + sizeof(entry.bytes);
    }
    return NULL;
}

static const char *decode_modules(struct boot_info *out, const struct multiboot1_info *info,
                                  boot_read_t read)
{
    struct multiboot1_module found;
    struct boot_module *module;
    const char *problem = NULL;
    uint32_t i;

    if (info->module_count > BOOT_MODULES_MAX) {
        return "there are too many modules";
    }
    for (i = 0; i < info->module_count; i++) {
        if (!read((uint64_t)info->modules + i * sizeof(found), &found, sizeof(found))) {
            return "the list of modules is out of reach";
        }
        module = boot_add_module(out, found.start, found.end, &problem);
        if (module == NULL) {
            return problem;
        }
        if (found.command_line != 0 &&
            !boot_read_string(read, found.command_line, STRINGS_END, module->command_line,
                              sizeof(module->command_line))) {
            return "a module's command line is out of reach";
        }
    }
    return NULL;
}

const char *multiboot1_decode(struct boot_info *out, paddr_t at, boot_read_t read)
{
    struct multiboot1_info info;
    const char *problem = NULL;

    if (!read(at, &info, sizeof(info))) {
        return "the boot loader's information is out of reach";
    }
    if ((info.flags & INFO_HAS_COMMAND_LINE) &&
        !boot_read_string(read, info.command_line, STRINGS_END, out->command_line,
                          sizeof(out->command_line))) {
        return "the command line is out of reach";
    }
    if ((info.flags & INFO_HAS_LOADER) &&
        !boot_read_string(read, info.loader, STRINGS_END, out->loader, sizeof(out->loader))) {
        return "the boot loader's name is out of reach";
    }
    if (info.flags & INFO_HAS_MEMORY_MAP) {
        problem = decode_memory_map(out, &info, read);
    } else if (info.flags & INFO_HAS_MEMORY) {
        problem = boot_add_memory(out, 0, (uint64_t)info.lower_kib << 10, MEMORY_RAM);
        if (problem == NULL) {
            problem = boot_add_memory(out, 1 << 20, (uint64_t)info.upper_kib << 10, MEMORY_RAM);
        }
    }
    if (problem == NULL && (info.flags & INFO_HAS_MODULES)) {
        problem = decode_modules(out, &info, read);
    }
    if (info.flags & INFO_HAS_FRAMEBUFFER) {
        boot_set_video(out, info.framebuffer, info.colours);
    }
    return problem;
}
