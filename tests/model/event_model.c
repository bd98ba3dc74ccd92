/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Random event-channel operations of three domains (the third with the FIFO ABI) beside a naive
 * model: each result and each port's status must be the same, and every pending, unmasked event must
 * be found by the upcalls.
 */
#include "support/fifo_guest.h"

#include <stdio.h>

#define DOMAINS 3u
#define VCPUS   2u
#define PORTS   40u
#define STEPS   60000u
#define VIRQS   4u

static const uint32_t virqs[VIRQS] = { VIRQ_TIMER, VIRQ_DEBUG, VIRQ_CONSOLE, VIRQ_DOM_EXC };

/* ---- the model ------------------------------------------------------------------------------- */

struct model_port {
    uint32_t state, remote, remote_port, vcpu, virq;
    bool pending, masked;
};

static struct model_port model[DOMAINS][PORTS];

static long model_alloc(uint32_t d, uint32_t *port)
{
    for (uint32_t i = 1; i < PORTS; i++) {
        if (model[d][i].state == EVTCHNSTAT_closed) {
            bool masked = model[d][i].masked; /* the guest's own bit stays */

            model[d][i] = (struct model_port){ .state = EVTCHNSTAT_closed, .masked = masked };
            *port = i;
            return 0;
        }
    }
    return -XEN_ENOSPC;
}

static void model_raise(uint32_t d, uint32_t port)
{
    model[d][port].pending = true;
}

static bool model_used(uint32_t d, uint32_t port)
{
    return port > 0 && port < PORTS && model[d][port].state != EVTCHNSTAT_closed;
}

static long model_bind_interdomain(uint32_t d, uint32_t r, uint32_t rport, uint32_t *port)
{
    if (rport >= PORTS || model[r][rport].state != EVTCHNSTAT_unbound ||
        model[r][rport].remote != d) {
        return -XEN_EINVAL;
    }
    if (model_alloc(d, port) != 0) {
        return -XEN_ENOSPC;
    }
    model[d][*port].state = model[r][rport].state = EVTCHNSTAT_interdomain;
    model[d][*port].remote = r;
    model[d][*port].remote_port = rport;
    model[r][rport].remote_port = *port;
    model_raise(d, *port);
    return 0;
}

static bool virq_global(uint32_t virq)
{
    return virq == VIRQ_CONSOLE || virq == VIRQ_DOM_EXC;
}

/* The port a VIRQ is bound to; 0 when none. */
static uint32_t model_virq(uint32_t d, uint32_t virq, uint32_t vcpu)
{
    for (uint32_t i = 1; i < PORTS; i++) {
        if (model[d][i].state == EVTCHNSTAT_virq && model[d][i].virq == virq &&
            (virq_global(virq) || model[d][i].vcpu == vcpu)) {
            return i;
        }
    }
    return 0;
}

static long model_bind_virq(uint32_t d, uint32_t virq, uint32_t vcpu, uint32_t *port)
{
    if (virq_global(virq) && vcpu != 0) {
        return -XEN_EINVAL;
    }
    if (vcpu >= VCPUS) {
        return -XEN_ENOENT;
    }
    if (model_virq(d, virq, vcpu) != 0) {
        return -XEN_EEXIST;
    }
    if (model_alloc(d, port) != 0) {
        return -XEN_ENOSPC;
    }
    model[d][*port].state = EVTCHNSTAT_virq;
    model[d][*port].virq = virq;
    model[d][*port].vcpu = vcpu;
    return 0;
}

static long model_close(uint32_t d, uint32_t port)
{
    struct model_port *p = &model[d][port];

    if (!model_used(d, port)) {
        return -XEN_EINVAL;
    }
    if (p->state == EVTCHNSTAT_interdomain) {
        model[p->remote][p->remote_port].state = EVTCHNSTAT_unbound;
        model[p->remote][p->remote_port].remote = d;
    }
    p->state = EVTCHNSTAT_closed;
    p->pending = false;
    return 0;
}

static long model_send(uint32_t d, uint32_t port)
{
    if (!model_used(d, port)) {
        return -XEN_EINVAL;
    }
    switch (model[d][port].state) {
    case EVTCHNSTAT_interdomain:
        model_raise(model[d][port].remote, model[d][port].remote_port);
        return 0;
    case EVTCHNSTAT_ipi:
        model_raise(d, port);
        return 0;
    case EVTCHNSTAT_unbound:
        return 0;
    default:
        return -XEN_EINVAL;
    }
}

static long model_bind_vcpu(uint32_t d, uint32_t port, uint32_t vcpu)
{
    if (vcpu >= VCPUS) {
        return -XEN_ENOENT;
    }
    if (!model_used(d, port) || model[d][port].state == EVTCHNSTAT_ipi ||
        (model[d][port].state == EVTCHNSTAT_virq && !virq_global(model[d][port].virq))) {
        return -XEN_EINVAL;
    }
    model[d][port].vcpu = vcpu;
    return 0;
}

