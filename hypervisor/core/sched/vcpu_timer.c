/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * What a vcpu waits for other than events: its two timers (VIRQ_TIMER) and SCHEDOP_poll.
 *
 * A timer fires on the CPU the vcpu was on when it was armed, and takes the vcpu's present CPU the next
 * time it is armed: a vcpu that moves does not drag its timers along.
 */
#include "sched_private.h"

#include "arch/domain.h"
#include "hypervisor/error.h"
#include "hypervisor/event.h"
#include "hypervisor/work.h"

#define PERIOD_MIN_NS ((uint64_t)NS_PER_MS)
#define PERIOD_MAX_NS (1ull << 52) /* some weeks */

#define POLL_NO_PORT UINT32_MAX

static void arm(struct vcpu *vcpu, struct timer *timer, system_time_t expires)
{
    unsigned int cpu = READ_ONCE(vcpu->processor);

    if (unlikely(timer->cpu != cpu)) {
        timer_migrate(timer, cpu);
    }
    timer_set(timer, expires);
}

/* A guest's absolute time: what lies beyond the range never comes. */
static system_time_t guest_deadline(uint64_t ns)
{
    return ns > (uint64_t)TIME_NEVER ? TIME_NEVER : (system_time_t)ns;
}

static void singleshot_fired(void *data)
{
    event_virq_vcpu(data, VIRQ_TIMER);
}

int vcpu_set_singleshot_timer(struct vcpu *vcpu, uint64_t timeout_abs_ns, bool future)
{
    system_time_t deadline = guest_deadline(timeout_abs_ns);

    if (future && deadline < time_now()) {
        return -XEN_ETIME;
    }
    arm(vcpu, &vcpu->singleshot_timer, deadline);
    return 0;
}

void vcpu_stop_singleshot_timer(struct vcpu *vcpu)
{
    timer_stop(&vcpu->singleshot_timer);
}

/* Ticks that were missed are not made up for. */
static void periodic_fired(void *data)
{
    struct vcpu *vcpu = data;
    system_time_t period = (system_time_t)READ_ONCE(vcpu->periodic_period_ns), elapsed;

    if (period == 0) {
        return;
    }
    event_virq_vcpu(vcpu, VIRQ_TIMER);
    elapsed = time_now() - vcpu->periodic_last;
    vcpu->periodic_last += elapsed / period * period;
    arm(vcpu, &vcpu->periodic_timer, vcpu->periodic_last + period);
}

int vcpu_set_periodic_timer(struct vcpu *vcpu, uint64_t period_ns)
{
    if (period_ns < PERIOD_MIN_NS || period_ns > PERIOD_MAX_NS) {
        return -XEN_EINVAL;
    }
    vcpu->periodic_last = time_now();
    WRITE_ONCE(vcpu->periodic_period_ns, period_ns);
    arm(vcpu, &vcpu->periodic_timer, vcpu->periodic_last + (system_time_t)period_ns);
    return 0;
}

void vcpu_stop_periodic_timer(struct vcpu *vcpu)
{
    WRITE_ONCE(vcpu->periodic_period_ns, 0);
    timer_stop(&vcpu->periodic_timer);
}

/* ---- poll ------------------------------------------------------------------------------------ */

/* Ends a poll; a vcpu that is blocked for another reason by now stays so. */
static void poll_end(struct vcpu *vcpu)
{
    uint32_t flags = atomic_read(&vcpu->pause_flags);

    while (flags & VCPU_POLLING) {
        if (atomic_compare_exchange(&vcpu->pause_flags, &flags,
                                    flags & ~(VCPU_POLLING | VCPU_BLOCKED))) {
            vcpu_wake(vcpu);
            return;
        }
    }
}

static void poll_timed_out(void *data)
{
    poll_end(data);
}

/* 1 when one of them is pending, 0 when none, -XEN_EINVAL for a bad port. */
static int any_pending(struct domain *domain, const uint32_t *ports, unsigned int count)
{
    int pending = 0;
    unsigned int i;

    for (i = 0; i < count && pending == 0; i++) {
        pending = event_port_pending(domain, ports[i]);
    }
    return pending;
}

int vcpu_poll(const uint32_t *ports, unsigned int count, uint64_t timeout)
{
    struct vcpu *vcpu = current_vcpu();
    int result;

    atomic_write(&vcpu->poll_port, count == 0 ? POLL_NO_PORT : count == 1 ? ports[0] : 0u);
    (void)atomic_or(&vcpu->pause_flags, VCPU_BLOCKED | VCPU_POLLING);
    if (count != 0) {
        event_poll_begin(vcpu);
    }
    result = any_pending(vcpu->domain, ports, count);
    if (result != 0 || (event_pending(vcpu) && !READ_ONCE(vcpu->info->evtchn_upcall_mask)) ||
        arch_vcpu_nmi_pending(vcpu) || (timeout != 0 && guest_deadline(timeout) <= time_now())) {
        (void)atomic_and(&vcpu->pause_flags, ~(VCPU_BLOCKED | VCPU_POLLING));
        return result < 0 ? result : 0;
    }
    if (timeout != 0) {
        arm(vcpu, &vcpu->poll_timer, guest_deadline(timeout));
    } else {
        timer_stop(&vcpu->poll_timer);
    }
    softwork_raise(SOFTWORK_SCHEDULE);
    return 0;
}

void vcpu_timers_init(struct vcpu *vcpu)
{
    timer_init(&vcpu->singleshot_timer, singleshot_fired, vcpu, vcpu->processor);
    timer_init(&vcpu->periodic_timer, periodic_fired, vcpu, vcpu->processor);
    timer_init(&vcpu->poll_timer, poll_timed_out, vcpu, vcpu->processor);
}

void vcpu_timers_kill(struct vcpu *vcpu)
{
    timer_kill(&vcpu->singleshot_timer);
    timer_kill(&vcpu->periodic_timer);
    timer_kill(&vcpu->poll_timer);
}
