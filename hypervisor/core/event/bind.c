/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Bindings between domains and within one: unbound and interdomain ports, IPIs, the vcpu a port
 * notifies, closing. Theory: event.c.
 */
#include "event_private.h"

#include "arch/irq.h"
#include "hypervisor/security.h"

/* The domain an operation names, with a reference and an event table; NULL when there is none. */
static struct domain *named_domain(domid_t id)
{
    struct domain *domain = domain_get_or_self(DOMAIN_ID(id));

    if (domain != NULL && domain->events == NULL) {
        domain_put(domain);
        domain = NULL;
    }
    return domain;
}

int event_alloc_unbound(struct domain *caller, struct evtchn_alloc_unbound *op)
{
    struct domain *domain = named_domain(op->dom);
    struct event_port *port;
    unsigned long flags;
    uint32_t number;
    int rc;

    if (domain == NULL) {
        return -XEN_ESRCH;
    }
    rc = security_check(caller, domain, SECURITY_EVENT_UNBOUND);
    if (rc == 0) {
        spin_lock(&domain->events->lock);
        rc = event_port_alloc(domain, &number);
        if (rc == 0) {
            port = event_port_of(domain->events, number);
            flags = event_port_lock(port);
            port->state = EVENT_UNBOUND;
            port->remote_id = op->remote_dom == DOMID_SELF ? caller->id.value : op->remote_dom;
            event_port_unlock(port, flags);
            op->port = number;
        }
        spin_unlock(&domain->events->lock);
    }
    domain_put(domain);
    return rc;
}

/* Both ends become interdomain. Under both tables' locks. */
static void connect_ports(struct domain *a, uint32_t a_number, struct domain *b, uint32_t b_number)
{
    struct event_port *a_port = event_port_of(a->events, a_number);
    struct event_port *b_port = event_port_of(b->events, b_number);
    unsigned long flags = arch_irq_save();

    spin_lock_pair(&a_port->lock, &b_port->lock);
    a_port->peer = b;
    a_port->peer_port = b_number;
    a_port->state = EVENT_INTERDOMAIN;
    b_port->peer = a;
    b_port->peer_port = a_number;
    b_port->state = EVENT_INTERDOMAIN;
    spin_unlock_pair(&a_port->lock, &b_port->lock);
    arch_irq_restore(flags);
}

static int bind_to_remote(struct domain *caller, struct domain *remote,
                          struct evtchn_bind_interdomain *op)
{
    struct event_port *remote_port = event_port_of(remote->events, op->remote_port);
    uint32_t number;
    int rc;

    if (remote_port == NULL || remote_port->state != EVENT_UNBOUND ||
        remote_port->remote_id != caller->id.value) {
        return -XEN_EINVAL;
    }
    rc = event_port_alloc(caller, &number);
    if (rc == 0) {
        connect_ports(caller, number, remote, op->remote_port);
        op->local_port = number;
    }
    return rc;
}

int event_bind_interdomain(struct domain *caller, struct evtchn_bind_interdomain *op)
{
    struct domain *remote = named_domain(op->remote_dom);
    int rc;

    if (remote == NULL) {
        return -XEN_ESRCH;
    }
    rc = security_check(caller, remote, SECURITY_EVENT_BIND);
    if (rc == 0) {
        spin_lock_pair(&caller->events->lock, &remote->events->lock);
        rc = bind_to_remote(caller, remote, op);
        spin_unlock_pair(&caller->events->lock, &remote->events->lock);
    }
    domain_put(remote);
    if (rc == 0) {
        /* The other end may have sent before anybody listened. */
        event_raise(caller, op->local_port);
    }
    return rc;
}

int event_bind_ipi(struct domain *caller, struct evtchn_bind_ipi *op)
{
    struct event_table *table = caller->events;
    struct event_port *port;
    unsigned long flags;
    uint32_t number;
    int rc;

    if (domain_vcpu(caller, op->vcpu) == NULL) {
        return -XEN_ENOENT;
    }
    spin_lock(&table->lock);
    rc = event_port_alloc(caller, &number);
    if (rc == 0) {
        port = event_port_of(table, number);
        flags = event_port_lock(port);
        port->notify_vcpu = (uint16_t)op->vcpu;
        port->state = EVENT_IPI;
        event_port_unlock(port, flags);
        op->port = number;
    }
    spin_unlock(&table->lock);
    return rc;
}

int event_bind_vcpu(struct domain *domain, evtchn_t port_id, unsigned int vcpu_id)
{
    struct event_table *table = domain->events;
    struct vcpu *vcpu = domain_vcpu(domain, vcpu_id);
    struct event_port *port;
    bool is_pirq = false, bindable;
    uint32_t pirq = 0;

    if (vcpu == NULL) {
        return -XEN_ENOENT;
    }
    spin_lock(&table->lock);
    port = event_port_of(table, port_id.value);
    bindable = port != NULL && (port->state == EVENT_UNBOUND || port->state == EVENT_INTERDOMAIN ||
                                port->state == EVENT_PIRQ ||
                                (port->state == EVENT_VIRQ && event_virq_is_global(port->virq)));
    if (bindable) {
        atomic_write(&port->notify_vcpu, (uint16_t)vcpu_id);
        is_pirq = port->state == EVENT_PIRQ;
        pirq = is_pirq ? port->pirq : 0;
    }
    spin_unlock(&table->lock);
    if (is_pirq) {
        arch_pirq_set_vcpu(domain, pirq, vcpu);
    }
    return bindable ? 0 : -XEN_EINVAL;
}

