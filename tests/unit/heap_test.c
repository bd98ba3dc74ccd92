/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The heap: sizes, alignment, accounting, and that it notices misuse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "arch/memory.h"
#include "hypervisor/heap.h"
#include "support/memory_domains.h"

static int setup(void **state)
{
    host_setup(4096, 4);
    test_domains_setup();
    return 0;
}

static int teardown(void **state)
{
    assert_true(heap_valid());
    assert_true(frame_pool_valid());
    host_teardown();
    return 0;
}

static void aligns_and_counts(void **state)
{
    for (size_t bytes = 1; bytes < 3 * PAGE_SIZE; bytes += bytes < 300 ? 1 : 97) {
        uint64_t before = heap_bytes_in_use();
        uint8_t *object = heap_alloc(bytes);
        size_t align = bytes >= 64 ? 64 : bytes > 16 ? 32 : 16;

        assert_non_null(object);
        assert_int_equal((uintptr_t)object % align, 0);
        memset(object, 0xff, bytes);
        assert_true(heap_bytes_in_use() >= before + bytes);
        assert_true(heap_valid());
        heap_free(object);
        assert_int_equal(heap_bytes_in_use(), before);
    }
}

static void zeroes_and_checks_products(void **state)
{
    uint8_t *object = heap_alloc(200);

    memset(object, 0xee, 200);
    heap_free(object);
    object = heap_zalloc(200);
    for (unsigned int i = 0; i < 200; i++) {
        assert_int_equal(object[i], 0);
    }
    heap_free(object);
    object = heap_zalloc_array(3, 5000);
    assert_int_equal((uintptr_t)object % PAGE_SIZE, 0);
    assert_int_equal(object[14999], 0);
    heap_free(object);
    assert_null(heap_alloc(0));
    assert_null(heap_alloc(SIZE_MAX));
    assert_null(heap_alloc(SIZE_MAX - 3));
    assert_null(heap_zalloc(1ull << 40));
    assert_null(heap_zalloc_array(SIZE_MAX / 2, 3));
    heap_free(NULL);
}

static void gives_pages_back(void **state)
{
    static void *objects[4000];
    uint64_t before;

    heap_free(heap_alloc(100)); /* one empty page of the class stays */
    before = frame_count_free();
    for (unsigned int i = 0; i < 4000; i++) {
        objects[i] = heap_alloc(100);
        assert_non_null(objects[i]);
    }
    assert_true(heap_valid());
    for (unsigned int i = 0; i < 4000; i++) {
        heap_free(objects[i * 1237 % 4000]);
    }
    assert_true(heap_valid());
    assert_int_equal(frame_count_free(), before);
}

static void says_when_memory_is_out(void **state)
{
    static void *objects[9000];
    unsigned int count = 0;

    while ((objects[count] = heap_alloc(2000)) != NULL) {
        count++;
    }
    assert_true(count > 2000);
    assert_null(heap_alloc(100000));
    while (count > 0) {
        heap_free(objects[--count]);
    }
}

/* ---- misuse: the heap is not usable any more afterwards, so these come last ---------------------- */

static void sees_overruns(void **state)
{
    uint8_t *object = heap_alloc(40);
    uint8_t keep = object[40];

    object[40] = 0;
    assert_false(heap_valid());
    object[40] = keep;
    assert_true(heap_valid());
    heap_free(object);
    object = heap_alloc(5000);
    keep = object[5000];
    object[5000] = 1;
    HOST_EXPECT_PANIC(heap_free(object));
    object[5000] = keep;
    heap_free(object);
}

static void sees_use_after_free(void **state)
{
    uint8_t *object = heap_alloc(40);

    heap_free(object);
    object[20] = 1;
    assert_false(heap_valid());
    object[20] = 0xd7;
    assert_true(heap_valid());
}

static void sees_double_free(void **state)
{
    uint8_t *keep = heap_alloc(40), *object = heap_alloc(40), on_no_page[16];

    heap_free(object);
    HOST_EXPECT_PANIC(heap_free(object));
    HOST_EXPECT_PANIC(heap_free(keep + 1));
    HOST_EXPECT_PANIC(heap_free(mfn_to_virt(frame_mfn(frame_of(MFN(4095))))));
    HOST_EXPECT_PANIC(heap_free(on_no_page));
    heap_free(keep);
}

/* ---- races ------------------------------------------------------------------------------------- */

static void race(void *data)
{
    void *mine[16] = { NULL };

    for (unsigned int i = 0; i < 300; i++) {
        unsigned int slot = (unsigned int)host_random_below(16);

        heap_free(mine[slot]);
        mine[slot] = heap_alloc(1 + host_random_below(3000));
        assert_non_null(mine[slot]);
    }
    for (unsigned int i = 0; i < 16; i++) {
        heap_free(mine[i]);
    }
}

static void survives_races(void **state)
{
    for (unsigned int cpu = 0; cpu < 4; cpu++) {
        host_spawn(cpu, race, NULL);
    }
    host_run();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(aligns_and_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(zeroes_and_checks_products, setup, teardown),
        cmocka_unit_test_setup_teardown(gives_pages_back, setup, teardown),
        cmocka_unit_test_setup_teardown(says_when_memory_is_out, setup, teardown),
        cmocka_unit_test_setup_teardown(survives_races, setup, teardown),
        cmocka_unit_test_setup_teardown(sees_overruns, setup, teardown),
        cmocka_unit_test_setup_teardown(sees_use_after_free, setup, teardown),
        cmocka_unit_test_setup_teardown(sees_double_free, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
