/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Physical interrupts bound to guests: recorded. All pirqs below HOST_PIRQS are anybody's. */
#include "inside.h"

#include "arch/irq.h"
#include "hypervisor/domain.h"
#include "hypervisor/error.h"

#include <string.h>

static struct host_pirq pirqs[HOST_PIRQS];

void host_irq_setup(void)
{
    memset(pirqs, 0, sizeof(pirqs));
}

const struct host_pirq *host_pirq(unsigned int pirq)
{
    return &pirqs[pirq];
}

HOST_WEAK int arch_pirq_bind(struct vcpu *vcpu, unsigned int pirq, uint32_t port, bool shareable)
{
    struct host_pirq *entry;

    if (pirq >= HOST_PIRQS) {
        return -XEN_EINVAL;
    }
    entry = &pirqs[pirq];
    if (entry->domain != NULL) {
        return -XEN_EBUSY;
    }
    *entry = (struct host_pirq){
        .domain = vcpu->domain, .vcpu = vcpu, .port = port, .shareable = shareable
    };
    return 0;
}

HOST_WEAK void arch_pirq_unbind(struct domain *domain, unsigned int pirq)
{
    if (pirq < HOST_PIRQS && pirqs[pirq].domain == domain) {
        pirqs[pirq].domain = NULL;
    }
}

HOST_WEAK void arch_pirq_set_vcpu(struct domain *domain, unsigned int pirq, struct vcpu *vcpu)
{
    if (pirq < HOST_PIRQS && pirqs[pirq].domain == domain) {
        pirqs[pirq].vcpu = vcpu;
    }
}

HOST_WEAK int arch_pirq_eoi(struct domain *domain, unsigned int pirq)
{
    if (pirq >= HOST_PIRQS || pirqs[pirq].domain != domain) {
        return -XEN_EINVAL;
    }
    pirqs[pirq].eois++;
    return 0;
}

HOST_WEAK int arch_pirqs_create(struct domain *domain)
{
    return 0;
}

HOST_WEAK void arch_pirqs_destroy(struct domain *domain)
{
    unsigned int pirq;

    for (pirq = 0; pirq < HOST_PIRQS; pirq++) {
        arch_pirq_unbind(domain, pirq);
    }
}
