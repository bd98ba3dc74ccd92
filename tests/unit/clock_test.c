/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The arithmetic of clocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "asm/guest_tsc.h"
#include "hypervisor/error.h"

#include <stdlib.h>
#include <time.h>

static const uint64_t rates[] = { 1,          18,         32768,      1000000,    1193182,
                                  3579545,    14318180,   100000000,  999999999,  1000000000,
                                  1000000001, 2399998765, 5000000000, 1ull << 40, 1ull << 48 };

static uint64_t difference(uint64_t a, uint64_t b)
{
    return a > b ? a - b : b - a;
}

static uint64_t any_number(void)
{
    return ((uint64_t)rand() << 33 ^ (uint64_t)rand() << 16 ^ (uint64_t)rand()) >> (rand() % 64);
}

static void test_mul_div(void **state)
{
    assert_int_equal(clock_mul_div(7, 6, 2), 21);
    assert_int_equal(clock_mul_div(~0ull, ~0ull, ~0ull), ~0ull);
    assert_int_equal(clock_mul_div(1ull << 63, 4, 8), 1ull << 62);
    assert_int_equal(clock_mul_div(~0ull, 2, 1), UINT64_MAX);
    assert_int_equal(clock_mul_div(0, 5, 3), 0);
    srand(4);
    for (unsigned int i = 0; i < 200000; i++) {
        uint64_t value = any_number(), mul = any_number(), div = any_number() | 1;
        unsigned __int128 exact = (unsigned __int128)value * mul / div;

        assert_int_equal(clock_mul_div(value, mul, div),
                         exact > UINT64_MAX ? UINT64_MAX : (uint64_t)exact);
    }
}

/* Against 128-bit arithmetic: off by 2^-31 of the value and the bits a shift loses at most. */
static void check_scale(struct clock_scale scale, uint64_t ticks, uint64_t num, uint64_t den)
{
    unsigned __int128 exact = (unsigned __int128)ticks * num / den;
    uint64_t got;
    unsigned int up = scale.shift > 0 ? (unsigned int)scale.shift : 0;

    if (exact >> 62 || (ticks << up) >> up != ticks) {
        return;
    }
    got = clock_scale_apply(scale, ticks);
    assert_true(difference(got, (uint64_t)exact) <=
                ((uint64_t)exact >> 30) + 2 + (num > den ? num / den : 0));
}

static void test_scales(void **state)
{
    srand(1);
    for (unsigned int i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        struct clock_scale to_ns = clock_scale_from_hz(rates[i]);
        struct clock_scale to_ticks = clock_scale_to_hz(rates[i]);

        assert_true(to_ns.mul >> 31);
        assert_true(to_ticks.mul >> 31);
        assert_int_equal(clock_scale_apply(to_ns, 0), 0);
        for (unsigned int n = 0; n < 2000; n++) {
            uint64_t value = ((uint64_t)rand() << 31 | (uint64_t)rand()) >> (rand() % 62);

            check_scale(to_ns, value, NS_PER_SECOND, rates[i]);
            check_scale(to_ticks, value, rates[i], NS_PER_SECOND);
        }
    }
}

/* Back by the inverse: never ahead, behind by a tick or a nanosecond at most. */
static void test_inverse(void **state)
{
    srand(7);
    for (unsigned int i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
        struct clock_scale scale = clock_scale_from_hz(rates[i]);
        uint64_t tick_ns = NS_PER_SECOND / rates[i];

        if (rates[i] > 1ull << 40) {
            continue; /* its count would not fit */
        }
        assert_int_equal(clock_scale_invert(scale, 0), 0);
        for (unsigned int n = 0; n < 20000; n++) {
            uint64_t ns = any_number() >> 11; /* 100 days */
            uint64_t back = clock_scale_apply(scale, clock_scale_invert(scale, ns));

            assert_true(back <= ns && ns - back <= tick_ns + 1);
        }
    }
}

