/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * System time and per-CPU timers.
 *
 * System time is nanoseconds since boot, monotonic, the same on every CPU (within the clock's
 * skew). Timers run their function from SOFTWORK_TIMER on their CPU, interrupts on, no lock held.
 */
#ifndef HYPERVISOR_TIMER_H
#define HYPERVISOR_TIMER_H

#include "hypervisor/types.h"

typedef int64_t system_time_t; /* ns since boot */

#define TIME_NEVER INT64_MAX

system_time_t time_now(void);

struct timer {
    system_time_t expires;
    void (*fn)(void *data);
    void *data;
    struct timer *child, *sibling, *before; /* links of the CPU's heap: core/time/timer_heap.h */
    uint16_t cpu;
    uint8_t state; /* enum timer_state of core/time/timer.c */
};

void timer_init(struct timer *timer, void (*fn)(void *), void *data, unsigned int cpu);

/* (Re)arms; a past time fires at once. No-op after timer_kill. Any context but NMI. */
void timer_set(struct timer *timer, system_time_t expires);

/* Disarms; the function may still be running on its CPU. */
void timer_stop(struct timer *timer);

/* Disarms for good and waits until the function is not running. Not from the function itself. */
void timer_kill(struct timer *timer);

/*
 * Moves it to another CPU, armed or not. Its function may at that time still be running on the old
 * one, and then run on both at once if it is armed again.
 */
void timer_migrate(struct timer *timer, unsigned int cpu);

/* Earliest deadline of this CPU, TIME_NEVER when none. */
system_time_t timer_next(unsigned int cpu);

/* The architecture calls it from its timer interrupt, which leaves the hardware disarmed. */
void timer_interrupt(void);

void timers_init(void);
bool timers_valid(unsigned int cpu);

/*
 * Wall clock: seconds and ns since 1970 at system time 0; written into every shared_info (plus the
 * domain's time_offset_seconds). set: it was that time at system time `at`; no lock held.
 */
struct domain;
void wallclock_set(uint64_t seconds, uint32_t ns, system_time_t at);
void wallclock_publish(struct domain *domain);
void wallclock_get(uint64_t *seconds, uint32_t *ns);

#endif
