/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Virtual interrupts. vcpu->virq_port says which port a VIRQ of the vcpu is bound to; it is written
 * under the table's lock and read without: the port's own lock then tells whether it is still true.
 * Theory: event.c.
 */
#include "event_private.h"

#define VIRQ_COUNT ARRAY_SIZE(((struct vcpu *)NULL)->virq_port)

_Static_assert(VIRQ_COUNT == NR_VIRQS, "a port for each VIRQ of the ABI");

/* "V." in the list of xen/xen.h is per vcpu; "G." is one for the domain, first bound to vcpu 0. */
bool event_virq_is_global(uint32_t virq)
{
    switch (virq) {
    case VIRQ_TIMER:
    case VIRQ_DEBUG:
    case VIRQ_XENOPROF:
    case VIRQ_XENPMU:
        return false;
    default:
        return true;
    }
}

static int bind_virq_locked(struct domain *caller, struct vcpu *vcpu, struct evtchn_bind_virq *op)
{
    struct event_port *port;
    unsigned long flags;
    uint32_t number;
    int rc;

    if (vcpu->virq_port[op->virq] != 0) {
        return -XEN_EEXIST;
    }
    rc = event_port_alloc(caller, &number);
    if (rc != 0) {
        return rc;
    }
    port = event_port_of(caller->events, number);
    flags = event_port_lock(port);
    port->notify_vcpu = (uint16_t)vcpu->id;
    port->virq = op->virq;
    port->state = EVENT_VIRQ;
    event_port_unlock(port, flags);
    atomic_write_release(&vcpu->virq_port[op->virq], number);
    op->port = number;
    return 0;
}

int event_bind_virq(struct domain *caller, struct evtchn_bind_virq *op)
{
    struct vcpu *vcpu;
    int rc;

    if (op->virq >= VIRQ_COUNT || (event_virq_is_global(op->virq) && op->vcpu != 0)) {
        return -XEN_EINVAL;
    }
    op->virq = (uint32_t)index_nospec(op->virq, VIRQ_COUNT);
    vcpu = domain_vcpu(caller, op->vcpu);
    if (vcpu == NULL) {
        return -XEN_ENOENT;
    }
    spin_lock(&caller->events->lock);
    rc = bind_virq_locked(caller, vcpu, op);
    spin_unlock(&caller->events->lock);
    return rc;
}

void event_virq_forget(struct domain *domain, const struct event_port *port, uint32_t number)
{
    struct vcpu *vcpu =
        domain_vcpu(domain, event_virq_is_global(port->virq) ? 0 : port->notify_vcpu);

    ASSERT(vcpu->virq_port[port->virq] == number);
    atomic_write(&vcpu->virq_port[port->virq], 0u);
}

static void raise_virq(struct domain *domain, struct vcpu *vcpu, unsigned int virq)
{
    uint32_t number = atomic_read_acquire(&vcpu->virq_port[virq]);
    struct event_port *port;
    unsigned long flags;

    if (number == 0) {
        return;
    }
    port = event_port_of(domain->events, number);
    flags = event_port_lock(port);
    if (port->state == EVENT_VIRQ && port->virq == virq &&
        (event_virq_is_global(virq) || port->notify_vcpu == vcpu->id)) {
        domain->events->abi->set_pending(domain, port, number);
    }
    event_port_unlock(port, flags);
}

void event_virq_vcpu(struct vcpu *vcpu, unsigned int virq)
{
    ASSERT(virq < VIRQ_COUNT && !event_virq_is_global(virq));
    raise_virq(vcpu->domain, vcpu, virq);
}

void event_virq_domain(struct domain *domain, unsigned int virq)
{
    struct vcpu *vcpu = domain_vcpu(domain, 0);

    ASSERT(virq < VIRQ_COUNT && event_virq_is_global(virq));
    if (vcpu != NULL && domain->events != NULL) {
        raise_virq(domain, vcpu, virq);
    }
}

void event_virq_global(unsigned int virq)
{
    if (domain_hardware != NULL) {
        event_virq_domain(domain_hardware, virq);
    }
}
