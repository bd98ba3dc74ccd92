/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Event channels: the table of a domain's ports, its life.
 *
 * A port is one bit of notification. What raises it is its binding: another domain's port, a VIRQ,
 * an IPI or a physical interrupt. How the guest sees it is the ABI: two bitmaps in shared_info
 * (two_level.c), or event words linked into queues by priority (fifo.c).
 *
 *   domain->events (struct event_table)
 *     buckets[0] -> 128 struct event_port   port 0 .. 127     (one frame each)
 *     buckets[1] -> 128 struct event_port   port 128 .. 255
 *     ...                                   grown on demand up to ports_max, freed with the domain
 *
 *   domain A port 5                     domain B port 9
 *   INTERDOMAIN, peer B, peer_port 9 <-> INTERDOMAIN, peer A, peer_port 5
 *
 * Invariants (events_valid):
 *  1. Port 0 is EVENT_RESERVED for ever. A new port is the lowest free one.
 *  2. bucket_used[b] counts the ports of bucket b that are not free, ports_used all of them; no
 *     bucket below bucket_hint has a free port. ports_valid never shrinks.
 *  3. An interdomain port's peer port is interdomain and names this one. So `peer` needs no
 *     reference: a domain closes all its ports before it can go.
 *  4. vcpu->virq_port[q] == n exactly when port n is EVENT_VIRQ for q and belongs to that vcpu
 *     (a global VIRQ: to vcpu 0, whichever vcpu it notifies).
 *  5. Pirq ports, and only they, are in the chain from pirq_first.
 *  6. No port of a dying domain leaves the free state again.
 *
 * Locks:
 *  - table->lock (LOCK_EVENT) orders everything that changes a binding. Two tables are locked in
 *    address order.
 *  - port->lock (LOCK_EVENT_PORT, interrupts off) is taken inside it for each change of `state` and
 *    what goes with it, and alone by whoever sends. An interdomain port changes with its peer's lock
 *    held as well. Hence a sender that holds either end's lock and saw EVENT_INTERDOMAIN may use the
 *    peer: its domain, its vcpus and its delivery structures stay until the lock is dropped.
 *  - The delivery code (struct event_abi) is called with such a lock and a port in use. When every
 *    port has been closed nobody is in it, and the FIFO structures can be taken away.
 *  - A wake-up happens under the port's lock, the one exception to the rule against it: the lock is
 *    what keeps the woken vcpu's domain from being freed. The queue locks are dropped before.
 *  - Interrupt handlers call event_virq_*, event_pirq without LOCK_IRQ.
 */
#include "event_private.h"

#include "arch/irq.h"
#include "hypervisor/heap.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/string.h"

#define SWEEP_BATCH 32 /* ports closed between two looks at hypercall_preempt */

static uint32_t table_limit(const struct event_table *table)
{
    return min(table->ports_max, table->abi->ports_max);
}

static int bucket_add(struct domain *domain)
{
    struct event_table *table = domain->events;
    uint32_t bucket = table->ports_valid / BUCKET_PORTS;
    struct event_port *ports;

    if (!quota_charge(domain, QUOTA_EVENT_BUCKETS, 1)) {
        return -XEN_ENOSPC;
    }
    ports = heap_zalloc_array(BUCKET_PORTS, sizeof(*ports));
    if (ports == NULL) {
        quota_release(domain, QUOTA_EVENT_BUCKETS, 1);
        return -XEN_ENOMEM;
    }
    for (unsigned int i = 0; i < BUCKET_PORTS; i++) {
        spin_lock_init(&ports[i].lock, LOCK_EVENT_PORT);
        ports[i].priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
    }
    table->buckets[bucket] = ports;
    atomic_write_release(&table->ports_valid, table->ports_valid + (uint32_t)BUCKET_PORTS);
    return 0;
}

static uint32_t bucket_first_free(const struct event_table *table, uint32_t bucket)
{
    uint32_t i = 0;

    while (table->buckets[bucket][i].state != EVENT_FREE) {
        i++;
        ASSERT(i < BUCKET_PORTS);
    }
    return bucket * (uint32_t)BUCKET_PORTS + i;
}

