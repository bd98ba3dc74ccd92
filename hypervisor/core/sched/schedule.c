/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The scheduler's mechanism: run queues, waking, sleeping, switching.
 *
 *     sched_cpus[cpu]   lock
 *                       current ---> the vcpu picked last (the idle vcpu when nobody else)
 *     the policy's queue of the CPU: vcpus that could run here but do not
 *
 *     runstate     where the vcpu is
 *     running      sched_cpus[processor].current == vcpu
 *     runnable     in the policy's queue of `processor`
 *     blocked      nowhere: waits for an event
 *     offline      nowhere: down or paused
 *
 * A switch: schedule() decides under the lock, drops it, and arch_context_switch() saves one vcpu and
 * loads the other without a lock. In between the vcpu that goes is no longer `current` but still
 * vcpu->running: its registers are on their way out. It can be woken and queued then, on the same
 * CPU only, which cannot pick it before it has come out of the switch.
 *
 * Invariants:
 *   1. vcpu->processor and runstate change under the lock of the run queue of vcpu->processor.
 *   2. A vcpu that is vcpu->running does not change its processor: a context is on one CPU at most.
 *   3. current => running; a runnable vcpu (pause_flags == 0) is in the queue, or is current, or
 *      somebody is on the way to vcpu_wake() it.
 *   4. sched_idle_mask has only CPUs whose current is idle, and all those that will not look for work
 *      soon by themselves. The bit is set before the CPU looks for work elsewhere, and work is queued
 *      before the mask is read.
 *
 * No wake-up is lost:
 *   - vcpu_block() sets VCPU_BLOCKED, then looks for events; who raises one sets it pending, then
 *     looks at VCPU_BLOCKED. Both first steps are full barriers: one sees the other.
 *   - vcpu_wake() queues the vcpu unless it is current; if it is, schedule() has not yet decided, and
 *     will read pause_flags under the lock that vcpu_wake() held.
 *   - A vcpu that is still running where it may not run any more is left alone by vcpu_wake();
 *     sched_context_saved() clears `running`, then looks at pause_flags, and wakes it itself.
 *   - vcpu_kick() after an event became pending sees `running`, or the vcpu, which sets it with a full
 *     barrier before its way to the guest, sees the event.
 *
 * Locks: one run queue at a time (LOCK_SCHED, interrupts off); a policy may try a second one. Timers
 * are set outside: LOCK_TIMER stands above.
 */
#include "sched_private.h"

#include "arch/domain.h"
#include "arch/sched.h"
#include "hypervisor/event.h"
#include "hypervisor/perf_counter.h"
#include "hypervisor/string.h"
#include "hypervisor/trace_event.h"
#include "hypervisor/work.h"

DEFINE_PER_CPU(struct sched_cpu, sched_cpus) = {
    [0 ... CONFIG_MAX_CPUS - 1] = { .lock = SPINLOCK_INIT(LOCK_SCHED) },
};

struct cpu_mask sched_cpu_mask, sched_idle_mask;

struct sched_cpu *sched_lock_vcpu(const struct vcpu *vcpu, unsigned long *flags)
{
    for (;;) {
        unsigned int cpu = READ_ONCE(vcpu->processor);
        struct sched_cpu *queue = &per_cpu(sched_cpus, cpu);

        *flags = spin_lock_irqsave(&queue->lock);
        if (likely(vcpu->processor == cpu)) {
            return queue;
        }
        spin_unlock_irqrestore(&queue->lock, *flags);
    }
}

/* ---- runstate -------------------------------------------------------------------------------- */

void runstate_change(struct vcpu *vcpu, int state, system_time_t now)
{
    struct vcpu_runstate_info *runstate = &vcpu->runstate;
    int64_t spent = now - (int64_t)runstate->state_entry_time;

    trace_event(TRC_SCHED_RUNSTATE_CHANGE | (uint32_t)runstate->state << 8 | (uint32_t)state << 4,
                (uint32_t)vcpu->domain->id.value << 16 | vcpu->id);
    if (likely(spent > 0)) {
        runstate->time[runstate->state] += (uint64_t)spent;
        runstate->state_entry_time = (uint64_t)now;
    }
    runstate->state = state;
}

