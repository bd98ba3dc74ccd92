/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* A domain as XEN_DOMCTL_getdomaininfo describes it. */
#include "hypervisor/domain_info.h"

#include "arch/domain.h"
#include "arch/memory.h"
#include "hypervisor/atomic.h"
#include "hypervisor/domain.h"
#include "hypervisor/sched.h"
#include "hypervisor/string.h"

/* Vcpus: how many are up, whether one runs or all of them wait, CPU time. */
static void fill_vcpus(const struct domain *domain, struct xen_domctl_getdomaininfo *info)
{
    const struct vcpu *vcpu;
    unsigned int id;

    info->max_vcpu_id = XEN_INVALID_MAX_VCPU_ID;
    info->flags |= XEN_DOMINF_blocked;
    domain_for_each_vcpu(domain, id, vcpu)
    {
        uint32_t flags = atomic_read(&vcpu->pause_flags);

        info->max_vcpu_id = id;
        info->cpu_time += vcpu_cpu_time_ns(vcpu);
        if (flags & VCPU_DOWN) {
            continue;
        }
        info->nr_online_vcpus++;
        if (!(flags & VCPU_BLOCKED)) {
            info->flags &= ~XEN_DOMINF_blocked;
        }
        if (READ_ONCE(vcpu->running)) {
            info->flags |= XEN_DOMINF_running;
        }
    }
}

static uint32_t state_flags(const struct domain *domain)
{
    uint32_t flags = 0;

    if (atomic_read(&domain->dying) == DOMAIN_DEAD) {
        flags |= XEN_DOMINF_dying;
    }
    if (domain->kind == DOMAIN_KIND_HVM) {
        flags |= XEN_DOMINF_hvm_guest;
    }
    if (atomic_read_acquire(&domain->is_shut_down)) {
        flags |= XEN_DOMINF_shutdown;
    }
    if (READ_ONCE(domain->control_pauses) != 0) {
        flags |= XEN_DOMINF_paused;
    }
    if (domain->create_flags & XEN_DOMCTL_CDF_xs_domain) {
        flags |= XEN_DOMINF_xs_domain;
    }
    return flags | (uint32_t)domain->shutdown_code << XEN_DOMINF_shutdownshift;
}

void domain_info_fill(struct domain *domain, struct xen_domctl_getdomaininfo *info)
{
    const struct shared_info *shared = READ_ONCE(domain->shared_info);

    memset(info, 0, sizeof(*info));
    info->domain = domain->id.value;
    info->flags = state_flags(domain);
    fill_vcpus(domain, info);
    info->tot_pages = READ_ONCE(domain->frames_total);
    info->max_pages = READ_ONCE(domain->frames_max);
    info->outstanding_pages = READ_ONCE(domain->frames_claimed);
    info->shared_info_frame = shared != NULL ? virt_to_mfn(shared).value : ~0ull;
    memcpy(info->handle, domain->handle, sizeof(info->handle));
    info->cpupool = 0; /* there is one */
    info->ssidref = 0; /* no policy labels anybody */
    arch_domain_describe(domain, info);
}
