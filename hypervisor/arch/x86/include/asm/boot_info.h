/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * What the boot loader told, copied out of its hands: nothing here points into memory that it made,
 * module contents aside. Decoders: arch/x86/boot_info.
 */
#ifndef ASM_BOOT_INFO_H
#define ASM_BOOT_INFO_H

#include "asm/paging.h"
#include "hypervisor/types.h"

#define BOOT_MODULES_MAX      16
#define BOOT_MEMORY_MAP_MAX   512
#define BOOT_COMMAND_LINE_MAX 2048

struct boot_module {
    paddr_t start, end; /* bytes, end exclusive */
    char command_line[BOOT_COMMAND_LINE_MAX];
};

enum boot_video_kind { BOOT_VIDEO_NONE, BOOT_VIDEO_TEXT, BOOT_VIDEO_LINEAR };

struct boot_colour {
    uint8_t position, bits;
};

struct boot_video {
    enum boot_video_kind kind;
    paddr_t address;
    uint32_t pitch_bytes, width, height; /* characters for text */
    uint8_t bits_per_pixel;
    struct boot_colour red, green, blue;
};

struct boot_info {
    char loader[64];
    char command_line[BOOT_COMMAND_LINE_MAX]; /* the image's own name removed */
    unsigned int memory_map_count;
    struct memory_range memory_map[BOOT_MEMORY_MAP_MAX]; /* as found: not sorted, may overlap */
    unsigned int module_count;
    struct boot_module modules[BOOT_MODULES_MAX];
    uint32_t rsdp_bytes; /* 0: the loader has none, search the BIOS area */
    uint8_t rsdp[64];    /* a copy of the ACPI root pointer */
    bool efi;            /* started by UEFI firmware */
    paddr_t efi_system_table;
    struct boot_video video;
};

extern struct boot_info boot_info;

/* Physical address of the RSDP (a copy in the image), or 0. */
paddr_t boot_rsdp(void);

/* Reads physical memory; false when it cannot. */
typedef bool (*boot_read_t)(paddr_t from, void *to, size_t bytes);

#define MULTIBOOT1_MAGIC 0x2badb002u
#define MULTIBOOT2_MAGIC 0x36d76289u

/*
 * Decodes what the loader left at `info` into *out (zeroed first). Returns NULL, or in one line
 * what is wrong with it. Trusts nothing: lengths, counts and pointers are checked.
 */
const char *boot_info_decode(struct boot_info *out, uint32_t magic, paddr_t info, boot_read_t read);

/*
 * Makes a sorted, disjoint, merged map of any entries: where they overlap the more restrictive type
 * wins, empty ones are dropped. At most `max` entries; what is beyond at the top is lost. Returns
 * the count.
 */
unsigned int memory_map_sanitise(struct memory_range *to, unsigned int max,
                                 const struct memory_range *from, unsigned int count);
bool memory_map_valid(const struct memory_range *map, unsigned int count);

/* [start, end) of a sanitised map becomes `type` where that is more restrictive. The new count. */
unsigned int memory_map_punch(struct memory_range *map, unsigned int count, unsigned int max,
                              paddr_t start, paddr_t end, uint32_t type);

#endif
