/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* dom0 before it runs: how much of the machine, what lies where, and page tables like any guest's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/sched_world.h"

#include "arch/memory.h"
#include "asm/dom0_plan.h"
#include "asm/page.h"
#include "asm/pagetype.h"
#include "hypervisor/frame.h"
#include "hypervisor/option.h"

#define BASE    0xffffffff80000000ull
#define P2M_AT  0x8000000000ull
#define MIB     (1ull << 20)
#define PADDING (512ull << 10)

static struct dom0_memory memory;
static struct domain *domain;

static int setup(void **state)
{
    world_create(3);
    return 0;
}

static int before_each(void **state)
{
    host_set_current(0, domain_idle_vcpu(0));
    host_set_preempt_odds(0);
    domain = world_domain(1, 1, true);
    return 0;
}

static int after_each(void **state)
{
    world_kill(domain);
    return 0;
}

/* ---- options --------------------------------------------------------------------------------- */

static uint64_t wanted_mib(const char *options, uint64_t free_mib)
{
    /* What was given before stays given: each case names all three. */
    options_parse(options);
    return dom0_frames_wanted(free_mib << (20 - PAGE_SHIFT)) >> (20 - PAGE_SHIFT);
}

static void memory_is_as_asked_for(void **state)
{
    /* By default a sixteenth is kept, of a large machine 128 MiB. */
    assert_int_equal(wanted_mib("", 1024), 960);
    assert_int_equal(wanted_mib("", 16384), 16384 - 128);
    assert_int_equal(dom0_frames_limit(1000), UINT32_MAX);

    assert_int_equal(wanted_mib("dom0_mem=512M", 1024), 512);
    assert_int_equal(wanted_mib("dom0_mem=1G", 4096), 1024);
    /* 4 MiB are the hypervisor's, whatever is asked for. */
    assert_int_equal(wanted_mib("dom0_mem=2G", 1024), 1020);
    assert_int_equal(wanted_mib("dom0_mem=-256M", 1024), 768);
    assert_int_equal(wanted_mib("dom0_mem=-2G", 1024), 0);
    assert_int_equal(wanted_mib("dom0_mem=-2G,min:100M", 1024), 100);
    assert_int_equal(wanted_mib("dom0_mem=512M,min:100M,max:300M", 1024), 300);
    assert_int_equal(dom0_frames_limit(1000), 300 * MIB / PAGE_SIZE);
    assert_int_equal(dom0_frames_limit(1u << 20), 1u << 20);
    assert_int_equal(wanted_mib("dom0_mem=512M,min:600M,max:-100M", 1024), 600);
    assert_int_equal(dom0_frames_limit(1000), UINT32_MAX);
}

