/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The freestanding memory and string functions, beside libc's. Their file is included under other
 * names, since the host library does not have it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "asm/host.h"

#define memcpy  own_memcpy
#define memmove own_memmove
#define memset  own_memset
#define memcmp  own_memcmp
#define memchr  own_memchr
#define strlen  own_strlen
#define strnlen own_strnlen
#define strcmp  own_strcmp
#define strncmp own_strncmp
#define strchr  own_strchr
#define strrchr own_strrchr
#define strstr  own_strstr
#include "hypervisor/lib/freestanding/string.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strnlen
#undef strcmp
#undef strncmp
#undef strchr
#undef strrchr
#undef strstr

#define AREA 512

static uint8_t ours[AREA], theirs[AREA];

static void fill(void)
{
    unsigned int i;

    for (i = 0; i < AREA; i++) {
        ours[i] = theirs[i] = (uint8_t)host_random();
    }
}

static void moves_like_libc_at_every_size(void **state)
{
    unsigned int bytes, from, to;

    for (bytes = 0; bytes <= 140; bytes++) {
        for (from = 64; from < 80; from++) {
            for (to = 0; to < 160; to += 1 + (bytes > 40) * 5) {
                fill();
                assert_ptr_equal(own_memmove(ours + to, ours + from, bytes), ours + to);
                memmove(theirs + to, theirs + from, bytes);
                assert_memory_equal(ours, theirs, AREA);
            }
        }
    }
}

static void copies_like_libc_at_every_size(void **state)
{
    unsigned int bytes, from, to;

    for (bytes = 0; bytes <= 200; bytes++) {
        for (from = 0; from < 9; from++) {
            for (to = 256; to < 265; to++) {
                fill();
                assert_ptr_equal(own_memcpy(ours + to, ours + from, bytes), ours + to);
                memcpy(theirs + to, theirs + from, bytes);
                assert_memory_equal(ours, theirs, AREA);
            }
        }
    }
}

static void sets_like_libc_at_every_size(void **state)
{
    unsigned int bytes, to;

    for (bytes = 0; bytes <= 200; bytes++) {
        for (to = 3; to < 19; to++) {
            fill();
            assert_ptr_equal(own_memset(ours + to, (int)bytes * 7, bytes), ours + to);
            memset(theirs + to, (int)bytes * 7, bytes);
            assert_memory_equal(ours, theirs, AREA);
        }
    }
}

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static void compares_like_libc(void **state)
{
    unsigned int bytes, at;

    for (bytes = 0; bytes <= 40; bytes++) {
        for (at = 0; at < 45; at++) {
            fill();
            ours[at] ^= (uint8_t)host_random();
            assert_int_equal(own_memcmp(ours, theirs, bytes), sign(memcmp(ours, theirs, bytes)));
        }
    }
    fill();
    for (at = 0; at < 256; at++) {
        assert_ptr_equal(own_memchr(ours, (int)at, 200), memchr(ours, (int)at, 200));
    }
}

/* Short texts of three letters, so that they are often alike. */
static void random_text(char *text, unsigned int max)
{
    unsigned int length = (unsigned int)host_random_below(max), i;

    for (i = 0; i < length; i++) {
        text[i] = "ab\xe4"[host_random_below(3)];
    }
    text[length] = '\0';
}

static void handles_texts_like_libc(void **state)
{
    char a[16], b[16];
    unsigned int round, limit;

    for (round = 0; round < 20000; round++) {
        random_text(a, sizeof(a));
        random_text(b, 5);
        limit = (unsigned int)host_random_below(18);
        assert_int_equal(own_strlen(a), strlen(a));
        assert_int_equal(own_strnlen(a, limit), strnlen(a, limit));
        assert_int_equal(sign(own_strcmp(a, b)), sign(strcmp(a, b)));
        assert_int_equal(sign(own_strncmp(a, b, limit)), sign(strncmp(a, b, limit)));
        assert_ptr_equal(own_strchr(a, b[0]), strchr(a, b[0]));
        assert_ptr_equal(own_strrchr(a, b[0]), strrchr(a, b[0]));
        assert_ptr_equal(own_strstr(a, b), strstr(a, b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moves_like_libc_at_every_size),
        cmocka_unit_test(copies_like_libc_at_every_size),
        cmocka_unit_test(sets_like_libc_at_every_size),
        cmocka_unit_test(compares_like_libc),
        cmocka_unit_test(handles_texts_like_libc),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
