/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* What the files of core/sched share. The theory is at the top of schedule.c. */
#ifndef CORE_SCHED_PRIVATE_H
#define CORE_SCHED_PRIVATE_H

#include "hypervisor/atomic.h"
#include "hypervisor/bug.h"
#include "hypervisor/sched.h"

struct sched_cpu {
    struct spinlock lock; /* LOCK_SCHED: all below but `assigned` */
    bool slice_limited;   /* the running vcpu's time slice ends */
    struct vcpu *current; /* who was picked: is this CPU's context, or about to become it */
    struct vcpu *idle;
    unsigned int queued;   /* vcpus that wait here; written by the policy */
    unsigned int assigned; /* vcpus whose processor this is; atomic */
    struct timer slice_timer;
} __aligned(64);

DECLARE_PER_CPU(struct sched_cpu, sched_cpus);

/* CPUs that schedule, and those of them that have nothing to run. Atomic bits. */
extern struct cpu_mask sched_cpu_mask, sched_idle_mask;

extern const struct sched_policy *sched_policy;
extern const struct sched_policy sched_policy_credit2;

/* May the vcpu run on that CPU? Under the lock of its run queue. */
static inline bool sched_cpu_allowed(const struct vcpu *vcpu, unsigned int cpu)
{
    return cpu_mask_test(&vcpu->affinity, cpu);
}

/* The run queue of the vcpu's processor, locked; flags for spin_unlock_irqrestore. */
struct sched_cpu *sched_lock_vcpu(const struct vcpu *vcpu, unsigned long *flags);

/* The vcpu leaves the one state for the other, at that time. Under its run queue's lock. */
void runstate_change(struct vcpu *vcpu, int state, system_time_t now);

/* The vcpu is accounted to another processor. Under the lock of the run queue it leaves. */
void sched_assign(struct vcpu *vcpu, unsigned int cpu);

/* First CPU of a & b (& c when not NULL) at or after `from`, wrapping; CONFIG_MAX_CPUS when none. */
unsigned int sched_mask_next(const struct cpu_mask *a, const struct cpu_mask *b,
                             const struct cpu_mask *c, unsigned int from);

/* The least loaded CPU the vcpu may run on, of those it prefers when there are any. */
unsigned int sched_least_loaded(const struct vcpu *vcpu);

/*
 * Budgets of domains with a cap (cap.c), for policies, under the vcpu's run-queue lock. A vcpu begins to
 * spend when it gets a CPU and ends when it leaves; `spends` is its own. In between the policy pays for it.
 * begin: what is returned goes into the decision. end: it has paid up to then. stops: it may not run
 * before the refill, which will wake it; it is not runnable any more, and not to be queued. slice: how
 * long one that spends may run.
 */
struct sched_cap *sched_cap_begin(struct sched_cap *cap, bool *spends, system_time_t now);
void sched_cap_pay(struct sched_cap *cap, int64_t ran_ns);
void sched_cap_end(struct sched_cap *cap, bool *spends, system_time_t paid);
bool sched_cap_stops(struct sched_cap *cap, struct vcpu *vcpu, system_time_t now);
int64_t sched_cap_slice(struct sched_cap *cap, system_time_t now);

/* No lock of a run queue held. */
void sched_cap_arm(struct sched_cap *cap);

void vcpu_timers_init(struct vcpu *vcpu);
void vcpu_timers_kill(struct vcpu *vcpu);

#endif
