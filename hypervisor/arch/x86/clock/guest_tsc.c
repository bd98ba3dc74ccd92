/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Emulated time-stamp counters.
 *
 *     count = scale^-1(system time - start)          system time = start + scale(count)
 *
 * RDTSC then traps (CR4.TSD), and the guest's vcpu_time_info has the second line's constants in place
 * of the machine's: count 0 was at start_ns. All vcpus share them, and they never change.
 *
 * Invariants
 *  1. System time as the guest computes it from a count is behind the time at which the count was
 *     read by no more than a tick or a nanosecond, and never ahead of it.
 *  2. Counts never go back, on no vcpu: `newest` is the highest one shown. Where the machine's TSCs
 *     are not in step, system times of two CPUs differ a little; the later one waits.
 */
#include "asm/guest_tsc.h"
#include "hypervisor/atomic.h"
#include "hypervisor/error.h"

/* Slower than a PIT's or faster than any processor's: a slip of whoever asks. */
#define KHZ_MIN 1000u
#define KHZ_MAX 100000000u

static uint32_t machine_khz(void)
{
    return (uint32_t)(tsc_hz / 1000);
}

int guest_tsc_set(struct guest_tsc *tsc, uint32_t mode, uint32_t khz, uint64_t elapsed_ns,
                  uint32_t incarnation, int64_t now_ns)
{
    bool same_rate = khz == 0 || khz == machine_khz();

    if (mode > GUEST_TSC_NATIVE || (mode == GUEST_TSC_NATIVE && !same_rate)) {
        return -XEN_EINVAL;
    }
    if (khz != 0 && (khz < KHZ_MIN || khz > KHZ_MAX)) {
        return -XEN_ERANGE;
    }
    *tsc = (struct guest_tsc){
        .mode = mode,
        .khz = khz,
        .incarnation = incarnation,
        .emulated = mode == GUEST_TSC_EMULATE || !same_rate,
        .start_ns = now_ns - (int64_t)elapsed_ns,
    };
    tsc->scale = clock_scale_from_hz(guest_tsc_khz(tsc) * 1000ull);
    return 0;
}

uint32_t guest_tsc_khz(const struct guest_tsc *tsc)
{
    return tsc->khz != 0 ? tsc->khz : machine_khz();
}

uint64_t guest_tsc_count(struct guest_tsc *tsc, int64_t now_ns)
{
    uint64_t newest = atomic_read(&tsc->newest);
    uint64_t count = clock_scale_invert(tsc->scale, (uint64_t)(now_ns - tsc->start_ns));

    while (count > newest) {
        if (atomic_compare_exchange(&tsc->newest, &newest, count)) {
            return count;
        }
    }
    return newest;
}

struct clock_sample guest_tsc_sample(const struct guest_tsc *tsc, const struct clock_sample *host)
{
    return tsc->emulated ? (struct clock_sample){ 0, tsc->start_ns, tsc->scale } : *host;
}
