/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The arithmetic of clocks: counters to nanoseconds and back, and a clock that follows a reference.
 *
 *     ns = sample.ns + scale(tsc - sample.tsc)        scale(t) = ((t << shift) * mul) >> 32
 *
 * Invariants
 *  1. A scale made from a rate has mul >= 2^31, so it is exact to 2^-31 of the value.
 *  2. A steered clock never runs back: the new sample starts where the old one stands at the same tsc,
 *     or ahead of it.
 *
 * Pure functions, no state, no locks; also on the host.
 */
#include "asm/clock.h"

uint64_t clock_mul_div(uint64_t value, uint64_t mul, uint64_t div)
{
    uint64_t low, high, quotient, rest;

    __asm__("mulq %3" : "=a"(low), "=d"(high) : "0"(value), "rm"(mul) : "cc");
    if (high >= div) {
        return UINT64_MAX;
    }
    __asm__("divq %4" : "=a"(quotient), "=d"(rest) : "0"(low), "1"(high), "rm"(div) : "cc");
    return quotient;
}

/* numerator / denominator, both 1 .. 2^48, as mul and shift. */
static struct clock_scale scale_from_ratio(uint64_t numerator, uint64_t denominator)
{
    struct clock_scale scale = { 0, 0 };

    while (numerator >= denominator) {
        denominator <<= 1;
        scale.shift++;
    }
    while (numerator << 1 < denominator) {
        numerator <<= 1;
        scale.shift--;
    }
    scale.mul = clock_mul_div(numerator, 1ull << 32, denominator);
    return scale;
}

struct clock_scale clock_scale_from_hz(uint64_t hz)
{
    return scale_from_ratio(NS_PER_SECOND, hz);
}

struct clock_scale clock_scale_to_hz(uint64_t hz)
{
    return scale_from_ratio(hz, NS_PER_SECOND);
}

uint64_t clock_scale_apply(struct clock_scale scale, uint64_t ticks)
{
    if (scale.shift < 0) {
        ticks >>= -scale.shift;
    } else {
        ticks <<= scale.shift;
    }
    return (uint64_t)((unsigned __int128)ticks * scale.mul >> 32);
}

uint64_t clock_scale_invert(struct clock_scale scale, uint64_t ns)
{
    uint64_t steps = clock_mul_div(ns, 1ull << 32, scale.mul);

    return scale.shift < 0 ? steps << -scale.shift : steps >> scale.shift;
}

uint64_t clock_counter_delta(uint64_t before, uint64_t now, unsigned int bits)
{
    uint64_t mask = bits >= 64 ? ~0ull : (1ull << bits) - 1;

    return (now - before) & mask;
}

int64_t clock_sample_time(const struct clock_sample *sample, uint64_t tsc)
{
    int64_t ticks = (int64_t)(tsc - sample->tsc);

    /* Another CPU's counter may be a little behind the one the sample was taken from. */
    return ticks < 0 ? sample->ns
                     : sample->ns + (int64_t)clock_scale_apply(sample->scale, (uint64_t)ticks);
}

struct clock_sample clock_sample_steer(const struct clock_sample *old, uint64_t tsc,
                                       int64_t reference_ns, uint64_t hz, uint64_t period_ns,
                                       int64_t limit_ns)
{
    struct clock_sample next = { .tsc = tsc, .ns = clock_sample_time(old, tsc) };
    int64_t lag = reference_ns - next.ns;
    int64_t bend_max = (int64_t)(period_ns / 16);

    if (lag > limit_ns) {
        next.ns = reference_ns;
        lag = 0;
    }
    lag = min(max(lag, -bend_max), bend_max);
    next.scale = clock_scale_from_hz(clock_mul_div(hz, period_ns, period_ns + (uint64_t)lag));
    return next;
}

uint64_t clock_date_to_seconds(unsigned int year, unsigned int month, unsigned int day,
                               unsigned int hour, unsigned int minute, unsigned int second)
{
    static const uint16_t days_before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334 };
    unsigned int past = year - 1; /* whole years of the Gregorian calendar */
    uint64_t days = 365ull * past + past / 4 - past / 100 + past / 400 - 719162;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    days += days_before[(month - 1) % 12] + (leap && month > 2 ? 1 : 0) + day - 1;
    return ((days * 24 + hour) * 60 + minute) * 60 + second;
}
