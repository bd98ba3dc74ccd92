/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Event channels with the two-level ABI, by hypercall where there is one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/fake_domain.h"

#include "arch/irq.h"
#include "hypervisor/hypercall.h"

static struct domain *dom0, *dom1, *dom2;

static void act_as(struct domain *domain)
{
    host_set_current(0, domain->vcpus[0]);
}

static int setup(void **state)
{
    host_setup(512, 2);
    dom0 = fake_domain_create(0, 4, 0, 0, 0);
    dom1 = fake_domain_create(1, 2, 300, 0, 0);
    dom2 = fake_domain_create(2, 1, 0, 0, 0);
    fake_unblocks = fake_kicks = 0;
    act_as(dom1);
    return 0;
}

static int teardown(void **state)
{
    struct domain *all[] = { dom0, dom1, dom2 };

    for (unsigned int i = 0; i < ARRAY_SIZE(all); i++) {
        if (all[i] != NULL) {
            assert_true(events_valid(all[i]));
        }
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(all); i++) {
        fake_domain_kill(all[i]);
    }
    host_teardown();
    return 0;
}

static long op(unsigned int sub_op, void *argument, size_t bytes)
{
    struct hypercall call = { .arg = { sub_op, host_guest_map(argument, bytes) } };
    long rc;

    do {
        rc = hypercall_event_channel_op(&call);
    } while (rc == HYPERCALL_CONTINUE);
    host_guest_unmap_all();
    return rc;
}

#define OP(name, argument) op(EVTCHNOP_##name, &(argument), sizeof(argument))

static uint32_t alloc_unbound(domid_t dom, domid_t remote)
{
    struct evtchn_alloc_unbound args = { .dom = dom, .remote_dom = remote };

    assert_int_equal(OP(alloc_unbound, args), 0);
    return args.port;
}

static long bind_interdomain(domid_t remote, uint32_t remote_port, uint32_t *port)
{
    struct evtchn_bind_interdomain args = { .remote_dom = remote, .remote_port = remote_port };
    long rc = OP(bind_interdomain, args);

    *port = args.local_port;
    return rc;
}

static long send_event(uint32_t port)
{
    struct evtchn_send args = { .port = port };

    return OP(send, args);
}

static long close_port(uint32_t port)
{
    struct evtchn_close args = { .port = port };

    return OP(close, args);
}

static long bind_virq(uint32_t virq, uint32_t vcpu, uint32_t *port)
{
    struct evtchn_bind_virq args = { .virq = virq, .vcpu = vcpu };
    long rc = OP(bind_virq, args);

    *port = args.port;
    return rc;
}

static struct evtchn_status status_of(uint32_t port)
{
    struct evtchn_status args = { .dom = DOMID_SELF, .port = port, .status = 77 };

    assert_int_equal(OP(status, args), 0);
    return args;
}

static bool pending(struct domain *domain, uint32_t port)
{
    return bit_test(domain->shared_info->evtchn_pending, port);
}

/* What a guest's upcall handler does with one event. True when it was raised to this vcpu. */
static bool take(struct vcpu *vcpu, uint32_t port)
{
    struct shared_info *shared = vcpu->domain->shared_info;
    bool raised = vcpu->info->evtchn_upcall_pending != 0 &&
                  bit_test(&vcpu->info->evtchn_pending_sel, port / 64) &&
                  bit_test(shared->evtchn_pending, port);

    vcpu->info->evtchn_upcall_pending = 0;
    bit_clear(&vcpu->info->evtchn_pending_sel, port / 64);
    bit_clear(shared->evtchn_pending, port);
    return raised;
}

