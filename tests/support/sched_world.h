/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * A machine with the real core/domain and core/sched: made once a program, as on a machine.
 * Domains of a test come and go.
 */
#ifndef SUPPORT_SCHED_WORLD_H
#define SUPPORT_SCHED_WORLD_H

#include "asm/host.h"
#include "hypervisor/atomic.h"
#include "hypervisor/bug.h"
#include "hypervisor/domain.h"
#include "hypervisor/error.h"
#include "hypervisor/event.h"
#include "hypervisor/heap.h"
#include "hypervisor/sched.h"
#include "hypervisor/work.h"

#include "hypervisor/core/sched/sched_private.h"

#include <string.h>

#define WORLD_FRAMES 4096u

static inline void world_create(unsigned int cpus)
{
    unsigned int cpu;

    host_setup(WORLD_FRAMES, cpus);
    timers_init();
    sched_init();
    domains_init();
    for (cpu = cpus; cpu-- > 0;) {
        host_set_current(cpu, NULL);
        sched_cpu_init(cpu);
    }
    host_set_current(0, domain_idle_vcpu(0));
}

/* The test goes on as that CPU, in whatever vcpu it runs. */
static inline struct vcpu *world_cpu(unsigned int cpu)
{
    struct vcpu *vcpu = per_cpu(sched_cpus, cpu).current;

    host_set_current(cpu, vcpu);
    return vcpu;
}

static inline struct domain *world_domain(uint16_t id, unsigned int vcpus, bool privileged)
{
    const struct domain_config config = { .kind = DOMAIN_KIND_PV,
                                          .vcpus_max = vcpus,
                                          .grant_frames_max = -1,
                                          .maptrack_frames_max = -1,
                                          .grant_version_max = 2,
                                          .privileged = privileged };
    struct domain *domain;
    unsigned int i;
    int error;

    domain = domain_create(DOMAIN_ID(id), &config, &error);
    BUG_ON(domain == NULL);
    for (i = 0; i < vcpus; i++) {
        BUG_ON(vcpu_create(domain, i) == NULL);
        domain->vcpus[i]->initialised = true;
    }
    return domain;
}

/* Its vcpus up and running. */
static inline void world_start(struct domain *domain)
{
    unsigned int i;

    for (i = 0; i < domain->vcpus_max; i++) {
        (void)atomic_and(&domain->vcpus[i]->pause_flags, ~VCPU_DOWN);
        vcpu_wake(domain->vcpus[i]);
    }
    domain_unpause(domain);
    host_run_softwork_all();
}

/* From an idle CPU's context; all references but the life's were put. */
static inline void world_kill(struct domain *domain)
{
    uint16_t id = domain->id.value;

    domain_pause_nosync(domain);
    host_run_softwork_all();
    (void)world_cpu(0);
    while (domain_kill(domain) == -XEN_ERESTART) {
    }
    host_run_softwork_all();
    BUG_ON(domain_of_owner(id) != NULL);
}

static inline bool world_valid(void)
{
    unsigned int cpu;

    cpu_for_each(cpu, &sched_cpu_mask)
    {
        if (!sched_valid(cpu) || !timers_valid(cpu)) {
            return false;
        }
    }
    return true;
}

#endif