int event_port_alloc(struct domain *domain, uint32_t *number)
{
    struct event_table *table = domain->events;
    uint32_t bucket = table->bucket_hint;
    struct event_port *port;
    unsigned long flags;
    int rc;

    if (event_domain_dying(domain)) {
        return -XEN_EINVAL;
    }
    while (bucket * BUCKET_PORTS < table->ports_valid &&
           table->bucket_used[bucket] == BUCKET_PORTS) {
        bucket++;
    }
    table->bucket_hint = bucket;
    if (bucket * BUCKET_PORTS >= table_limit(table)) {
        return -XEN_ENOSPC;
    }
    if (bucket * BUCKET_PORTS >= table->ports_valid) {
        rc = bucket_add(domain);
        if (rc != 0) {
            return rc;
        }
    }
    *number = bucket_first_free(table, bucket);
    if (*number >= table_limit(table)) {
        return -XEN_ENOSPC;
    }
    port = event_port_of(table, *number);
    flags = event_port_lock(port);
    port->state = EVENT_RESERVED;
    event_port_unlock(port, flags);
    table->bucket_used[bucket]++;
    table->ports_used++;
    return 0;
}

void event_port_free(struct domain *domain, uint32_t number)
{
    struct event_table *table = domain->events;
    struct event_port *port = event_port_of(table, number);
    uint32_t bucket = number / BUCKET_PORTS;
    unsigned long flags = event_port_lock(port);

    ASSERT(number != 0 && port->state != EVENT_FREE);
    table->abi->clear_pending(domain, port, number);
    port->deferred = 0;
    port->state = EVENT_FREE;
    port->notify_vcpu = 0;
    port->priority = EVTCHN_FIFO_PRIORITY_DEFAULT;
    port->peer = NULL;
    port->peer_port = 0;
    event_port_unlock(port, flags);
    table->bucket_used[bucket]--;
    table->ports_used--;
    table->bucket_hint = min(table->bucket_hint, bucket);
}

int events_create(struct domain *domain, unsigned int ports_max)
{
    struct event_table *table = heap_new(struct event_table);
    uint32_t zero;

    if (table == NULL) {
        return -XEN_ENOMEM;
    }
    if (ports_max == 0 || ports_max > EVTCHN_FIFO_NR_CHANNELS) {
        ports_max = EVTCHN_FIFO_NR_CHANNELS;
    }
    spin_lock_init(&table->lock, LOCK_EVENT);
    table->abi = &event_abi_two_level;
    table->ports_max = ports_max;
    table->bucket_count_max = DIV_ROUND_UP(ports_max, (uint32_t)BUCKET_PORTS);
    quota_limit(domain, QUOTA_EVENT_BUCKETS, table->bucket_count_max);
    quota_limit(domain, QUOTA_EVENT_PAGES, DIV_ROUND_UP(ports_max, (uint32_t)FIFO_WORDS_PER_PAGE));
    table->buckets = heap_new_array(struct event_port *, table->bucket_count_max);
    table->bucket_used = heap_new_array(uint8_t, table->bucket_count_max);
    table->polling = heap_new_array(unsigned long, BITMAP_LONGS(domain->vcpus_max));
    domain->events = table;
    if (table->buckets == NULL || table->bucket_used == NULL || table->polling == NULL ||
        event_port_alloc(domain, &zero) != 0) {
        events_free(domain);
        return -XEN_ENOMEM;
    }
    ASSERT(zero == 0);
    return 0;
}

void events_free(struct domain *domain)
{
    struct event_table *table = domain->events;

    if (table == NULL) {
        return;
    }
    ASSERT(table->fifo == NULL);
    domain->events = NULL;
    for (uint32_t i = 0; i < table->ports_valid / BUCKET_PORTS; i++) {
        heap_free(table->buckets[i]);
        quota_release(domain, QUOTA_EVENT_BUCKETS, 1);
    }
    heap_free(table->buckets);
    heap_free(table->bucket_used);
    heap_free(table->polling);
    heap_free(table);
}

int events_vcpu_create(struct vcpu *vcpu)
{
    struct event_vcpu *events = heap_new(struct event_vcpu);

    if (events == NULL) {
        return -XEN_ENOMEM;
    }
    spin_lock_init(&events->lock, LOCK_EVENT_QUEUE);
    vcpu->events = events;
    return 0;
}

void events_vcpu_destroy(struct vcpu *vcpu)
{
    struct event_vcpu *events = vcpu->events;

    vcpu->events = NULL;
    if (events != NULL) {
        ASSERT(events->control_frame == NULL);
        heap_free(events);
    }
}

/* ---- closing them all ------------------------------------------------------------------------ */

/*
 * Closes every port, from where an earlier call stopped: 0 or -XEN_ERESTART. Callers that sweep at
 * the same time share the position; each port is closed by one of them.
 */