static void ports_are_the_lowest_free(void **state)
{
    for (uint32_t i = 1; i < 300; i++) {
        assert_int_equal(alloc_unbound(DOMID_SELF, 0), i);
    }
    struct evtchn_alloc_unbound full = { .dom = DOMID_SELF, .remote_dom = 0 };
    assert_int_equal(OP(alloc_unbound, full), -XEN_ENOSPC);
    assert_int_equal(close_port(200), 0);
    assert_int_equal(close_port(3), 0);
    assert_int_equal(close_port(3), -XEN_EINVAL);
    assert_int_equal(alloc_unbound(DOMID_SELF, 0), 3);
    assert_int_equal(alloc_unbound(DOMID_SELF, 0), 200);
}

static void two_levels_have_4096_ports(void **state)
{
    struct evtchn_bind_ipi args = { .vcpu = 0 };

    act_as(dom2);
    for (uint32_t i = 1; i < 4096; i++) {
        assert_int_equal(OP(bind_ipi, args), 0);
        assert_int_equal(args.port, i);
    }
    assert_int_equal(OP(bind_ipi, args), -XEN_ENOSPC);
    assert_int_equal(send_event(4095), 0);
    assert_true(take(dom2->vcpus[0], 4095));
    assert_int_equal(send_event(4096), -XEN_EINVAL);
    assert_int_equal(send_event(UINT32_MAX), -XEN_EINVAL);
    assert_int_equal(send_event(0), -XEN_EINVAL);
}

static void an_interdomain_channel_goes_both_ways(void **state)
{
    uint32_t port0, port1 = alloc_unbound(DOMID_SELF, 0);
    struct evtchn_status status = status_of(port1);

    assert_int_equal(status.status, EVTCHNSTAT_unbound);
    assert_int_equal(status.u.unbound.dom, 0);
    assert_int_equal(send_event(port1), 0); /* nobody there yet: no error */
    act_as(dom0);
    assert_int_equal(bind_interdomain(1, port1, &port0), 0);
    assert_true(take(dom0->vcpus[0], port0)); /* always raised by the binding */
    status = status_of(port0);
    assert_int_equal(status.status, EVTCHNSTAT_interdomain);
    assert_int_equal(status.u.interdomain.dom, 1);
    assert_int_equal(status.u.interdomain.port, port1);
    assert_int_equal(send_event(port0), 0);
    assert_true(take(dom1->vcpus[0], port1));
    assert_true(events_valid(dom0) && events_valid(dom1));
    act_as(dom1);
    assert_int_equal(send_event(port1), 0);
    assert_true(take(dom0->vcpus[0], port0));
    assert_int_equal(close_port(port1), 0);
    act_as(dom0);
    status = status_of(port0);
    assert_int_equal(status.status, EVTCHNSTAT_unbound);
    assert_int_equal(status.u.unbound.dom, 1);
    assert_int_equal(send_event(port0), 0);
}

static void only_the_named_domain_may_bind(void **state)
{
    uint32_t port1 = alloc_unbound(DOMID_SELF, 0), port;

    act_as(dom2);
    assert_int_equal(bind_interdomain(1, port1, &port), -XEN_EINVAL);
    act_as(dom0);
    assert_int_equal(bind_interdomain(1, port1 + 1, &port), -XEN_EINVAL);
    assert_int_equal(bind_interdomain(1, 100000, &port), -XEN_EINVAL);
    assert_int_equal(bind_interdomain(1, 0, &port), -XEN_EINVAL);
    assert_int_equal(bind_interdomain(6, port1, &port), -XEN_ESRCH);
    assert_int_equal(bind_interdomain(1, port1, &port), 0);
    assert_int_equal(bind_interdomain(1, port1, &port), -XEN_EINVAL); /* taken */
}

