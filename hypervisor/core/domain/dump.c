/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Debug key 'q': domains and their vcpus. Takes no lock: what it prints may be in motion. */
#include "domain_private.h"

#include "hypervisor/debug_key.h"
#include "hypervisor/printk.h"

static void dump_vcpu(const struct vcpu *vcpu)
{
    static const char *const states[] = { "running", "runnable", "blocked", "offline" };

    pr_info("  vcpu %u: %s on CPU %u%s, flags %#x, paused %d, upcall %s%s, runs %lu ms\n", vcpu->id,
            states[vcpu->runstate.state & 3], vcpu->processor, vcpu->running ? " (loaded)" : "",
            vcpu->pause_flags, vcpu->pause_count,
            vcpu->info->evtchn_upcall_pending ? "pending" : "none",
            vcpu->info->evtchn_upcall_mask ? " (masked)" : "",
            (unsigned long)(vcpu->runstate.time[RUNSTATE_running] / NS_PER_MS));
}

static bool dump_domain(struct domain *domain, void *data)
{
    const struct vcpu *vcpu;
    unsigned int id;

    (void)data;
    pr_info("Domain %u: refs %u, paused %d, %s%s, %lu frames of %lu, %lu shared\n",
            domain->id.value, domain->refs, domain->pause_count,
            domain->dying != DOMAIN_ALIVE ? "dying" : "alive",
            domain->is_shut_down ? ", shut down" : "", (unsigned long)domain->frames_total,
            (unsigned long)domain->frames_max, (unsigned long)domain->frames_hypervisor);
    quota_dump(domain);
    domain_for_each_vcpu(domain, id, vcpu)
    {
        dump_vcpu(vcpu);
    }
    return true;
}

static void dump(char key)
{
    (void)key;
    domain_for_each(dump_domain, NULL);
}

void domain_dump_init(void)
{
    debug_key_register('q', dump, "dump domains and vcpus");
}