static int runstate_of_stopped(uint32_t pause_flags)
{
    return pause_flags & VCPU_BLOCKED ? RUNSTATE_blocked : RUNSTATE_offline;
}

void vcpu_runstate_get(const struct vcpu *vcpu, struct vcpu_runstate_info *out)
{
    unsigned long flags;
    struct sched_cpu *queue = sched_lock_vcpu(vcpu, &flags);
    int64_t spent;

    memset(out, 0, sizeof(*out)); /* padding too: it goes to guests */
    out->state = vcpu->runstate.state;
    out->state_entry_time = vcpu->runstate.state_entry_time;
    memcpy(out->time, vcpu->runstate.time, sizeof(out->time));
    spin_unlock_irqrestore(&queue->lock, flags);
    spent = time_now() - (int64_t)out->state_entry_time;
    if (spent > 0) {
        out->time[out->state] += (uint64_t)spent;
    }
}

uint64_t vcpu_cpu_time_ns(const struct vcpu *vcpu)
{
    struct vcpu_runstate_info runstate;

    vcpu_runstate_get(vcpu, &runstate);
    return runstate.time[RUNSTATE_running];
}

/* ---- waking and sleeping --------------------------------------------------------------------- */

static bool is_stopped(const struct vcpu *vcpu)
{
    return vcpu->runstate.state > RUNSTATE_runnable;
}

/*
 * Where should the vcpu, stopped and runnable, be queued? True: where it is. False: not there; then it
 * was put to another CPU and the caller must look `again`, or it cannot leave its CPU yet and
 * sched_context_saved() will see to it.
 */
static bool wake_place(struct vcpu *vcpu, bool *again)
{
    unsigned int cpu;

    *again = false;
    if (unlikely(atomic_read(&vcpu->running))) {
        return sched_cpu_allowed(vcpu, vcpu->processor);
    }
    cpu = sched_policy->pick_cpu(vcpu);
    if (likely(cpu == vcpu->processor)) {
        return true;
    }
    sched_policy->migrate(vcpu, cpu);
    sched_assign(vcpu, cpu);
    *again = true;
    return false;
}

void vcpu_wake(struct vcpu *vcpu)
{
    struct sched_cpu *queue;
    unsigned long flags;
    bool again;

    do {
        again = false;
        queue = sched_lock_vcpu(vcpu, &flags);
        if (!is_stopped(vcpu)) {
            /* Queued, or current: then schedule() has yet to decide. */
        } else if (likely(vcpu_runnable(vcpu))) {
            if (wake_place(vcpu, &again)) {
                perf_count(vcpu_wakes);
                trace_event(TRC_SCHED_WAKE, vcpu->domain->id.value, vcpu->id);
                runstate_change(vcpu, RUNSTATE_runnable, time_now());
                sched_policy->wake(vcpu);
            }
        } else if (vcpu->runstate.state != runstate_of_stopped(READ_ONCE(vcpu->pause_flags))) {
            runstate_change(vcpu, runstate_of_stopped(READ_ONCE(vcpu->pause_flags)), time_now());
        }
        spin_unlock_irqrestore(&queue->lock, flags);
    } while (unlikely(again));
}

void vcpu_sleep_nosync(struct vcpu *vcpu)
{
    unsigned long flags;
    struct sched_cpu *queue = sched_lock_vcpu(vcpu, &flags);
    unsigned int cpu = vcpu->processor;
    bool leave = false;

    trace_event(TRC_SCHED_SLEEP, vcpu->domain->id.value, vcpu->id);
    if (!vcpu_runnable(vcpu)) {
        if (queue->current == vcpu) {
            leave = true;
        } else if (vcpu->runstate.state == RUNSTATE_runnable) {
            sched_policy->sleep(vcpu);
            runstate_change(vcpu, runstate_of_stopped(READ_ONCE(vcpu->pause_flags)), time_now());
        }
    }
    spin_unlock_irqrestore(&queue->lock, flags);
    if (leave) {
        softwork_raise_on(cpu, SOFTWORK_SCHEDULE);
    }
}

void vcpu_sleep_sync(struct vcpu *vcpu)
{
    ASSERT(vcpu != current_vcpu());
    vcpu_sleep_nosync(vcpu);
    while (!vcpu_runnable(vcpu) && atomic_read_acquire(&vcpu->running)) {
        arch_cpu_relax();
    }
}