static void test_guest_counter(void **state)
{
    const struct clock_sample host = { 1, 2, { 3, 4 } };
    struct guest_tsc tsc = { 0 };
    struct clock_sample sample;
    uint64_t before;

    assert_false(tsc.emulated);
    assert_int_equal(guest_tsc_khz(&tsc), 1000000); /* the host's */
    assert_int_equal(guest_tsc_set(&tsc, 3, 0, 0, 0, 0), -XEN_EINVAL);
    assert_int_equal(guest_tsc_set(&tsc, GUEST_TSC_NATIVE, 999, 0, 0, 0), -XEN_EINVAL);
    assert_int_equal(guest_tsc_set(&tsc, GUEST_TSC_EMULATE, 999, 0, 0, 0), -XEN_ERANGE);
    assert_int_equal(guest_tsc_set(&tsc, GUEST_TSC_DEFAULT, 100000001, 0, 0, 0), -XEN_ERANGE);
    assert_int_equal(guest_tsc_set(&tsc, GUEST_TSC_DEFAULT, 1000000, 9, 2, 10), 0);
    assert_false(tsc.emulated);
    sample = guest_tsc_sample(&tsc, &host);
    assert_true(sample.tsc == 1 && sample.ns == 2 && sample.scale.mul == 3);
    assert_int_equal(guest_tsc_set(&tsc, GUEST_TSC_NATIVE, 0, 9, 2, 10), 0);
    assert_false(tsc.emulated);
    assert_int_equal(guest_tsc_set(&tsc, GUEST_TSC_DEFAULT, 2300000, 0, 0, 0), 0);
    assert_true(tsc.emulated); /* it came from a machine with another rate */

    /* Of an age at its start, and at the rate asked for. */
    assert_int_equal(
        guest_tsc_set(&tsc, GUEST_TSC_EMULATE, 2300000, 5 * NS_PER_SECOND, 1, NS_PER_SECOND), 0);
    sample = guest_tsc_sample(&tsc, &host);
    assert_true(difference(guest_tsc_count(&tsc, NS_PER_SECOND), 11500000000) <= 16);
    assert_true(difference(guest_tsc_count(&tsc, 3 * NS_PER_SECOND), 16100000000) <= 16);
    for (int64_t now = 3 * (int64_t)NS_PER_SECOND; now < 3 * (int64_t)NS_PER_SECOND + 5000; now++) {
        int64_t seen = clock_sample_time(&sample, guest_tsc_count(&tsc, now));

        assert_true(seen <= now && now - seen <= 1);
    }
    before = guest_tsc_count(&tsc, 4 * NS_PER_SECOND);
    assert_int_equal(guest_tsc_count(&tsc, 4 * NS_PER_SECOND - 100), before); /* a CPU behind */
    assert_true(guest_tsc_count(&tsc, 4 * NS_PER_SECOND + 100) > before);
}

static void test_counter_delta(void **state)
{
    assert_int_equal(clock_counter_delta(10, 25, 64), 15);
    assert_int_equal(clock_counter_delta(0xfffff0, 0x10, 24), 0x20);
    assert_int_equal(clock_counter_delta(0xfffffff0, 0x10, 32), 0x20);
    assert_int_equal(clock_counter_delta(~0ull, 0, 64), 1);
    assert_int_equal(clock_counter_delta(0xffff, 0, 16), 1);
}

static void test_sample(void **state)
{
    struct clock_sample s = { 1000, 5000, clock_scale_from_hz(2000000000) };

    assert_int_equal(clock_sample_time(&s, 1000), 5000);
    assert_int_equal(clock_sample_time(&s, 3000), 6000);
    assert_int_equal(clock_sample_time(&s, 900), 5000); /* a counter a little behind */
}

/* A TSC that is faster than believed, and whose reading of the reference is noisy. */
static void test_steer_follows(void **state)
{
    const uint64_t believed = 2000000000, real = 2000200000, period = NS_PER_SECOND;
    struct clock_sample s = { 0, 0, clock_scale_from_hz(believed) };
    int64_t last = 0;

    srand(2);
    for (int second = 1; second < 200; second++) {
        uint64_t tsc = (uint64_t)second * real;
        int64_t reference = second * (int64_t)NS_PER_SECOND + rand() % 2000 - 1000;

        for (uint64_t at = tsc - real + real / 8; at < tsc; at += real / 8) {
            int64_t now = clock_sample_time(&s, at);

            assert_true(now >= last);
            last = now;
        }
        s = clock_sample_steer(&s, tsc, reference, believed, period, 100000000);
        assert_true(s.ns >= last);
        last = s.ns;
        if (second > 20) {
            assert_true(llabs(s.ns - reference) < 300000);
        }
    }
}

static void test_steer_limits(void **state)
{
    struct clock_sample s = { 0, 0, clock_scale_from_hz(1000000000) }, n;

    /* Far behind: jumps. Far ahead: never back, at most a sixteenth slower. */
    n = clock_sample_steer(&s, 1000, 1000000000, 1000000000, NS_PER_SECOND, 100000000);
    assert_int_equal(n.ns, 1000000000);
    n = clock_sample_steer(&s, 2000000000, 0, 1000000000, NS_PER_SECOND, 100000000);
    assert_true(difference((uint64_t)n.ns, 2000000000) < 8);
    assert_true(clock_scale_apply(n.scale, 1000000000) >= 930000000);
    assert_true(clock_scale_apply(n.scale, 1000000000) < 1000000000);
}

static void test_dates(void **state)
{
    srand(3);
    assert_int_equal(clock_date_to_seconds(1970, 1, 1, 0, 0, 0), 0);
    assert_int_equal(clock_date_to_seconds(2000, 2, 29, 12, 0, 1), 951825601);
    assert_int_equal(clock_date_to_seconds(2026, 1, 1, 0, 0, 0), 1767225600);
    for (unsigned int i = 0; i < 20000; i++) {
        time_t t = (time_t)(((uint64_t)rand() << 31 | (uint64_t)rand()) % 253402300799ull);
        struct tm tm;

        gmtime_r(&t, &tm);
        assert_int_equal(clock_date_to_seconds(tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday,
                                               tm.tm_hour, tm.tm_min, tm.tm_sec),
                         t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mul_div),       cmocka_unit_test(test_scales),
        cmocka_unit_test(test_counter_delta), cmocka_unit_test(test_sample),
        cmocka_unit_test(test_steer_follows), cmocka_unit_test(test_steer_limits),
        cmocka_unit_test(test_dates),         cmocka_unit_test(test_inverse),
        cmocka_unit_test(test_guest_counter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
