/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Clocks. First the arithmetic (arch/x86/clock, also on the host), then the hardware
 * (arch/x86/time).
 */
#ifndef ASM_CLOCK_H
#define ASM_CLOCK_H

#include "hypervisor/types.h"

struct vcpu;

/* ---- arithmetic ------------------------------------------------------------------------------ */

/*
 * ns = ((ticks << shift) * mul) >> 32 (a negative shift shifts right): the form of the public
 * vcpu_time_info, which guests compute too. mul has its top bit set unless the rate is 0.
 */
struct clock_scale {
    uint32_t mul;
    int8_t shift;
};

/* hz 1 .. 2^48. */
struct clock_scale clock_scale_from_hz(uint64_t hz);
uint64_t clock_scale_apply(struct clock_scale scale, uint64_t ticks); /* to ns */
/* Scale from ns to ticks of hz: clock_scale_apply on it turns ns into ticks. */
struct clock_scale clock_scale_to_hz(uint64_t hz);
/* Ticks that the scale turns into ns, or into less by one tick or 1 ns, whatever is longer. */
uint64_t clock_scale_invert(struct clock_scale scale, uint64_t ns);
/* value * mul / div without overflow in between, saturating at UINT64_MAX; div > 0. */
uint64_t clock_mul_div(uint64_t value, uint64_t mul, uint64_t div);
/* Progress of a counter of `bits` bits (1..64) between two readings, modulo its size. */
uint64_t clock_counter_delta(uint64_t before, uint64_t now, unsigned int bits);

/* A reading: at counter value `tsc` the system time was `ns`, and it goes on with `scale`. */
struct clock_sample {
    uint64_t tsc;
    int64_t ns;
    struct clock_scale scale;
};
int64_t clock_sample_time(const struct clock_sample *sample, uint64_t tsc);

/*
 * The next sample of a clock that is steered: at `tsc` a reference says it is `reference_ns`, and
 * the counter runs at hz. The result is continuous (never back), and its rate is bent by at most
 * 1/16 such that the difference is gone after period_ns; a lag above limit_ns is jumped.
 */
struct clock_sample clock_sample_steer(const struct clock_sample *old, uint64_t tsc,
                                       int64_t reference_ns, uint64_t hz, uint64_t period_ns,
                                       int64_t limit_ns);

/* Seconds since 1970 of a Gregorian UTC date; month 1..12, day 1..31, year 1970..9999. */
uint64_t clock_date_to_seconds(unsigned int year, unsigned int month, unsigned int day,
                               unsigned int hour, unsigned int minute, unsigned int second);

/* ---- hardware: arch/x86/time ----------------------------------------------------------------- */

extern uint64_t tsc_hz;         /* calibrated; 0 before time_init_boot */
extern uint64_t lapic_timer_hz; /* ticks a second with the divider in use */
extern bool tsc_reliable;       /* constant and the same on all CPUs */

/* A counter of the platform. read returns the raw value. */
struct clock_source {
    const char *name;  /* value of clocksource=: hpet, acpi, pit */
    const char *title; /* "HPET" */
    unsigned int bits;
    uint64_t hz;
    bool (*init)(struct clock_source *source); /* is there one? fills in bits and hz */
    uint64_t (*read)(void);
};
extern struct clock_source *clock_source; /* the platform counter in use */

/*
 * Boot CPU, once, after acpi_init, irq_init and the boot CPU's lapic_init_cpu: finds the platform
 * counter, calibrates TSC and LAPIC timer, starts system time, reads the RTC (wallclock_set).
 */
void time_init_boot(void);

/* Each further CPU, on it, interrupts off, after lapic_init_cpu: its sample and timer. */
void time_init_cpu(void);

/* Once, on the boot CPU, when all CPUs are online: checks that their TSCs agree. */
void time_init_smp(void);

uint64_t time_platform_ns(void); /* platform counter, ns since it was started */

/* Busy waits, usable once time_init_boot ran (before: a rough PIT wait). */
void delay_us(uint64_t us);

#endif
