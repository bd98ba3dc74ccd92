/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The loader's information from hostile bytes. The input is the machine's memory from MEMORY_BASE on,
 * where the information begins; its first byte chooses the protocol.
 */
#include <stdlib.h>
#include <string.h>

#include "asm/boot_info.h"
#include "hypervisor/bug.h"

#define MEMORY_BASE 0x1000u

static const uint8_t *memory;
static size_t memory_bytes;

static bool read_memory(paddr_t from, void *to, size_t bytes)
{
    if (from < MEMORY_BASE || from - MEMORY_BASE > memory_bytes ||
        bytes > memory_bytes - (from - MEMORY_BASE)) {
        return false;
    }
    memcpy(to, memory + (from - MEMORY_BASE), bytes);
    return true;
}

static void check(const struct boot_info *info)
{
    unsigned int i;

    BUG_ON(info->memory_map_count > BOOT_MEMORY_MAP_MAX);
    BUG_ON(info->module_count > BOOT_MODULES_MAX);
    BUG_ON(info->rsdp_bytes > sizeof(info->rsdp));
    BUG_ON(strnlen(info->command_line, sizeof(info->command_line)) == sizeof(info->command_line));
    BUG_ON(strnlen(info->loader, sizeof(info->loader)) == sizeof(info->loader));
    for (i = 0; i < info->memory_map_count; i++) {
        BUG_ON(info->memory_map[i].start >= info->memory_map[i].end);
    }
    for (i = 0; i < info->module_count; i++) {
        BUG_ON(info->modules[i].start >= info->modules[i].end);
        BUG_ON(strnlen(info->modules[i].command_line, BOOT_COMMAND_LINE_MAX) ==
               BOOT_COMMAND_LINE_MAX);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct boot_info info;
    static struct memory_range map[BOOT_MEMORY_MAP_MAX];
    unsigned int count;
    const char *problem;

    if (bytes == 0) {
        return 0;
    }
    memory = data + 1;
    memory_bytes = bytes - 1;
    problem = boot_info_decode(&info, data[0] & 1 ? MULTIBOOT1_MAGIC : MULTIBOOT2_MAGIC,
                               MEMORY_BASE, read_memory);
    check(&info);
    BUG_ON(problem == NULL && info.memory_map_count == 0);
    count = memory_map_sanitise(map, ARRAY_SIZE(map), info.memory_map, info.memory_map_count);
    BUG_ON(!memory_map_valid(map, count));
    return 0;
}
