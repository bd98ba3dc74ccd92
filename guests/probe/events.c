/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Event channels: ports to the quota, floods to this guest and to dom0's daemons, bindings that change
 * while another vcpu sends.
 */
#include "lib/event.h"
#include "lib/check.h"
#include "lib/console.h"
#include "lib/guest.h"
#include "lib/hypercall.h"
#include "lib/vcpu.h"

#include <xen/sched.h>

#define PORTS 4096
#define FLOOD 20000

/* ---- bad arguments ----------------------------------------------------------------------------- */

static void check_arguments(void)
{
    struct evtchn_bind_vcpu bind = { .port = 0, .vcpu = 0 };
    struct evtchn_status status = { .dom = DOMID_SELF, .port = ~0u };
    struct evtchn_bind_pirq pirq = { .pirq = 1 };
    struct evtchn_reset reset = { .dom = 0x7000 };
    long port = event_alloc_unbound(DOMID_SELF, 0x7000);

    check_that(port > 0, "a port for a domain that may come");
    must(event_close((uint32_t)port), "close");
    check(event_send(0), -XEN_EINVAL, "send to port 0");
    check(event_send(~0u), -XEN_EINVAL, "send to port -1");
    check(event_close(0), -XEN_EINVAL, "close port 0");
    check(event_close(1u << 30), -XEN_EINVAL, "close port 2^30");
    check(event_alloc_unbound(0x7000, 0), -XEN_ESRCH, "a port of nobody");
    check(event_bind_interdomain(0x7000, 1), -XEN_ESRCH, "bind to nobody");
    check(event_bind_interdomain(DOMID_SELF, ~0u), -XEN_EINVAL, "bind to port -1");
    check(event_bind_virq(~0u, 0), -XEN_EINVAL, "VIRQ -1");
    check(event_bind_virq(NR_VIRQS, 0), -XEN_EINVAL, "VIRQ 24");
    check(event_bind_virq(0, ~0u), -XEN_ENOENT, "VIRQ of vcpu -1");
    check(event_bind_ipi(~0u), -XEN_ENOENT, "IPI of vcpu -1");
    check(event_op(EVTCHNOP_bind_vcpu, &bind), -XEN_EINVAL, "move port 0");
    bind.vcpu = ~0u;
    check(event_op(EVTCHNOP_bind_vcpu, &bind), -XEN_ENOENT, "move to vcpu -1");
    check(event_op(EVTCHNOP_status, &status), -XEN_EINVAL, "status of port -1");
    check(event_op(EVTCHNOP_reset, &reset), -XEN_ESRCH, "reset nobody");
    check(event_op(99, &reset), -XEN_ENOSYS, "operation 99");
    for (unsigned int op = EVTCHNOP_bind_interdomain; op <= EVTCHNOP_set_priority; op++) {
        check(event_op(op, (void *)0xffff830000000000), -XEN_EFAULT,
              "operation %u with the hypervisor's memory", op);
    }
    if (!guest_is_first()) {
        check(event_op(EVTCHNOP_bind_pirq, &pirq), -XEN_EPERM, "bind interrupt 1");
        check(event_alloc_unbound(0, 0), -XEN_EPERM, "a port of dom0");
        check(event_bind_interdomain(0, 1), -XEN_EINVAL, "bind to dom0's port 1");
        status.dom = 0;
        status.port = 1;
        check(event_op(EVTCHNOP_status, &status), -XEN_EPERM, "status of dom0's port 1");
        reset.dom = 0;
        check(event_op(EVTCHNOP_reset, &reset), -XEN_EPERM, "reset dom0");
        for (unsigned int virq = VIRQ_CONSOLE; virq <= VIRQ_CON_RING; virq++) {
            /* Anybody may bind them; they go to who was named for them. */
            port = event_bind_virq(virq, 0);
            check_that(port > 0, "global VIRQ %u", virq);
            must(event_close((uint32_t)port), "close");
        }
    }
}

/* ---- the quota --------------------------------------------------------------------------------- */

static uint32_t ports[PORTS];

static unsigned int take_all(long *error)
{
    unsigned int count = 0;

    for (*error = 0; count < PORTS; count++) {
        long port = event_alloc_unbound(DOMID_SELF, DOMID_SELF);

        if (port < 0) {
            *error = port;
            break;
        }
        ports[count] = (uint32_t)port;
    }
    return count;
}

