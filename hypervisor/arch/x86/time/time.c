/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * System time, from the TSC.
 *
 *     platform counter (HPET, PM timer, PIT)      chosen and measured against at boot
 *            |  tsc_hz
 *            v
 *     struct clock_sample, two a CPU, and which of them counts:
 *            ns = sample.ns + scale(tsc - sample.tsc)
 *            |
 *            +-- arch_time_now()                   a few nanoseconds, any context
 *            +-- vcpu_time_info of the running vcpu (vcpu_time.c)
 *            '-- LAPIC timer: deadlines, by the inverse scale
 *
 * The TSC is *reliable* when it runs at a constant rate (invariant TSC, or we are ourselves in a
 * virtual machine, or clocksource=tsc) and no CPU saw another one's value go back (time_init_smp).
 * Then all CPUs have the same sample for ever, and guests are told so (XEN_PVCLOCK_TSC_STABLE_BIT).
 * Otherwise each CPU's clock is steered to the platform counter once a second.
 *
 * Invariants
 *  1. A CPU's clock never runs back (clock_sample_steer).
 *  2. A CPU writes its own samples only, the one that does not count first, then the index: so an
 *     interrupt or NMI in between reads a whole sample.
 *  3. With a reliable TSC no sample changes after time_init_smp.
 *
 * Locks: platform_lock (LOCK_TIME) for the platform counter's overflow count.
 *
 * Not guaranteed: with an unreliable TSC, clocks of different CPUs agree only to some microseconds.
 */
#include "arch/cpu.h"
#include "arch/time.h"
#include "asm/apic.h"
#include "asm/clock.h"
#include "asm/cpu_features.h"
#include "asm/irq.h"
#include "asm/msr.h"
#include "asm/vectors.h"
#include "hypervisor/atomic.h"
#include "hypervisor/bug.h"
#include "hypervisor/cpu.h"
#include "hypervisor/lock.h"
#include "hypervisor/option.h"
#include "hypervisor/printk.h"
#include "hypervisor/string.h"
#include "hypervisor/timer.h"

#include "source.h"
#include "vcpu_time.h"

#define CALIBRATE_NS    (50 * NS_PER_MS)
#define STEER_PERIOD_NS NS_PER_SECOND
#define STEER_JUMP_NS   ((int64_t)(100 * NS_PER_MS))
#define READING_TRIES   8
#define WARP_CHECKS_MIN 200
#define WARP_CHECK_US   2000
#define EARLY_TSC_PER_US \
    3000 /* before calibration: at least the time asked for, on most machines */
#define TIMER_TICKS_MIN 1

uint64_t tsc_hz;
uint64_t lapic_timer_hz;
bool tsc_reliable;

struct cpu_clock {
    struct clock_sample samples[2];
    uint32_t index; /* which one counts */
    uint64_t generation;
    struct timer steer_timer;
} __aligned(64);

static DEFINE_PER_CPU(struct cpu_clock, cpu_clock);
static struct clock_scale ns_to_tsc, ns_to_lapic;
static uint64_t generation_last;

/* ---- platform counter ------------------------------------------------------------------------ */

static struct spinlock platform_lock = SPINLOCK_INIT(LOCK_TIME);
static struct clock_scale platform_scale;
static uint64_t platform_raw, platform_ticks;
static struct timer platform_timer;

uint64_t time_platform_ns(void)
{
    unsigned long flags = spin_lock_irqsave(&platform_lock);
    uint64_t raw = clock_source->read();
    uint64_t ticks;

    platform_ticks += clock_counter_delta(platform_raw, raw, clock_source->bits);
    platform_raw = raw;
    ticks = platform_ticks;
    spin_unlock_irqrestore(&platform_lock, flags);
    return clock_scale_apply(platform_scale, ticks);
}

/* Platform time and TSC at the same moment: the tightest of several readings. */
static void reading_take(uint64_t *platform_ns, uint64_t *tsc)
{
    uint64_t best = UINT64_MAX;

    for (unsigned int i = 0; i < READING_TRIES; i++) {
        uint64_t before = tsc_read_ordered();
        uint64_t ns = time_platform_ns();
        uint64_t after = tsc_read_ordered();

        if (after - before < best) {
            best = after - before;
            *platform_ns = ns;
            *tsc = before + best / 2;
        }
    }
}

/* Keeps the overflow count right: at least four times a wrap. */
static void platform_tick(void *data)
{
    (void)time_platform_ns();
    timer_set(&platform_timer, time_now() + (system_time_t)(uintptr_t)data);
}

