/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Random binding, delivery, EOI and moving of interrupts against a naive model: who is bound to a
 * pin, who owes an EOI for it, and hence whether it must be masked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/fake_domain.h"
#include "support/fake_interrupts.h"

#define DOMAINS 3u
#define VCPUS   4u
#define STEPS   200000

struct model_pin {
    bool level, shareable;
    unsigned int bound, owes; /* bits: domains */
};

static struct domain *domains[DOMAINS];
static struct model_pin model[PINS];
static uint32_t ports[DOMAINS][PINS];

/* Takes the pending event of each bound domain; which had one. */
static unsigned int take_events(unsigned int pin)
{
    unsigned int got = 0;

    for (unsigned int id = 0; id < DOMAINS; id++) {
        if ((model[pin].bound >> id & 1) && event_port_pending(domains[id], ports[id][pin]) == 1) {
            bit_clear(domains[id]->shared_info->evtchn_pending, ports[id][pin]);
            got |= 1u << id;
        }
    }
    return got;
}

static void do_bind(void)
{
    unsigned int id = host_random_below(DOMAINS), pin = host_random_below(PINS);
    struct model_pin *m = &model[pin];
    bool shareable = host_random_below(4) != 0;
    struct evtchn_bind_pirq op = { .pirq = pin, .flags = shareable ? BIND_PIRQ__WILL_SHARE : 0 };
    int rc = event_bind_pirq(domains[id], &op);

    if (m->bound >> id & 1) {
        assert_int_equal(rc, -XEN_EINVAL);
    } else if (m->bound != 0 && !(m->shareable && shareable)) {
        assert_int_equal(rc, -XEN_EBUSY);
    } else {
        assert_int_equal(rc, 0);
        m->shareable = m->bound == 0 ? shareable : m->shareable;
        m->bound |= 1u << id;
        ports[id][pin] = op.port;
    }
}

static void do_unbind(void)
{
    unsigned int id = host_random_below(DOMAINS), pin = host_random_below(PINS);

    if (!(model[pin].bound >> id & 1)) {
        return;
    }
    assert_int_equal(event_close(domains[id], EVTCHN(ports[id][pin])), 0);
    model[pin].bound &= ~(1u << id);
    model[pin].owes &= ~(1u << id);
}

static void do_raise(void)
{
    unsigned int pin = host_random_below(PINS);
    struct model_pin *m = &model[pin];
    bool passed = fake_line(pin);

    assert_int_equal(passed, m->bound != 0 && m->owes == 0);
    assert_int_equal(take_events(pin), passed ? m->bound : 0);
    if (m->level && passed) {
        m->owes = m->bound;
    }
}

static void move(unsigned int id, unsigned int pin)
{
    if (model[pin].bound >> id & 1) {
        assert_int_equal(
            event_bind_vcpu(domains[id], EVTCHN(ports[id][pin]), host_random_below(VCPUS)), 0);
    }
}

/* An interrupt that was on its way to the old place when the pin was moved. */
static void do_late(void)
{
    unsigned int pin = host_random_below(PINS);
    unsigned int cpu = pins[pin].cpu, vector = pins[pin].vector;

    if (model[pin].bound == 0 || model[pin].level) {
        return;
    }
    move(host_random_below(DOMAINS), pin);
    fake_interrupt(cpu, vector);
    assert_int_equal(take_events(pin), model[pin].bound);
}

static void do_eoi(void)
{
    unsigned int id = host_random_below(DOMAINS), pin = host_random_below(PINS);

    assert_int_equal(arch_pirq_eoi(domains[id], pin), 0);
    model[pin].owes &= ~(1u << id);
}

static void do_move(void)
{
    move(host_random_below(DOMAINS), host_random_below(PINS));
}

static void do_configure(void)
{
    unsigned int pin = host_random_below(PINS);
    bool level = host_random_below(2);
    int rc = gsi_configure(pin, level, level);

    if (rc == 0) {
        assert_true(model[pin].bound == 0 || model[pin].level == level);
        model[pin].level = level;
    }
}

static void check(void)
{
    assert_true(irqs_valid());
    for (unsigned int pin = 0; pin < PINS; pin++) {
        assert_int_equal(pins[pin].masked, model[pin].bound == 0 || model[pin].owes != 0);
    }
}

static void test_random(void **state)
{
    void (*const operations[])(void) = { do_bind, do_unbind, do_raise, do_raise,
                                         do_eoi,  do_move,   do_late,  do_configure };

    for (unsigned int step = 0; step < STEPS; step++) {
        operations[host_random_below(8)]();
        if (host_random_below(4) == 0) {
            host_run_softwork_all();
        }
        if (step % 64 == 0) {
            check();
        }
    }
    for (unsigned int i = 0; i < DOMAINS; i++) {
        assert_true(pirqs_valid(domains[i]));
        arch_pirqs_destroy(domains[i]);
        fake_domain_kill(domains[i]);
    }
    memset(model, 0, sizeof(model));
    check();
}

static int setup(void **state)
{
    host_setup(2048, VCPUS);
    acpi_info_reset(&acpi_info);
    irq_init();
    for (unsigned int i = 0; i < PINS; i++) {
        model[i] = (struct model_pin){ .level = i >= 16 };
    }
    for (unsigned int i = 0; i < DOMAINS; i++) {
        domains[i] = fake_domain_create(i, VCPUS, 0, 0, 0);
        for (unsigned int v = 0; v < VCPUS; v++) {
            domains[i]->vcpus[v]->processor = v;
            cpu_apic_id[v] = v * 2;
        }
        assert_int_equal(arch_pirqs_create(domains[i]), 0);
        for (unsigned int pin = 0; pin < PINS; pin++) {
            assert_int_equal(pirq_map(domains[i], (int)pin, pin), pin);
        }
    }
    return 0;
}

static int teardown(void **state)
{
    host_teardown_leaky();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test_setup_teardown(test_random, setup,
                                                                        teardown) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
