/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Pausing. Counts and flags change together under pause_lock; whoever changed them then puts to sleep
 * or wakes without it, and both look at the flags again under the run queue's lock: a pause and an
 * unpause that overtake each other do no harm.
 */
#include "domain_private.h"

#include "hypervisor/sched.h"

/* One more (change = 1) or one less (-1) at a count; the flag follows on these vcpus. */
static void count_change(struct domain *domain, int32_t *count, int32_t change, uint32_t flag,
                         struct vcpu *only)
{
    unsigned long flags = spin_lock_irqsave(&domain->pause_lock);
    bool was = *count != 0;
    struct vcpu *vcpu;
    unsigned int id;

    *count += change;
    BUG_ON(*count < 0 || *count == INT32_MAX);
    if (was != (*count != 0)) {
        domain_for_each_vcpu(domain, id, vcpu)
        {
            if (only != NULL && vcpu != only) {
                continue;
            }
            if (was) {
                (void)atomic_and(&vcpu->pause_flags, ~flag);
            } else {
                (void)atomic_or(&vcpu->pause_flags, flag);
            }
        }
    }
    spin_unlock_irqrestore(&domain->pause_lock, flags);
}

static void sleep_off(struct vcpu *vcpu, bool sync)
{
    if (sync && vcpu != current_vcpu()) {
        vcpu_sleep_sync(vcpu);
    } else {
        vcpu_sleep_nosync(vcpu);
    }
}

void vcpu_pause_nosync(struct vcpu *vcpu)
{
    count_change(vcpu->domain, &vcpu->pause_count, 1, VCPU_PAUSED, vcpu);
    sleep_off(vcpu, false);
}

void vcpu_pause(struct vcpu *vcpu)
{
    count_change(vcpu->domain, &vcpu->pause_count, 1, VCPU_PAUSED, vcpu);
    sleep_off(vcpu, true);
}

void vcpu_unpause(struct vcpu *vcpu)
{
    count_change(vcpu->domain, &vcpu->pause_count, -1, VCPU_PAUSED, vcpu);
    vcpu_wake(vcpu);
}

static void pause_all(struct domain *domain, bool sync)
{
    struct vcpu *vcpu;
    unsigned int id;

    count_change(domain, &domain->pause_count, 1, VCPU_DOMAIN_PAUSED, NULL);
    domain_for_each_vcpu(domain, id, vcpu)
    {
        sleep_off(vcpu, sync);
    }
}

void domain_pause(struct domain *domain)
{
    pause_all(domain, true);
}

void domain_pause_nosync(struct domain *domain)
{
    pause_all(domain, false);
}

void domain_unpause(struct domain *domain)
{
    struct vcpu *vcpu;
    unsigned int id;

    count_change(domain, &domain->pause_count, -1, VCPU_DOMAIN_PAUSED, NULL);
    domain_for_each_vcpu(domain, id, vcpu)
    {
        vcpu_wake(vcpu);
    }
}

/* One more (less) of the toolstack's; false beyond the bounds. */
static bool control_change(struct domain *domain, int change)
{
    unsigned long flags = spin_lock_irqsave(&domain->pause_lock);
    int count = domain->control_pauses + change;
    bool possible = count >= 0 && count <= (int)UINT8_MAX;

    if (possible) {
        domain->control_pauses = (uint8_t)count;
    }
    spin_unlock_irqrestore(&domain->pause_lock, flags);
    return possible;
}

int domain_control_pause(struct domain *domain)
{
    if (!control_change(domain, 1)) {
        return -XEN_E2BIG;
    }
    domain_pause(domain);
    return 0;
}

int domain_control_unpause(struct domain *domain)
{
    if (!control_change(domain, -1)) {
        return -XEN_EINVAL;
    }
    domain_unpause(domain);
    return 0;
}
