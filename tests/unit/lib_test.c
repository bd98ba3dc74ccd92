/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Formatting (beside libc's), numbers, bitmaps, sorting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "asm/host.h"
#include "hypervisor/bitmap.h"
#include "hypervisor/sort.h"
#include "hypervisor/string.h"

/* The same text and the same length as libc's, whole and cut. */
#define SAME(...)                                                    \
    do {                                                             \
        char ours[128], theirs[128];                                 \
        size_t room;                                                 \
        for (room = 0; room < sizeof(ours); room += 1 + room / 4) {  \
            memset(ours, 'x', sizeof(ours));                         \
            memset(theirs, 'x', sizeof(theirs));                     \
            assert_int_equal(string_format(ours, room, __VA_ARGS__), \
                             snprintf(theirs, room, __VA_ARGS__));   \
            assert_memory_equal(ours, theirs, sizeof(ours));         \
        }                                                            \
    } while (0)

#pragma GCC diagnostic ignored "-Wformat-truncation"

static void formats_like_libc(void **state)
{
    static const int64_t values[] = { 0,         1,         -1,        7,         255,
                                      -128,      65535,     INT32_MAX, INT32_MIN, INT64_MAX,
                                      INT64_MIN, 123456789, -987654321 };
    unsigned int i;

    SAME("plain");
    SAME("100%%");
    SAME("%s|%10s|%-10s|%.2s|%10.2s|", "abc", "abc", "abc", "abc", "abc");
    SAME("%c%5c%-5c|", 'a', 'b', 'c');
    for (i = 0; i < ARRAY_SIZE(values); i++) {
        long value = values[i];
        int number = (int)value;

        SAME("%d %i %u %x %X %o", number, number, number, number, number, number);
        SAME("%ld %lu %lx %llX %lo", value, value, value, (long long)value, value);
        SAME("%hhd %hhu %hd %hx", (signed char)number, (unsigned char)number, (short)number,
             (unsigned short)number);
        SAME("%zu %zx", (size_t)value, (size_t)value);
        SAME("[%8d] [%-8d] [%08d] [%+d] [% d] [%+08d]", number, number, number, number, number,
             number);
        SAME("[%.5d] [%10.5d] [%-10.5d] [%.0d]", number, number, number, number);
        SAME("[%#x] [%#10x] [%#010x] [%-#10x] [%#.6x]", number, number, number, number, number);
        SAME("[%*d] [%-*d] [%.*d] [%*.*d]", 9, number, 9, number, 4, number, 12, 6, number);
        SAME("[%*d]", -9, number);
    }
}

static void formats_what_is_its_own(void **state)
{
    char text[64];
    const char *unknown = "%y %5q", *cut = "end %", *volatile none = NULL;

    string_format(text, sizeof(text), "%p", (void *)(uintptr_t)0xffff82d040200000ul);
    assert_string_equal(text, "ffff82d040200000");
    string_format(text, sizeof(text), "%p", (void *)(uintptr_t)0x10);
    assert_string_equal(text, "0000000000000010");
    string_format(text, sizeof(text), "%s", none);
    assert_string_equal(text, "(null)");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
#pragma GCC diagnostic ignored "-Wformat-security"
    string_format(text, sizeof(text), unknown);
    assert_string_equal(text, "%y %5q");
    string_format(text, sizeof(text), cut);
    assert_string_equal(text, "end %");
#pragma GCC diagnostic pop
}

static void reads_numbers(void **state)
{
    static const struct {
        const char *text;
        unsigned int base;
        uint64_t value;
        unsigned int used;
    } cases[] = {
        { "0", 0, 0, 1 },
        { "42x", 0, 42, 2 },
        { "0x2A ", 0, 42, 4 },
        { "052", 0, 42, 3 },
        { "08", 0, 0, 1 },
        { "0x", 0, 0, 1 },
        { "0xg", 16, 0, 1 },
        { "0x1f", 16, 31, 4 },
        { "ff", 16, 255, 2 },
        { "", 0, 0, 0 },
        { "-1", 0, 0, 0 },
        { "zz", 36, 35 * 36 + 35, 2 },
        { "18446744073709551615", 0, UINT64_MAX, 20 },
        { "18446744073709551616", 0, UINT64_MAX, 20 },
        { "99999999999999999999999", 10, UINT64_MAX, 23 },
    };
    const char *end;
    unsigned int i;

    for (i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(string_to_u64(cases[i].text, &end, cases[i].base), cases[i].value);
        assert_int_equal(end - cases[i].text, cases[i].used);
    }
    assert_int_equal(string_to_u64("7", NULL, 0), 7);
}

static void reads_sizes(void **state)
{
    const char *end;

    assert_int_equal(string_to_size("512M", &end), 512ull << 20);
    assert_int_equal(*end, '\0');
    assert_int_equal(string_to_size("1g,", &end), 1ull << 30);
    assert_int_equal(*end, ',');
    assert_int_equal(string_to_size("0x10k", &end), 16 << 10);
    assert_int_equal(string_to_size("2T", &end), 2ull << 40);
    assert_int_equal(string_to_size("77", &end), 77);
    assert_int_equal(string_to_size("9999999999T", &end), UINT64_MAX);
    assert_int_equal(string_to_size("K", &end), 0);
    assert_string_equal(end, "K");
}

static void copies_with_truncation(void **state)
{
    char text[4];

    assert_true(string_copy(text, "abc", sizeof(text)));
    assert_string_equal(text, "abc");
    assert_false(string_copy(text, "abcd", sizeof(text)));
    assert_string_equal(text, "abc");
}

static void searches_bitmaps(void **state)
{
    unsigned long map[BITMAP_LONGS(200)];
    bool naive[200];
    unsigned int round, bit, weight, from;

    for (round = 0; round < 500; round++) {
        memset(map, round % 2 == 0 ? 0 : 0xff, sizeof(map));
        weight = 0;
        for (bit = 0; bit < 200; bit++) {
            naive[bit] = host_random_below(1 + round % 40) == 0;
            naive[bit] ? bit_set(map, bit) : bit_clear(map, bit);
            weight += naive[bit];
        }
        assert_int_equal(bitmap_weight(map, 200), weight);
        from = (unsigned int)host_random_below(220);
        for (bit = from; bit < 200 && !naive[bit]; bit++) {
        }
        assert_int_equal(bitmap_find_set(map, 200, from), from < 200 ? bit : 200);
        for (bit = from; bit < 200 && naive[bit]; bit++) {
        }
        assert_int_equal(bitmap_find_clear(map, 200, from), from < 200 ? bit : 200);
        bitmap_for_each(bit, map, 200)
        {
            assert_true(naive[bit]);
            weight--;
        }
        assert_int_equal(weight, 0);
    }
}

struct item {
    uint32_t key;
    uint8_t bulk[70]; /* more than one piece of the exchange */
};

static int by_key(const void *a, const void *b)
{
    const struct item *left = a, *right = b;

    return (left->key > right->key) - (left->key < right->key);
}

static void sorts(void **state)
{
    static struct item ours[100], theirs[100];
    unsigned int round, count, i;

    for (round = 0; round < 300; round++) {
        count = (unsigned int)host_random_below(101);
        for (i = 0; i < count; i++) {
            ours[i].key = (uint32_t)host_random_below(1 + round);
            memset(ours[i].bulk, (int)ours[i].key, sizeof(ours[i].bulk));
        }
        memcpy(theirs, ours, sizeof(ours));
        sort_array(ours, count, sizeof(ours[0]), by_key);
        qsort(theirs, count, sizeof(theirs[0]), by_key);
        assert_memory_equal(ours, theirs, sizeof(ours));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_like_libc),
        cmocka_unit_test(formats_what_is_its_own),
        cmocka_unit_test(reads_numbers),
        cmocka_unit_test(reads_sizes),
        cmocka_unit_test(copies_with_truncation),
        cmocka_unit_test(searches_bitmaps),
        cmocka_unit_test(sorts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
