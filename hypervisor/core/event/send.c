/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Raising events: what every port has in common. The hot path: one port lock, then the atomic
 * operations of the ABI. Theory: event.c.
 */
#include "event_private.h"

#include "arch/domain.h"
#include "hypervisor/perf_counter.h"
#include "hypervisor/sched.h"

void event_vcpu_notify(struct vcpu *vcpu)
{
    if (atomic_exchange(&vcpu->info->evtchn_upcall_pending, 1) == 0) {
        vcpu_unblock(vcpu);
        vcpu_kick(vcpu);
        arch_vcpu_mark_pending(vcpu);
    }
}

/* Vcpus that poll the port, or any when it is 0, go on. True when some vcpu polls at all. */
static bool wake_polling(struct domain *domain, uint32_t number)
{
    struct vcpu *vcpu;
    unsigned int id;
    bool found = false;

    domain_for_each_vcpu(domain, id, vcpu)
    {
        if ((atomic_read(&vcpu->pause_flags) & VCPU_POLLING) != 0) {
            uint32_t polled = atomic_read(&vcpu->poll_port);

            found = true;
            if (number == 0 || polled == 0 || polled == number) {
                vcpu_unblock(vcpu);
            }
        }
    }
    return found;
}

/*
 * A poller sets its flags, then table->polled, then looks at the ports (event_port_pending); the port
 * was set pending before this looks at table->polled. Each of these steps is a full barrier: one of
 * the two sides sees the other. When table->polled is taken back somebody may come in between and be
 * missed by other senders: so who polls by then is woken, whatever for.
 */
void event_wake_pollers(struct domain *domain, uint32_t number)
{
    struct event_table *table = domain->events;

    if (likely(!atomic_read(&table->polled)) || wake_polling(domain, number)) {
        return;
    }
    (void)atomic_exchange(&table->polled, false);
    (void)wake_polling(domain, 0);
}

static void set_pending(struct domain *domain, struct event_port *port, uint32_t number)
{
    domain->events->abi->set_pending(domain, port, number);
}

void event_raise(struct domain *domain, uint32_t number)
{
    struct event_port *port = event_port_of(domain->events, number);
    unsigned long flags;

    if (port == NULL) {
        return;
    }
    flags = event_port_lock(port);
    if (port->state != EVENT_FREE && port->state != EVENT_RESERVED) {
        set_pending(domain, port, number);
    }
    event_port_unlock(port, flags);
}

int event_send(struct domain *domain, evtchn_t port_id)
{
    struct event_port *port = event_port_of(domain->events, port_id.value);
    unsigned long flags;
    int rc = 0;

    if (port == NULL) {
        return -XEN_EINVAL;
    }
    perf_count(events_sent);
    flags = event_port_lock(port);
    switch (port->state) {
    case EVENT_INTERDOMAIN:
        set_pending(port->peer, event_port_of(port->peer->events, port->peer_port),
                    port->peer_port);
        break;
    case EVENT_IPI:
        set_pending(domain, port, port_id.value);
        break;
    case EVENT_UNBOUND:
        break; /* nobody listens yet: the binding will raise the event */
    default:
        rc = -XEN_EINVAL;
        break;
    }
    event_port_unlock(port, flags);
    return rc;
}

int event_unmask(struct domain *domain, evtchn_t port_id)
{
    struct event_port *port = event_port_of(domain->events, port_id.value);
    unsigned long flags;

    if (port == NULL) {
        return -XEN_EINVAL;
    }
    flags = event_port_lock(port);
    if (port->state != EVENT_FREE && port->state != EVENT_RESERVED) {
        domain->events->abi->unmask(domain, port, port_id.value);
    }
    event_port_unlock(port, flags);
    return 0;
}

int event_port_pending(struct domain *domain, uint32_t number)
{
    struct event_port *port = event_port_of(domain->events, number);
    unsigned long flags;
    bool pending;

    if (port == NULL) {
        return -XEN_EINVAL;
    }
    (void)atomic_exchange(&domain->events->polled, true);
    flags = event_port_lock(port);
    pending = port->state != EVENT_FREE && port->state != EVENT_RESERVED &&
              domain->events->abi->is_pending(domain, port, number);
    event_port_unlock(port, flags);
    return pending;
}
