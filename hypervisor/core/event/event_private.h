/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* What the files of core/event share. The theory is at the top of event.c. */
#ifndef CORE_EVENT_PRIVATE_H
#define CORE_EVENT_PRIVATE_H

#include "hypervisor/atomic.h"
#include "hypervisor/bug.h"
#include "hypervisor/error.h"
#include "hypervisor/event.h"
#include "hypervisor/frame.h"
#include "hypervisor/nospec.h"

/* The first six are what EVTCHNOP_status tells. */
enum event_state {
    EVENT_FREE = EVTCHNSTAT_closed,
    EVENT_UNBOUND = EVTCHNSTAT_unbound,
    EVENT_INTERDOMAIN = EVTCHNSTAT_interdomain,
    EVENT_PIRQ = EVTCHNSTAT_pirq,
    EVENT_VIRQ = EVTCHNSTAT_virq,
    EVENT_IPI = EVTCHNSTAT_ipi,
    EVENT_RESERVED, /* port 0; a port between two states */
};

struct event_port {
    struct spinlock lock; /* LOCK_EVENT_PORT */
    uint8_t state;        /* enum event_state */
    uint8_t priority;     /* FIFO queue it goes to */
    uint8_t deferred;     /* atomic: raised while reserved, or while the FIFO array has no word */
    uint8_t spare;
    uint16_t notify_vcpu;
    uint16_t remote_id; /* EVENT_UNBOUND: who may bind */
    uint32_t queue;     /* FIFO: FIFO_QUEUE() it was last linked into; under that queue's lock */
    uint32_t peer_port; /* EVENT_INTERDOMAIN: the other end; EVENT_PIRQ: next pirq port, 0 ends */
    union {
        struct domain *peer; /* EVENT_INTERDOMAIN */
        uint32_t virq;       /* EVENT_VIRQ */
        uint32_t pirq;       /* EVENT_PIRQ */
    };
};

_Static_assert(sizeof(struct event_port) == 32, "a bucket of ports fills a frame");

#define BUCKET_PORTS (PAGE_SIZE / sizeof(struct event_port))

struct event_abi;
struct event_fifo;

struct event_table {
    struct spinlock lock;        /* LOCK_EVENT */
    const struct event_abi *abi; /* how events reach the guest */
    struct event_fifo *fifo;     /* NULL with the two-level ABI */
    uint32_t ports_max;          /* the domain's limit, whatever the ABI's */
    uint32_t ports_valid;        /* ports that have a struct: whole buckets; only grows */
    uint32_t ports_used;         /* not free; port 0 counts */
    uint32_t bucket_hint;        /* no free port in a bucket below */
    uint32_t sweep_next;         /* first port not yet closed by a reset or destroy in progress */
    uint32_t pirq_first;         /* chain of pirq ports; 0 when none */
    uint32_t bucket_count_max;
    unsigned long *polling;      /* atomic: vcpus that may be polling; see event_wake_pollers */
    uint8_t *bucket_used;        /* used ports a bucket */
    struct event_port **buckets; /* bucket_count_max of them */
};

/* How a pending event is shown to the guest. The port's lock, or its peer's, is held by callers. */
struct event_abi {
    const char *name;
    uint32_t ports_max;
    void (*set_pending)(struct domain *domain, struct event_port *port, uint32_t number);
    void (*clear_pending)(struct domain *domain, struct event_port *port, uint32_t number);
    bool (*is_pending)(struct domain *domain, const struct event_port *port, uint32_t number);
    bool (*is_masked)(struct domain *domain, const struct event_port *port, uint32_t number);
    void (*unmask)(struct domain *domain, struct event_port *port, uint32_t number);
};

extern const struct event_abi event_abi_two_level, event_abi_fifo;

/* The FIFO ABI's part of a vcpu. */
struct event_vcpu {
    struct spinlock
        lock; /* LOCK_EVENT_QUEUE: all below and every port->queue that names this vcpu */
    struct evtchn_fifo_control_block *control; /* the guest's; NULL before EVTCHNOP_init_control */
    struct frame *control_frame;
    uint32_t tail[EVTCHN_FIFO_MAX_QUEUES]; /* last port linked, 0 when none */
};

