/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The hypervisor's own watchdog.
 *
 *     CPU 0 --looks at--> CPU 1 --looks at--> CPU 2 --looks at--> CPU 0
 *     beats 17            beats 16            beats 16
 *
 * Each CPU has a timer that counts its heartbeat and compares that of the next online CPU with what
 * it saw before. Timers run in deferred work: a CPU that spins, with interrupts on or off, neither
 * counts nor looks. As long as one CPU is alive, one of those that are stuck is the next of one that is
 * alive, and is found.
 *
 * The CPU that finds it has every CPU dump its registers and stack, the stuck one first, by
 * an NMI that needs no cooperation, and panics.
 *
 * Invariants:
 *   1. A CPU is found only after its heart stood still for the whole timeout while its observer
 *      looked all the time: an observer that was late itself (a virtual machine that was halted, a
 *      slow console) begins anew, and so it does while the watchdog is paused.
 *   2. One CPU at most reports.
 *
 * No locks: a CPU writes only its own struct; beats are read by one other.
 * Not guaranteed: when all CPUs get stuck nobody looks any more; and what happens before
 * watchdog_start (building dom0) is not watched.
 */
#include "hypervisor/watchdog.h"

#include "arch/cpu.h"
#include "hypervisor/atomic.h"
#include "hypervisor/bug.h"
#include "hypervisor/console.h"
#include "hypervisor/cpu.h"
#include "hypervisor/error.h"
#include "hypervisor/option.h"
#include "hypervisor/printk.h"
#include "hypervisor/string.h"
#include "hypervisor/timer.h"

#define BEATS_A_TIMEOUT 5
#define TIMEOUT_MAX     3600u /* seconds */

struct watch {
    struct timer timer;
    uint32_t beats;
    /* What this CPU knows of another one, the times being those of its own looks. */
    unsigned int watched;
    uint32_t seen_beats;
    system_time_t seen_at, looked_at;
} __aligned(64);

static DEFINE_PER_CPU(struct watch, watches);

static bool opt_watchdog;
static unsigned int opt_watchdog_timeout = 5;
static bool reported;

static int parse_watchdog(const char *value)
{
    int on = *value == '\0' || strcmp(value, "force") == 0 ? 1 : option_parse_bool(value);

    if (on < 0) {
        return on;
    }
    opt_watchdog = on;
    return 0;
}
OPTION_CUSTOM("watchdog", parse_watchdog, "watch that no processor hangs: boolean, or force");
OPTION_UINT("watchdog_timeout", opt_watchdog_timeout, "seconds after which a processor hangs");

static system_time_t timeout_ns(void)
{
    return (system_time_t)(opt_watchdog_timeout * NS_PER_SECOND);
}

static system_time_t period_ns(void)
{
    return timeout_ns() / BEATS_A_TIMEOUT;
}

/* The next one in the ring; itself when it is alone. */
static unsigned int next_online(unsigned int cpu)
{
    unsigned int next = bitmap_find_set(cpu_online_mask.bits, CONFIG_MAX_CPUS, cpu + 1);

    return next < CONFIG_MAX_CPUS ? next
                                  : bitmap_find_set(cpu_online_mask.bits, CONFIG_MAX_CPUS, 0);
}

static void dump(unsigned int cpu)
{
    pr_error("CPU %u:\n", cpu);
    if (!arch_cpu_dump(cpu)) {
        pr_error("does not answer an NMI\n");
    }
}

static void report(unsigned int stuck)
{
    unsigned int cpu;

    if (atomic_exchange(&reported, true)) {
        return;
    }
    console_force();
    pr_error("Watchdog: CPU %u stuck for %u s\n", stuck, opt_watchdog_timeout);
    dump(stuck);
    cpu_for_each_online(cpu)
    {
        if (cpu != stuck && cpu != arch_cpu_id()) {
            dump(cpu);
        }
    }
    panic("Watchdog: CPU %u stuck for %u s", stuck, opt_watchdog_timeout);
}

/* Is the next CPU's heart standing still for the timeout? */
static bool look(struct watch *mine, unsigned int next, system_time_t now)
{
    uint32_t beats = READ_ONCE(per_cpu(watches, next).beats);
    bool was_late = now - mine->looked_at > 2 * period_ns();

    mine->looked_at = now;
    if (next != mine->watched || beats != mine->seen_beats || was_late || watchdog_paused()) {
        mine->watched = next;
        mine->seen_beats = beats;
        mine->seen_at = now;
        return false;
    }
    return now - mine->seen_at >= timeout_ns();
}

static void beat(void *data)
{
    struct watch *mine = data;
    unsigned int cpu = arch_cpu_id(), next = next_online(cpu);
    system_time_t now = time_now();

    WRITE_ONCE(mine->beats, mine->beats + 1);
    if (next != cpu && look(mine, next, now)) {
        report(next);
    }
    timer_set(&mine->timer, now + period_ns());
}

void watchdog_start(void)
{
    system_time_t now = time_now();
    unsigned int cpu;

    if (!opt_watchdog) {
        return;
    }
    if (opt_watchdog_timeout == 0 || opt_watchdog_timeout > TIMEOUT_MAX) {
        pr_warning("Watchdog: off: watchdog_timeout is not from 1 to %u\n", TIMEOUT_MAX);
        return;
    }
    if (next_online(arch_cpu_id()) == arch_cpu_id()) {
        pr_warning("Watchdog: off: with one CPU there is nobody to watch it\n");
        return;
    }
    cpu_for_each_online(cpu)
    {
        struct watch *watch = &per_cpu(watches, cpu);

        watch->watched = CONFIG_MAX_CPUS;
        watch->looked_at = now;
        timer_init(&watch->timer, beat, watch, cpu);
        timer_set(&watch->timer, now + period_ns());
    }
    pr_info("Watchdog: each CPU watches the next, timeout %u s\n", opt_watchdog_timeout);
}