static int ports_sweep(struct domain *domain)
{
    struct event_table *table = domain->events;
    uint32_t number = max(atomic_read(&table->sweep_next), 1u);
    unsigned int closed = 0;

    for (; number < atomic_read_acquire(&table->ports_valid); number++) {
        if (atomic_read(&event_port_of(table, number)->state) == EVENT_FREE) {
            continue;
        }
        /* -XEN_EINVAL: somebody else closed it or is about to. */
        (void)(event_close(domain, EVTCHN(number)) == 0);
        closed++;
        if (closed % SWEEP_BATCH == 0 && hypercall_preempt()) {
            atomic_write(&table->sweep_next, number + 1);
            return -XEN_ERESTART;
        }
    }
    atomic_write(&table->sweep_next, 0u);
    return 0;
}

int event_reset(struct domain *domain)
{
    struct event_table *table = domain->events;
    struct event_fifo *fifo = NULL;
    int rc = ports_sweep(domain);

    if (rc != 0) {
        return rc;
    }
    spin_lock(&table->lock);
    if (table->ports_used > 1) {
        rc = -XEN_EAGAIN; /* bound meanwhile */
    } else if (table->fifo != NULL) {
        fifo = event_fifo_detach(domain);
    }
    spin_unlock(&table->lock);
    event_fifo_release(domain, fifo);
    return rc;
}

int events_destroy(struct domain *domain)
{
    int rc;

    if (domain->events == NULL) {
        return 0;
    }
    ASSERT(event_domain_dying(domain));
    rc = event_reset(domain);
    /* A pirq being bound on another CPU finds the domain dying and lets go. */
    return rc == -XEN_EAGAIN ? -XEN_ERESTART : rc;
}

/* ---- invariants ------------------------------------------------------------------------------ */

static bool port_valid(const struct domain *domain, const struct event_port *port, uint32_t number)
{
    const struct event_port *peer;
    const struct vcpu *vcpu;

    switch (port->state) {
    case EVENT_FREE:
    case EVENT_UNBOUND:
    case EVENT_IPI:
    case EVENT_PIRQ:
        return true;
    case EVENT_RESERVED:
        return number == 0;
    case EVENT_VIRQ:
        vcpu = domain_vcpu(domain, event_virq_is_global(port->virq) ? 0 : port->notify_vcpu);
        return port->virq < ARRAY_SIZE(vcpu->virq_port) && vcpu != NULL &&
               vcpu->virq_port[port->virq] == number;
    case EVENT_INTERDOMAIN:
        peer = port->peer == NULL ? NULL : event_port_of(port->peer->events, port->peer_port);
        return peer != NULL && peer->state == EVENT_INTERDOMAIN && peer->peer == domain &&
               peer->peer_port == number;
    default:
        return false;
    }
}

static bool pirq_chain_valid(const struct event_table *table, uint32_t pirqs)
{
    const struct event_port *port;
    uint32_t number = table->pirq_first;

    for (; number != 0; number = port->peer_port) {
        port = event_port_of(table, number);
        if (port == NULL || port->state != EVENT_PIRQ || pirqs-- == 0) {
            return false;
        }
    }
    return pirqs == 0;
}

static bool virqs_valid(const struct domain *domain)
{
    const struct event_port *port;
    struct vcpu *vcpu;
    unsigned int id;

    domain_for_each_vcpu(domain, id, vcpu)
    {
        for (unsigned int virq = 0; virq < ARRAY_SIZE(vcpu->virq_port); virq++) {
            if (vcpu->virq_port[virq] == 0) {
                continue;
            }
            port = event_port_of(domain->events, vcpu->virq_port[virq]);
            if (port == NULL || port->state != EVENT_VIRQ || port->virq != virq) {
                return false;
            }
        }
    }
    return true;
}

/* The invariants above, when nothing changes meanwhile. */
bool events_valid(const struct domain *domain)
{
    const struct event_table *table = domain->events;
    uint32_t total = 0, pirqs = 0;

    for (uint32_t bucket = 0; bucket < table->ports_valid / BUCKET_PORTS; bucket++) {
        uint32_t used = 0;

        for (uint32_t i = 0; i < BUCKET_PORTS; i++) {
            const struct event_port *port = &table->buckets[bucket][i];

            if (!port_valid(domain, port, bucket * (uint32_t)BUCKET_PORTS + i)) {
                return false;
            }
            used += port->state != EVENT_FREE;
            pirqs += port->state == EVENT_PIRQ;
        }
        if (used != table->bucket_used[bucket] ||
            (bucket < table->bucket_hint && used != BUCKET_PORTS)) {
            return false;
        }
        total += used;
    }
    return total == table->ports_used && table->buckets[0][0].state == EVENT_RESERVED &&
           pirq_chain_valid(table, pirqs) && virqs_valid(domain);
}
