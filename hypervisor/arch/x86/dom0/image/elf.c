/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * ELF64 kernels and their Xen notes.
 *
 * A kernel that can run as a PV domain carries notes of the vendor "Xen" (xen/elfnote.h): where it
 * wants to be entered, where the hypercall page goes, how its addresses relate to its pseudo-physical
 * frames. They are looked for in the note segments, then in the note sections.
 *
 * The file is untrusted: every offset and length is checked against the file before it is used, and
 * sums are checked for wrapping.
 */
#include "asm/kernel_image.h"
#include "abi/xen.h"
#include "hypervisor/string.h"

#include <xen/elfnote.h>
#include <xen/features.h>

#define ELF_CLASS_64       2
#define ELF_DATA_LITTLE    1
#define ELF_MACHINE_X86_64 62
#define ELF_TYPE_EXEC      2
#define ELF_TYPE_DYN       3
#define SEGMENT_LOAD       1
#define SEGMENT_NOTE       4
#define SECTION_NOTE       7
#define TABLE_ENTRIES_MAX  4096u

struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, segments, sections;
    uint32_t flags;
    uint16_t header_bytes, segment_bytes, segment_count, section_bytes, section_count;
    uint16_t section_names;
};

struct elf_segment {
    uint32_t type, flags;
    uint64_t offset, address, physical, file_bytes, memory_bytes, align;
};

struct elf_section {
    uint32_t name, type;
    uint64_t flags, address, offset, bytes;
    uint32_t link, info;
    uint64_t align, entry_bytes;
};

struct elf_note {
    uint32_t name_bytes, descriptor_bytes, type;
};

/* `length` bytes at `offset`, when the file has them. */
static bool slice(struct bytes file, uint64_t offset, uint64_t length, struct bytes *out)
{
    if (offset > file.length || length > file.length - offset) {
        return false;
    }
    *out = (struct bytes){ file.data + offset, length };
    return true;
}

static void copy_text(char *to, size_t room, struct bytes descriptor)
{
    size_t length = min((uint64_t)room - 1, descriptor.length);

    memcpy(to, descriptor.data, length);
    to[length] = 0;
}

/* A number in a descriptor of 4 or 8 bytes; others read 0. */
static uint64_t number(struct bytes descriptor)
{
    uint64_t value = 0;

    if (descriptor.length == 4 || descriptor.length == 8) {
        memcpy(&value, descriptor.data, descriptor.length);
    }
    return value;
}

/* "feature|other|!needed": is `name` among them? */
static bool feature_listed(struct bytes descriptor, const char *name)
{
    char text[128];

    copy_text(text, sizeof(text), descriptor);
    return strstr(text, name) != NULL;
}

static void take_note(struct kernel_image *image, uint32_t type, struct bytes descriptor)
{
    switch (type) {
    case XEN_ELFNOTE_ENTRY:
        image->entry = number(descriptor);
        image->has_entry = true;
        break;
    case XEN_ELFNOTE_HYPERCALL_PAGE:
        image->hypercall_page = number(descriptor);
        image->has_hypercall_page = true;
        break;
    case XEN_ELFNOTE_VIRT_BASE:
        image->virt_base = number(descriptor);
        break;
    case XEN_ELFNOTE_PADDR_OFFSET:
        image->paddr_offset = number(descriptor);
        break;
    case XEN_ELFNOTE_INIT_P2M:
        image->init_p2m = number(descriptor);
        image->has_init_p2m = true;
        break;
    case XEN_ELFNOTE_MOD_START_PFN:
        image->module_by_pfn = number(descriptor) != 0;
        break;
    case XEN_ELFNOTE_XEN_VERSION:
        copy_text(image->xen_version, sizeof(image->xen_version), descriptor);
        break;
    case XEN_ELFNOTE_GUEST_OS:
        copy_text(image->guest_os, sizeof(image->guest_os), descriptor);
        break;
    case XEN_ELFNOTE_GUEST_VERSION:
        copy_text(image->guest_version, sizeof(image->guest_version), descriptor);
        break;
    case XEN_ELFNOTE_LOADER:
        copy_text(image->loader, sizeof(image->loader), descriptor);
        break;
    case XEN_ELFNOTE_SUPPORTED_FEATURES:
        image->supports_dom0 = number(descriptor) >> XENFEAT_dom0 & 1;
        break;
    case XEN_ELFNOTE_FEATURES:
        if (feature_listed(descriptor, "dom0")) {
            image->supports_dom0 = true;
        }
        break;
    default:
        break;
    }
}

/* Walks one block of notes; names and descriptors are padded to 4 bytes. How many were Xen's. */
static unsigned int take_notes(struct kernel_image *image, struct bytes notes)
{
    unsigned int found = 0;
    struct elf_note note;

    while (notes.length >= sizeof(note)) {
        struct bytes name, descriptor;
        uint64_t name_room, descriptor_room;

        memcpy(&note, notes.data, sizeof(note));
        name_room = ROUND_UP((uint64_t)note.name_bytes, 4);
        descriptor_room = ROUND_UP((uint64_t)note.descriptor_bytes, 4);
        if (!slice(notes, sizeof(note), note.name_bytes, &name) ||
            !slice(notes, sizeof(note) + name_room, note.descriptor_bytes, &descriptor)) {
            break;
        }
        if (name.length == 4 && memcmp(name.data, "Xen", 4) == 0) {
            take_note(image, note.type, descriptor);
            found++;
        }
        if (!slice(notes, sizeof(note) + name_room + descriptor_room,
                   notes.length - min(notes.length, sizeof(note) + name_room + descriptor_room),
                   &notes)) {
            break;
        }
    }
    return found;
}

