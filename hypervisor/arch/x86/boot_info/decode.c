/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Reading what a multiboot loader left, into a struct boot_info that is all our own.
 *
 *   loader's memory --boot_read_t--> local buffer --checks--> struct boot_info
 *
 * Invariants of the result:
 *   B1  counts are within their arrays; strings end within theirs;
 *   B2  modules are not empty and do not wrap (whether they lie in RAM is memory_map's question);
 *   B3  memory ranges are not empty and do not wrap; they may overlap and need not be sorted.
 *
 * No locks, no globals. It does not verify that the loader tells the truth.
 */
#include "decode.h"

#include "hypervisor/string.h"

bool boot_read_string(boot_read_t read, paddr_t from, paddr_t end, char *to, size_t max_bytes)
{
    size_t i;

    for (i = 0; i + 1 < max_bytes && from + i < end; i++) {
        if (!read(from + i, &to[i], 1)) {
            to[i] = '\0';
            return false;
        }
        if (to[i] == '\0') {
            return true;
        }
    }
    to[i] = '\0';
    return true;
}

const char *boot_add_memory(struct boot_info *out, uint64_t start, uint64_t bytes, uint32_t type)
{
    uint64_t end = start + bytes;

    if (bytes == 0 || start == UINT64_MAX) {
        return NULL;
    }
    if (out->memory_map_count == BOOT_MEMORY_MAP_MAX) {
        return "the memory map has too many entries";
    }
    if (end <= start) {
        end = UINT64_MAX;
    }
    out->memory_map[out->memory_map_count++] = (struct memory_range){
        .start = start,
        .end = end,
        .type = type,
    };
    return NULL;
}

struct boot_module *boot_add_module(struct boot_info *out, uint64_t start, uint64_t end,
                                    const char **problem)
{
    struct boot_module *module = &out->modules[out->module_count];

    if (out->module_count == BOOT_MODULES_MAX) {
        *problem = "there are too many modules";
        return NULL;
    }
    if (end <= start) {
        *problem = "a module is empty or ends before it starts";
        return NULL;
    }
    out->module_count++;
    module->start = start;
    module->end = end;
    return module;
}

static uint32_t get32(const uint8_t *from)
{
    uint32_t value;

    memcpy(&value, from, sizeof(value));
    return value;
}

/* geometry: address 8, pitch 4, width 4, height 4, bits 1, kind 1; colours: position, bits thrice. */
void boot_set_video(struct boot_info *out, const uint8_t geometry[22], const uint8_t colours[6])
{
    struct boot_video *video = &out->video;

    memcpy(&video->address, geometry, 8);
    video->pitch_bytes = get32(geometry + 8);
    video->width = get32(geometry + 12);
    video->height = get32(geometry + 16);
    video->bits_per_pixel = geometry[20];
    switch (geometry[21]) {
    case 1:
        video->kind = BOOT_VIDEO_LINEAR;
        video->red = (struct boot_colour){ colours[0], colours[1] };
        video->green = (struct boot_colour){ colours[2], colours[3] };
        video->blue = (struct boot_colour){ colours[4], colours[5] };
        break;
    case 2:
        video->kind = BOOT_VIDEO_TEXT;
        break;
    default:
        video->kind = BOOT_VIDEO_NONE;
        break;
    }
}

/*
 * GRUB 2 leaves the file's name out of a command line, all others put it first. Debian's menus
 * put the word "placeholder" there for GRUB 2.
 */
static bool loader_omits_name(const char *loader)
{
    return strncmp(loader, "GRUB ", 5) == 0 && loader[5] != '0';
}

static void drop_first_word(char *line)
{
    const char *rest = line;

    while (*rest != '\0' && *rest != ' ') {
        rest++;
    }
    while (*rest == ' ') {
        rest++;
    }
    memmove(line, rest, strlen(rest) + 1);
}

static void clean_command_line(char *line, const char *loader)
{
    static const char placeholder[] = "placeholder";
    size_t length = sizeof(placeholder) - 1;

    if (line[0] == ' ') {
        drop_first_word(line);
    }
    if (!loader_omits_name(loader)) {
        drop_first_word(line);
    }
    if (strncmp(line, placeholder, length) == 0 && (line[length] == ' ' || line[length] == '\0')) {
        drop_first_word(line);
    }
}

const char *boot_info_decode(struct boot_info *out, uint32_t magic, paddr_t info, boot_read_t read)
{
    const char *problem;
    unsigned int i;

    memset(out, 0, sizeof(*out));
    if (magic == MULTIBOOT1_MAGIC) {
        problem = multiboot1_decode(out, info, read);
    } else if (magic == MULTIBOOT2_MAGIC) {
        problem = multiboot2_decode(out, info, read);
    } else {
        problem = "the boot loader's protocol is unknown";
    }
    if (problem == NULL && out->memory_map_count == 0) {
        problem = "the boot loader has no memory map";
    }
    clean_command_line(out->command_line, out->loader);
    for (i = 0; i < out->module_count; i++) {
        clean_command_line(out->modules[i].command_line, out->loader);
    }
    return problem;
}
