/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The FIFO ABI (xen/event_channel.h): delivery. fifo_setup.c makes and unmakes what it uses.
 *
 * Each port has a 32-bit word in the guest's event array; each vcpu has, for each of 16 priorities,
 * a queue of ports linked through those words:
 *
 *   control->ready bit q;  control->head[q] -> word[a].link -> word[b].link -> 0
 *                                                              b == tail[q], known here only
 *
 *   word:  31 PENDING  30 MASKED  29 LINKED  28 BUSY  16..0 link
 *
 * This side sets PENDING, LINKED and BUSY, and writes links and heads; the guest sets and clears
 * MASKED, clears PENDING, and takes an event off its queue by clearing LINKED and the link in one
 * compare-exchange. Unless another is named, all are full-barrier atomic operations.
 *
 *  - PENDING first; only then look at MASKED and LINKED, in the value the same operation returned.
 *    Masked: the guest's unmasking sees PENDING and calls EVTCHNOP_unmask. Linked: the guest looks
 *    at PENDING after it cleared LINKED. In both cases nothing is left to do, and no lock was taken.
 *  - Linking happens under the lock of the vcpu's queues. Setting LINKED decides who links. The tail
 *    gets its link only while it is LINKED itself: else the guest has consumed it, the queue is
 *    empty, and the port becomes the head.
 *  - A port goes to the queue of its present vcpu and priority. Its word may still be the tail of
 *    the queue it was in before, which must not link through it any more: both queues are locked,
 *    and the old tail forgotten.
 *  - BUSY asks the guest not to unmask while a link is being written, so that the compare-exchange
 *    cannot fail for ever. A guest that makes it fail all the same loses its queue's rest.
 *
 * The words and the control block are the guest's to scribble on. Nothing read from them is used as
 * an index: tails are kept here. All a lie can do is to lose the liar's events.
 */
#include "event_private.h"

#include "hypervisor/printk.h"

#define WORD_BIT(bit) (1u << (bit))
#define WORD_PENDING  WORD_BIT(EVTCHN_FIFO_PENDING)
#define WORD_MASKED   WORD_BIT(EVTCHN_FIFO_MASKED)
#define WORD_LINKED   WORD_BIT(EVTCHN_FIFO_LINKED)
#define WORD_BUSY     WORD_BIT(EVTCHN_FIFO_BUSY)

#define LINK_TRIES_PLAIN 4  /* then BUSY is set */
#define LINK_TRIES_MAX   64 /* then the guest is playing tricks */

static struct event_fifo *fifo_of(const struct domain *domain)
{
    return atomic_read_acquire(&domain->events->fifo);
}

/*
 * Writes the link of a queue's tail. False when the tail is not linked any more: the queue is empty.
 */
static bool link_after(struct domain *domain, event_word_t *tail, uint32_t number)
{
    event_word_t word = READ_ONCE(*tail);

    for (unsigned int tries = 0; tries < LINK_TRIES_MAX; tries++) {
        if ((word & WORD_LINKED) == 0) {
            if (tries > LINK_TRIES_PLAIN) {
                (void)atomic_and(tail, ~WORD_BUSY);
            }
            return false;
        }
        if (atomic_compare_exchange(tail, &word,
                                    (word & ~(WORD_BUSY | EVTCHN_FIFO_LINK_MASK)) | number)) {
            return true;
        }
        if (tries == LINK_TRIES_PLAIN) {
            word = atomic_or(tail, WORD_BUSY) | WORD_BUSY;
        }
    }
    (void)atomic_and(tail, ~WORD_BUSY);
    guest_printk(LOG_WARNING, "d%u: event word under attack, its queue is cut\n", domain->id.value);
    return false;
}

/*
 * Links a port that has just become LINKED at the end of a queue. Under the queue's lock; true when
 * the vcpu must be told.
 */
static bool queue_append(struct domain *domain, struct event_vcpu *queues, unsigned int priority,
                         uint32_t number)
{
    struct evtchn_fifo_control_block *control = queues->control;
    uint32_t tail = queues->tail[priority];
    uint32_t ready = WORD_BIT(priority);

    queues->tail[priority] = number;
    if (tail != 0 && link_after(domain, event_fifo_word(fifo_of(domain), tail), number)) {
        return false;
    }
    WRITE_ONCE(control->head[priority], number);
    return (atomic_or(&control->ready, ready) & ready) == 0;
}

/*
 * Locks the queue the port goes to and the one it was in last (which may be the same), interrupts
 * off. Its place may change until they are locked: then once more. False: no such queue.
 */
static bool queues_lock(struct domain *domain, struct event_port *port, uint32_t *old_queue,
                        struct event_vcpu **old_queues, struct vcpu **vcpu)
{
    for (;;) {
        struct vcpu *old_vcpu;

        *old_queue = atomic_read(&port->queue);
        *vcpu = domain_vcpu(domain, atomic_read(&port->notify_vcpu));
        old_vcpu = domain_vcpu(domain, FIFO_QUEUE_VCPU(*old_queue));
        if (*vcpu == NULL || (*vcpu)->events == NULL || old_vcpu == NULL ||
            old_vcpu->events == NULL) {
            return false;
        }
        *old_queues = old_vcpu->events;
        spin_lock_pair(&(*old_queues)->lock, &(*vcpu)->events->lock);
        if (*old_queue == atomic_read(&port->queue)) {
            return true;
        }
        spin_unlock_pair(&(*old_queues)->lock, &(*vcpu)->events->lock);
    }
}