/* ---- the real thing, and the guests ---------------------------------------------------------- */

static struct domain *domains[DOMAINS];
static struct fifo_guest fifo;

static bool is_fifo(uint32_t d)
{
    return fifo.domain == domains[d];
}

static void create(uint32_t d)
{
    domains[d] = fake_domain_create((uint16_t)d, VCPUS, PORTS, 0, 0);
    for (uint32_t i = 0; i < PORTS; i++) {
        model[d][i] = (struct model_port){ .masked = d == DOMAINS - 1 };
    }
    if (d == DOMAINS - 1) {
        fifo = (struct fifo_guest){ .domain = domains[d] };
        BUG_ON(fifo_init_vcpu(&fifo, 0) != 0 || fifo_init_vcpu(&fifo, 1) != 0);
        BUG_ON(fifo_add_page(&fifo) != 0);
    }
}

static void kill(uint32_t d)
{
    for (uint32_t port = 1; port < PORTS; port++) {
        (void)model_close(d, port);
    }
    fake_domain_kill(domains[d]);
    BUG_ON(fake_domains[d] != NULL);
    create(d);
}

static void mask(uint32_t d, uint32_t port)
{
    model[d][port].masked = true;
    if (is_fifo(d)) {
        __atomic_fetch_or(fifo_word(&fifo, port), FIFO_BIT(MASKED), __ATOMIC_SEQ_CST);
    } else {
        bit_set(domains[d]->shared_info->evtchn_mask, port);
    }
}

/* Only ports in use: the hypercall leaves the others alone. */
static void unmask(uint32_t d, uint32_t port)
{
    if (!model_used(d, port)) {
        return;
    }
    model[d][port].masked = false;
    if (is_fifo(d)) {
        fifo_unmask(&fifo, port);
    } else {
        BUG_ON(event_unmask(domains[d], EVTCHN(port)) != 0);
    }
}

static void handled(uint32_t port, void *data)
{
    uint32_t d = *(uint32_t *)data;

    BUG_ON(!model[d][port].pending || model[d][port].masked);
    model[d][port].pending = false;
}

static void upcall_two_level(uint32_t d, unsigned int vcpu)
{
    struct vcpu_info *info = domains[d]->vcpus[vcpu]->info;
    struct shared_info *shared = domains[d]->shared_info;

    if (info->evtchn_upcall_pending == 0) {
        return;
    }
    info->evtchn_upcall_pending = 0;
    if (info->evtchn_pending_sel != 0) {
        info->evtchn_pending_sel = 0;
        for (uint32_t port = 1; port < PORTS; port++) {
            if (bit_test(shared->evtchn_pending, port) && !bit_test(shared->evtchn_mask, port)) {
                bit_clear(shared->evtchn_pending, port);
                handled(port, &d);
            }
        }
    }
}

/* After upcalls on every vcpu nothing that is pending and unmasked is left. */
static void drain(uint32_t d)
{
    for (unsigned int vcpu = 0; vcpu < VCPUS; vcpu++) {
        if (is_fifo(d)) {
            (void)fifo_upcall(&fifo, vcpu, handled, &d);
        } else {
            upcall_two_level(d, vcpu);
        }
    }
    for (uint32_t port = 1; port < PORTS; port++) {
        BUG_ON(model[d][port].pending && !model[d][port].masked);
    }
}

static void compare(uint32_t d)
{
    for (uint32_t port = 1; port < PORTS; port++) {
        struct evtchn_status status = { .dom = (domid_t)d, .port = port };
        const struct model_port *p = &model[d][port];

        if (event_status(domains[0], &status) != 0) {
            BUG_ON(p->state != EVTCHNSTAT_closed); /* no struct yet */
            continue;
        }
        BUG_ON(status.status != p->state);
        BUG_ON(event_port_pending(domains[d], port) != p->pending);
        if (p->state == EVTCHNSTAT_closed) {
            continue;
        }
        BUG_ON(status.vcpu != p->vcpu);
        BUG_ON(p->state == EVTCHNSTAT_virq && status.u.virq != p->virq);
        BUG_ON(p->state == EVTCHNSTAT_unbound && status.u.unbound.dom != p->remote);
        BUG_ON(p->state == EVTCHNSTAT_interdomain && (status.u.interdomain.dom != p->remote ||
                                                      status.u.interdomain.port != p->remote_port));
    }
    BUG_ON(!events_valid(domains[d]));
}

/* ---- one step -------------------------------------------------------------------------------- */

static uint32_t below(uint32_t limit)
{
    return (uint32_t)host_random_below(limit);
}