void vcpu_unblock(struct vcpu *vcpu)
{
    if (!(atomic_read(&vcpu->pause_flags) & VCPU_BLOCKED)) {
        return;
    }
    if (atomic_and(&vcpu->pause_flags, ~(VCPU_BLOCKED | VCPU_POLLING)) & VCPU_BLOCKED) {
        vcpu_wake(vcpu);
    }
}

void vcpu_kick(struct vcpu *vcpu)
{
    unsigned int cpu;

    if (!atomic_read(&vcpu->running)) {
        return;
    }
    cpu = READ_ONCE(vcpu->processor);
    if (cpu != arch_cpu_id()) {
        arch_cpu_kick(cpu);
    }
}

void vcpu_block(void)
{
    struct vcpu *vcpu = current_vcpu();

    arch_vcpu_enable_upcalls(vcpu);
    (void)atomic_or(&vcpu->pause_flags, VCPU_BLOCKED);
    if (event_pending(vcpu) || arch_vcpu_nmi_pending(vcpu)) {
        (void)atomic_and(&vcpu->pause_flags, ~VCPU_BLOCKED);
        return;
    }
    trace_event(TRC_SCHED_BLOCK, vcpu->domain->id.value, vcpu->id);
    softwork_raise(SOFTWORK_SCHEDULE);
}

void vcpu_yield(void)
{
    struct vcpu *vcpu = current_vcpu();
    struct sched_cpu *queue = &this_cpu(sched_cpus);
    unsigned long flags;

    if (READ_ONCE(queue->queued) == 0) {
        return; /* there is nobody to yield to */
    }
    trace_event(TRC_SCHED_YIELD, vcpu->domain->id.value, vcpu->id);
    flags = spin_lock_irqsave(&queue->lock);
    sched_policy->yield(vcpu);
    spin_unlock_irqrestore(&queue->lock, flags);
    softwork_raise(SOFTWORK_SCHEDULE);
}

/* ---- switching ------------------------------------------------------------------------------- */

static void slice_set(struct sched_cpu *queue, system_time_t now, system_time_t slice_ns)
{
    if (slice_ns != TIME_NEVER) {
        timer_set(&queue->slice_timer, now + slice_ns);
    } else {
        timer_stop(&queue->slice_timer);
    }
}

static void slice_ended(void *data)
{
    (void)data;
    softwork_raise(SOFTWORK_SCHEDULE);
}

/*
 * The CPU passes from prev to another. Under the lock. What prev is now is the policy's word, not
 * that of pause_flags, which may have changed since: a vcpu that is not queued must count as stopped,
 * so that who wakes it queues it.
 */
static void change_current(struct sched_cpu *queue, struct vcpu *prev,
                           const struct sched_decision *decision, system_time_t now)
{
    struct vcpu *next = decision->next;

    runstate_change(prev,
                    decision->prev_queued || vcpu_is_idle(prev)
                        ? RUNSTATE_runnable
                        : runstate_of_stopped(READ_ONCE(prev->pause_flags)),
                    now);
    runstate_change(next, RUNSTATE_running, now);
    queue->current = next;
    (void)atomic_exchange(&next->running, true); /* the barrier that vcpu_kick() needs */
}

void schedule(void)
{
    struct sched_cpu *queue = &this_cpu(sched_cpus);
    unsigned long flags = spin_lock_irqsave(&queue->lock);
    system_time_t now = time_now();
    struct vcpu *prev = queue->current;
    struct sched_decision decision = sched_policy->pick(arch_cpu_id(), now);
    bool was_limited = queue->slice_limited;

    ASSERT(prev == current_vcpu());
    perf_count(schedules);
    queue->slice_limited = decision.slice_ns != TIME_NEVER;
    if (decision.next != prev) {
        change_current(queue, prev, &decision, now);
    }
    spin_unlock(&queue->lock);
    if (was_limited || decision.slice_ns != TIME_NEVER) {
        slice_set(queue, now, decision.slice_ns);
    }
    if (unlikely(decision.to_arm != NULL)) {
        sched_cap_arm(decision.to_arm);
    }
    if (decision.next == prev) {
        trace_event(TRC_SCHED_CONTINUE_RUNNING, (uint32_t)prev->domain->id.value << 16 | prev->id);
        arch_irq_restore(flags);
        arch_continue_running(prev);
        return;
    }
    perf_count(switches);
    trace_event(TRC_SCHED_SWITCH, prev->domain->id.value, prev->id, decision.next->domain->id.value,
                decision.next->id);
    arch_context_switch(prev, decision.next);
}

