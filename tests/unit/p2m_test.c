/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* A physical map's refusals, its pool, its debts, and readers beside a writer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "asm/p2m.h"
#include "asm/page.h"
#include "hypervisor/error.h"
#include "support/memory_domains.h"

#define BASE 0x40000ull /* a border of 1 GiB */

static struct p2m p2m;
static struct domain *guest, *other;

static void pool_set(uint64_t frames, int result)
{
    int error;

    do {
        error = p2m_pool_resize(&p2m, frames);
    } while (error == -XEN_ERESTART);
    assert_int_equal(error, result);
}

static int setup(void **state)
{
    host_setup(1024, 3);
    test_domains_setup();
    guest = &test_domains[2];
    other = &test_domains[1];
    assert_int_equal(p2m_create(&p2m, guest, &p2m_format_npt), 0);
    pool_set(16, 0);
    return 0;
}

static int teardown(void **state)
{
    assert_true(p2m_valid(&p2m));
    while (p2m_empty(&p2m) != 0) {
    }
    assert_int_equal(p2m_set(&p2m, GFN(1), MFN(1), 0, P2M_RAM, NULL), -XEN_ESRCH);
    p2m_free(&p2m);
    test_domains_relinquish();
    host_teardown();
    return 0;
}

static struct frame *frame_for(struct domain *domain)
{
    struct frame *frame = frame_alloc(0, ALLOC_NODE_ANY, 0);

    assert_non_null(frame);
    assert_int_equal(frame_assign(domain, frame, 0, 0), 0);
    return frame;
}

static int set(uint64_t gfn, uint64_t mfn, unsigned int order, enum p2m_type type)
{
    return p2m_set(&p2m, GFN(gfn), MFN(mfn), order, type, NULL);
}

static void bad_places_are_refused(void **state)
{
    assert_int_equal(set(BASE, 0x1000, 5, P2M_RAM), -XEN_EINVAL);
    assert_int_equal(set(BASE, 0x1000, 27, P2M_RAM), -XEN_EINVAL);
    assert_int_equal(set(BASE + 1, 0x1000, 9, P2M_RAM), -XEN_EINVAL);
    assert_int_equal(set(BASE, 0x1001, 9, P2M_RAM), -XEN_EINVAL);
    assert_int_equal(set(1ull << 36, 0x1000, 0, P2M_RAM), -XEN_EINVAL);
    assert_int_equal(set(BASE, 0x1000, 9, P2M_GRANT), -XEN_EINVAL);
    assert_int_equal(p2m_lookup(&p2m, GFN(~0ull)).type, P2M_NONE);
    assert_int_equal(p2m_lookup(&p2m, GFN(BASE)).type, P2M_NONE);
    assert_int_equal(p2m_lookup(&p2m, GFN(BASE)).order, P2M_ORDER(4));
    assert_int_equal(p2m.pool_free, 16);
}

static void large_entries_split_and_join(void **state)
{
    struct p2m_mapping mapping;

    assert_int_equal(set(BASE, 0x80000, 18, P2M_RAM), 0);
    assert_int_equal(p2m.pool_free, 15);
    mapping = p2m_lookup(&p2m, GFN(BASE + 0x12345));
    assert_int_equal(mapping.mfn.value, 0x92345);
    assert_int_equal(mapping.order, 18);

    assert_int_equal(set(BASE + 0x12345, 0x92345, 0, P2M_RAM_READONLY), 0);
    assert_int_equal(p2m.pool_free, 13);
    assert_int_equal(p2m_lookup(&p2m, GFN(BASE + 0x12345)).type, P2M_RAM_READONLY);
    assert_int_equal(p2m_lookup(&p2m, GFN(BASE + 0x12346)).mfn.value, 0x92346);
    assert_int_equal(p2m_lookup(&p2m, GFN(BASE + 0x12346)).order, 0);
    assert_int_equal(p2m_lookup(&p2m, GFN(BASE)).order, 9);
    /* Tables below tables are not given up for one entry. */
    assert_int_equal(set(BASE, 0x80000, 18, P2M_RAM), -XEN_EBUSY);

    assert_int_equal(set(BASE + 0x12345, 0x92345, 0, P2M_RAM), 0);
    assert_int_equal(p2m_lookup(&p2m, GFN(BASE + 0x12345)).order, 18);
    assert_int_equal(p2m.pool_free, 15);
}