static void only_the_privileged_act_for_others(void **state)
{
    struct evtchn_alloc_unbound args = { .dom = 2, .remote_dom = 0 };
    struct evtchn_status status = { .dom = 2, .port = 1 };
    struct evtchn_reset reset = { .dom = 2 };

    assert_int_equal(OP(alloc_unbound, args), -XEN_EPERM);
    assert_int_equal(OP(status, status), -XEN_EPERM);
    assert_int_equal(OP(reset, reset), -XEN_EPERM);
    act_as(dom0);
    assert_int_equal(OP(alloc_unbound, args), 0);
    status.port = args.port;
    assert_int_equal(OP(status, status), 0);
    assert_int_equal(status.status, EVTCHNSTAT_unbound);
    assert_int_equal(OP(reset, reset), 0);
    assert_int_equal(OP(status, status), 0);
    assert_int_equal(status.status, EVTCHNSTAT_closed);
}

static void loopback_works(void **state)
{
    uint32_t first = alloc_unbound(DOMID_SELF, DOMID_SELF), second;

    assert_int_equal(bind_interdomain(DOMID_SELF, first, &second), 0);
    assert_true(take(dom1->vcpus[0], second));
    assert_int_equal(send_event(second), 0);
    assert_true(take(dom1->vcpus[0], first));
    assert_true(events_valid(dom1));
    assert_int_equal(close_port(second), 0);
    assert_int_equal(status_of(first).status, EVTCHNSTAT_unbound);
    assert_true(events_valid(dom1));
}

static void masked_events_wait_for_unmask(void **state)
{
    struct evtchn_bind_ipi ipi = { .vcpu = 1 };
    struct evtchn_unmask unmask;
    struct vcpu *vcpu = dom1->vcpus[1];

    assert_int_equal(OP(bind_ipi, ipi), 0);
    bit_set(dom1->shared_info->evtchn_mask, ipi.port);
    assert_int_equal(send_event(ipi.port), 0);
    assert_true(pending(dom1, ipi.port));
    assert_int_equal(vcpu->info->evtchn_upcall_pending, 0);
    assert_int_equal(fake_kicks, 0);
    unmask.port = ipi.port;
    assert_int_equal(OP(unmask, unmask), 0);
    assert_int_equal(fake_kicks, 1);
    assert_true(take(vcpu, ipi.port));
    unmask.port = 299;
    assert_int_equal(OP(unmask, unmask), -XEN_EINVAL);
}

static void a_raised_vcpu_is_not_kicked_again(void **state)
{
    struct evtchn_bind_ipi a = { .vcpu = 0 }, b = { .vcpu = 0 };

    assert_int_equal(OP(bind_ipi, a), 0);
    assert_int_equal(OP(bind_ipi, b), 0);
    assert_int_equal(send_event(a.port), 0);
    assert_int_equal(send_event(a.port), 0);
    assert_int_equal(send_event(b.port), 0);
    assert_int_equal(fake_kicks, 1);
}

static void virqs_are_bound_once(void **state)
{
    uint32_t timer0, timer1, console, port;

    assert_int_equal(bind_virq(VIRQ_TIMER, 0, &timer0), 0);
    assert_int_equal(bind_virq(VIRQ_TIMER, 0, &port), -XEN_EEXIST);
    assert_int_equal(bind_virq(VIRQ_TIMER, 1, &timer1), 0);
    assert_int_equal(bind_virq(VIRQ_TIMER, 2, &port), -XEN_ENOENT);
    assert_int_equal(bind_virq(NR_VIRQS, 0, &port), -XEN_EINVAL);
    assert_int_equal(bind_virq(VIRQ_CONSOLE, 1, &port), -XEN_EINVAL);
    assert_int_equal(bind_virq(VIRQ_CONSOLE, 0, &console), 0);
    event_virq_vcpu(dom1->vcpus[1], VIRQ_TIMER);
    assert_true(take(dom1->vcpus[1], timer1));
    assert_false(pending(dom1, timer0));
    event_virq_global(VIRQ_CONSOLE); /* dom0's only */
    assert_false(pending(dom1, console));
    event_virq_domain(dom1, VIRQ_CONSOLE);
    assert_true(take(dom1->vcpus[0], console));
    assert_int_equal(send_event(timer0), -XEN_EINVAL);
    assert_int_equal(status_of(timer1).vcpu, 1);
    assert_int_equal(status_of(timer1).u.virq, VIRQ_TIMER);
    assert_true(events_valid(dom1));
    assert_int_equal(close_port(timer0), 0);
    event_virq_vcpu(dom1->vcpus[0], VIRQ_TIMER);
    assert_false(pending(dom1, timer0));
    assert_int_equal(bind_virq(VIRQ_TIMER, 0, &port), 0);
}

