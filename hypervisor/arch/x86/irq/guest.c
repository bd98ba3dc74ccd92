/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Interrupts bound to guests' event ports: the contract of arch/irq.h. Theory: irq.c. */
#include "arch/irq.h"
#include "hypervisor/bug.h"
#include "hypervisor/domain.h"
#include "hypervisor/error.h"

#include "irq_private.h"

struct irq_guest *irq_guest_find(struct irq_desc *desc, const struct domain *domain)
{
    for (unsigned int i = 0; i < desc->guest_count; i++) {
        if (desc->guests[i].domain == domain) {
            return &desc->guests[i];
        }
    }
    return NULL;
}

void irq_guest_eoi(struct irq_desc *desc, struct irq_guest *guest)
{
    if (!guest->eoi_pending) {
        return;
    }
    ASSERT(desc->eoi_waiting > 0);
    guest->eoi_pending = false;
    desc->eoi_waiting--;
    if (desc->eoi_waiting == 0) {
        irq_move_wanted(desc);
        irq_unmask(desc);
    }
}

/* The descriptor of a mapped pirq, locked; NULL when the pirq is not (any more) mapped. */
static struct irq_desc *pirq_lock(struct domain *domain, unsigned int pirq, unsigned long *flags)
{
    int irq = pirq_to_irq(domain, pirq);
    struct irq_desc *desc = irq != IRQ_NONE ? irq_desc_of(irq) : NULL;

    if (desc == NULL) {
        return NULL;
    }
    *flags = spin_lock_irqsave(&desc->lock);
    if (pirq_to_irq(domain, pirq) == irq && desc->controller != NULL) {
        return desc;
    }
    spin_unlock_irqrestore(&desc->lock, *flags);
    return NULL;
}

static int bind(struct irq_desc *desc, struct vcpu *vcpu, unsigned int pirq, uint32_t port,
                bool shareable)
{
    struct irq_guest guest = { .domain = vcpu->domain, .port = port, .pirq = pirq };
    int rc;

    if (irq_guest_find(desc, vcpu->domain) != NULL) {
        return -XEN_EINVAL;
    }
    if (desc->handler != NULL || desc->guest_count == IRQ_GUESTS_MAX ||
        (desc->guest_count > 0 && !(desc->shareable && shareable))) {
        return -XEN_EBUSY;
    }
    desc->guests[desc->guest_count++] = guest;
    if (desc->guest_count == 1) {
        desc->shareable = shareable;
        rc = irq_start(desc, vcpu->processor);
        if (rc != 0) {
            desc->guest_count = 0;
            return rc;
        }
    }
    return 0;
}

int arch_pirq_bind(struct vcpu *vcpu, unsigned int pirq, uint32_t port, bool shareable)
{
    unsigned long flags;
    struct irq_desc *desc = pirq_lock(vcpu->domain, pirq, &flags);
    int rc;

    if (desc == NULL) {
        return pirq_to_irq(vcpu->domain, pirq) == IRQ_NONE ? -XEN_EPERM : -XEN_EINVAL;
    }
    rc = bind(desc, vcpu, pirq, port, shareable);
    spin_unlock_irqrestore(&desc->lock, flags);
    if (rc == 0) {
        pirq_eoi_map_update(vcpu->domain, pirq);
    }
    return rc;
}

void irq_unbind(struct irq_desc *desc, struct domain *domain)
{
    unsigned long flags = spin_lock_irqsave(&desc->lock);
    struct irq_guest *guest = irq_guest_find(desc, domain);

    if (guest != NULL) {
        bool owed = guest->eoi_pending;

        *guest = desc->guests[--desc->guest_count];
        if (owed) {
            desc->eoi_waiting--;
        }
        if (desc->guest_count == 0) {
            irq_stop(desc);
        } else if (owed && desc->eoi_waiting == 0) {
            irq_unmask(desc);
        }
    }
    spin_unlock_irqrestore(&desc->lock, flags);
    while (guest != NULL && READ_ONCE(desc->in_progress) != 0) {
        arch_cpu_relax();
    }
}

void arch_pirq_unbind(struct domain *domain, unsigned int pirq)
{
    int irq = pirq_to_irq(domain, pirq);

    if (irq != IRQ_NONE) {
        irq_unbind(irq_desc_of(irq), domain);
    }
}

void arch_pirq_set_vcpu(struct domain *domain, unsigned int pirq, struct vcpu *vcpu)
{
    unsigned long flags;
    struct irq_desc *desc = pirq_lock(domain, pirq, &flags);

    if (desc == NULL) {
        return;
    }
    /* A shared line follows its first guest. */
    if (desc->guest_count > 0 && desc->guests[0].domain == domain) {
        irq_move(desc, vcpu->processor);
    }
    spin_unlock_irqrestore(&desc->lock, flags);
}

int arch_pirq_eoi(struct domain *domain, unsigned int pirq)
{
    unsigned long flags;
    struct irq_desc *desc = pirq_lock(domain, pirq, &flags);
    struct irq_guest *guest;

    if (desc == NULL) {
        return -XEN_EINVAL;
    }
    guest = irq_guest_find(desc, domain);
    if (guest != NULL) {
        irq_guest_eoi(desc, guest);
    }
    spin_unlock_irqrestore(&desc->lock, flags);
    return 0;
}