static void platform_tick_start(void)
{
    uint64_t wrap_ns =
        clock_mul_div(1ull << (clock_source->bits - 1), NS_PER_SECOND, clock_source->hz) / 2;
    uintptr_t period_ns = min(wrap_ns, 1000 * NS_PER_SECOND);

    timer_init(&platform_timer, platform_tick, (void *)period_ns, arch_cpu_id());
    platform_tick(platform_timer.data);
}

/* ---- samples --------------------------------------------------------------------------------- */

static void sample_set(unsigned int cpu, const struct clock_sample *sample)
{
    struct cpu_clock *clock = &per_cpu(cpu_clock, cpu);
    uint32_t other = clock->index ^ 1;

    clock->samples[other] = *sample;
    clock->generation = atomic_add(&generation_last, 1);
    atomic_write_release(&clock->index, other);
}

struct clock_sample time_sample_current(uint64_t *generation)
{
    const struct cpu_clock *clock = &this_cpu(cpu_clock);

    *generation = clock->generation;
    return clock->samples[clock->index];
}

int64_t arch_time_now(void)
{
    const struct cpu_clock *clock = &this_cpu(cpu_clock);
    const struct clock_sample *sample = &clock->samples[atomic_read_acquire(&clock->index)];

    return clock_sample_time(sample, tsc_read_ordered());
}

uint64_t arch_cycles(void)
{
    return tsc_read();
}

/* Once a second on each CPU whose TSC is not to be trusted. */
static void steer(void *data)
{
    struct cpu_clock *clock = &this_cpu(cpu_clock);
    struct clock_sample next;
    uint64_t platform_ns, tsc;
    unsigned long flags = arch_irq_save();

    reading_take(&platform_ns, &tsc);
    next = clock_sample_steer(&clock->samples[clock->index], tsc, (int64_t)platform_ns, tsc_hz,
                              STEER_PERIOD_NS, STEER_JUMP_NS);
    sample_set(arch_cpu_id(), &next);
    arch_irq_restore(flags);
    vcpu_time_refresh_current();
    timer_set(&clock->steer_timer, time_now() + (system_time_t)STEER_PERIOD_NS);
}

/* ---- calibration ----------------------------------------------------------------------------- */

static void calibrate(void)
{
    uint64_t ns_start, ns_end, tsc_start, tsc_end;
    uint32_t count_start = 0, count_end = 0;
    unsigned long flags = arch_irq_save();

    platform_scale = clock_scale_from_hz(clock_source->hz);
    platform_raw = clock_source->read();
    lapic_timer_arm_ticks(UINT32_MAX);
    reading_take(&ns_start, &tsc_start);
    count_start = lapic_timer_count();
    do {
        reading_take(&ns_end, &tsc_end);
        count_end = lapic_timer_count();
    } while (ns_end - ns_start < CALIBRATE_NS && count_end != 0);
    lapic_timer_arm_ticks(0);
    arch_irq_restore(flags);
    if (ns_end <= ns_start || tsc_end <= tsc_start) {
        panic("the TSC or the %s does not count", clock_source->title);
    }
    tsc_hz = clock_mul_div(tsc_end - tsc_start, NS_PER_SECOND, ns_end - ns_start);
    lapic_timer_hz = clock_mul_div(count_start - count_end, NS_PER_SECOND, ns_end - ns_start);
}

/* tsc=unstable: keep the clocks in step as on a machine whose TSCs cannot be trusted. */
static char opt_tsc[16];
OPTION_STRING("tsc", opt_tsc, "unstable: do not trust the time-stamp counters");

static bool tsc_is_constant(void)
{
    if (strcmp(opt_tsc, "unstable") == 0) {
        return false;
    }
    return cpu_has(CPU_TSC_INVARIANT) || cpu_has(CPU_HYPERVISOR) ||
           strcmp(opt_clock_source, "tsc") == 0;
}

static void timer_vector(struct cpu_user_regs *regs)
{
    timer_interrupt();
}