static void fill_status(const struct event_port *port, struct evtchn_status *op)
{
    op->status = port->state == EVENT_RESERVED ? EVTCHNSTAT_closed : port->state;
    op->vcpu = port->notify_vcpu;
    switch (port->state) {
    case EVENT_UNBOUND:
        op->u.unbound.dom = port->remote_id;
        break;
    case EVENT_INTERDOMAIN:
        op->u.interdomain.dom = port->peer->id.value;
        op->u.interdomain.port = port->peer_port;
        break;
    case EVENT_PIRQ:
        op->u.pirq = port->pirq;
        break;
    case EVENT_VIRQ:
        op->u.virq = port->virq;
        break;
    default:
        break;
    }
}

int event_status(struct domain *caller, struct evtchn_status *op)
{
    struct domain *domain = named_domain(op->dom);
    struct event_port *port;
    int rc;

    if (domain == NULL) {
        return -XEN_ESRCH;
    }
    rc = security_check(caller, domain, SECURITY_EVENT_STATUS);
    if (rc == 0) {
        spin_lock(&domain->events->lock);
        port = event_port_of(domain->events, op->port);
        if (port != NULL) {
            fill_status(port, op);
        } else {
            rc = -XEN_EINVAL;
        }
        spin_unlock(&domain->events->lock);
    }
    domain_put(domain);
    return rc;
}

/* ---- closing --------------------------------------------------------------------------------- */

/* The peer of a port about to be freed waits for a new connection. Under both tables' locks. */
static void disconnect_ports(struct domain *domain, struct event_port *port)
{
    struct event_port *peer_port = event_port_of(port->peer->events, port->peer_port);
    unsigned long flags = arch_irq_save();

    spin_lock_pair(&port->lock, &peer_port->lock);
    peer_port->state = EVENT_UNBOUND;
    peer_port->remote_id = domain->id.value;
    peer_port->peer = NULL;
    peer_port->peer_port = 0;
    port->state = EVENT_RESERVED;
    port->peer = NULL;
    port->peer_port = 0;
    spin_unlock_pair(&port->lock, &peer_port->lock);
    arch_irq_restore(flags);
}

/*
 * Closes an interdomain port whose peer, a moment ago, was a port of `peer` (a reference is held).
 * False when the peer has changed since.
 */
static bool close_interdomain(struct domain *domain, uint32_t number, struct domain *peer)
{
    struct event_port *port = event_port_of(domain->events, number);
    bool unchanged;

    spin_lock_pair(&domain->events->lock, &peer->events->lock);
    unchanged = port->state == EVENT_INTERDOMAIN && port->peer == peer;
    if (unchanged) {
        disconnect_ports(domain, port);
        event_port_free(domain, number);
    }
    spin_unlock_pair(&domain->events->lock, &peer->events->lock);
    return unchanged;
}

/* The interrupt code's locks come before the table's: the port is out of use while they are taken. */
static void close_pirq(struct domain *domain, uint32_t number, uint32_t pirq)
{
    arch_pirq_unbind(domain, pirq);
    spin_lock(&domain->events->lock);
    event_port_free(domain, number);
    spin_unlock(&domain->events->lock);
}

static void port_set_reserved(struct event_port *port)
{
    unsigned long flags = event_port_lock(port);

    port->state = EVENT_RESERVED;
    event_port_unlock(port, flags);
}

int event_close(struct domain *domain, evtchn_t port_id)
{
    struct event_table *table = domain->events;
    uint32_t number = port_id.value;
    struct event_port *port = event_port_of(table, number);
    struct domain *peer;
    uint32_t pirq;
    bool closed;

    if (port == NULL) {
        return -XEN_EINVAL;
    }
    /* Once more when the peer changed between the two lockings; somebody made progress then. */
    for (;;) {
        spin_lock(&table->lock);
        switch (port->state) {
        case EVENT_FREE:
        case EVENT_RESERVED:
            spin_unlock(&table->lock);
            return -XEN_EINVAL;
        case EVENT_INTERDOMAIN:
            peer = port->peer;
            domain_get_again(peer);
            spin_unlock(&table->lock);
            closed = close_interdomain(domain, number, peer);
            domain_put(peer);
            if (closed) {
                return 0;
            }
            continue;
        case EVENT_PIRQ:
            pirq = port->pirq;
            event_pirq_unchain(table, number);
            port_set_reserved(port);
            spin_unlock(&table->lock);
            close_pirq(domain, number, pirq);
            return 0;
        case EVENT_VIRQ:
            event_virq_forget(domain, port, number);
            break;
        default:
            break;
        }
        event_port_free(domain, number);
        spin_unlock(&table->lock);
        return 0;
    }
}
