/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Caps: at most so much CPU time for a domain, whoever else wants it or does not.
 *
 *     domain->sched_cap --> full     what it may use in a period: percent of one CPU times PERIOD
 *                           budget   what is left of it, but for what is not paid yet
 *                           refill   a timer, at the end of each period in which it ran
 *
 * All vcpus of the domain pay from the one budget. A policy pays for a vcpu each time it decides about
 * the CPU that runs it (sched_cap_pay), gives it no longer slice than what is left allows, shared by
 * the vcpus that run (sched_cap_slice), and asks before it lets one run (sched_cap_stops). When nothing
 * is left, that sets VCPU_CAPPED: the vcpu is then not runnable, as if it were paused. The refill takes
 * the flag away and wakes it.
 *
 * What is left is known at any time: each of the `running` vcpus has paid up to some time, `paid` is
 * the sum of these times, so running * now - paid is what they have yet to pay. A slice ends a little
 * late: what was used too much is owed, so that the share is right in the long run. There is never
 * more than `full` left: what was not used in one period is lost.
 *
 * Invariants:
 *   1. Flags are set under cap->lock while nothing is left, and then the timer is armed: a refill
 *      comes after each flag that was set, and takes them all away.
 *   2. `running` counts the vcpus whose `spends` is set, which changes under their run queue's lock.
 *   3. Without a cap (percent 0) no policy asks, and there are no flags.
 *
 * Locks: cap->lock (LOCK_SCHED_CAP), inside a run queue's; nothing is taken inside. Timers stand above
 * run queues: who paid first in a period arms the timer when it has left the queue's lock.
 */
#include "sched_private.h"

#include "hypervisor/error.h"
#include "hypervisor/heap.h"
#include "hypervisor/work.h"

#define PERIOD       ((int64_t)(10 * NS_PER_MS))
#define SLICE_MIN    ((int64_t)(50 * NS_PER_US))
#define DEBT_PERIODS 10 /* more is forgiven: a machine that stood still is nobody's spending */

struct sched_cap {
    struct spinlock lock; /* all below but domain and refill */
    bool armed;           /* `refill` is set, or who made this true is about to set it */
    unsigned int running;
    int64_t full, budget;
    system_time_t paid;
    system_time_t next; /* end of the period, while armed */
    struct domain *domain;
    struct timer refill;
};

/* Under the lock. */
static int64_t left(const struct sched_cap *cap, system_time_t now)
{
    return cap->budget - ((int64_t)cap->running * now - cap->paid);
}

/* ---- refilling ------------------------------------------------------------------------------- */

static void release_vcpus(struct domain *domain)
{
    struct vcpu *vcpu;
    unsigned int id;

    domain_for_each_vcpu(domain, id, vcpu)
    {
        if (atomic_read(&vcpu->pause_flags) & VCPU_CAPPED) {
            (void)atomic_and(&vcpu->pause_flags, ~VCPU_CAPPED);
            vcpu_wake(vcpu);
        }
    }
}

/* The periods that ended give their budgets. True when there is one to spend again. */
static bool refill_budget(struct sched_cap *cap, system_time_t now, bool *again)
{
    unsigned long flags = spin_lock_irqsave(&cap->lock);
    int64_t periods = now < cap->next ? 0 : 1 + (now - cap->next) / PERIOD;
    bool unused = cap->budget == cap->full && cap->running == 0;
    bool some;

    cap->budget += min(periods * cap->full, cap->full - left(cap, now));
    cap->next += periods * PERIOD;
    some = left(cap, now) > 0;
    *again = cap->armed = !unused;
    spin_unlock_irqrestore(&cap->lock, flags);
    return some;
}

static void refill(void *data)
{
    struct sched_cap *cap = data;
    bool again;

    if (refill_budget(cap, time_now(), &again)) {
        release_vcpus(cap->domain);
    }
    if (again) {
        timer_set(&cap->refill, READ_ONCE(cap->next));
    }
}