void sched_context_saved(struct vcpu *prev)
{
    unsigned long flags;
    struct sched_cpu *queue;
    bool stopped;

    (void)atomic_exchange(&prev->running, false);
    if (!vcpu_runnable(prev) || vcpu_is_idle(prev)) {
        return;
    }
    queue = sched_lock_vcpu(prev, &flags);
    stopped = is_stopped(prev);
    if (prev->runstate.state == RUNSTATE_runnable) {
        sched_policy->context_saved(prev); /* preempted: another CPU may have it now */
    }
    spin_unlock_irqrestore(&queue->lock, flags);
    if (stopped) {
        vcpu_wake(prev); /* who woke it had to leave it alone */
    }
}

/* ---- life ------------------------------------------------------------------------------------ */

void sched_assign(struct vcpu *vcpu, unsigned int cpu)
{
    (void)atomic_sub(&per_cpu(sched_cpus, vcpu->processor).assigned, 1);
    (void)atomic_add(&per_cpu(sched_cpus, cpu).assigned, 1);
    WRITE_ONCE(vcpu->moved, true);
    atomic_write_release(&vcpu->processor, cpu);
}

int sched_vcpu_init(struct vcpu *vcpu)
{
    int result;

    vcpu->pin_override = -1;
    memset(&vcpu->affinity_hard, 0xff, sizeof(vcpu->affinity_hard));
    vcpu->affinity = vcpu->affinity_soft = vcpu->affinity_hard;
    vcpu->runstate.state = RUNSTATE_offline;
    vcpu->runstate.state_entry_time = (uint64_t)time_now();
    if (vcpu_is_idle(vcpu)) {
        vcpu->processor = vcpu->id;
        vcpu->runstate.state = RUNSTATE_running;
        vcpu_timers_init(vcpu);
        return 0;
    }
    vcpu->processor = sched_least_loaded(vcpu);
    vcpu_timers_init(vcpu);
    result = sched_policy->vcpu_init(vcpu);
    if (result == 0) {
        (void)atomic_add(&per_cpu(sched_cpus, vcpu->processor).assigned, 1);
    }
    return result;
}

void sched_vcpu_destroy(struct vcpu *vcpu)
{
    ASSERT(!vcpu->running && is_stopped(vcpu));
    vcpu_timers_kill(vcpu);
    if (!vcpu_is_idle(vcpu)) {
        sched_policy->vcpu_fini(vcpu);
        (void)atomic_sub(&per_cpu(sched_cpus, vcpu->processor).assigned, 1);
    }
}

void sched_cpu_init(unsigned int cpu)
{
    struct sched_cpu *queue = &per_cpu(sched_cpus, cpu);

    if (queue->idle != NULL) {
        return;
    }
    queue->idle = queue->current = domain_idle_vcpu(cpu);
    queue->idle->running = true;
    timer_init(&queue->slice_timer, slice_ended, NULL, cpu);
    if (sched_policy->cpu_init(cpu) != 0) {
        panic("no memory for the run queue of CPU %u", cpu);
    }
    if (cpu == arch_cpu_id()) {
        arch_set_current_vcpu(queue->idle);
    }
    cpu_mask_set(&sched_idle_mask, cpu);
    cpu_mask_set(&sched_cpu_mask, cpu);
}

uint64_t sched_idle_time_ns(unsigned int cpu)
{
    const struct vcpu *idle = READ_ONCE(per_cpu(sched_cpus, cpu).idle);

    return idle != NULL ? vcpu_cpu_time_ns(idle) : 0;
}

bool sched_cpu_idle(unsigned int cpu)
{
    struct sched_cpu *queue = &per_cpu(sched_cpus, cpu);

    return READ_ONCE(queue->current) == queue->idle;
}
