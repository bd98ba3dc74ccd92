/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Deferred work: order, kicks, tasks queued from everywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "arch/cpu.h"
#include "asm/host.h"
#include "hypervisor/atomic.h"
#include "hypervisor/work.h"

#define CPUS 4u

static char order[16];
static unsigned int order_count;

static int setup(void **state)
{
    host_setup(64, CPUS);
    order_count = 0;
    return 0;
}

static int teardown(void **state)
{
    host_teardown();
    return 0;
}

static void on_timer(void)
{
    order[order_count++] = 't';
}

static void on_schedule(void)
{
    order[order_count++] = 's';
}

static void on_nmi(void)
{
    order[order_count++] = 'n';
    softwork_raise(SOFTWORK_TIMER);
}

static void schedule_comes_last(void **state)
{
    softwork_register(SOFTWORK_TIMER, on_timer);
    softwork_register(SOFTWORK_SCHEDULE, on_schedule);
    softwork_register(SOFTWORK_NMI, on_nmi);
    assert_false(softwork_pending());
    softwork_raise(SOFTWORK_SCHEDULE);
    softwork_raise(SOFTWORK_NMI);
    assert_true(softwork_pending());
    softwork_run();
    assert_false(softwork_pending());
    assert_int_equal(order_count, 3);
    assert_memory_equal(order, "nts", 3);
}

static void only_the_first_raise_kicks(void **state)
{
    softwork_raise_on(1, SOFTWORK_TIMER);
    softwork_raise_on(1, SOFTWORK_SCHEDULE);
    softwork_raise_on(1, SOFTWORK_TIMER);
    assert_int_equal(host_kicks(1), 1);
    softwork_raise_on(0, SOFTWORK_TIMER);
    assert_int_equal(host_kicks(0), 0);
    host_run_softwork_all();
    softwork_raise_on(1, SOFTWORK_TIMER);
    assert_int_equal(host_kicks(1), 1);
    host_run_softwork_all();
}

static struct task tasks[3];
static unsigned int runs[3];

static void count_run(void *data)
{
    order[order_count++] = (char)('0' + (unsigned int *)data - runs);
    ++*(unsigned int *)data;
}

static void tasks_run_once_in_order(void **state)
{
    unsigned int i;

    for (i = 0; i < 3; i++) {
        runs[i] = 0;
        task_init(&tasks[i], count_run, &runs[i]);
        task_queue(&tasks[i], 0);
        task_queue(&tasks[i], 1); /* stays on 0 */
    }
    host_run_softwork_all();
    assert_int_equal(order_count, 3);
    assert_memory_equal(order, "012", 3);
    task_queue(&tasks[1], 2);
    host_run_softwork_all();
    assert_int_equal(runs[1], 2);
}

static void requeue(void *data)
{
    if (++runs[0] < 5) {
        task_queue(&tasks[0], (arch_cpu_id() + 1) % CPUS);
    }
}

static void a_task_may_queue_itself(void **state)
{
    runs[0] = 0;
    task_init(&tasks[0], requeue, NULL);
    task_queue(&tasks[0], 0);
    host_run_softwork_all();
    assert_int_equal(runs[0], 5);
}

#define RACE_TASKS 8
#define RACE_STEPS 500

static struct task race_tasks[RACE_TASKS];
static unsigned int race_ran, race_wanted[RACE_TASKS], producers_left;

static void race_run(void *data)
{
    race_ran++;
    atomic_write(&race_wanted[(uintptr_t)data], 0u);
}

static void race_cpu(void *data)
{
    unsigned int i;

    for (i = 0; i < RACE_STEPS; i++) {
        uintptr_t which = host_random_below(RACE_TASKS);

        atomic_write(&race_wanted[which], 1u);
        task_queue(&race_tasks[which], (unsigned int)host_random_below(CPUS));
        softwork_run();
    }
    (void)atomic_sub(&producers_left, 1);
    while (atomic_read(&producers_left) != 0) {
        softwork_run();
        arch_cpu_relax();
    }
    softwork_run();
}

static void no_task_is_lost_among_cpus(void **state)
{
    uintptr_t i;
    unsigned int cpu;

    producers_left = CPUS;
    for (i = 0; i < RACE_TASKS; i++) {
        task_init(&race_tasks[i], race_run, (void *)i);
    }
    for (cpu = 0; cpu < CPUS; cpu++) {
        host_spawn(cpu, race_cpu, NULL);
    }
    host_run();
    host_run_softwork_all();
    assert_true(race_ran > RACE_STEPS);
    for (i = 0; i < RACE_TASKS; i++) {
        assert_false(race_tasks[i].queued);
        assert_int_equal(race_wanted[i], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(schedule_comes_last, setup, teardown),
        cmocka_unit_test_setup_teardown(only_the_first_raise_kicks, setup, teardown),
        cmocka_unit_test_setup_teardown(tasks_run_once_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(a_task_may_queue_itself, setup, teardown),
        cmocka_unit_test_setup_teardown(no_task_is_lost_among_cpus, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