static void a_global_virq_moves_between_vcpus(void **state)
{
    uint32_t timer, console;
    struct evtchn_bind_vcpu args;

    assert_int_equal(bind_virq(VIRQ_TIMER, 0, &timer), 0);
    assert_int_equal(bind_virq(VIRQ_CONSOLE, 0, &console), 0);
    args = (struct evtchn_bind_vcpu){ .port = timer, .vcpu = 1 };
    assert_int_equal(OP(bind_vcpu, args), -XEN_EINVAL);
    args = (struct evtchn_bind_vcpu){ .port = console, .vcpu = 2 };
    assert_int_equal(OP(bind_vcpu, args), -XEN_ENOENT);
    args = (struct evtchn_bind_vcpu){ .port = console, .vcpu = 1 };
    assert_int_equal(OP(bind_vcpu, args), 0);
    event_virq_domain(dom1, VIRQ_CONSOLE);
    assert_true(take(dom1->vcpus[1], console));
    assert_int_equal(close_port(console), 0);
    assert_true(events_valid(dom1));
}

static void pirqs_are_bound_moved_and_closed(void **state)
{
    struct evtchn_bind_pirq args = { .pirq = 9 };
    struct evtchn_bind_vcpu bind;
    uint32_t port;

    act_as(dom0);
    assert_int_equal(OP(bind_pirq, args), 0);
    port = args.port;
    assert_int_equal(host_pirq(9)->port, port);
    assert_int_equal(OP(bind_pirq, args), -XEN_EBUSY);
    assert_true(event_pirq(dom0, port));
    assert_true(take(dom0->vcpus[0], port));
    assert_false(event_pirq(dom0, port + 1));
    bind = (struct evtchn_bind_vcpu){ .port = port, .vcpu = 2 };
    assert_int_equal(OP(bind_vcpu, bind), 0);
    assert_ptr_equal(host_pirq(9)->vcpu, dom0->vcpus[2]);
    arch_pirq_set_vcpu(dom0, 9, dom0->vcpus[0]);
    event_vcpu_moved(dom0->vcpus[2]);
    assert_ptr_equal(host_pirq(9)->vcpu, dom0->vcpus[2]);
    assert_true(event_pirq(dom0, port));
    assert_true(take(dom0->vcpus[2], port));
    assert_int_equal(status_of(port).u.pirq, 9);
    assert_true(events_valid(dom0));
    assert_int_equal(close_port(port), 0);
    assert_null(host_pirq(9)->domain);
    assert_false(event_pirq(dom0, port));
}

static void pollers_are_woken(void **state)
{
    struct evtchn_bind_ipi a = { .vcpu = 0 }, b = { .vcpu = 0 };
    struct vcpu *poller = dom1->vcpus[1];

    assert_int_equal(OP(bind_ipi, a), 0);
    assert_int_equal(OP(bind_ipi, b), 0);
    bit_set(dom1->shared_info->evtchn_mask, a.port);
    bit_set(dom1->shared_info->evtchn_mask, b.port);
    poller->pause_flags = VCPU_BLOCKED | VCPU_POLLING;
    poller->poll_port = b.port;
    event_poll_begin(poller);
    assert_int_equal(event_port_pending(dom1, b.port), 0);
    assert_int_equal(send_event(a.port), 0);
    assert_int_equal(poller->pause_flags, VCPU_BLOCKED | VCPU_POLLING);
    assert_int_equal(event_port_pending(dom1, b.port), 0);
    assert_int_equal(send_event(b.port), 0);
    assert_int_equal(poller->pause_flags, 0);
    assert_int_equal(event_port_pending(dom1, b.port), 1);
    assert_int_equal(event_port_pending(dom1, 100000), -XEN_EINVAL);
}

