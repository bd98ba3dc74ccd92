/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Timers and the scheduler: deadlines in the past and at the end of time, periods, floods of yields. */
#include "lib/check.h"
#include "lib/event.h"
#include "lib/guest.h"
#include "lib/hypercall.h"
#include "lib/vcpu.h"

#include <xen/sched.h>
#include <xen/vcpu.h>

#define FLOOD 5000

static long set_timer(uint64_t deadline)
{
    return hypercall2(__HYPERVISOR_set_timer_op, deadline, 0);
}

static long vcpu_op(unsigned int op, unsigned int vcpu, const void *argument)
{
    return hypercall4(__HYPERVISOR_vcpu_op, op, vcpu, address_of(argument), 0);
}

static void check_deadlines(void)
{
    long port = event_bind_virq(VIRQ_TIMER, 0);
    uint64_t start = event_time();

    must(port, "the timer's port");
    check(set_timer(~0ul), 0, "a deadline at the end of time");
    check(set_timer(~0ul >> 1), 0, "a deadline at half of it");
    check(set_timer(0), 0, "no deadline");
    event_clear((uint32_t)port);
    check(set_timer(1), 0, "a deadline long ago");
    event_poll((uint32_t)port);
    check_that(event_pending((uint32_t)port), "it comes at once");
    for (unsigned int i = 0; i < FLOOD; i++) {
        (void)set_timer(i & 1 ? 1 : start + 1000000000 + i);
    }
    event_clear((uint32_t)port);
    check(set_timer(event_time() + 1000000), 0, "a deadline after %u others", FLOOD);
    event_poll((uint32_t)port);
    check_that(event_time() >= start, "it comes");
    must(set_timer(0), "no deadline");
    must(event_close((uint32_t)port), "close");
}

static void check_periods(void)
{
    static const struct {
        uint64_t period;
        long result;
        const char *name;
    } periods[] = {
        { 0, -XEN_EINVAL, "0" },
        { 1, -XEN_EINVAL, "1 ns" },
        { 999999, -XEN_EINVAL, "less than 1 ms" },
        { ~0ul, -XEN_EINVAL, "2^64 - 1 ns" },
        { 1ul << 63, -XEN_EINVAL, "2^63 ns" },
        { 1000000, 0, "1 ms" },
    };
    struct vcpu_set_singleshot_timer shot = { .timeout_abs_ns = 1, .flags = VCPU_SSHOTTMR_future };

    for (unsigned int i = 0; i < ARRAY_SIZE(periods); i++) {
        struct vcpu_set_periodic_timer timer = { periods[i].period };

        check(vcpu_op(VCPUOP_set_periodic_timer, 0, &timer), periods[i].result, "a period of %s",
              periods[i].name);
    }
    check(vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL), 0, "no period");
    /* xen/vcpu.h has -ETIME for it; Xen 4.17 lets it fire at once. */
    check_differs(vcpu_op(VCPUOP_set_singleshot_timer, 0, &shot), -XEN_ETIME, 0,
                  "one shot that is too late");
    shot.flags = 0;
    check(vcpu_op(VCPUOP_set_singleshot_timer, 0, &shot), 0, "the same, if it need not be in time");
    check(vcpu_op(VCPUOP_set_singleshot_timer, 1, &shot), -XEN_EINVAL, "one shot of another vcpu");
    check(vcpu_op(VCPUOP_stop_singleshot_timer, 1, NULL), -XEN_EINVAL, "no shot of another vcpu");
    check(vcpu_op(VCPUOP_stop_singleshot_timer, 0, NULL), 0, "no shot");
}

static volatile uint32_t yields;
static volatile bool storm_over;

static void storm(void)
{
    while (!storm_over) {
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
        (void)set_timer(event_time() + 1000);
        yields++;
    }
    must(set_timer(0), "no deadline");
}

static void check_yields(void)
{
    long result = vcpu_start(1, storm);

    check(result, 0, "start vcpu 1");
    for (unsigned int i = 0; i < FLOOD; i++) {
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
    }
    while (result == 0 && yields == 0) {
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
    }
    storm_over = true;
    if (result == 0) {
        vcpu_join(1);
    }
    check_that(true, "yields of two vcpus, one with a timer each");
}

static void check_polls(void)
{
    static uint32_t ports[200];
    struct sched_poll poll = { .nr_ports = 129, .timeout = 1 };
    struct sched_watchdog watchdog = { .id = 77, .timeout = 30 };

    set_xen_guest_handle(poll.ports, ports);
    check(hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll), -XEN_EINVAL, "poll 129 ports");
    poll.nr_ports = 1;
    ports[0] = ~0u;
    check(hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll), -XEN_EINVAL, "poll port -1");
    set_xen_guest_handle(poll.ports, (evtchn_port_t *)0x10);
    check(hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_poll, &poll), -XEN_EFAULT,
          "poll ports that are not mapped");
    check(hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_watchdog, &watchdog), -XEN_EINVAL,
          "watchdog 77");
    watchdog.id = 1;
    watchdog.timeout = 0;
    check_refused(hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_watchdog, &watchdog),
                  "stop a watchdog that is not there");
    check(hypercall2(__HYPERVISOR_sched_op, 99, 0), -XEN_ENOSYS, "operation 99");
}

static void run(void)
{
    check_deadlines();
    check_periods();
    check_yields();
    check_polls();
}
PROBE(timers, run);
