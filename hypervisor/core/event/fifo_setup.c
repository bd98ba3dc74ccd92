/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The FIFO ABI: control blocks and event array, which are frames of the guest held by reference and
 * as writable. fifo.c is the theory.
 *
 * The first control block switches the domain over: events pending by then keep waiting
 * (port->deferred) until the page of the array with their word arrives.
 */
#include "event_private.h"

#include "arch/memory.h"
#include "hypervisor/heap.h"

/* The guest's frame for writing, referenced; NULL when it has no such RAM. */
static struct frame *frame_hold(struct domain *domain, uint64_t gfn)
{
    struct frame *frame = arch_gfn_get_frame(domain, GFN(gfn));

    if (frame != NULL && !arch_frame_get_writable(frame)) {
        frame_put(frame);
        frame = NULL;
    }
    return frame;
}

static void frame_release(struct frame *frame)
{
    if (frame != NULL) {
        arch_frame_put_writable(frame);
        frame_put(frame);
    }
}

static void *frame_address(const struct frame *frame)
{
    return mfn_to_virt(frame_mfn(frame));
}

/* ---- control blocks -------------------------------------------------------------------------- */

static void queues_set_control(struct event_vcpu *queues, struct frame *frame, uint32_t offset)
{
    unsigned long flags = spin_lock_irqsave(&queues->lock);

    queues->control_frame = frame;
    queues->control = (void *)((char *)frame_address(frame) + offset);
    spin_unlock_irqrestore(&queues->lock, flags);
}

static struct frame *queues_clear(struct event_vcpu *queues)
{
    unsigned long flags = spin_lock_irqsave(&queues->lock);
    struct frame *frame = queues->control_frame;

    queues->control_frame = NULL;
    queues->control = NULL;
    for (unsigned int i = 0; i < EVTCHN_FIFO_MAX_QUEUES; i++) {
        queues->tail[i] = 0;
    }
    spin_unlock_irqrestore(&queues->lock, flags);
    return frame;
}

/* What is pending in the two-level bitmap waits for the array. Under the table's lock. */
static void carry_over(struct domain *domain)
{
    struct event_table *table = domain->events;

    for (uint32_t number = 1; number < table->ports_valid; number++) {
        struct event_port *port = event_port_of(table, number);
        unsigned long flags;

        if (port->state == EVENT_FREE || port->state == EVENT_RESERVED) {
            continue;
        }
        flags = event_port_lock(port);
        if (event_abi_two_level.is_pending(domain, port, number)) {
            event_abi_two_level.clear_pending(domain, port, number);
            port->deferred = 1;
        }
        event_port_unlock(port, flags);
    }
}

/* Under the table's lock; takes *fifo when it is the domain's first. */
static int control_install(struct domain *domain, struct vcpu *vcpu, struct frame *frame,
                           uint32_t offset, struct event_fifo **fifo)
{
    struct event_table *table = domain->events;

    if (event_domain_dying(domain) || vcpu->events->control != NULL) {
        return -XEN_EINVAL;
    }
    queues_set_control(vcpu->events, frame, offset);
    if (table->fifo == NULL) {
        atomic_write_release(&table->fifo, *fifo);
        atomic_write_release(&table->abi, &event_abi_fifo);
        *fifo = NULL;
        carry_over(domain);
    }
    return 0;
}

int event_init_control(struct domain *domain, struct evtchn_init_control *op)
{
    struct vcpu *vcpu = domain_vcpu(domain, op->vcpu);
    struct event_fifo *fifo;
    struct frame *frame;
    int rc;

    if (vcpu == NULL || vcpu->events == NULL) {
        return -XEN_ENOENT;
    }
    if (op->offset > PAGE_SIZE - sizeof(struct evtchn_fifo_control_block) || op->offset % 8 != 0) {
        return -XEN_EINVAL;
    }
    fifo = heap_new(struct event_fifo);
    if (fifo == NULL) {
        return -XEN_ENOMEM;
    }
    frame = frame_hold(domain, op->control_gfn);
    if (frame == NULL) {
        heap_free(fifo);
        return -XEN_EINVAL;
    }
    spin_lock(&domain->events->lock);
    rc = control_install(domain, vcpu, frame, op->offset, &fifo);
    spin_unlock(&domain->events->lock);
    heap_free(fifo); /* it had one already */
    if (rc != 0) {
        frame_release(frame);
        return rc;
    }
    op->link_bits = EVTCHN_FIFO_LINK_BITS;
    return 0;
}

/* ---- event array ----------------------------------------------------------------------------- */

/* A port of the new page that was raised before it came is raised now. */
static void raise_deferred(struct domain *domain, uint32_t number)
{
    struct event_port *port = event_port_of(domain->events, number);
    unsigned long flags;

    if (port == NULL || atomic_read(&port->deferred) == 0) {
        return;
    }
    flags = event_port_lock(port);
    if (port->state != EVENT_FREE && port->state != EVENT_RESERVED &&
        atomic_exchange(&port->deferred, 0) != 0) {
        domain->events->abi->set_pending(domain, port, number);
    }
    event_port_unlock(port, flags);
}

int event_expand_array(struct domain *domain, uint64_t array_gfn)
{
    struct event_table *table = domain->events;
    struct frame *frame = frame_hold(domain, array_gfn);
    struct event_fifo *fifo;
    unsigned int page = 0;
    int rc = 0;

    if (frame == NULL) {
        return -XEN_EINVAL;
    }
    spin_lock(&table->lock);
    fifo = table->fifo;
    if (fifo == NULL) {
        rc = -XEN_EOPNOTSUPP;
    } else if (event_domain_dying(domain)) {
        rc = -XEN_EINVAL;
    } else if (!quota_charge(domain, QUOTA_EVENT_PAGES, 1)) {
        rc = -XEN_ENOSPC; /* there is no port that a further page would be for */
    } else {
        page = fifo->pages;
        fifo->frames[page] = frame;
        fifo->words[page] = frame_address(frame);
        (void)atomic_exchange(&fifo->pages, page + 1);
    }
    spin_unlock(&table->lock);
    if (rc != 0) {
        frame_release(frame);
        return rc;
    }
    for (uint32_t i = 0; i < FIFO_WORDS_PER_PAGE; i++) {
        raise_deferred(domain, page * (uint32_t)FIFO_WORDS_PER_PAGE + i);
    }
    return 0;
}

/* ---- back to two levels ---------------------------------------------------------------------- */

struct event_fifo *event_fifo_detach(struct domain *domain)
{
    struct event_table *table = domain->events;
    struct event_fifo *fifo = table->fifo;
    struct vcpu *vcpu;
    unsigned int id;

    ASSERT(table->ports_used == 1);
    atomic_write_release(&table->abi, &event_abi_two_level);
    atomic_write_release(&table->fifo, (struct event_fifo *)NULL);
    domain_for_each_vcpu(domain, id, vcpu)
    {
        if (vcpu->events != NULL) {
            frame_release(queues_clear(vcpu->events));
        }
    }
    return fifo;
}

void event_fifo_release(struct domain *domain, struct event_fifo *fifo)
{
    if (fifo == NULL) {
        return;
    }
    for (unsigned int i = 0; i < fifo->pages; i++) {
        frame_release(fifo->frames[i]);
    }
    quota_release(domain, QUOTA_EVENT_PAGES, fifo->pages);
    heap_free(fifo);
}
