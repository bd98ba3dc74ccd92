/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The scheduler: mechanism here, policy behind struct sched_policy (one file a policy, chosen by the
 * option "sched="). Mechanism and lock rules: core/sched/schedule.c.
 */
#ifndef HYPERVISOR_SCHED_H
#define HYPERVISOR_SCHED_H

#include "hypervisor/domain.h"

/* What a policy answers to "who runs next on this CPU". */
struct sched_decision {
    struct vcpu *next;        /* the CPU's idle vcpu when nobody else */
    system_time_t slice_ns;   /* at most that long, TIME_NEVER for no limit */
    bool prev_queued;         /* the vcpu that ran until now waits in the queue */
    struct sched_cap *to_arm; /* what sched_cap_begin returned */
};

struct sched_policy {
    const char *name;   /* "Credit2 ..." */
    const char *option; /* value of sched= */
    unsigned int id;    /* XEN_SCHEDULER_* */
    int (*cpu_init)(unsigned int cpu);
    int (*vcpu_init)(struct vcpu *vcpu);
    void (*vcpu_fini)(struct vcpu *vcpu);
    /* All below under the lock of vcpu->processor's run queue (of the CPU's, pick and valid). */
    unsigned int (*pick_cpu)(struct vcpu *vcpu); /* where a vcpu that is not queued should wake */
    void (*wake)(struct vcpu *vcpu);             /* queue it, make a CPU notice */
    void (*sleep)(struct vcpu *vcpu);            /* a queued one: take it out */
    void (*yield)(struct vcpu *vcpu); /* the current one: others first at the next pick */
    struct sched_decision (*pick)(unsigned int cpu, system_time_t now);
    void (*context_saved)(struct vcpu *vcpu);             /* a queued one left its CPU */
    void (*migrate)(struct vcpu *vcpu, unsigned int cpu); /* one that is not queued will go there */
    void (*set_weight)(struct vcpu *vcpu, uint32_t weight);
    void (*set_cap)(struct vcpu *vcpu, struct sched_cap *cap); /* to pay to; NULL: none */
    uint32_t *ratelimit_us; /* least time a vcpu runs before another is preferred; may be NULL */
    void (*dump)(unsigned int cpu); /* no lock: prints what it can */
    bool (*valid)(unsigned int cpu);
};

/* Once, on the boot CPU, before domains_init: chooses the policy. */
void sched_init(void);
/* On each CPU, after domains_init and before it runs its idle loop; no vcpu is put there before. The
 * idle vcpu becomes the CPU's current one. */
void sched_cpu_init(unsigned int cpu);
int sched_vcpu_init(struct vcpu *vcpu) __must_check; /* from vcpu_create */
void sched_vcpu_destroy(struct vcpu *vcpu);

/* SOFTWORK_SCHEDULE's handler; may not return into the same vcpu's context. */
void schedule(void);

/* Called by arch code on the new stack's side once prev's state is saved and off the CPU. */
void sched_context_saved(struct vcpu *prev);

/* The vcpu became runnable: any context. No-op when it is not runnable or already queued. */
void vcpu_wake(struct vcpu *vcpu);
/* It is not runnable any more: take it off. sync waits until it left its CPU. */
void vcpu_sleep_nosync(struct vcpu *vcpu);
void vcpu_sleep_sync(struct vcpu *vcpu);

/* Current vcpu. block: until an event is pending (checked after the flag is set: no lost wake-up). */
void vcpu_block(void);
void vcpu_yield(void);
/* SCHEDOP_poll on up to 128 ports; timeout in system time ns, 0 for none. */
int vcpu_poll(const uint32_t *ports, unsigned int count, uint64_t timeout);

/* An event came: clears VCPU_BLOCKED (and polling) and wakes. Any context. */
void vcpu_unblock(struct vcpu *vcpu);

/*
 * Makes a running vcpu notice: an IPI when it runs on another CPU. Together with vcpu_unblock that
 * is "kick". What it is to notice was stored with a full barrier before.
 */
void vcpu_kick(struct vcpu *vcpu);

/* Where it may run; it leaves a CPU it may not be on soon after. -XEN_EINVAL: no CPU of ours in it. */
int vcpu_set_affinity(struct vcpu *vcpu, const struct cpu_mask *hard) __must_check;
/* Where it likes to run. */
int vcpu_set_soft_affinity(struct vcpu *vcpu, const struct cpu_mask *soft) __must_check;
/* SCHEDOP_pin_override: cpu < 0 ends it. -XEN_EINVAL: no such CPU. -XEN_EBUSY: one is in force. */
int vcpu_pin_override(struct vcpu *vcpu, int cpu) __must_check;

/* The domain's share: 1 .. 65535, 256 is normal. -XEN_EINVAL. */
int sched_set_weight(struct domain *domain, uint32_t weight) __must_check;

/*
 * At most that much CPU time, in percent of one CPU, for all its vcpus together; 0: no limit. One call at
 * a time a domain. -XEN_EINVAL above 65535, -XEN_ENOMEM.
 */
int sched_set_cap(struct domain *domain, uint32_t percent) __must_check;
void sched_domain_destroy(struct domain *domain); /* before its vcpus go; none of them runs */

/* A consistent copy; the time of the present state is brought up to now. */
void vcpu_runstate_get(const struct vcpu *vcpu, struct vcpu_runstate_info *out);
uint64_t vcpu_cpu_time_ns(const struct vcpu *vcpu);

/* VCPUOP_*_timer: period and timeout in ns. */
int vcpu_set_periodic_timer(struct vcpu *vcpu, uint64_t period_ns) __must_check;
void vcpu_stop_periodic_timer(struct vcpu *vcpu);
int vcpu_set_singleshot_timer(struct vcpu *vcpu, uint64_t timeout_abs_ns, bool future) __must_check;
void vcpu_stop_singleshot_timer(struct vcpu *vcpu);

bool sched_cpu_idle(unsigned int cpu);         /* runs its idle vcpu */
uint64_t sched_idle_time_ns(unsigned int cpu); /* how long it did; 0 for one that never ran */
bool sched_valid(unsigned int cpu);            /* invariants of its run queue */
unsigned int sched_id(void);                   /* XEN_SCHEDULER_* of the policy in use */
uint32_t sched_ratelimit_us(void);             /* of the policy in use; 0: it has none */

/* 100 .. 500000, or 0 for none; from the next decision on. -XEN_EINVAL. */
int sched_set_ratelimit_us(uint32_t us) __must_check;

#endif