static const char *take_segment(struct kernel_image *image, struct bytes file,
                                const struct elf_segment *segment)
{
    struct kernel_segment *out;

    if (!segment->memory_bytes) {
        return NULL;
    }
    if (image->segment_count == KERNEL_SEGMENTS_MAX) {
        return "kernel has too many loadable segments";
    }
    out = &image->segments[image->segment_count++];
    if (segment->file_bytes > segment->memory_bytes ||
        !slice(file, segment->offset, segment->file_bytes, &out->file)) {
        return "kernel is truncated: a segment ends beyond the file";
    }
    out->address = segment->physical; /* place_segments() makes it virtual */
    out->bytes = segment->memory_bytes;
    if (out->address + out->bytes < out->address) {
        return "kernel segment wraps around the address space";
    }
    return NULL;
}

/*
 * A segment lies where its physical address says: at virt_base + physical - paddr_offset. (Linux has a
 * segment of per-CPU data whose virtual address is 0.)
 */
static const char *place_segments(struct kernel_image *image)
{
    image->start = UINT64_MAX;
    for (unsigned int i = 0; i < image->segment_count; i++) {
        struct kernel_segment *segment = &image->segments[i];
        uint64_t end;

        if (segment->address < image->paddr_offset) {
            return "kernel lies below its own PADDR_OFFSET";
        }
        segment->address += image->virt_base - image->paddr_offset;
        end = segment->address + segment->bytes;
        if (segment->address < image->virt_base || end < segment->address) {
            return "kernel segment wraps around the address space";
        }
        image->start = min(image->start, segment->address);
        image->end = max(image->end, end);
    }
    return NULL;
}

static const char *take_segments(struct kernel_image *image, struct bytes file,
                                 const struct elf_header *header, unsigned int *notes)
{
    const char *problem;
    struct bytes entry;

    for (unsigned int i = 0; i < header->segment_count; i++) {
        struct elf_segment segment;
        struct bytes block;

        if (!slice(file, header->segments + (uint64_t)i * header->segment_bytes, sizeof(segment),
                   &entry)) {
            return "kernel's program headers lie beyond the file";
        }
        memcpy(&segment, entry.data, sizeof(segment));
        if (segment.type == SEGMENT_LOAD) {
            problem = take_segment(image, file, &segment);
            if (problem) {
                return problem;
            }
        } else if (segment.type == SEGMENT_NOTE &&
                   slice(file, segment.offset, segment.file_bytes, &block)) {
            *notes += take_notes(image, block);
        }
    }
    return image->segment_count ? NULL : "kernel has nothing to load";
}

static void take_note_sections(struct kernel_image *image, struct bytes file,
                               const struct elf_header *header, unsigned int *notes)
{
    for (unsigned int i = 0; i < min(header->section_count, TABLE_ENTRIES_MAX); i++) {
        struct elf_section section;
        struct bytes entry, block;

        if (!slice(file, header->sections + (uint64_t)i * header->section_bytes, sizeof(section),
                   &entry)) {
            return;
        }
        memcpy(&section, entry.data, sizeof(section));
        if (section.type == SECTION_NOTE && slice(file, section.offset, section.bytes, &block)) {
            *notes += take_notes(image, block);
        }
    }
}

static bool within(const struct kernel_image *image, uint64_t address, uint64_t bytes)
{
    return address >= image->start && address < image->end && bytes <= image->end - address;
}

static const char *check_notes(const struct kernel_image *image)
{
    if (!image->has_entry) {
        return "kernel has no Xen note ENTRY: it cannot be started as a PV domain";
    }
    if (image->loader[0] && strcmp(image->loader, "generic") != 0) {
        return "kernel's Xen note LOADER asks for another loader than \"generic\"";
    }
    if (!within(image, image->entry, 1)) {
        return "kernel's entry point lies outside the kernel";
    }
    if (image->has_hypercall_page && ((image->hypercall_page & ~PAGE_MASK) ||
                                      !within(image, image->hypercall_page, PAGE_SIZE))) {
        return "kernel's hypercall page lies outside the kernel";
    }
    if (image->virt_base & ~PAGE_MASK) {
        return "kernel's VIRT_BASE is not the start of a page";
    }
    if (!image->supports_dom0) {
        return "kernel's Xen notes say that it cannot be dom0";
    }
    return NULL;
}

const char *kernel_image_read(struct bytes elf, struct kernel_image *image)
{
    struct elf_header header;
    unsigned int notes = 0;
    const char *problem;

    memset(image, 0, sizeof(*image));
    image->supports_dom0 = true;
    if (elf.length < sizeof(header) || memcmp(elf.data, "\177ELF", 4) != 0) {
        return "kernel is neither ELF nor bzImage";
    }
    memcpy(&header, elf.data, sizeof(header));
    if (header.ident[4] != ELF_CLASS_64 || header.ident[5] != ELF_DATA_LITTLE ||
        header.machine != ELF_MACHINE_X86_64) {
        return "kernel is an ELF file, but not of a 64-bit x86 machine";
    }
    if ((header.type != ELF_TYPE_EXEC && header.type != ELF_TYPE_DYN) ||
        header.segment_bytes < sizeof(struct elf_segment) || !header.segment_count ||
        (header.section_count && header.section_bytes < sizeof(struct elf_section))) {
        return "kernel's ELF header is damaged";
    }
    problem = take_segments(image, elf, &header, &notes);
    if (problem) {
        return problem;
    }
    if (!notes) {
        take_note_sections(image, elf, &header, &notes);
    }
    if (!notes) {
        return "kernel has no Xen notes (ENTRY and others): it was built without Xen support";
    }
    problem = place_segments(image);
    return problem ? problem : check_notes(image);
}