static void step_alloc(uint32_t d, uint32_t r)
{
    struct evtchn_alloc_unbound op = { .dom = DOMID_SELF, .remote_dom = (domid_t)r };
    uint32_t port = 0;
    long expected = model_alloc(d, &port);

    BUG_ON(event_alloc_unbound(domains[d], &op) != expected);
    if (expected == 0) {
        BUG_ON(op.port != port);
        model[d][port].state = EVTCHNSTAT_unbound;
        model[d][port].remote = r;
    }
}

static void step_bind_interdomain(uint32_t d, uint32_t r, uint32_t rport)
{
    struct evtchn_bind_interdomain op = { .remote_dom = (domid_t)r, .remote_port = rport };
    uint32_t port = 0;
    long expected = model_bind_interdomain(d, r, rport, &port);

    BUG_ON(event_bind_interdomain(domains[d], &op) != expected);
    BUG_ON(expected == 0 && op.local_port != port);
}

static void step_bind_ipi(uint32_t d, uint32_t vcpu)
{
    struct evtchn_bind_ipi op = { .vcpu = vcpu };
    uint32_t port = 0;
    long expected = vcpu >= VCPUS ? -XEN_ENOENT : model_alloc(d, &port);

    BUG_ON(event_bind_ipi(domains[d], &op) != expected);
    if (expected == 0) {
        BUG_ON(op.port != port);
        model[d][port].state = EVTCHNSTAT_ipi;
        model[d][port].vcpu = vcpu;
    }
}

static void step_bind_virq(uint32_t d, uint32_t virq, uint32_t vcpu)
{
    struct evtchn_bind_virq op = { .virq = virq, .vcpu = vcpu };
    uint32_t port = 0;
    long expected = model_bind_virq(d, virq, vcpu, &port);

    BUG_ON(event_bind_virq(domains[d], &op) != expected);
    BUG_ON(expected == 0 && op.port != port);
}

static void step_virq(uint32_t d, uint32_t virq, uint32_t vcpu)
{
    uint32_t port = model_virq(d, virq, vcpu);

    if (virq_global(virq)) {
        event_virq_domain(domains[d], virq);
    } else {
        event_virq_vcpu(domains[d]->vcpus[vcpu], virq);
    }
    if (port != 0) {
        model_raise(d, port);
    }
}

static void step_reset(uint32_t d)
{
    int rc;

    if (is_fifo(d)) {
        return; /* the guest would have to begin anew: create() does that */
    }
    do {
        rc = event_reset(domains[d]);
    } while (rc == -XEN_ERESTART);
    BUG_ON(rc != 0);
    for (uint32_t port = 1; port < PORTS; port++) {
        (void)model_close(d, port);
    }
}

static void step(void)
{
    uint32_t d = below(DOMAINS), r = below(DOMAINS), port = below(PORTS), vcpu = below(VCPUS);

    host_set_current(0, domains[d]->vcpus[0]);
    switch (below(40)) {
    case 0 ... 3:
        step_alloc(d, r);
        break;
    case 4 ... 8:
        step_bind_interdomain(d, r, port);
        break;
    case 9 ... 10:
        step_bind_ipi(d, below(VCPUS + 1));
        break;
    case 11 ... 12:
        step_bind_virq(d, virqs[below(VIRQS)], below(VCPUS + 1));
        break;
    case 13 ... 17:
        BUG_ON(event_close(domains[d], EVTCHN(port)) != model_close(d, port));
        break;
    case 18 ... 25:
        BUG_ON(event_send(domains[d], EVTCHN(port)) != model_send(d, port));
        break;
    case 26 ... 28:
        step_virq(d, virqs[below(VIRQS)], vcpu);
        break;
    case 29 ... 30:
        vcpu = below(VCPUS + 1);
        BUG_ON(event_bind_vcpu(domains[d], EVTCHN(port), vcpu) != model_bind_vcpu(d, port, vcpu));
        break;
    case 31 ... 32:
        mask(d, port);
        break;
    case 33 ... 35:
        unmask(d, port);
        break;
    case 36 ... 37:
        drain(d);
        break;
    case 38:
        (void)!event_set_priority(domains[d], EVTCHN(port), below(16));
        break;
    default:
        if (below(20) == 0) {
            step_reset(d);
        } else if (below(20) == 0 && d != 0) {
            kill(d);
        }
        break;
    }
}

int main(void)
{
    host_setup(1024, 1);
    for (uint32_t d = 0; d < DOMAINS; d++) {
        create(d);
    }
    for (unsigned int i = 0; i < STEPS; i++) {
        step();
        compare(below(DOMAINS));
    }
    for (uint32_t d = 0; d < DOMAINS; d++) {
        drain(d);
        compare(d);
    }
    for (uint32_t d = 0; d < DOMAINS; d++) {
        fake_domain_kill(domains[d]);
    }
    host_teardown();
    printf("%u steps, as the model\n", STEPS);
    return 0;
}
