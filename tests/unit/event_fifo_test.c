/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Event channels with the FIFO ABI, with a guest that plays by the rules and one that does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/fifo_guest.h"

#include "hypervisor/debug_key.h"

static struct domain *domain;
static struct fifo_guest guest;
static uint32_t order[256];
static unsigned int order_count;

static void note(uint32_t port, void *data)
{
    if (order_count < ARRAY_SIZE(order)) {
        order[order_count++] = port;
    }
}

static unsigned int upcall(unsigned int vcpu)
{
    order_count = 0;
    return fifo_upcall(&guest, vcpu, note, NULL);
}

static int setup(void **state)
{
    host_setup(1024, 4);
    domain = fake_domain_create(1, 4, 0, 0, 0);
    host_set_current(0, domain->vcpus[0]);
    guest = (struct fifo_guest){ .domain = domain };
    fake_kicks = fake_unblocks = 0;
    return 0;
}

/* The same with the FIFO ABI in use. */
static int setup_fifo(void **state)
{
    setup(state);
    for (unsigned int i = 0; i < 4; i++) {
        assert_int_equal(fifo_init_vcpu(&guest, i), 0);
    }
    assert_int_equal(fifo_add_page(&guest), 0);
    return 0;
}

static int teardown(void **state)
{
    assert_true(events_valid(domain));
    fake_domain_kill(domain);
    host_teardown();
    return 0;
}

static uint32_t bind_ipi(unsigned int vcpu)
{
    struct evtchn_bind_ipi args = { .vcpu = vcpu };

    assert_int_equal(event_bind_ipi(domain, &args), 0);
    return args.port;
}

/* An unmasked IPI port. */
static uint32_t open_ipi(unsigned int vcpu)
{
    uint32_t port = bind_ipi(vcpu);

    fifo_unmask(&guest, port);
    return port;
}

static void send_ipi(uint32_t port)
{
    assert_int_equal(event_send(domain, EVTCHN(port)), 0);
}

static void events_come_in_order(void **state)
{
    uint32_t a = open_ipi(0), b = open_ipi(0), c = open_ipi(0);

    send_ipi(b);
    send_ipi(a);
    send_ipi(c);
    send_ipi(b);
    assert_int_equal(fake_kicks, 1);
    assert_int_equal(domain->vcpus[0]->info->evtchn_upcall_pending, 1);
    assert_int_equal(upcall(0), 3);
    assert_int_equal(order[0], b);
    assert_int_equal(order[1], a);
    assert_int_equal(order[2], c);
    assert_int_equal(upcall(0), 0);
    send_ipi(c);
    assert_int_equal(upcall(0), 1);
    assert_int_equal(order[0], c);
}

static void priorities_come_first(void **state)
{
    uint32_t low = open_ipi(0), normal = open_ipi(0), high = open_ipi(0);

    assert_int_equal(event_set_priority(domain, EVTCHN(low), 15), 0);
    assert_int_equal(event_set_priority(domain, EVTCHN(high), 0), 0);
    assert_int_equal(event_set_priority(domain, EVTCHN(high), 16), -XEN_EINVAL);
    assert_int_equal(event_set_priority(domain, EVTCHN(500000), 1), -XEN_EINVAL);
    assert_int_equal(event_set_priority(domain, EVTCHN(high + 1), 1), -XEN_EACCES);
    send_ipi(low);
    send_ipi(normal);
    send_ipi(high);
    assert_int_equal(upcall(0), 3);
    assert_int_equal(order[0], high);
    assert_int_equal(order[1], normal);
    assert_int_equal(order[2], low);
}

static void masked_events_are_not_linked(void **state)
{
    uint32_t port = bind_ipi(0);

    send_ipi(port);
    assert_int_equal(fake_kicks, 0);
    assert_int_equal(*fifo_word(&guest, port), FIFO_BIT(PENDING) | FIFO_BIT(MASKED));
    assert_int_equal(event_port_pending(domain, port), 1);
    fifo_unmask(&guest, port);
    assert_int_equal(fake_kicks, 1);
    assert_int_equal(upcall(0), 1);
    assert_int_equal(event_port_pending(domain, port), 0);
}

static void a_moved_tail_does_not_tie_queues_together(void **state)
{
    uint32_t a = open_ipi(0), b = open_ipi(0), c = open_ipi(0);

    send_ipi(a);
    assert_int_equal(upcall(0), 1); /* a stays the tail of its queue */
    assert_int_equal(event_set_priority(domain, EVTCHN(a), 3), 0);
    send_ipi(a);
    send_ipi(b); /* must not be linked behind a */
    send_ipi(c);
    assert_int_equal(upcall(0), 3);
    assert_int_equal(order[0], a);
    assert_int_equal(order[1], b);
    assert_int_equal(order[2], c);
}

