/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Memory before the frame allocator.
 *
 *   memory_map      what the machine has, sanitised (arch/x86/boot_info/memory_map.c)
 *   reserved[]      what of its RAM is in use: sorted, disjoint; grows as early_alloc() takes memory
 *
 * Invariants:
 *   E1  image, modules, the first MiB and all early allocations are in reserved[];
 *   E2  an early allocation lies in one RAM range and overlaps nothing reserved before;
 *   E3  what memory_pool_init() hands out is RAM minus reserved[]; after it early_alloc() is refused.
 *
 * Allocations come from the top of the highest range below the caller's limit, so that they grow
 * downwards next to each other and reserved[] stays short. Boot CPU only: no locks.
 */
#include "mm.h"

#include "asm/direct_map.h"
#include "hypervisor/acpi.h"
#include "hypervisor/bug.h"
#include "hypervisor/frame.h"
#include "hypervisor/printk.h"
#include "hypervisor/string.h"

#define LOW_END           (1ull << 20)
#define RAM_BYTES_MIN     (64ull << 20)
#define DIRECT_MAP_BYTES  (DIRECT_MAP_END - DIRECT_MAP_START)
#define MEMORY_MAP_MAX    (BOOT_MEMORY_MAP_MAX + 64)
#define RESERVED_MAX      256
#define TRAMPOLINE_BOTTOM 0x8000
#define TRAMPOLINE_TOP    0xa0000

struct memory_range memory_map[MEMORY_MAP_MAX];
unsigned int memory_map_count;

/* type: module number + 1, or 0. */
static struct memory_range reserved[RESERVED_MAX];
static unsigned int reserved_count;
static paddr_t trampoline;
static bool pool_ready;

static void reserved_insert(paddr_t start, paddr_t end, uint32_t type)
{
    unsigned int i = 0;

    while (i < reserved_count && reserved[i].start < start) {
        i++;
    }
    /* Next to an allocation made before: one entry does for both. */
    if (type == 0 && i < reserved_count && reserved[i].start == end && reserved[i].type == 0) {
        reserved[i].start = start;
        return;
    }
    if (reserved_count == RESERVED_MAX) {
        panic("the machine's memory is in too many pieces");
    }
    memmove(&reserved[i + 1], &reserved[i], (reserved_count - i) * sizeof(reserved[0]));
    reserved[i] = (struct memory_range){ start, end, type };
    reserved_count++;
}

/* The first reservation that overlaps [start, end), or NULL. */
static const struct memory_range *reserved_find(paddr_t start, paddr_t end)
{
    unsigned int i;

    for (i = 0; i < reserved_count; i++) {
        if (reserved[i].start < end && reserved[i].end > start) {
            return &reserved[i];
        }
    }
    return NULL;
}

void ram_for_each(void (*fn)(paddr_t start, paddr_t end))
{
    unsigned int i;

    for (i = 0; i < memory_map_count; i++) {
        paddr_t start = ROUND_UP(memory_map[i].start, PAGE_SIZE);
        paddr_t end = min(ROUND_DOWN(memory_map[i].end, PAGE_SIZE), (paddr_t)DIRECT_MAP_BYTES);

        if (memory_map[i].type == MEMORY_RAM && start < end) {
            fn(start, end);
        }
    }
}

static void (*free_fn)(paddr_t start, paddr_t end);

static void free_piece(paddr_t start, paddr_t end)
{
    while (start < end) {
        const struct memory_range *used = reserved_find(start, end);
        paddr_t stop = used == NULL ? end : ROUND_DOWN(used->start, PAGE_SIZE);

        if (start < stop) {
            free_fn(start, stop);
        }
        start = used == NULL ? end : ROUND_UP(used->end, PAGE_SIZE);
    }
}

void early_for_each_free(void (*fn)(paddr_t start, paddr_t end))
{
    free_fn = fn;
    ram_for_each(free_piece);
}

static uint64_t ram_bytes;

static void ram_count(paddr_t start, paddr_t end)
{
    ram_bytes += end - start;
}

static bool is_ram(paddr_t start, paddr_t end)
{
    unsigned int i;

    for (i = 0; i < memory_map_count; i++) {
        if (memory_map[i].type == MEMORY_RAM && memory_map[i].start <= start &&
            end <= memory_map[i].end) {
            return true;
        }
    }
    return false;
}

static void choose_trampoline(paddr_t start, paddr_t end)
{
    end = min(end, (paddr_t)TRAMPOLINE_TOP);
    if (start < end && end - PAGE_SIZE >= max(start, (paddr_t)TRAMPOLINE_BOTTOM)) {
        trampoline = end - PAGE_SIZE;
    }
}

static void reserve_modules(const struct boot_info *info)
{
    unsigned int i;

    for (i = 0; i < info->module_count; i++) {
        paddr_t start = info->modules[i].start, end = info->modules[i].end;

        if (!is_ram(start, end)) {
            panic("module %u (0x%llx-0x%llx) does not lie in RAM", i, (unsigned long long)start,
                  (unsigned long long)end);
        }
        if (reserved_find(start, end) != NULL) {
            panic("module %u (0x%llx-0x%llx) overlaps the image or another module", i,
                  (unsigned long long)start, (unsigned long long)end);
        }
        reserved_insert(start, end, i + 1);
    }
}

