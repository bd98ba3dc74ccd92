/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The guest's side of the FIFO event ABI, as xen/event_channel.h asks for it: words it keeps masked
 * until used, and for each vcpu the heads it has seen. HOST_SWITCH_POINT stands before each step that
 * another CPU could come between.
 */
#ifndef SUPPORT_FIFO_GUEST_H
#define SUPPORT_FIFO_GUEST_H

#include "support/fake_domain.h"

#define FIFO_BIT(name) (1u << EVTCHN_FIFO_##name)

struct fifo_guest {
    struct domain *domain;
    event_word_t *pages[EVTCHN_FIFO_NR_CHANNELS / 1024];
    unsigned int page_count;
    struct evtchn_fifo_control_block *control[FAKE_VCPUS];
    uint32_t head[FAKE_VCPUS][EVTCHN_FIFO_MAX_QUEUES];
};

static inline event_word_t *fifo_word(struct fifo_guest *guest, uint32_t port)
{
    return &guest->pages[port / 1024][port % 1024];
}

static inline int fifo_add_page(struct fifo_guest *guest)
{
    event_word_t *page = fake_ram(guest->domain);
    int rc;

    for (unsigned int i = 0; i < 1024; i++) {
        page[i] = FIFO_BIT(MASKED);
    }
    rc = event_expand_array(guest->domain, fake_gfn(page));
    if (rc == 0) {
        guest->pages[guest->page_count++] = page;
    }
    return rc;
}

static inline int fifo_init_vcpu(struct fifo_guest *guest, unsigned int vcpu)
{
    char *page = fake_ram(guest->domain);
    struct evtchn_init_control args = { .control_gfn = fake_gfn(page), .offset = 64, .vcpu = vcpu };
    int rc = event_init_control(guest->domain, &args);

    if (rc == 0) {
        BUG_ON(args.link_bits != EVTCHN_FIFO_LINK_BITS);
        guest->control[vcpu] = (void *)(page + 64);
    }
    return rc;
}

/* Clears the mask unless the event is pending: then the hypervisor must. Waits while BUSY. */
static inline void fifo_unmask(struct fifo_guest *guest, uint32_t port)
{
    event_word_t *word = fifo_word(guest, port), old, expected;

    do {
        HOST_SWITCH_POINT();
        old = READ_ONCE(*word);
        if ((old & FIFO_BIT(MASKED)) == 0) {
            return;
        }
        if ((old & FIFO_BIT(PENDING)) != 0) {
            BUG_ON(event_unmask(guest->domain, EVTCHN(port)) != 0);
            return;
        }
        expected = old & ~FIFO_BIT(BUSY);
    } while (!__atomic_compare_exchange_n(word, &expected, expected & ~FIFO_BIT(MASKED), false,
                                          __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
}

/* Takes the word off its queue; what came behind it. */
static inline uint32_t fifo_unlink(struct fifo_guest *guest, uint32_t port)
{
    event_word_t *word = fifo_word(guest, port);
    event_word_t old = READ_ONCE(*word);

    do {
        HOST_SWITCH_POINT();
    } while (!__atomic_compare_exchange_n(word, &old,
                                          old & ~(FIFO_BIT(LINKED) | EVTCHN_FIFO_LINK_MASK), false,
                                          __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST));
    return old & EVTCHN_FIFO_LINK_MASK;
}

/*
 * An upcall: takes events by priority until no queue is ready, clears PENDING of each that is not
 * masked and calls `handle`. Returns how many.
 */
static inline unsigned int fifo_upcall(struct fifo_guest *guest, unsigned int vcpu,
                                       void (*handle)(uint32_t port, void *data), void *data)
{
    struct evtchn_fifo_control_block *control = guest->control[vcpu];
    unsigned int handled = 0;
    uint32_t ready;

    guest->domain->vcpus[vcpu]->info->evtchn_upcall_pending = 0;
    HOST_SWITCH_POINT();
    ready = __atomic_exchange_n(&control->ready, 0, __ATOMIC_SEQ_CST);
    while (ready != 0) {
        unsigned int priority = (unsigned int)__builtin_ctz(ready);
        uint32_t port = guest->head[vcpu][priority], next;
        event_word_t *word;

        HOST_SWITCH_POINT();
        if (port == 0) {
            port = READ_ONCE(control->head[priority]);
        }
        word = fifo_word(guest, port);
        next = fifo_unlink(guest, port);
        if (next == 0) {
            ready &= ~(1u << priority);
        }
        HOST_SWITCH_POINT();
        if ((READ_ONCE(*word) & (FIFO_BIT(PENDING) | FIFO_BIT(MASKED))) == FIFO_BIT(PENDING)) {
            __atomic_fetch_and(word, ~FIFO_BIT(PENDING), __ATOMIC_SEQ_CST);
            handled++;
            handle(port, data);
        }
        guest->head[vcpu][priority] = next;
        HOST_SWITCH_POINT();
        ready |= __atomic_exchange_n(&control->ready, 0, __ATOMIC_SEQ_CST);
    }
    return handled;
}

#endif