static void a_dying_domain_gets_no_ports(void **state)
{
    struct evtchn_alloc_unbound args = { .dom = 1, .remote_dom = 0 };
    uint32_t port0, port1 = alloc_unbound(DOMID_SELF, 0);

    act_as(dom0);
    assert_int_equal(bind_interdomain(1, port1, &port0), 0);
    atomic_write(&dom1->dying, DOMAIN_DYING);
    assert_int_equal(OP(alloc_unbound, args), -XEN_EINVAL);
    while (events_destroy(dom1) == -XEN_ERESTART) {
    }
    assert_int_equal(status_of(port0).status, EVTCHNSTAT_unbound);
    assert_int_equal(send_event(port0), 0);
    assert_true(events_valid(dom0) && events_valid(dom1));
}

static void bad_calls_are_refused(void **state)
{
    struct evtchn_send args = { .port = 1 };
    struct hypercall call = { .arg = { EVTCHNOP_send, 0x1000 } };

    assert_int_equal(hypercall_event_channel_op(&call), -XEN_EFAULT);
    assert_int_equal(op(99, &args, sizeof(args)), -XEN_ENOSYS);
    assert_int_equal(op(~0u, &args, sizeof(args)), -XEN_ENOSYS);
    struct evtchn_set_priority priority = { .port = 0, .priority = 3 };
    assert_int_equal(OP(set_priority, priority), -XEN_ENOSYS);
    struct evtchn_expand_array expand = { .array_gfn = fake_gfn(fake_ram(dom1)) };
    assert_int_equal(OP(expand_array, expand), -XEN_EOPNOTSUPP);
}

static void the_older_form_works(void **state)
{
    struct evtchn_op args = { .cmd = EVTCHNOP_bind_ipi };
    struct hypercall call = { .arg = { host_guest_map(&args, sizeof(args)) } };

    args.u.bind_ipi.vcpu = 1;
    assert_int_equal(hypercall_event_channel_op_compat(&call), 0);
    assert_int_equal(args.u.bind_ipi.port, 1);
    args.cmd = EVTCHNOP_reset;
    assert_int_equal(hypercall_event_channel_op_compat(&call), -XEN_ENOSYS);
}

static uint32_t poll_ports[2];
static unsigned int polls_left;

/* SCHEDOP_poll as the scheduler does it, on a CPU that has nothing else to run. */
static void race_poller(void *data)
{
    struct vcpu *vcpu = dom1->vcpus[1];

    while (polls_left > 0) {
        atomic_write(&vcpu->poll_port, poll_ports[0]);
        (void)atomic_or(&vcpu->pause_flags, VCPU_BLOCKED | VCPU_POLLING);
        event_poll_begin(vcpu);
        if (event_port_pending(dom1, poll_ports[0]) != 0) {
            (void)atomic_and(&vcpu->pause_flags, ~(VCPU_BLOCKED | VCPU_POLLING));
            bit_clear(dom1->shared_info->evtchn_pending, poll_ports[0]);
            polls_left--;
        }
        while ((atomic_read(&vcpu->pause_flags) & VCPU_BLOCKED) != 0) {
            arch_cpu_relax();
        }
    }
}

static void race_waker(void *data)
{
    while (polls_left > 0) {
        unsigned int before = polls_left;

        (void)!event_send(dom1, EVTCHN(poll_ports[1]));
        bit_clear(dom1->shared_info->evtchn_pending, poll_ports[1]);
        (void)!event_send(dom1, EVTCHN(poll_ports[0]));
        while (polls_left == before) {
            arch_cpu_relax(); /* for ever, when the wake-up was lost */
        }
    }
}