static void the_pool_is_the_limit(void **state)
{
    pool_set(4, 0);
    assert_int_equal(set(BASE, 7, 0, P2M_RAM), 0); /* three tables */
    assert_int_equal(set(BASE + 512, 7, 0, P2M_RAM), 0);
    assert_int_equal(set(BASE + 1024, 7, 0, P2M_RAM), -XEN_ENOMEM);
    pool_set(3, -XEN_EBUSY);
    assert_int_equal(set(BASE + 1, 8, 0, P2M_RAM), 0);
    pool_set(5, 0);
    assert_int_equal(set(BASE + 1024, 7, 0, P2M_RAM), 0);
}

static void held_frames_go_with_their_entries(void **state)
{
    struct frame *frame = frame_for(other);
    struct p2m_mapping old;
    enum p2m_type type;

    assert_true(frame_get(frame, other));
    assert_int_equal(set(BASE, frame_mfn(frame).value, 0, P2M_GRANT), 0);
    assert_int_equal(set(BASE, 0x1000, 9, P2M_RAM), -XEN_EBUSY);
    assert_int_equal(p2m_remove(&p2m, GFN(BASE), MFN(1), &type), -XEN_ENOENT);
    assert_int_equal(p2m_set(&p2m, GFN(BASE), MFN(5), 0, P2M_RAM, &old), 0);
    assert_int_equal(old.type, P2M_GRANT);
    assert_true(mfn_equal(old.mfn, frame_mfn(frame)));
    p2m_flush(&p2m);
    frame_put(frame);

    /* What is left at the end is dropped by p2m_empty: the frame goes back with its owner's. */
    assert_true(frame_get(frame, other));
    assert_int_equal(set(BASE, frame_mfn(frame).value, 0, P2M_FOREIGN), 0);
}

static void what_was_allowed_is_a_debt(void **state)
{
    assert_int_equal(set(BASE, 7, 0, P2M_RAM), 0);
    assert_false(p2m.debt);
    assert_int_equal(set(BASE, 7, 0, P2M_RAM_READONLY), 0);
    assert_true(p2m.debt && host_tlb_debt(p2m.debt_stamp));
    p2m_flush(&p2m);
    assert_false(p2m.debt || host_tlb_debt(p2m.debt_stamp));
    assert_int_equal(set(BASE, 7, 0, P2M_RAM), 0); /* more than before */
    assert_false(p2m.debt);
    assert_int_equal(set(BASE, 8, 0, P2M_RAM), 0);
    assert_true(p2m.debt);
}

static void frames_are_found_with_a_reference(void **state)
{
    struct frame *mine = frame_for(guest), *his = frame_for(other), *found;
    enum p2m_type type;

    assert_int_equal(set(BASE, frame_mfn(mine).value, 0, P2M_RAM_READONLY), 0);
    assert_int_equal(set(BASE + 1, frame_mfn(his).value, 0, P2M_RAM), 0); /* a lie */
    assert_int_equal(set(BASE + 2, 0xfee00, 0, P2M_DEVICE), 0);
    found = p2m_get_frame(&p2m, GFN(BASE), false, &type);
    assert_ptr_equal(found, mine);
    assert_int_equal(type, P2M_RAM_READONLY);
    frame_put(found);
    assert_null(p2m_get_frame(&p2m, GFN(BASE), true, NULL));
    assert_null(p2m_get_frame(&p2m, GFN(BASE + 1), false, NULL));
    assert_null(p2m_get_frame(&p2m, GFN(BASE + 2), false, &type));
    assert_int_equal(type, P2M_DEVICE);
    assert_null(p2m_get_frame(&p2m, GFN(BASE + 3), false, NULL));
    assert_int_equal(set(BASE + 1, 0, 0, P2M_NONE), 0);
}