void time_init_boot(void)
{
    struct clock_sample sample;
    uint64_t platform_ns, seconds;

    if (!clock_source_choose()) {
        panic("no clock: neither HPET nor PM timer nor PIT counts");
    }
    calibrate();
    ns_to_tsc = clock_scale_to_hz(tsc_hz);
    if (!lapic_timer_has_deadline()) {
        if (lapic_timer_hz == 0) {
            panic("the local APIC's timer does not count");
        }
        ns_to_lapic = clock_scale_to_hz(lapic_timer_hz);
    }
    tsc_reliable = tsc_is_constant();
    reading_take(&platform_ns, &sample.tsc);
    sample.ns = (int64_t)platform_ns;
    sample.scale = clock_scale_from_hz(tsc_hz);
    sample_set(arch_cpu_id(), &sample);
    interrupt_set_handler(VECTOR_TIMER, timer_vector);
    pr_info("time: %s at %llu kHz, TSC %llu kHz (%s), LAPIC timer %s\n", clock_source->title,
            (unsigned long long)(clock_source->hz / 1000), (unsigned long long)(tsc_hz / 1000),
            tsc_reliable ? "constant" : "steered",
            lapic_timer_has_deadline() ? "with TSC deadline" : "one-shot");
    if (rtc_read(&seconds)) {
        wallclock_set(seconds, 0, arch_time_now());
    } else {
        pr_warning("time: no battery-backed clock, the wall clock starts in 1970\n");
    }
}

void time_init_cpu(void)
{
    struct clock_sample sample;
    uint64_t platform_ns;

    if (tsc_reliable) {
        sample = per_cpu(cpu_clock, 0).samples[per_cpu(cpu_clock, 0).index];
    } else {
        reading_take(&platform_ns, &sample.tsc);
        sample.ns = (int64_t)platform_ns;
        sample.scale = clock_scale_from_hz(tsc_hz);
    }
    sample_set(arch_cpu_id(), &sample);
}

/* ---- do the CPUs' TSCs agree? ---------------------------------------------------------------- */

static struct spinlock warp_lock = SPINLOCK_INIT(LOCK_NONE);
static uint64_t warp_last, warp_max;

/* On all CPUs at once: each reads the TSC after the one before it did. */
static void warp_check(void *data)
{
    uint64_t start = tsc_read_ordered(), now = start;
    uint64_t enough = clock_mul_div(WARP_CHECK_US, tsc_hz, 1000000);

    for (unsigned int i = 0; i < WARP_CHECKS_MIN || now - start < enough; i++) {
        spin_lock(&warp_lock);
        now = tsc_read_ordered();
        if (now < warp_last) {
            warp_max = max(warp_max, warp_last - now);
        }
        warp_last = now;
        spin_unlock(&warp_lock);
    }
}

static void steer_start(void *data)
{
    struct cpu_clock *clock = &this_cpu(cpu_clock);

    timer_init(&clock->steer_timer, steer, NULL, arch_cpu_id());
    timer_set(&clock->steer_timer, time_now() + (system_time_t)STEER_PERIOD_NS);
}

void time_init_smp(void)
{
    if (tsc_reliable) {
        cpu_call(&cpu_online_mask, warp_check, NULL);
        if (warp_max != 0) {
            pr_warning("time: the CPUs' TSCs differ by %llu ticks or more: steered\n",
                       (unsigned long long)warp_max);
            tsc_reliable = false;
        }
    }
    if (!tsc_reliable) {
        platform_tick_start();
        cpu_call(&cpu_online_mask, steer_start, NULL);
    }
}

/* ---- deadlines and delays -------------------------------------------------------------------- */

void arch_timer_program(int64_t deadline)
{
    unsigned long flags = arch_irq_save();
    const struct cpu_clock *clock = &this_cpu(cpu_clock);
    const struct clock_sample *sample = &clock->samples[clock->index];
    uint64_t tsc = tsc_read_ordered();
    int64_t now = clock_sample_time(sample, tsc);
    uint64_t wait_ns = deadline > now ? (uint64_t)(deadline - now) : 0;

    if (lapic_timer_has_deadline()) {
        /* A year is for ever; the interrupt may come early, the caller looks at the time again. */
        wait_ns = min(wait_ns, 1ull << 55);
        lapic_timer_arm_deadline(
            deadline == TIME_NEVER ? 0 : tsc + clock_scale_apply(ns_to_tsc, wait_ns) + 1);
    } else if (deadline == TIME_NEVER) {
        lapic_timer_arm_ticks(0);
    } else {
        uint64_t ticks = clock_scale_apply(ns_to_lapic, min(wait_ns, 1ull << 40)) + TIMER_TICKS_MIN;

        lapic_timer_arm_ticks((uint32_t)min(ticks, (uint64_t)UINT32_MAX));
    }
    arch_irq_restore(flags);
}

void delay_us(uint64_t us)
{
    uint64_t start = tsc_read_ordered();
    uint64_t ticks = tsc_hz != 0 ? clock_mul_div(us, tsc_hz, 1000000) : us * EARLY_TSC_PER_US;

    while (tsc_read_ordered() - start < ticks) {
        arch_cpu_relax();
    }
}
