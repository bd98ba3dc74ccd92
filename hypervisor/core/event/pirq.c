/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Physical interrupts as events. The interrupt code (arch/irq.h) knows the hardware and raises the
 * port; here is the port. Its locks come before the table's, so a port is EVENT_RESERVED, out of
 * everybody's reach, while the interrupt is bound or unbound. Theory: event.c.
 */
#include "event_private.h"

#include "arch/irq.h"

#define MOVE_BATCH 16 /* pirqs gathered under one locking of the table */

static void pirq_chain(struct event_table *table, struct event_port *port, uint32_t number)
{
    port->peer_port = table->pirq_first;
    table->pirq_first = number;
}

void event_pirq_unchain(struct event_table *table, uint32_t number)
{
    struct event_port *port = event_port_of(table, number);
    uint32_t *link = &table->pirq_first;

    while (*link != number) {
        ASSERT(*link != 0);
        link = &event_port_of(table, *link)->peer_port;
    }
    *link = port->peer_port;
    port->peer_port = 0;
}

/* The port, EVENT_RESERVED so far, raises events from now on. False when the domain dies. */
static bool publish_pirq(struct domain *caller, uint32_t number, uint32_t pirq)
{
    struct event_table *table = caller->events;
    struct event_port *port = event_port_of(table, number);
    bool alive;
    unsigned long flags;

    spin_lock(&table->lock);
    alive = !event_domain_dying(caller);
    flags = event_port_lock(port);
    if (alive) {
        port->pirq = pirq;
        port->state = EVENT_PIRQ;
        pirq_chain(table, port, number);
    }
    event_port_unlock(port, flags);
    spin_unlock(&table->lock);
    return alive;
}

int event_bind_pirq(struct domain *caller, struct evtchn_bind_pirq *op)
{
    struct event_table *table = caller->events;
    struct vcpu *vcpu = domain_vcpu(caller, 0);
    uint32_t number;
    int rc;

    if (vcpu == NULL) {
        return -XEN_ENOENT;
    }
    spin_lock(&table->lock);
    rc = event_port_alloc(caller, &number);
    spin_unlock(&table->lock);
    if (rc != 0) {
        return rc;
    }
    rc = arch_pirq_bind(vcpu, op->pirq, number, (op->flags & BIND_PIRQ__WILL_SHARE) != 0);
    if (rc == 0 && !publish_pirq(caller, number, op->pirq)) {
        arch_pirq_unbind(caller, op->pirq);
        rc = -XEN_EINVAL;
    }
    if (rc == 0) {
        if (atomic_exchange(&event_port_of(table, number)->deferred, 0) != 0) {
            event_raise(caller, number);
        }
        op->port = number;
        return 0;
    }
    spin_lock(&table->lock);
    event_port_free(caller, number);
    spin_unlock(&table->lock);
    return rc;
}

bool event_pirq(struct domain *domain, unsigned int number)
{
    struct event_port *port = event_port_of(domain->events, number);
    unsigned long flags;
    bool bound;

    if (port == NULL) {
        return false;
    }
    flags = event_port_lock(port);
    bound = port->state == EVENT_PIRQ;
    if (bound) {
        domain->events->abi->set_pending(domain, port, number);
    } else if (port->state == EVENT_RESERVED && number != 0) {
        port->deferred = 1; /* between two states: raised once bound, forgotten once closed */
        bound = true;
    }
    event_port_unlock(port, flags);
    return bound;
}

/* Up to MOVE_BATCH pirqs that notify the vcpu, after the first `skip` of them. */
static unsigned int gather_pirqs(const struct vcpu *vcpu, unsigned int skip, uint32_t *pirqs)
{
    struct event_table *table = vcpu->domain->events;
    const struct event_port *port;
    unsigned int count = 0;

    spin_lock(&table->lock);
    for (uint32_t number = table->pirq_first; number != 0 && count < MOVE_BATCH;
         number = port->peer_port) {
        port = event_port_of(table, number);
        if (port->notify_vcpu != vcpu->id) {
            continue;
        }
        if (skip > 0) {
            skip--;
        } else {
            pirqs[count++] = port->pirq;
        }
    }
    spin_unlock(&table->lock);
    return count;
}

void event_vcpu_moved(struct vcpu *vcpu)
{
    struct domain *domain = vcpu->domain;
    uint32_t pirqs[MOVE_BATCH];
    unsigned int done = 0, count;

    if (domain->events == NULL || atomic_read(&domain->events->pirq_first) == 0) {
        return;
    }
    do {
        count = gather_pirqs(vcpu, done, pirqs);
        for (unsigned int i = 0; i < count; i++) {
            arch_pirq_set_vcpu(domain, pirqs[i], vcpu);
        }
        done += count;
    } while (count == MOVE_BATCH);
}