static void the_log_tells_what_was_written(void **state)
{
    struct frame *frame = frame_for(guest), *found;
    unsigned long bitmap[8];

    assert_int_equal(set(BASE + 3, frame_mfn(frame).value, 0, P2M_RAM), 0);
    assert_int_equal(set(BASE + 512, 0x1000, 9, P2M_RAM), 0);
    while (p2m_log_start(&p2m) != 0) {
    }
    assert_false(p2m.debt);
    assert_int_equal(p2m_log_read(&p2m, GFN(BASE), 512, bitmap, true), 0);
    found = p2m_get_frame(&p2m, GFN(BASE + 3), true, NULL); /* a write by the hypervisor */
    assert_ptr_equal(found, frame);
    frame_put(found);
    assert_int_equal(p2m_log_read(&p2m, GFN(BASE), 512, bitmap, true), 1);
    assert_int_equal(bitmap[0], 1ul << 3);
    assert_int_equal(p2m_log_read(&p2m, GFN(BASE), 512, bitmap, true), 0);
    assert_true(p2m_log_write(&p2m, GFN(BASE + 512 + 9)));
    assert_int_equal(p2m_log_read(&p2m, GFN(BASE + 512), 512, bitmap, false), 1);
    assert_int_equal(bitmap[0], 1ul << 9);
    assert_false(p2m_log_write(&p2m, GFN(BASE + 5)));
    while (p2m_log_stop(&p2m) != 0) {
    }
    assert_int_equal(p2m_lookup(&p2m, GFN(BASE + 512)).order, 9); /* joined again */
}

static void a_log_without_tables_takes_all_of_an_entry(void **state)
{
    unsigned long bitmap[8];

    pool_set(2, 0);
    assert_int_equal(set(BASE, 0x1000, 9, P2M_RAM), 0);
    while (p2m_log_start(&p2m) != 0) {
    }
    assert_true(p2m_log_write(&p2m, GFN(BASE + 5)));
    assert_int_equal(p2m_log_read(&p2m, GFN(BASE), 512, bitmap, true), 512);
    assert_int_equal(p2m_log_read(&p2m, GFN(BASE), 512, bitmap, true), 0);
    while (p2m_log_stop(&p2m) != 0) {
    }
}

/* ---- a reader beside a writer ------------------------------------------------------------------ */

static struct frame *raced[2];
static bool writing;

/*
 * Remaps, splits and joins: gfn BASE is always raced[0] or raced[1]; the table that one large entry
 * was split with is the next one's.
 */
static void writer(void *data)
{
    for (unsigned int i = 0; i < 2000; i++) {
        uint64_t large = i & 1 ? 512 : 1024;

        assert_int_equal(set(BASE, frame_mfn(raced[i & 1]).value, 0, P2M_RAM), 0);
        assert_int_equal(set(BASE + large + i % 512, 0x2000 + large + i % 512, 0, P2M_RAM_READONLY),
                         0);
        assert_int_equal(set(BASE + large, 0x2000 + large, 9, P2M_RAM), 0);
    }
    atomic_write(&writing, false);
}

static void reader(void *data)
{
    while (atomic_read(&writing)) {
        struct frame *found = p2m_get_frame(&p2m, GFN(BASE), false, NULL);
        struct p2m_mapping mapping = p2m_lookup(&p2m, GFN(BASE + 512 + 77));

        assert_true(found == raced[0] || found == raced[1]);
        frame_put(found);
        assert_int_equal(mapping.mfn.value, 0x2000 + 512 + 77);
    }
}

static void readers_meet_no_table_of_another_life(void **state)
{
    raced[0] = frame_for(guest);
    raced[1] = frame_for(guest);
    pool_set(4, 0); /* every table is used again at once */
    assert_int_equal(set(BASE, frame_mfn(raced[0]).value, 0, P2M_RAM), 0);
    assert_int_equal(set(BASE + 512, 0x2200, 9, P2M_RAM), 0);
    assert_int_equal(set(BASE + 1024, 0x2400, 9, P2M_RAM), 0);
    host_set_switch_odds(24); /* long enough to the next switch for a table to be used again */
    writing = true;
    host_spawn(0, writer, NULL);
    host_spawn(1, reader, NULL);
    host_spawn(2, reader, NULL);
    host_run();
    assert_int_equal(set(BASE, 0, 0, P2M_NONE), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bad_places_are_refused),
        TEST(large_entries_split_and_join),
        TEST(the_pool_is_the_limit),
        TEST(held_frames_go_with_their_entries),
        TEST(what_was_allowed_is_a_debt),
        TEST(frames_are_found_with_a_reference),
        TEST(the_log_tells_what_was_written),
        TEST(a_log_without_tables_takes_all_of_an_entry),
        TEST(readers_meet_no_table_of_another_life),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
