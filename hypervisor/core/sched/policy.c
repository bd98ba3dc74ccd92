/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Which policy schedules, its start, and what people may see of it. */
#include "sched_private.h"

#include "hypervisor/debug_key.h"
#include "hypervisor/error.h"
#include "hypervisor/option.h"
#include "hypervisor/printk.h"
#include "hypervisor/string.h"
#include "hypervisor/work.h"

#include <xen/sysctl.h>

static const struct sched_policy *const policies[] = {
    &sched_policy_credit2,
};

const struct sched_policy *sched_policy = &sched_policy_credit2;

static char opt_sched[16] = CONFIG_SCHED_DEFAULT;
OPTION_STRING("sched", opt_sched, "scheduler to use: credit2");

unsigned int sched_id(void)
{
    return sched_policy->id;
}

uint32_t sched_ratelimit_us(void)
{
    return sched_policy->ratelimit_us != NULL ? READ_ONCE(*sched_policy->ratelimit_us) : 0;
}

int sched_set_ratelimit_us(uint32_t us)
{
    if (sched_policy->ratelimit_us == NULL ||
        (us != 0 && (us < XEN_SYSCTL_SCHED_RATELIMIT_MIN || us > XEN_SYSCTL_SCHED_RATELIMIT_MAX))) {
        return -XEN_EINVAL;
    }
    WRITE_ONCE(*sched_policy->ratelimit_us, us);
    return 0;
}

static void choose_policy(void)
{
    size_t i;

    for (i = 0; i < ARRAY_SIZE(policies); i++) {
        if (strcmp(policies[i]->option, opt_sched) == 0) {
            sched_policy = policies[i];
            return;
        }
    }
    pr_warning("There is no scheduler \"%s\": using \"%s\"\n", opt_sched, sched_policy->option);
}

static void dump(char key)
{
    unsigned int cpu;

    (void)key;
    pr_info("Scheduler: %s\n", sched_policy->name);
    cpu_for_each(cpu, &sched_cpu_mask)
    {
        const struct sched_cpu *queue = &per_cpu(sched_cpus, cpu);
        const struct vcpu *vcpu = READ_ONCE(queue->current);

        pr_info("CPU %u: d%uv%u%s, %u vcpus assigned\n", cpu, vcpu->domain->id.value, vcpu->id,
                vcpu == queue->idle ? " (idle)" : "", queue->assigned);
        sched_policy->dump(cpu);
    }
}

void sched_init(void)
{
    choose_policy();
    softwork_register(SOFTWORK_SCHEDULE, schedule);
    debug_key_register('r', dump, "dump run queues");
    pr_info("Scheduler: %s\n", sched_policy->name);
}

int sched_set_weight(struct domain *domain, uint32_t weight)
{
    struct vcpu *vcpu;
    unsigned int id;

    if (weight == 0 || weight > UINT16_MAX) {
        return -XEN_EINVAL;
    }
    WRITE_ONCE(domain->sched_weight, weight);
    domain_for_each_vcpu(domain, id, vcpu)
    {
        unsigned long flags;
        struct sched_cpu *queue = sched_lock_vcpu(vcpu, &flags);

        sched_policy->set_weight(vcpu, weight);
        spin_unlock_irqrestore(&queue->lock, flags);
    }
    return 0;
}

bool sched_valid(unsigned int cpu)
{
    struct sched_cpu *queue = &per_cpu(sched_cpus, cpu);
    unsigned long flags = spin_lock_irqsave(&queue->lock);
    const struct vcpu *current = queue->current;
    bool valid = current->running && current->processor == cpu &&
                 current->runstate.state == RUNSTATE_running &&
                 (current == queue->idle || !cpu_mask_test(&sched_idle_mask, cpu)) &&
                 sched_policy->valid(cpu);

    spin_unlock_irqrestore(&queue->lock, flags);
    return valid;
}