static void no_wake_up_of_a_poller_is_lost(void **state)
{
    for (unsigned int i = 0; i < 2; i++) {
        struct evtchn_bind_ipi args = { .vcpu = 0 };

        assert_int_equal(OP(bind_ipi, args), 0);
        poll_ports[i] = args.port;
        bit_set(dom1->shared_info->evtchn_mask, args.port);
    }
    polls_left = 500;
    host_spawn(0, race_waker, NULL);
    host_spawn(1, race_poller, NULL);
    host_run();
}

/* ---- races ----------------------------------------------------------------------------------- */

static uint32_t race_port0, race_port1;

static void race_sender(void *data)
{
    for (unsigned int i = 0; i < 200; i++) {
        (void)!event_send(dom0, EVTCHN(race_port0));
        (void)!event_send(dom1, EVTCHN(race_port1));
    }
}

static void race_binder(void *data)
{
    for (unsigned int i = 0; i < 50; i++) {
        struct evtchn_alloc_unbound alloc = { .dom = 1, .remote_dom = 0 };
        struct evtchn_bind_interdomain bind = { .remote_dom = 1 };

        assert_int_equal(event_alloc_unbound(dom0, &alloc), 0);
        race_port1 = bind.remote_port = alloc.port;
        assert_int_equal(event_bind_interdomain(dom0, &bind), 0);
        race_port0 = bind.local_port;
        if (i % 2) {
            (void)!event_close(dom0, EVTCHN(bind.local_port));
            (void)!event_close(dom1, EVTCHN(alloc.port));
        } else {
            (void)!event_close(dom1, EVTCHN(alloc.port));
            (void)!event_close(dom0, EVTCHN(bind.local_port));
        }
    }
}

static void sending_races_with_closing(void **state)
{
    act_as(dom0);
    host_set_interrupt(NULL);
    host_spawn(0, race_binder, NULL);
    host_spawn(1, race_sender, NULL);
    host_run();
    assert_true(events_valid(dom0) && events_valid(dom1));
    assert_int_equal(dom0->refs, 1 + 1);
}

static void race_timer(void)
{
    event_virq_vcpu(dom1->vcpus[0], VIRQ_TIMER);
    event_virq_global(VIRQ_CONSOLE);
}

static void race_virq_binder(void *data)
{
    for (unsigned int i = 0; i < 100; i++) {
        struct evtchn_bind_virq args = { .virq = VIRQ_TIMER };

        assert_int_equal(event_bind_virq(dom1, &args), 0);
        assert_int_equal(event_close(dom1, EVTCHN(args.port)), 0);
    }
}

static void virqs_come_in_interrupts(void **state)
{
    host_set_interrupt(race_timer);
    host_spawn(0, race_virq_binder, NULL);
    host_spawn(1, race_sender, NULL);
    host_run();
    host_set_interrupt(NULL);
    assert_true(events_valid(dom1));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(ports_are_the_lowest_free),
        TEST(two_levels_have_4096_ports),
        TEST(an_interdomain_channel_goes_both_ways),
        TEST(only_the_named_domain_may_bind),
        TEST(only_the_privileged_act_for_others),
        TEST(loopback_works),
        TEST(masked_events_wait_for_unmask),
        TEST(a_raised_vcpu_is_not_kicked_again),
        TEST(virqs_are_bound_once),
        TEST(a_global_virq_moves_between_vcpus),
        TEST(pirqs_are_bound_moved_and_closed),
        TEST(pollers_are_woken),
        TEST(a_dying_domain_gets_no_ports),
        TEST(bad_calls_are_refused),
        TEST(the_older_form_works),
        TEST(no_wake_up_of_a_poller_is_lost),
        TEST(sending_races_with_closing),
        TEST(virqs_come_in_interrupts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