static void events_follow_bind_vcpu(void **state)
{
    struct evtchn_bind_virq args = { .virq = VIRQ_CONSOLE };

    assert_int_equal(event_bind_virq(domain, &args), 0);
    fifo_unmask(&guest, args.port);
    event_virq_domain(domain, VIRQ_CONSOLE);
    assert_int_equal(event_bind_vcpu(domain, EVTCHN(args.port), 2), 0);
    event_virq_domain(domain, VIRQ_CONSOLE); /* still linked where it was */
    assert_int_equal(upcall(2), 0);
    assert_int_equal(upcall(0), 1);
    event_virq_domain(domain, VIRQ_CONSOLE);
    assert_int_equal(upcall(0), 0);
    assert_int_equal(upcall(2), 1);
}

static void init_control_is_checked(void **state)
{
    char *page = fake_ram(domain);
    struct evtchn_init_control args = { .control_gfn = fake_gfn(page) };

    args.vcpu = 4;
    assert_int_equal(event_init_control(domain, &args), -XEN_ENOENT);
    args.vcpu = 0;
    args.offset = 4;
    assert_int_equal(event_init_control(domain, &args), -XEN_EINVAL);
    args.offset = 4096 - 64;
    assert_int_equal(event_init_control(domain, &args), -XEN_EINVAL);
    args.offset = UINT32_MAX;
    assert_int_equal(event_init_control(domain, &args), -XEN_EINVAL);
    args.offset = 0;
    args.control_gfn = 1ull << 40;
    assert_int_equal(event_init_control(domain, &args), -XEN_EINVAL);
    assert_int_equal(host_writable_references(), 0);
    args.control_gfn = fake_gfn(page);
    args.offset = 4096 - 72;
    assert_int_equal(event_init_control(domain, &args), 0);
    assert_int_equal(args.link_bits, 17);
    assert_int_equal(event_init_control(domain, &args), -XEN_EINVAL); /* has one */
    assert_int_equal(host_writable_references(), 1);
}

static void pending_events_survive_the_switch(void **state)
{
    uint32_t a = bind_ipi(0), b = bind_ipi(0), c = bind_ipi(0);

    send_ipi(a);
    bit_set(domain->shared_info->evtchn_mask, b);
    send_ipi(b);
    assert_int_equal(fifo_init_vcpu(&guest, 0), 0);
    send_ipi(a); /* no array yet */
    assert_int_equal(fifo_add_page(&guest), 0);
    assert_int_equal(event_port_pending(domain, a), 1);
    assert_int_equal(event_port_pending(domain, b), 1);
    assert_int_equal(event_port_pending(domain, c), 0);
    fifo_unmask(&guest, a);
    fifo_unmask(&guest, b);
    fifo_unmask(&guest, c);
    assert_int_equal(upcall(0), 2);
}

static void many_ports_need_many_pages(void **state)
{
    for (uint32_t i = 1; i < 6000; i++) {
        assert_int_equal(bind_ipi(0), i);
    }
    send_ipi(5999); /* no page yet */
    assert_int_equal(event_port_pending(domain, 5999), 0);
    for (unsigned int i = 1; i < 6; i++) {
        assert_int_equal(fifo_add_page(&guest), 0);
    }
    assert_int_equal(event_port_pending(domain, 5999), 1);
    fifo_unmask(&guest, 5999);
    assert_int_equal(upcall(0), 1);
    assert_int_equal(order[0], 5999);
    while (guest.page_count < 128) {
        assert_int_equal(fifo_add_page(&guest), 0);
    }
    assert_int_equal(fifo_add_page(&guest), -XEN_ENOSPC);
    guest.page_count = 0;
}

static void reset_goes_back_to_two_levels(void **state)
{
    uint32_t port = open_ipi(0);
    int rc;

    send_ipi(port);
    do {
        rc = event_reset(domain);
    } while (rc == -XEN_ERESTART);
    assert_int_equal(rc, 0);
    assert_int_equal(host_writable_references(), 0);
    assert_int_equal(event_expand_array(domain, fake_gfn(fake_ram(domain))), -XEN_EOPNOTSUPP);
    port = bind_ipi(0);
    assert_int_equal(port, 1);
    send_ipi(port);
    assert_true(bit_test(domain->shared_info->evtchn_pending, port));
    guest = (struct fifo_guest){ .domain = domain };
    assert_int_equal(fifo_init_vcpu(&guest, 0), 0);
}

static void the_dump_shows_ports(void **state)
{
    (void)open_ipi(0);
    events_init();
    debug_key_run('e');
}

static void a_closed_port_is_not_pending(void **state)
{
    uint32_t port = open_ipi(0), other = open_ipi(0);

    send_ipi(port);
    send_ipi(other);
    assert_int_equal(event_close(domain, EVTCHN(port)), 0);
    assert_int_equal(upcall(0), 1);
    assert_int_equal(order[0], other);
    assert_int_equal(bind_ipi(1), port);
    send_ipi(port);
    assert_int_equal(upcall(1), 1);
}

/* ---- races ----------------------------------------------------------------------------------- */

#define RACE_PORTS 12
#define RACE_SENDS 300

static uint32_t race_ports[RACE_PORTS], race_peers[RACE_PORTS];
static unsigned int race_sent[RACE_PORTS], race_seen[RACE_PORTS], race_senders;

