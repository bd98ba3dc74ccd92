/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The hypervisor's watchdog: who is found, and who is not. Each case has a process of its own, for the
 * watchdog starts once and ends with the machine; its checks are BUG_ONs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "arch/cpu.h"
#include "asm/host.h"
#include "hypervisor/bug.h"
#include "hypervisor/console.h"
#include "hypervisor/cpu.h"
#include "hypervisor/option.h"
#include "hypervisor/timer.h"
#include "hypervisor/watchdog.h"
#include "hypervisor/work.h"

#define CPUS 4u

static bool stuck[CPUS];
static unsigned int dumped[CPUS];

bool arch_cpu_dump(unsigned int cpu)
{
    dumped[cpu]++;
    return !stuck[cpu];
}

static void start(unsigned int cpus, const char *options)
{
    host_setup(64, cpus);
    timers_init();
    options_parse("loglvl=all");
    options_parse(options);
    watchdog_start();
}

/* Time goes by; CPUs that are not stuck do their deferred work. */
static void live(unsigned int ms)
{
    unsigned int cpu;

    for (; ms > 0; ms -= 100) {
        host_advance_time(100 * NS_PER_MS);
        cpu_for_each_online(cpu)
        {
            if (!stuck[cpu]) {
                host_set_current(cpu, NULL);
                softwork_run();
            }
        }
    }
}

static bool printed(const char *what)
{
    static char text[16384];
    uint32_t bytes = sizeof(text) - 1, index = 0;

    console_ring_read(text, &bytes, &index, false);
    text[bytes] = '\0';
    return strstr(text, what) != NULL;
}

static void in_process(void (*fn)(void))
{
    pid_t child = fork();
    int status = -1;

    if (child == 0) {
        fn();
        _exit(0);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* The heart stands still since at most a second (a fifth of the timeout), which is looked at as often. */
static void expect_found(unsigned int cpu, unsigned int seconds)
{
    char expected[64];

    live(seconds * 1000 * 7 / 10);
    HOST_EXPECT_PANIC(live(seconds * 1000 * 8 / 10));
    (void)snprintf(expected, sizeof(expected), "Watchdog: CPU %u stuck for %u s", cpu, seconds);
    BUG_ON(strcmp(host_panic_message(), expected) != 0);
    BUG_ON(!printed(expected) || !printed("does not answer an NMI"));
    BUG_ON(dumped[cpu] != 1);
}

static void case_all_live(void)
{
    start(CPUS, "watchdog");
    BUG_ON(!printed("each CPU watches the next, timeout 5 s"));
    live(60000);
    stuck[2] = true;
    live(3500);
    stuck[2] = false;
    live(20000);
}

static void case_one_stuck(void)
{
    start(CPUS, "watchdog=force");
    live(12300);
    stuck[2] = true;
    expect_found(2, 5);
    BUG_ON(dumped[0] != 1 || dumped[1] != 0 || dumped[3] != 1); /* 1 is who says it */
}

static void case_one_alive(void)
{
    start(CPUS, "watchdog watchdog_timeout=20");
    live(1000);
    stuck[0] = stuck[1] = stuck[2] = true;
    expect_found(0, 20);
    BUG_ON(dumped[1] != 1 || dumped[2] != 1 || dumped[3] != 0);
}

/* Nobody ran: that is no fault of the one that is looked at. */
static void case_machine_halted(void)
{
    unsigned int i;

    start(CPUS, "watchdog");
    for (i = 0; i < 5; i++) {
        live(3000);
        host_advance_time(60 * NS_PER_SECOND);
    }
    live(3000);
}

static void case_paused(void)
{
    start(CPUS, "watchdog=on");
    watchdog_pause();
    stuck[3] = true;
    live(30000);
    watchdog_pause();
    watchdog_resume();
    live(30000);
    watchdog_resume();
    expect_found(3, 5);
}

static void case_off(void)
{
    unsigned int cpu;

    start(CPUS, "watchdog no-watchdog");
    for (cpu = 0; cpu < CPUS; cpu++) {
        BUG_ON(timer_next(cpu) != TIME_NEVER);
    }
    options_parse("watchdog watchdog_timeout=0");
    watchdog_start();
    BUG_ON(!printed("watchdog_timeout is not from 1 to 3600"));
    BUG_ON(timer_next(0) != TIME_NEVER);
    options_parse("watchdog=perhaps");
    BUG_ON(!printed("bad value \"perhaps\""));
}

static void case_alone(void)
{
    start(1, "watchdog");
    BUG_ON(!printed("with one CPU there is nobody to watch it"));
    BUG_ON(timer_next(0) != TIME_NEVER);
}

static void the_living_are_left_alone(void **state)
{
    in_process(case_all_live);
    in_process(case_machine_halted);
}

static void the_stuck_are_found(void **state)
{
    in_process(case_one_stuck);
    in_process(case_one_alive);
}

static void a_pause_holds_it_back(void **state)
{
    in_process(case_paused);
}

static void it_stays_off_where_it_must(void **state)
{
    in_process(case_off);
    in_process(case_alone);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_living_are_left_alone),
        cmocka_unit_test(the_stuck_are_found),
        cmocka_unit_test(a_pause_holds_it_back),
        cmocka_unit_test(it_stays_off_where_it_must),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
