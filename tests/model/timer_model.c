/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Random operations on timers of several CPUs, each also done to a naive model: an array of deadlines.
 * A timer must fire exactly at the first moment its CPU looks at or after its deadline, and the
 * hardware must be set so that the CPU looks in time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "asm/host.h"
#include "hypervisor/atomic.h"
#include "hypervisor/bug.h"
#include "hypervisor/cpu.h"
#include "hypervisor/timer.h"
#include "hypervisor/work.h"

#define CPUS   3u
#define TIMERS 40u
#define STEPS  100000u

static struct timer timers[TIMERS];

static struct model {
    system_time_t deadline; /* TIME_NEVER: not armed */
    unsigned int cpu;
    bool killed;
    unsigned int fired;
} model[TIMERS];

static void fired(void *data)
{
    struct model *entry = data;
    uint64_t again = host_random_below(4);

    entry->fired++;
    assert_int_equal(arch_cpu_id(), entry->cpu);
    assert_true(entry->deadline <= time_now());
    entry->deadline = TIME_NEVER;
    if (again == 0) { /* rearms itself, as periodic timers do */
        entry->deadline = time_now() + 1 + (system_time_t)host_random_below(500);
        timer_set(&timers[entry - model], entry->deadline);
    }
}

static system_time_t model_next(unsigned int cpu)
{
    system_time_t next = TIME_NEVER;
    unsigned int i;

    for (i = 0; i < TIMERS; i++) {
        if (model[i].cpu == cpu && model[i].deadline < next) {
            next = model[i].deadline;
        }
    }
    return next;
}

static void check(void)
{
    unsigned int cpu;

    for (cpu = 0; cpu < CPUS; cpu++) {
        system_time_t next = model_next(cpu);

        assert_true(timers_valid(cpu));
        assert_int_equal(timer_next(cpu), next);
        assert_true(host_timer_deadline(cpu) <= next || next <= time_now());
        assert_true(next > time_now()); /* all softwork has run */
    }
}

/* Hardware that is set to the past fires before anything else happens. */
static void let_it_fire(void)
{
    unsigned int cpu;

    host_run_softwork_all();
    for (cpu = 0; cpu < CPUS; cpu++) {
        while (host_timer_deadline(cpu) <= time_now()) {
            host_advance_time(0);
            host_run_softwork_all();
        }
    }
}

static void advance(uint64_t ns)
{
    while (ns-- != 0) {
        host_advance_time(1);
        let_it_fire();
    }
}

static void step(void)
{
    unsigned int i = (unsigned int)host_random_below(TIMERS);
    struct model *entry = &model[i];
    system_time_t deadline = time_now() - 20 + (system_time_t)host_random_below(1000);

    host_set_current((unsigned int)host_random_below(CPUS), NULL);
    switch (host_random_below(16)) {
    case 0:
        entry->deadline = TIME_NEVER;
        timer_stop(&timers[i]);
        break;
    case 1:
        entry->cpu = (unsigned int)host_random_below(CPUS);
        timer_migrate(&timers[i], entry->cpu);
        break;
    case 2:
        if (host_random_below(4) == 0) {
            entry->deadline = TIME_NEVER;
            timer_kill(&timers[i]);
            entry->killed = true;
        } else if (entry->killed) {
            timer_init(&timers[i], fired, entry, entry->cpu);
            entry->killed = false;
        }
        break;
    case 3:
        advance(host_random_below(60));
        break;
    default:
        if (!entry->killed) {
            entry->deadline = deadline;
        }
        timer_set(&timers[i], deadline);
        break;
    }
    let_it_fire();
}

static void timers_match_a_naive_model(void **state)
{
    unsigned int i, total = 0;

    host_setup(64, CPUS);
    timers_init();
    for (i = 0; i < TIMERS; i++) {
        model[i].deadline = TIME_NEVER;
        model[i].cpu = i % CPUS;
        timer_init(&timers[i], fired, &model[i], model[i].cpu);
    }
    for (i = 0; i < STEPS; i++) {
        step();
        check();
    }
    for (i = 0; i < TIMERS; i++) {
        total += model[i].fired;
        timer_kill(&timers[i]);
    }
    assert_true(total > STEPS / 100);
    host_teardown();
}

/* ---- races ----------------------------------------------------------------------------------- */

static unsigned int busy[TIMERS], cpus_left;

static void race_fired(void *data)
{
    unsigned int *mine = data;

    (void)atomic_add(mine, 1);
    HOST_SWITCH_POINT();
    (void)atomic_sub(mine, 1);
}

static void race_cpu(void *data)
{
    unsigned int i;

    for (i = 0; i < 3000; i++) {
        unsigned int which = (unsigned int)host_random_below(TIMERS);

        switch (host_random_below(8)) {
        case 0:
            timer_migrate(&timers[which], (unsigned int)host_random_below(CPUS));
            break;
        case 1:
            timer_stop(&timers[which]);
            break;
        case 2:
            if (which % CPUS == arch_cpu_id()) { /* one killer a timer */
                timer_kill(&timers[which]);
                BUG_ON(atomic_read(&busy[which]) != 0);
                timer_init(&timers[which], race_fired, &busy[which], which % CPUS);
            }
            break;
        case 3:
            host_advance_time(50);
            break;
        default:
            if (which % CPUS == arch_cpu_id()) {
                timer_set(&timers[which], time_now() + (system_time_t)host_random_below(100));
            }
            break;
        }
        softwork_run();
    }
    (void)atomic_sub(&cpus_left, 1);
    while (atomic_read(&cpus_left) != 0) {
        softwork_run();
        arch_cpu_relax();
    }
}

static void a_killed_timer_does_not_run(void **state)
{
    unsigned int i;

    host_setup(64, CPUS);
    timers_init();
    cpus_left = CPUS;
    for (i = 0; i < TIMERS; i++) {
        timer_init(&timers[i], race_fired, &busy[i], i % CPUS);
    }
    for (i = 0; i < CPUS; i++) {
        host_spawn(i, race_cpu, NULL);
    }
    host_run();
    for (i = 0; i < CPUS; i++) {
        assert_true(timers_valid(i));
    }
    for (i = 0; i < TIMERS; i++) {
        timer_kill(&timers[i]);
    }
    host_teardown();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_match_a_naive_model),
        cmocka_unit_test(a_killed_timer_does_not_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