static void race_note(uint32_t port, void *data)
{
    for (unsigned int i = 0; i < RACE_PORTS; i++) {
        if (race_ports[i] == port) {
            race_seen[i] = race_sent[i];
        }
    }
}

static void race_send(void *data)
{
    for (unsigned int i = 0; i < RACE_SENDS; i++) {
        unsigned int which = (unsigned int)host_random_below(RACE_PORTS);

        race_sent[which]++;
        assert_int_equal(event_send(domain, EVTCHN(race_peers[which])), 0);
    }
    race_senders--;
}

static void race_consume(void *data)
{
    unsigned int vcpu = arch_cpu_id();

    while (race_senders > 0) {
        for (unsigned int i = 0; i < 20; i++) {
            (void)fifo_upcall(&guest, vcpu, race_note, NULL);
        }
        arch_cpu_relax();
    }
}

static void race_meddle(void *data)
{
    while (race_senders > 0) {
        uint32_t port = race_ports[host_random_below(RACE_PORTS)];

        (void)!event_set_priority(domain, EVTCHN(port), (uint32_t)host_random_below(16));
        (void)!event_bind_vcpu(domain, EVTCHN(port), (unsigned int)host_random_below(2));
        HOST_SWITCH_POINT();
        __atomic_fetch_or(fifo_word(&guest, port), FIFO_BIT(MASKED), __ATOMIC_SEQ_CST);
        fifo_unmask(&guest, port);
        arch_cpu_relax();
    }
}

/* Every event sent is seen at the latest by an upcall after the last was sent. */
static void no_event_is_lost(void **state)
{
    for (unsigned int round = 0; round < 20; round++) {
        for (unsigned int i = 0; i < RACE_PORTS; i++) {
            struct evtchn_alloc_unbound alloc = { .dom = 1, .remote_dom = 1 };
            struct evtchn_bind_interdomain bind = { .remote_dom = 1 };

            assert_int_equal(event_alloc_unbound(domain, &alloc), 0);
            bind.remote_port = alloc.port;
            assert_int_equal(event_bind_interdomain(domain, &bind), 0);
            race_ports[i] = bind.local_port;
            race_peers[i] = alloc.port;
            race_sent[i] = race_seen[i] = 0;
            fifo_unmask(&guest, race_ports[i]);
        }
        race_senders = 1;
        host_set_current(0, domain->vcpus[0]);
        host_spawn(0, race_consume, NULL);
        host_spawn(1, race_consume, NULL);
        host_spawn(2, race_send, NULL);
        host_spawn(3, race_meddle, NULL);
        host_run();
        (void)fifo_upcall(&guest, 0, race_note, NULL);
        (void)fifo_upcall(&guest, 1, race_note, NULL);
        for (unsigned int i = 0; i < RACE_PORTS; i++) {
            assert_int_equal(race_seen[i], race_sent[i]);
            assert_int_equal(event_port_pending(domain, race_ports[i]), 0);
        }
        assert_true(events_valid(domain));
        for (unsigned int i = 0; i < RACE_PORTS; i++) {
            assert_int_equal(event_close(domain, EVTCHN(race_ports[i])), 0);
            assert_int_equal(event_close(domain, EVTCHN(race_peers[i])), 0);
        }
    }
}

/* ---- a hostile guest ------------------------------------------------------------------------- */

static void race_scribble(void *data)
{
    while (race_senders > 0) {
        event_word_t *word = fifo_word(&guest, (uint32_t)host_random_below(1024));

        WRITE_ONCE(*word, (uint32_t)host_random());
        word = (event_word_t *)guest.control[host_random_below(4)] + host_random_below(18);
        WRITE_ONCE(*word, (uint32_t)host_random());
        HOST_SWITCH_POINT();
    }
}

static void scribbling_harms_only_the_guest(void **state)
{
    for (unsigned int i = 0; i < RACE_PORTS; i++) {
        race_ports[i] = race_peers[i] = open_ipi(i % 4);
    }
    race_senders = 2;
    host_spawn(0, race_send, NULL);
    host_spawn(1, race_send, NULL);
    host_spawn(2, race_scribble, NULL);
    host_spawn(3, race_scribble, NULL);
    host_run();
    assert_true(events_valid(domain));
}

#define TEST(name)      cmocka_unit_test_setup_teardown(name, setup, teardown)
#define TEST_FIFO(name) cmocka_unit_test_setup_teardown(name, setup_fifo, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_FIFO(events_come_in_order),
        TEST_FIFO(priorities_come_first),
        TEST_FIFO(masked_events_are_not_linked),
        TEST_FIFO(a_moved_tail_does_not_tie_queues_together),
        TEST_FIFO(events_follow_bind_vcpu),
        TEST(init_control_is_checked),
        TEST(pending_events_survive_the_switch),
        TEST_FIFO(many_ports_need_many_pages),
        TEST_FIFO(reset_goes_back_to_two_levels),
        TEST_FIFO(a_closed_port_is_not_pending),
        TEST_FIFO(the_dump_shows_ports),
        TEST_FIFO(no_event_is_lost),
        TEST_FIFO(scribbling_harms_only_the_guest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