static void print_map(void)
{
    static const char *const names[] = {
        "?", "RAM", "reserved", "ACPI data", "ACPI NVS", "unusable", "disabled", "persistent",
    };
    unsigned int i;

    pr_info("memory map:\n");
    for (i = 0; i < memory_map_count; i++) {
        const struct memory_range *range = &memory_map[i];

        pr_info(" %016llx - %016llx %s\n", (unsigned long long)range->start,
                (unsigned long long)range->end,
                range->type < ARRAY_SIZE(names) ? names[range->type] : names[0]);
    }
}

void early_init(const struct boot_info *info)
{
    paddr_t image = virt_to_paddr(xenios_start);

    memory_map_count =
        memory_map_sanitise(memory_map, MEMORY_MAP_MAX, info->memory_map, info->memory_map_count);
    print_map();
    ram_for_each(ram_count);
    if (ram_bytes < RAM_BYTES_MIN) {
        panic("too little memory: %llu MiB, at least %llu are needed",
              (unsigned long long)(ram_bytes >> 20), (unsigned long long)(RAM_BYTES_MIN >> 20));
    }
    pr_info("%llu MiB of RAM, image at 0x%llx\n", (unsigned long long)(ram_bytes >> 20),
            (unsigned long long)image);
    ram_for_each(choose_trampoline);
    reserved_insert(0, LOW_END, 0);
    reserved_insert(image, image + (paddr_t)(xenios_end - xenios_start), 0);
    reserve_modules(info);
}

paddr_t trampoline_page(void)
{
    return trampoline;
}

/* Highest place in [start, end) that nobody has; 0: none. */
static paddr_t place_in(paddr_t start, paddr_t end, uint64_t bytes, uint64_t align)
{
    while (end >= bytes && end - bytes >= start) {
        paddr_t at = ROUND_DOWN(end - bytes, align);
        const struct memory_range *used;

        if (at < start) {
            break;
        }
        used = reserved_find(at, at + bytes);
        if (used == NULL) {
            return at;
        }
        end = used->start;
    }
    return 0;
}

paddr_t early_reserve(uint64_t bytes, uint64_t align, paddr_t below)
{
    unsigned int i;

    bytes = ROUND_UP(bytes, PAGE_SIZE);
    align = max(align, (uint64_t)PAGE_SIZE);
    below = min(below, (paddr_t)DIRECT_MAP_BYTES);
    for (i = memory_map_count; i-- > 0 && !pool_ready;) {
        paddr_t end = ROUND_DOWN(min(memory_map[i].end, below), PAGE_SIZE);
        paddr_t at;

        if (memory_map[i].type != MEMORY_RAM) {
            continue;
        }
        at = place_in(ROUND_UP(memory_map[i].start, PAGE_SIZE), end, bytes, align);
        if (at != 0) {
            reserved_insert(at, at + bytes, 0);
            return at;
        }
    }
    return 0;
}

paddr_t early_alloc(uint64_t bytes, uint64_t align, paddr_t below)
{
    paddr_t at = early_reserve(bytes, align, below);

    if (at == 0) {
        panic("no memory for %llu KiB at boot", (unsigned long long)(bytes >> 10));
    }
    memset(paddr_to_virt(at), 0, ROUND_UP(bytes, PAGE_SIZE));
    return at;
}

/* Calls fn for the parts of [start, end) that lie on one node each. */
static void by_node(paddr_t start, paddr_t end, void (*fn)(mfn_t from, mfn_t to, unsigned int node))
{
    while (start < end) {
        paddr_t stop = end;
        unsigned int node = acpi_node_of_address(start, &stop);

        stop = ROUND_DOWN(min(stop, end), PAGE_SIZE);
        if (stop <= start) {
            stop = start + PAGE_SIZE;
        }
        fn(paddr_to_mfn(start), paddr_to_mfn(stop), node);
        start = stop;
    }
}

static void pool_add(paddr_t start, paddr_t end)
{
    by_node(start, end, frame_pool_add);
}

/* The frames wholly within a module. */
static struct memory_range module_frames(const struct memory_range *module)
{
    return (struct memory_range){
        .start = ROUND_UP(module->start, PAGE_SIZE),
        .end = ROUND_DOWN(module->end, PAGE_SIZE),
        .type = module->type,
    };
}

void memory_pool_init(void)
{
    unsigned int i;

    pool_ready = true;
    for (i = 0; i < reserved_count; i++) {
        if (reserved[i].type != 0) {
            struct memory_range frames = module_frames(&reserved[i]);

            by_node(frames.start, frames.end, frame_pool_announce);
        }
    }
    early_for_each_free(pool_add);
}

void boot_module_release(unsigned int module)
{
    unsigned int i;

    for (i = 0; i < reserved_count; i++) {
        if (reserved[i].type == module + 1) {
            struct memory_range frames = module_frames(&reserved[i]);

            reserved_count--;
            memmove(&reserved[i], &reserved[i + 1], (reserved_count - i) * sizeof(reserved[0]));
            pool_add(frames.start, frames.end);
            return;
        }
    }
}
