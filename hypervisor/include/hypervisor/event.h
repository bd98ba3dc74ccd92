/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Event channels: ports of a domain, bound to another domain's port, a VIRQ, an IPI or a physical
 * interrupt; two delivery ABIs (two-level bitmap and FIFO). xen/event_channel.h is the interface.
 * Theory, invariants and lock rules: core/event/event.c.
 */
#ifndef HYPERVISOR_EVENT_H
#define HYPERVISOR_EVENT_H

#include "hypervisor/domain.h"

#include <xen/event_channel.h>

/* Once, at boot: debug key 'e'. */
void events_init(void);

/* Life of a domain's ports. destroy is preemptible: -XEN_ERESTART. */
int events_create(struct domain *domain, unsigned int ports_max) __must_check;
int events_destroy(struct domain *domain) __must_check;
void events_free(struct domain *domain); /* the last reference is gone */
int events_vcpu_create(struct vcpu *vcpu) __must_check;
void events_vcpu_destroy(struct vcpu *vcpu);

/* One function an EVTCHNOP_*: each takes a checked local copy of the public struct and fills in its
 * out fields. Errors are those the public header states. `caller` is the domain that asks. */
int event_alloc_unbound(struct domain *caller, struct evtchn_alloc_unbound *op) __must_check;
int event_bind_interdomain(struct domain *caller, struct evtchn_bind_interdomain *op) __must_check;
int event_bind_virq(struct domain *caller, struct evtchn_bind_virq *op) __must_check;
int event_bind_ipi(struct domain *caller, struct evtchn_bind_ipi *op) __must_check;
int event_bind_pirq(struct domain *caller, struct evtchn_bind_pirq *op) __must_check;
int event_close(struct domain *domain, evtchn_t port) __must_check;
int event_send(struct domain *domain, evtchn_t port) __must_check;
int event_status(struct domain *caller, struct evtchn_status *op) __must_check;
int event_bind_vcpu(struct domain *domain, evtchn_t port, unsigned int vcpu) __must_check;
int event_unmask(struct domain *domain, evtchn_t port) __must_check;
int event_reset(struct domain *domain) __must_check; /* preemptible */
int event_init_control(struct domain *domain, struct evtchn_init_control *op) __must_check;
int event_expand_array(struct domain *domain, uint64_t array_gfn) __must_check;
int event_set_priority(struct domain *domain, evtchn_t port, uint32_t priority) __must_check;

/* Raising, any context. */
void event_virq_vcpu(struct vcpu *vcpu, unsigned int virq); /* per-vcpu VIRQs (timer, debug, ...) */
void event_virq_global(unsigned int virq);                  /* to whoever handles it: dom0 */
void event_virq_domain(struct domain *domain, unsigned int virq);
bool event_pirq(struct domain *domain, unsigned int port); /* false: port not bound to a pirq */

/* Is a pending, unmasked event there (evtchn_upcall_pending), whatever the upcall mask says? */
static inline bool event_pending(const struct vcpu *vcpu)
{
    return READ_ONCE(vcpu->info->evtchn_upcall_pending) != 0;
}

/*
 * SCHEDOP_poll: with the poller's VCPU_POLLING and poll_port set, begin; then look at the ports. An
 * event that comes later wakes it.
 */
void event_poll_begin(struct vcpu *vcpu);

/* 1 when this port is pending, 0 when not, -XEN_EINVAL for a bad port. */
int event_port_pending(struct domain *domain, uint32_t port) __must_check;

/* The vcpu goes to another processor: pirq affinity follows. */
void event_vcpu_moved(struct vcpu *vcpu);

bool events_valid(const struct domain *domain);

#endif