static void vcpus_are_as_asked_for(void **state)
{
    assert_int_equal(dom0_vcpus_wanted(), 3);
    options_parse("dom0_max_vcpus=2");
    assert_int_equal(dom0_vcpus_wanted(), 2);
    options_parse("dom0_max_vcpus=5");
    assert_int_equal(dom0_vcpus_wanted(), 5);
    options_parse("dom0_max_vcpus=4-8");
    assert_int_equal(dom0_vcpus_wanted(), 4);
    options_parse("dom0_max_vcpus=1-2");
    assert_int_equal(dom0_vcpus_wanted(), 2);
    options_parse("dom0_max_vcpus=1-");
    assert_int_equal(dom0_vcpus_wanted(), 3);
    assert_false(dom0_vcpus_pinned());
    options_parse("dom0_vcpus_pin");
    assert_true(dom0_vcpus_pinned());
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void pfns_lead_to_owned_frames(void **state)
{
    const uint64_t frames = 1500;

    domain->frames_max = frames;
    assert_null(dom0_memory_allocate(domain, &memory, frames));
    assert_int_equal(memory.frames, frames);
    assert_int_equal(domain->frames_total, frames);
    for (uint64_t pfn = 0; pfn < frames; pfn++) {
        mfn_t mfn = dom0_mfn(&memory, pfn);

        assert_int_equal(frame_of(mfn)->owner, domain->id.value);
        assert_int_equal(arch_m2p_get(mfn), pfn);
        assert_ptr_equal(dom0_page(&memory, pfn), mfn_to_virt(mfn));
    }
}

static void memory_that_is_not_there_is_said(void **state)
{
    domain->frames_max = UINT32_MAX;
    assert_non_null(dom0_memory_allocate(domain, &memory, 2 * WORLD_FRAMES));
    assert_true(domain_valid(domain));
}

static void limits_are_kept(void **state)
{
    domain->frames_max = 100;
    assert_non_null(dom0_memory_allocate(domain, &memory, 200));
}

static void copies_cross_pages_and_chunks(void **state)
{
    static uint8_t pattern[3 * PAGE_SIZE];
    uint64_t at;

    for (size_t i = 0; i < sizeof(pattern); i++) {
        pattern[i] = (uint8_t)(i * 7 + i / 256);
    }
    domain->frames_max = 100;
    assert_null(dom0_memory_allocate(domain, &memory, 100)); /* 64 + 32 + 4 */
    assert_true(memory.chunk_count >= 3);
    at = memory.chunks[1].pfn * PAGE_SIZE - 5000;
    dom0_clear(&memory, 0, 100 * PAGE_SIZE);
    dom0_copy(&memory, at, pattern, sizeof(pattern));
    for (size_t i = 0; i < sizeof(pattern); i++) {
        const uint8_t *page = dom0_page(&memory, (at + i) >> PAGE_SHIFT);

        assert_int_equal(page[(at + i) % PAGE_SIZE], pattern[i]);
    }
    dom0_clear(&memory, at + 1, sizeof(pattern) - 2);
    assert_int_equal(((uint8_t *)dom0_page(&memory, at >> PAGE_SHIFT))[at % PAGE_SIZE], pattern[0]);
    at += sizeof(pattern) - 1;
    assert_int_equal(((uint8_t *)dom0_page(&memory, at >> PAGE_SHIFT))[at % PAGE_SIZE],
                     pattern[sizeof(pattern) - 1]);
    assert_int_equal(((uint8_t *)dom0_page(&memory, at >> PAGE_SHIFT))[at % PAGE_SIZE - 1], 0);
}

/* ---- layout ---------------------------------------------------------------------------------- */

static struct kernel_image any_image(uint64_t kernel_bytes, bool by_pfn, bool own_p2m)
{
    return (struct kernel_image){ .start = BASE + MIB,
                                  .end = BASE + MIB + kernel_bytes,
                                  .virt_base = BASE,
                                  .module_by_pfn = by_pfn,
                                  .has_init_p2m = own_p2m,
                                  .init_p2m = own_p2m ? P2M_AT : 0 };
}

/* Ranges of pfns, none of which may overlap another or go beyond the memory that is needed. */
static struct {
    uint64_t first, end;
} parts[8];
static unsigned int part_count;

static void add_part(uint64_t first, uint64_t frames)
{
    if (frames) {
        parts[part_count].first = first;
        parts[part_count++].end = first + frames;
    }
}

static uint64_t pfn_at(const struct dom0_layout *layout, uint64_t address)
{
    assert_true(address >= layout->start && address <= layout->end);
    assert_int_equal(address % PAGE_SIZE, 0);
    return (address - layout->start) >> PAGE_SHIFT;
}

static void check_layout(const struct kernel_image *image, uint64_t initrd_bytes, uint64_t frames)
{
    struct dom0_layout layout;
    uint64_t needed = dom0_layout_plan(&layout, image, initrd_bytes, frames);
    uint64_t initrd_frames = DIV_ROUND_UP(initrd_bytes, PAGE_SIZE);

    part_count = 0;
    add_part(0, DIV_ROUND_UP(image->end - BASE, PAGE_SIZE));
    add_part(layout.initrd_pfn, initrd_frames);
    add_part(layout.p2m_pfn, layout.p2m_frames + layout.p2m_table_frames);
    add_part(pfn_at(&layout, layout.start_info), 1);
    add_part(pfn_at(&layout, layout.tables), layout.table_count);
    add_part(pfn_at(&layout, layout.tables_end), 1);
    for (unsigned int i = 0; i < part_count; i++) {
        assert_true(parts[i].end <= needed);
        for (unsigned int j = 0; j < i; j++) {
            assert_true(parts[i].end <= parts[j].first || parts[j].end <= parts[i].first);
        }
    }
    assert_int_equal(layout.stack_end, layout.tables_end + PAGE_SIZE);
    assert_int_equal(layout.end % (4 * MIB), 0);
    assert_true(layout.end - layout.stack_end >= PADDING);
    assert_true(layout.end - layout.stack_end < PADDING + 4 * MIB);
    assert_int_equal(layout.table_count, (layout.tables_end - layout.tables) / PAGE_SIZE);
    assert_true(layout.table_count >= 1 + dom0_tables_needed(layout.start, layout.end));
    assert_true(layout.p2m_frames * PAGE_SIZE >= frames * 8);
    assert_true(image->module_by_pfn || !initrd_bytes ||
                layout.initrd_address == BASE + layout.initrd_pfn * PAGE_SIZE);
    assert_true(!image->module_by_pfn || !layout.initrd_address);
    assert_true(image->has_init_p2m || layout.p2m_address == BASE + layout.p2m_pfn * PAGE_SIZE);
}

static void parts_do_not_overlap(void **state)
{
    for (unsigned int round = 0; round < 4000; round++) {
        struct kernel_image image =
            any_image(1 + host_random_below(64 * MIB), host_random_below(2), host_random_below(2));
        uint64_t initrd = host_random_below(4) ? host_random_below(200 * MIB) : 0;

        check_layout(&image, initrd, 1 + host_random_below(1u << (1 + host_random_below(22))));
    }
}

static void tables_are_counted_by_level(void **state)
{
    assert_int_equal(dom0_tables_needed(BASE, BASE + PAGE_SIZE), 3);
    assert_int_equal(dom0_tables_needed(BASE, BASE + 2 * MIB), 3);
    assert_int_equal(dom0_tables_needed(BASE, BASE + 2 * MIB + PAGE_SIZE), 4);
    assert_int_equal(dom0_tables_needed(BASE + 2 * MIB - PAGE_SIZE, BASE + 2 * MIB + PAGE_SIZE), 4);
    assert_int_equal(dom0_tables_needed(0, 1ull << 30), 514);
    assert_int_equal(dom0_tables_needed((1ull << 39) - PAGE_SIZE, (1ull << 39) + PAGE_SIZE), 6);
}

/* ---- page tables ----------------------------------------------------------------------------- */

/* The entry that maps an address, 0: none. */
static uint64_t walk(mfn_t root, uint64_t address)
{
    uint64_t entry = pte_make(root, 0);

    for (int shift = 39; shift >= 12; shift -= 9) {
        const uint64_t *table = mfn_to_virt(pte_mfn(entry));

        entry = table[address >> shift & 511];
        if (!(entry & PTE_PRESENT)) {
            return 0;
        }
    }
    return entry;
}

static void check_mapping(mfn_t root, uint64_t address, uint64_t pfn, bool writable)
{
    uint64_t entry = walk(root, address);

    assert_int_equal(pte_mfn(entry).value, dom0_mfn(&memory, pfn).value);
    assert_int_equal(!!(entry & PTE_WRITE), writable);
    assert_true(entry & PTE_USER);
}

static void build_and_check(const struct kernel_image *image, uint64_t initrd_bytes)
{
    struct dom0_layout layout;
    uint64_t frames = dom0_layout_plan(&layout, image, initrd_bytes, 1800);
    mfn_t root;

    assert_true(frames <= 1800);
    domain->frames_max = frames;
    assert_null(dom0_memory_allocate(domain, &memory, frames));
    root = dom0_tables_build(&memory, &layout);
    assert_int_equal(root.value,
                     dom0_mfn(&memory, (layout.tables - layout.start) >> PAGE_SHIFT).value);
    for (uint64_t address = layout.start; address < layout.end; address += PAGE_SIZE) {
        check_mapping(root, address, (address - layout.start) >> PAGE_SHIFT,
                      address < layout.tables || address >= layout.tables_end);
    }
    assert_int_equal(walk(root, layout.end), 0);
    for (uint64_t i = 0; i < layout.p2m_frames; i++) {
        check_mapping(root, layout.p2m_address + i * PAGE_SIZE, layout.p2m_pfn + i, true);
    }
    /* A guest's tables like any other's. */
    assert_int_equal(pagetype_adopt_root(domain, root), 0);
    assert_int_equal(pagetype_of(frame_of(root)), PAGETYPE_L4);
    assert_true(pagetypes_valid(domain));
}

static void tables_map_everything_once(void **state)
{
    struct kernel_image image = any_image(MIB, true, true);

    build_and_check(&image, 300000);
}

static void tables_without_a_place_for_the_p2m(void **state)
{
    struct kernel_image image = any_image(MIB, false, false);

    build_and_check(&image, 300000);
}

static void tables_of_a_region_across_l2_tables(void **state)
{
    struct kernel_image image = any_image(MIB, true, true);

    image.virt_base -= 2 * MIB; /* a boundary of 1 GiB lies inside */
    image.start -= 2 * MIB;
    image.end -= 2 * MIB;
    build_and_check(&image, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, before_each, after_each)
    const struct CMUnitTest tests[] = {
        TEST(memory_is_as_asked_for),
        TEST(vcpus_are_as_asked_for),
        TEST(pfns_lead_to_owned_frames),
        TEST(memory_that_is_not_there_is_said),
        TEST(limits_are_kept),
        TEST(copies_cross_pages_and_chunks),
        TEST(parts_do_not_overlap),
        TEST(tables_are_counted_by_level),
        TEST(tables_map_everything_once),
        TEST(tables_without_a_place_for_the_p2m),
        TEST(tables_of_a_region_across_l2_tables),
    };

    return cmocka_run_group_tests_name("dom0_plan", tests, setup, NULL);
}
