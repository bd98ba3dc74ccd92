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

/*
 * A poller sets its flags, then its bit of table->polling, then looks at the ports; the port was set
 * pending before the bits are read here. Each of these steps is a full barrier: one of the two sides
 * sees the other. A bit whose vcpu polls no more is taken back here; a poller that came in between
 * has set its flags by then, and is woken, whatever for.
 */
static void wake_poller(struct domain *domain, unsigned int id, uint32_t number)
{
    struct vcpu *vcpu = domain->vcpus[id];
    uint32_t polled;

    if (!(atomic_read(&vcpu->pause_flags) & VCPU_POLLING)) {
        HOST_SWITCH_POINT();
        (void)bit_test_and_clear(domain->events->polling, id);
        if (atomic_read(&vcpu->pause_flags) & VCPU_POLLING) {
            vcpu_unblock(vcpu);
        }
        return;
    }
    polled = atomic_read(&vcpu->poll_port);
    if (polled == 0 || polled == number) {
        vcpu_unblock(vcpu);
    }
}

void event_wake_pollers(struct domain *domain, uint32_t number)
{
    const struct event_table *table = domain->events;

    for (unsigned int i = 0; i < BITMAP_LONGS(domain->vcpus_max); i++) {
        unsigned long bits = atomic_read(&table->polling[i]);

        for (; unlikely(bits != 0); bits &= bits - 1) {
            wake_poller(domain, i * BITS_PER_LONG + (unsigned int)__builtin_ctzl(bits), number);
        }
    }
}

void event_poll_begin(struct vcpu *vcpu)
{
    HOST_SWITCH_POINT();
    (void)bit_test_and_set(vcpu->domain->events->polling, vcpu->id);
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
    flags = event_port_lock(port);
    pending = port->state != EVENT_FREE && port->state != EVENT_RESERVED &&
              domain->events->abi->is_pending(domain, port, number);
    event_port_unlock(port, flags);
    return pending;
}