/* The port is pending, was neither masked nor linked: link it, and tell the vcpu. */
static void fifo_link(struct domain *domain, struct event_port *port, uint32_t number,
                      event_word_t *word)
{
    unsigned long flags = arch_irq_save();
    unsigned int priority = atomic_read(&port->priority);
    struct event_vcpu *old_queues;
    struct vcpu *vcpu;
    uint32_t old_queue, *old_tail;
    bool notify = false;

    if (!queues_lock(domain, port, &old_queue, &old_queues, &vcpu)) {
        arch_irq_restore(flags);
        return;
    }
    /* Without a control block the event stays pending in its word, unlinked. */
    if (vcpu->events->control != NULL && (atomic_or(word, WORD_LINKED) & WORD_LINKED) == 0) {
        old_tail = &old_queues->tail[FIFO_QUEUE_PRIORITY(old_queue)];
        if (*old_tail == number) {
            *old_tail = 0;
        }
        atomic_write(&port->queue, FIFO_QUEUE(vcpu->id, priority));
        notify = queue_append(domain, vcpu->events, priority, number);
    }
    spin_unlock_pair(&old_queues->lock, &vcpu->events->lock);
    if (notify) {
        event_vcpu_notify(vcpu);
    }
    arch_irq_restore(flags);
}

/*
 * The word, or NULL after it was noted that the event waits for one. A page that arrives meanwhile
 * is published before its ports' notes are taken: one of the two sides sees the other.
 */
static event_word_t *word_or_defer(struct domain *domain, struct event_port *port, uint32_t number)
{
    event_word_t *word = event_fifo_word(fifo_of(domain), number);

    if (unlikely(word == NULL)) {
        (void)atomic_exchange(&port->deferred, 1);
        word = event_fifo_word(fifo_of(domain), number);
        if (word != NULL && atomic_exchange(&port->deferred, 0) == 0) {
            word = NULL; /* taken by the other side */
        }
    }
    return word;
}

static void fifo_set_pending(struct domain *domain, struct event_port *port, uint32_t number)
{
    event_word_t *word = word_or_defer(domain, port, number);
    event_word_t old;

    if (word == NULL) {
        return;
    }
    old = atomic_or(word, WORD_PENDING);
    if ((old & (WORD_MASKED | WORD_LINKED)) == 0) {
        fifo_link(domain, port, number, word);
    }
    if ((old & WORD_PENDING) == 0) {
        event_wake_pollers(domain, number);
    }
}

static void fifo_clear_pending(struct domain *domain, struct event_port *port, uint32_t number)
{
    event_word_t *word = event_fifo_word(fifo_of(domain), number);

    if (word != NULL) {
        (void)atomic_and(word, ~WORD_PENDING);
    }
}

static bool fifo_is_pending(struct domain *domain, const struct event_port *port, uint32_t number)
{
    event_word_t *word = event_fifo_word(fifo_of(domain), number);

    return word != NULL && (READ_ONCE(*word) & WORD_PENDING) != 0;
}

static bool fifo_is_masked(struct domain *domain, const struct event_port *port, uint32_t number)
{
    event_word_t *word = event_fifo_word(fifo_of(domain), number);

    return word == NULL || (READ_ONCE(*word) & WORD_MASKED) != 0;
}

static void fifo_unmask(struct domain *domain, struct event_port *port, uint32_t number)
{
    event_word_t *word = event_fifo_word(fifo_of(domain), number);
    event_word_t old;

    if (word == NULL) {
        return;
    }
    old = atomic_and(word, ~WORD_MASKED);
    if ((old & (WORD_PENDING | WORD_LINKED)) == WORD_PENDING) {
        fifo_link(domain, port, number, word);
    }
}

const struct event_abi event_abi_fifo = {
    .name = "FIFO",
    .ports_max = EVTCHN_FIFO_NR_CHANNELS,
    .set_pending = fifo_set_pending,
    .clear_pending = fifo_clear_pending,
    .is_pending = fifo_is_pending,
    .is_masked = fifo_is_masked,
    .unmask = fifo_unmask,
};

int event_set_priority(struct domain *domain, evtchn_t port_id, uint32_t priority)
{
    struct event_table *table = domain->events;
    struct event_port *port;
    int rc = 0;

    if (priority > EVTCHN_FIFO_PRIORITY_MIN) {
        return -XEN_EINVAL;
    }
    spin_lock(&table->lock);
    port = event_port_of(table, port_id.value);
    if (port == NULL) {
        rc = -XEN_EINVAL;
    } else if (table->fifo == NULL) {
        rc = -XEN_ENOSYS;
    } else if (port->state == EVENT_FREE || port->state == EVENT_RESERVED) {
        rc = -XEN_EACCES;
    } else {
        atomic_write(&port->priority, (uint8_t)priority);
    }
    spin_unlock(&table->lock);
    return rc;
}