void sched_cap_arm(struct sched_cap *cap)
{
    timer_set(&cap->refill, READ_ONCE(cap->next));
}

/* ---- spending, under the vcpu's run-queue lock ------------------------------------------------- */

void sched_cap_pay(struct sched_cap *cap, int64_t ran_ns)
{
    spin_lock(&cap->lock);
    cap->paid += ran_ns;
    cap->budget = max(cap->budget - ran_ns, -DEBT_PERIODS * cap->full);
    spin_unlock(&cap->lock);
}

bool sched_cap_stops(struct sched_cap *cap, struct vcpu *vcpu, system_time_t now)
{
    bool spent;

    spin_lock(&cap->lock);
    spent = left(cap, now) <= 0;
    if (spent) {
        (void)atomic_or(&vcpu->pause_flags, VCPU_CAPPED);
    }
    spin_unlock(&cap->lock);
    return spent;
}

struct sched_cap *sched_cap_begin(struct sched_cap *cap, bool *spends, system_time_t now)
{
    struct sched_cap *to_arm = NULL;

    if (!*spends) {
        spin_lock(&cap->lock);
        cap->running++;
        cap->paid += now;
        if (!cap->armed) {
            cap->armed = true;
            cap->next = now + PERIOD;
            to_arm = cap;
        }
        spin_unlock(&cap->lock);
        *spends = true;
    }
    return to_arm;
}

void sched_cap_end(struct sched_cap *cap, bool *spends, system_time_t paid)
{
    spin_lock(&cap->lock);
    cap->running--;
    cap->paid -= paid;
    spin_unlock(&cap->lock);
    *spends = false;
}

int64_t sched_cap_slice(struct sched_cap *cap, system_time_t now)
{
    int64_t slice;

    spin_lock(&cap->lock);
    slice = left(cap, now) / (int64_t)cap->running;
    spin_unlock(&cap->lock);
    return max(slice, SLICE_MIN);
}

/* ---- setting --------------------------------------------------------------------------------- */

static struct sched_cap *cap_of(struct domain *domain)
{
    struct sched_cap *cap = domain->sched_cap;

    if (cap == NULL) {
        cap = heap_new(struct sched_cap);
        if (cap != NULL) {
            cap->domain = domain;
            spin_lock_init(&cap->lock, LOCK_SCHED_CAP);
            timer_init(&cap->refill, refill, cap, arch_cpu_id());
            domain->sched_cap = cap;
        }
    }
    return cap;
}

int sched_set_cap(struct domain *domain, uint32_t percent)
{
    struct sched_cap *cap;
    unsigned long flags;
    struct vcpu *vcpu;
    unsigned int id;

    if (percent > UINT16_MAX) {
        return -XEN_EINVAL;
    }
    if (percent == domain->sched_cap_percent) {
        return 0;
    }
    cap = cap_of(domain);
    if (cap == NULL) {
        return -XEN_ENOMEM;
    }
    WRITE_ONCE(domain->sched_cap_percent, percent);
    flags = spin_lock_irqsave(&cap->lock);
    cap->full = cap->budget = percent * PERIOD / 100;
    spin_unlock_irqrestore(&cap->lock, flags);
    domain_for_each_vcpu(domain, id, vcpu)
    {
        struct sched_cpu *queue = sched_lock_vcpu(vcpu, &flags);
        unsigned int cpu = vcpu->processor;

        sched_policy->set_cap(vcpu, percent != 0 ? cap : NULL);
        spin_unlock_irqrestore(&queue->lock, flags);
        softwork_raise_on(cpu, SOFTWORK_SCHEDULE); /* its slice may be too long now */
    }
    release_vcpus(domain);
    return 0;
}

void sched_domain_destroy(struct domain *domain)
{
    if (domain->sched_cap != NULL) {
        timer_kill(&domain->sched_cap->refill);
        heap_free(domain->sched_cap);
        domain->sched_cap = NULL;
    }
}
