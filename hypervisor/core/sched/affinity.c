/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Where vcpus may run. vcpu->affinity is what counts: the hard affinity, or the one CPU of a pin
 * override. It changes under the vcpu's run-queue lock; the hard affinity is kept beside it so that
 * the end of an override finds it.
 */
#include "sched_private.h"

#include "hypervisor/error.h"
#include "hypervisor/work.h"

unsigned int sched_mask_next(const struct cpu_mask *a, const struct cpu_mask *b,
                             const struct cpu_mask *c, unsigned int from)
{
    const unsigned int longs = ARRAY_SIZE(a->bits);
    unsigned int i, at;

    from %= CONFIG_MAX_CPUS;
    at = from / BITS_PER_LONG;
    /* The first word twice: its upper part at the start, its lower part at the end. */
    for (i = 0; i <= longs; i++, at = at + 1 < longs ? at + 1 : 0) {
        unsigned long bits = READ_ONCE(a->bits[at]) & READ_ONCE(b->bits[at]);
        unsigned long upper = ~0ul << from % BITS_PER_LONG;

        if (c != NULL) {
            bits &= READ_ONCE(c->bits[at]);
        }
        if (i == 0) {
            bits &= upper;
        } else if (i == longs) {
            bits &= ~upper;
        }
        if (bits != 0) {
            return at * BITS_PER_LONG + (unsigned int)__builtin_ctzl(bits);
        }
    }
    return CONFIG_MAX_CPUS;
}

static unsigned int least_loaded(const struct vcpu *vcpu, const struct cpu_mask *preferred)
{
    unsigned int best = CONFIG_MAX_CPUS, best_assigned = UINT32_MAX, cpu;

    cpu_for_each(cpu, &sched_cpu_mask)
    {
        unsigned int assigned = READ_ONCE(per_cpu(sched_cpus, cpu).assigned);

        if (cpu_mask_test(&vcpu->affinity, cpu) && cpu_mask_test(preferred, cpu) &&
            assigned < best_assigned) {
            best = cpu;
            best_assigned = assigned;
        }
    }
    return best;
}

unsigned int sched_least_loaded(const struct vcpu *vcpu)
{
    unsigned int cpu = least_loaded(vcpu, &vcpu->affinity_soft);

    if (cpu >= CONFIG_MAX_CPUS) {
        cpu = least_loaded(vcpu, &sched_cpu_mask);
    }
    BUG_ON(cpu >= CONFIG_MAX_CPUS);
    return cpu;
}

/* It is not the context of its processor, where it may not be any more. */
static void leave(struct vcpu *vcpu)
{
    unsigned int cpu;

    if (vcpu->runstate.state == RUNSTATE_runnable) {
        sched_policy->sleep(vcpu);
        runstate_change(vcpu, RUNSTATE_offline, time_now());
    }
    if (!atomic_read(&vcpu->running)) {
        cpu = sched_policy->pick_cpu(vcpu);
        sched_policy->migrate(vcpu, cpu);
        sched_assign(vcpu, cpu);
    }
}

/* vcpu->affinity has changed, `queue` (locked) is the vcpu's: it leaves if it may not stay. */
static void affinity_enforce(struct vcpu *vcpu, struct sched_cpu *queue, unsigned long flags)
{
    unsigned int cpu = vcpu->processor;
    bool stays = sched_cpu_allowed(vcpu, cpu), is_current = queue->current == vcpu;

    if (!stays && !is_current) {
        leave(vcpu);
    }
    spin_unlock_irqrestore(&queue->lock, flags);
    if (stays) {
        return;
    }
    if (is_current) {
        softwork_raise_on(cpu, SOFTWORK_SCHEDULE);
    } else {
        vcpu_wake(vcpu);
    }
}

static bool mask_usable(const struct cpu_mask *mask)
{
    return sched_mask_next(mask, &sched_cpu_mask, NULL, 0) < CONFIG_MAX_CPUS;
}

int vcpu_set_affinity(struct vcpu *vcpu, const struct cpu_mask *hard)
{
    struct sched_cpu *queue;
    unsigned long flags;

    if (!mask_usable(hard)) {
        return -XEN_EINVAL;
    }
    queue = sched_lock_vcpu(vcpu, &flags);
    vcpu->affinity_hard = *hard;
    if (vcpu->pin_override < 0) {
        vcpu->affinity = *hard;
    }
    affinity_enforce(vcpu, queue, flags);
    return 0;
}

int vcpu_set_soft_affinity(struct vcpu *vcpu, const struct cpu_mask *soft)
{
    struct sched_cpu *queue;
    unsigned long flags;

    queue = sched_lock_vcpu(vcpu, &flags);
    vcpu->affinity_soft = *soft;
    spin_unlock_irqrestore(&queue->lock, flags);
    return 0;
}

int vcpu_pin_override(struct vcpu *vcpu, int cpu)
{
    struct sched_cpu *queue;
    unsigned long flags;
    int result = 0;

    if (cpu >= 0 && ((unsigned int)cpu >= CONFIG_MAX_CPUS ||
                     !cpu_mask_test(&sched_cpu_mask, (unsigned int)cpu))) {
        return -XEN_EINVAL;
    }
    queue = sched_lock_vcpu(vcpu, &flags);
    if (cpu < 0) {
        vcpu->pin_override = -1;
        vcpu->affinity = vcpu->affinity_hard;
    } else if (vcpu->pin_override >= 0) {
        result = -XEN_EBUSY;
    } else {
        vcpu->pin_override = cpu;
        vcpu->affinity = (struct cpu_mask){ { 0 } };
        cpu_mask_set(&vcpu->affinity, (unsigned int)cpu);
    }
    affinity_enforce(vcpu, queue, flags);
    return result;
}
