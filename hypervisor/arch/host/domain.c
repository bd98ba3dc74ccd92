/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Domains and vcpus as far as the host's architecture knows them. */
#include "inside.h"
#include "optional.h"

#include "arch/domain.h"
#include "arch/irq.h"
#include "hypervisor/error.h"
#include "hypervisor/guest.h"
#include "hypervisor/rangeset.h"
#include "hypervisor/string.h"

#include <xen/domctl.h>

HOST_WEAK int arch_domain_create(struct domain *domain, const struct domain_config *config)
{
    spin_lock_init(&domain->arch.mmu_lock, LOCK_MMU);
    domain->arch.per_domain_l3_mfn = MFN_INVALID;
    if (domain_is_idle(domain)) {
        return 0;
    }
    domain->arch.io_ports = rangeset_create("I/O ports");
    domain->arch.io_memory = rangeset_create("I/O memory");
    domain->arch.irqs = rangeset_create("interrupts");
    if (domain->arch.io_ports == NULL || domain->arch.io_memory == NULL ||
        domain->arch.irqs == NULL) {
        return -XEN_ENOMEM;
    }
    return arch_pirqs_create(domain);
}

/* The domain's frames are core/memory's to take; page types, when linked, go first. */
HOST_WEAK int arch_domain_relinquish(struct domain *domain)
{
    if (host_preempts()) {
        return -XEN_ERESTART;
    }
    return host_has(pagetype_relinquish) ? pagetype_relinquish(domain) : 0;
}

HOST_WEAK void arch_domain_free(struct domain *domain)
{
    arch_pirqs_destroy(domain);
    rangeset_destroy(domain->arch.io_ports);
    rangeset_destroy(domain->arch.io_memory);
    rangeset_destroy(domain->arch.irqs);
    domain->arch.io_ports = domain->arch.io_memory = domain->arch.irqs = NULL;
}

HOST_WEAK int arch_vcpu_create(struct vcpu *vcpu)
{
    spin_lock_init(&vcpu->arch.pv.ldt_lock, LOCK_DESCRIPTOR);
    return 0;
}

HOST_WEAK void arch_vcpu_free(struct vcpu *vcpu)
{
}

HOST_WEAK int arch_vcpu_initialise(struct vcpu *vcpu, uint64_t guest_address)
{
    struct vcpu_guest_context context;
    int error;

    if (host_preempts()) {
        return -XEN_ERESTART;
    }
    error = guest_read(context, guest_address);
    if (error == 0) {
        vcpu->arch.user_regs = context.user_regs;
    }
    return error;
}

HOST_WEAK int arch_vcpu_reset(struct vcpu *vcpu)
{
    return host_preempts() ? -XEN_ERESTART : 0;
}

HOST_WEAK int arch_vcpu_set_context(struct vcpu *vcpu, const struct vcpu_guest_context *context)
{
    if (host_preempts()) {
        return -XEN_ERESTART;
    }
    vcpu->arch.user_regs = context->user_regs;
    return 0;
}

HOST_WEAK void arch_vcpu_get_context(struct vcpu *vcpu, struct vcpu_guest_context *context)
{
    memset(context, 0, sizeof(*context));
    context->user_regs = vcpu->arch.user_regs;
}

HOST_WEAK int arch_domain_config_check(const struct xen_domctl_createdomain *config)
{
    return config->arch.emulation_flags != 0 ? -XEN_EINVAL : 0;
}

HOST_WEAK void arch_domain_describe(const struct domain *domain,
                                    struct xen_domctl_getdomaininfo *info)
{
    info->gpaddr_bits = 52;
}

HOST_WEAK long arch_vcpu_op(struct vcpu *vcpu, unsigned int op, uint64_t guest_address)
{
    return -XEN_ENOSYS;
}

HOST_WEAK void arch_vcpu_mark_pending(struct vcpu *vcpu)
{
}

HOST_WEAK bool arch_vcpu_kernel_in_reach(const struct vcpu *vcpu)
{
    return true;
}

HOST_WEAK bool arch_vcpu_nmi_pending(const struct vcpu *vcpu)
{
    return vcpu->arch.pv.nmi_pending && !vcpu->arch.pv.nmi_masked;
}

HOST_WEAK void arch_vcpu_enable_upcalls(struct vcpu *vcpu)
{
    vcpu->info->evtchn_upcall_mask = 0;
}