#define FIFO_WORDS_PER_PAGE  (PAGE_SIZE / sizeof(event_word_t))
#define FIFO_ARRAY_PAGES_MAX (EVTCHN_FIFO_NR_CHANNELS / FIFO_WORDS_PER_PAGE)

struct event_fifo {
    unsigned int pages; /* only grows; published after the page itself */
    event_word_t *words[FIFO_ARRAY_PAGES_MAX];
    struct frame *frames[FIFO_ARRAY_PAGES_MAX];
};

#define FIFO_QUEUE(vcpu, priority) ((uint32_t)(vcpu) << 4 | (priority))
#define FIFO_QUEUE_VCPU(queue)     ((queue) >> 4)
#define FIFO_QUEUE_PRIORITY(queue) ((queue)&15u)

/* ---- ports (event.c) ------------------------------------------------------------------------- */

/* The port's struct; NULL beyond the ports that have one. No lock needed: buckets never move. */
static inline struct event_port *event_port_of(const struct event_table *table, uint32_t number)
{
    if (number >= atomic_read_acquire(&table->ports_valid)) {
        return NULL;
    }
    number = (uint32_t)index_nospec(number, table->ports_valid);
    return &table->buckets[number / BUCKET_PORTS][number % BUCKET_PORTS];
}

/*
 * Takes the lowest free port: EVENT_RESERVED, vcpu 0, default priority. Under the table's lock.
 * -XEN_EINVAL when the domain dies, -XEN_ENOSPC, -XEN_ENOMEM.
 */
int event_port_alloc(struct domain *domain, uint32_t *number) __must_check;

/* Gives a port back, its pending state cleared. Under the table's lock, not the port's. */
void event_port_free(struct domain *domain, uint32_t number);

/* Writes a port's state, under the table's lock: no sender sees half of it. */
static inline unsigned long event_port_lock(struct event_port *port)
{
    return spin_lock_irqsave(&port->lock);
}

static inline void event_port_unlock(struct event_port *port, unsigned long flags)
{
    spin_unlock_irqrestore(&port->lock, flags);
}

static inline bool event_domain_dying(const struct domain *domain)
{
    return atomic_read(&domain->dying) != DOMAIN_ALIVE;
}

/* ---- raising (send.c) ------------------------------------------------------------------------ */

/* The vcpu has something to look at: its upcall flag goes up, and it runs. Any context. */
void event_vcpu_notify(struct vcpu *vcpu);

/* The port became pending: vcpus that poll it go on. Any context. */
void event_wake_pollers(struct domain *domain, uint32_t number);

/* Sets a port pending whatever it is bound to, unless it is free. Any context. */
void event_raise(struct domain *domain, uint32_t number);

/* ---- kinds of ports -------------------------------------------------------------------------- */

bool event_virq_is_global(uint32_t virq);
/* The VIRQ of a port about to be freed is bound no more. Under the table's lock. */
void event_virq_forget(struct domain *domain, const struct event_port *port, uint32_t number);

/* Takes a pirq port, in EVENT_RESERVED state by now, out of the chain. Under the table's lock. */
void event_pirq_unchain(struct event_table *table, uint32_t number);

/* ---- FIFO (fifo_setup.c) --------------------------------------------------------------------- */

/* The event word of a port; NULL when the guest gave no page for it. */
static inline event_word_t *event_fifo_word(const struct event_fifo *fifo, uint32_t number)
{
    unsigned int page = number / FIFO_WORDS_PER_PAGE;

    if (page >= atomic_read_acquire(&fifo->pages)) {
        return NULL;
    }
    return &fifo->words[page][number % FIFO_WORDS_PER_PAGE];
}

/*
 * Back to the two-level ABI; no port but 0 is in use. Under the table's lock; returns what
 * event_fifo_release() must then give back without it.
 */
struct event_fifo *event_fifo_detach(struct domain *domain);
void event_fifo_release(struct domain *domain, struct event_fifo *fifo);

#endif