static void check_quota(void)
{
    long error;
    unsigned int first = take_all(&error), second = 0;

    check(error, -XEN_ENOSPC, "ports until there are no more");
    check(event_bind_ipi(0), -XEN_ENOSPC, "an IPI then");
    for (unsigned int i = 0; i < first; i++) {
        second += event_close(ports[i]) == 0;
    }
    check(second, first, "close them all");
    check(event_close(ports[0]), -XEN_EINVAL, "close one again");
    check(take_all(&error), first, "as many again");
    for (unsigned int i = 0; i < first; i++) {
        (void)event_close(ports[i]);
    }
}

/* ---- floods ------------------------------------------------------------------------------------ */

static uint32_t flooded;

static void flood(void)
{
    for (unsigned int i = 0; i < FLOOD; i++) {
        (void)event_send(flooded);
    }
}

static void check_floods(void)
{
    long port = event_bind_ipi(0);
    uint32_t before = trap_event_count;

    must(port, "an IPI");
    flooded = (uint32_t)port;
    event_mask(flooded, false);
    event_upcalls(true);
    flood();
    event_upcalls(false);
    check_that(trap_event_count - before >= FLOOD, "%u upcalls of %u events to itself",
               trap_event_count - before, FLOOD);
    event_mask(flooded, true);
    flood();
    check_that(event_pending(flooded), "masked events stay pending");
    must(event_close(flooded), "close");
    if (console_port()) {
        flooded = console_port();
        flood();
        flooded = guest_start->store_evtchn;
        flood();
        check_that(true, "%u events to xenconsoled and to xenstored", FLOOD);
    }
}

/* ---- two vcpus --------------------------------------------------------------------------------- */

static volatile bool storm_over;
static volatile uint32_t target;
static volatile long odd_result;

/* Any of the operations on a port that comes and goes. */
static void storm(void)
{
    for (unsigned int turn = 0; !storm_over; turn++) {
        struct evtchn_unmask unmask = { .port = target };
        struct evtchn_bind_vcpu bind = { .port = target, .vcpu = turn & 1 };
        struct evtchn_status status = { .dom = DOMID_SELF, .port = target };
        long result;

        switch (turn & 7) {
        case 0:
            result = event_op(EVTCHNOP_unmask, &unmask);
            break;
        case 1:
            result = event_op(EVTCHNOP_bind_vcpu, &bind);
            break;
        case 2:
            result = event_op(EVTCHNOP_status, &status);
            break;
        default:
            result = event_send(target);
        }
        if (result && result != -XEN_EINVAL && result != -XEN_EPERM) {
            odd_result = result;
        }
        if (turn % 64 == 0) {
            hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
        }
    }
}

static void rebind(unsigned int turn)
{
    struct evtchn_bind_interdomain bind = { .remote_dom = DOMID_SELF };
    long port = turn & 1 ? event_alloc_unbound(DOMID_SELF, DOMID_SELF) : event_bind_ipi(turn & 2);

    if (port < 0) {
        port = event_bind_ipi(0);
    }
    must(port, "a port");
    target = (uint32_t)port;
    if (turn & 1) {
        bind.remote_port = target;
        if (event_op(EVTCHNOP_bind_interdomain, &bind) == 0) {
            target = bind.local_port;
            must(event_close(turn & 4 ? (uint32_t)port : bind.local_port), "close one end");
            target = turn & 4 ? bind.local_port : (uint32_t)port;
        }
    }
    if (turn % 16 == 0) {
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
    }
    must(event_close(target), "close");
}

static void check_races(void)
{
    long result;

    storm_over = false;
    odd_result = 0;
    result = vcpu_start(1, storm);
    check(result, 0, "start vcpu 1");
    if (result) {
        return;
    }
    for (unsigned int turn = 0; turn < 3000; turn++) {
        rebind(turn);
    }
    storm_over = true;
    vcpu_join(1);
    check(odd_result, 0, "ports that come and go while vcpu 1 sends: its odd answers");
}

static void run(void)
{
    check_arguments();
    check_quota();
    check_floods();
    check_races();
}
PROBE(events, run);
