/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Interrupts one case at a time: handlers, EOI, pirq numbers, MSI and MSI-X. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/fake_domain.h"
#include "support/fake_interrupts.h"

static struct domain *dom0, *dom1;
static unsigned int handled;

static void handler(void *data)
{
    assert_true(lock_none_held());
    handled += *(unsigned int *)data;
}

static int setup(void **state)
{
    host_setup(2048, 4);
    if (irq_count == 0) {
        acpi_info_reset(&acpi_info);
        irq_init();
    }
    for (unsigned int cpu = 0; cpu < 4; cpu++) {
        cpu_apic_id[cpu] = cpu + 0x10;
    }
    dom0 = fake_domain_create(0, 2, 0, 0, 0);
    dom1 = fake_domain_create(1, 2, 0, 0, 0);
    dom0->vcpus[1]->processor = 3;
    assert_int_equal(arch_pirqs_create(dom0), 0);
    assert_int_equal(arch_pirqs_create(dom1), 0);
    fake_eois = fake_spurious_serviced = handled = 0;
    return 0;
}

static int teardown(void **state)
{
    assert_true(irqs_valid());
    assert_true(pirqs_valid(dom0));
    arch_pirqs_destroy(dom0);
    arch_pirqs_destroy(dom1);
    assert_true(irqs_valid());
    fake_domain_kill(dom1);
    fake_domain_kill(dom0);
    if (pci_device_remove(fake_device) != 0) {
        assert_int_equal(pci_device_remove(fake_device), -XEN_ENODEV);
    }
    host_teardown_leaky();
    return 0;
}

static uint32_t bind_pirq(struct domain *domain, unsigned int pirq)
{
    struct evtchn_bind_pirq op = { .pirq = pirq };

    assert_int_equal(event_bind_pirq(domain, &op), 0);
    return op.port;
}

static bool take(struct domain *domain, uint32_t port)
{
    bool pending = event_port_pending(domain, port) == 1;

    bit_clear(domain->shared_info->evtchn_pending, port);
    return pending;
}

static void test_own_handler(void **state)
{
    unsigned int one = 1;
    struct evtchn_bind_pirq op = { .pirq = 4 };

    assert_int_equal(irq_request(PINS, "x", handler, &one), -XEN_EINVAL);
    assert_int_equal(irq_request(4, "edge", handler, &one), 0);
    assert_int_equal(irq_request(4, "again", handler, &one), -XEN_EBUSY);
    assert_int_equal(irq_request(20, "level", handler, &one), 0);
    assert_true(fake_line(4));
    assert_true(fake_line(20));
    assert_true(fake_line(20)); /* unmasked again after the handler */
    assert_int_equal(handled, 3);
    assert_int_equal(fake_eois, 3);
    assert_int_equal(event_bind_pirq(dom0, &op), -XEN_EBUSY);
    irq_release(4);
    assert_false(fake_line(4));
    assert_int_equal(event_bind_pirq(dom0, &op), 0);
    assert_int_equal(irq_request(4, "late", handler, &one), -XEN_EBUSY);
    irq_release(20);
}

static void test_level_waits_for_eoi(void **state)
{
    uint32_t port = bind_pirq(dom0, 17);

    assert_true(pirq_needs_eoi(dom0, 17));
    assert_false(pirq_needs_eoi(dom0, 3));
    assert_true(fake_line(17));
    assert_true(take(dom0, port));
    assert_int_equal(fake_eois, 1); /* the local APIC is free at once */
    assert_false(fake_line(17));
    assert_int_equal(arch_pirq_eoi(dom0, 17), 0);
    assert_int_equal(arch_pirq_eoi(dom0, 17), 0); /* one too many does no harm */
    assert_true(fake_line(17));
    assert_int_equal(event_close(dom0, EVTCHN(port)), 0);
    assert_false(fake_line(17));
    port = bind_pirq(dom0, 17); /* what was owed is forgotten */
    assert_true(fake_line(17));
    assert_int_equal(arch_pirq_eoi(dom0, 5000), -XEN_EINVAL);
}

static void test_unexpected(void **state)
{
    fake_interrupt(1, 0x31);
    assert_int_equal(fake_eois, 0); /* not in service: spurious */
    fake_spurious_serviced = 1;
    fake_interrupt(1, 0x31);
    assert_int_equal(fake_eois, 1);
    fake_interrupt(1, 0xff);
    assert_int_equal(fake_eois, 1);
}

static void test_configure(void **state)
{
    assert_int_equal(gsi_configure(9, true, false), 0);
    assert_int_equal(gsi_configure(9, true, false), -XEN_EEXIST);
    assert_int_equal(gsi_configure(9, false, false), 0);
    assert_int_equal(gsi_configure(PINS, true, true), -XEN_EINVAL);
    (void)bind_pirq(dom0, 9);
    assert_int_equal(gsi_configure(9, true, true), -XEN_EBUSY);
    assert_int_equal(gsi_configure(9, false, false), -XEN_EEXIST);
}

static void test_pirq_numbers(void **state)
{
    int a, b;

    assert_int_equal(pirq_map(dom0, -1, 7), 7); /* identity from the start */
    assert_int_equal(pirq_map(dom0, 8, 7), -XEN_EEXIST);
    assert_int_equal(pirq_unmap(dom0, 7), 0);
    assert_int_equal(pirq_unmap(dom0, 7), -XEN_EINVAL);
    assert_int_equal(pirq_to_irq(dom0, 7), IRQ_NONE);
    assert_int_equal(pirq_map(dom0, 7, 7), 7);
    assert_int_equal(pirq_map(dom0, -1, irq_count), -XEN_EINVAL);
    assert_int_equal(pirq_map(dom0, 1 << 20, PINS), -XEN_EINVAL);
    assert_int_equal(pirq_unmap(dom0, 1u << 31), -XEN_EINVAL);
    a = pirq_reserve(dom0);
    b = pirq_reserve(dom0);
    assert_true(a >= (int)PINS && b > a);
    assert_int_equal(pirq_map(dom0, b, PINS + 3), b);
    assert_int_equal(pirq_map(dom0, -1, PINS + 3), b);
    assert_int_equal(pirq_unmap(dom0, (unsigned int)a), 0);
    assert_int_equal(pirq_to_irq(dom1, 4), IRQ_NONE); /* others start empty */
    assert_int_equal(pirq_map(dom1, -1, 4), 0);
    assert_int_equal(pirq_map_range(dom0, -1, irq_count - 1, 2), -XEN_EINVAL);
}

static void test_pirq_table_full(void **state)
{
    unsigned int reserved = 0;

    while (pirq_reserve(dom1) >= 0) {
        reserved++;
    }
    assert_int_equal(reserved, 256);
    assert_int_equal(pirq_reserve(dom1), -XEN_ENOSPC);
    assert_int_equal(pirq_map(dom1, -1, 4), -XEN_ENOSPC);
}

/* A domain that dies must not keep a frame of its own by the map's reference. */
static void test_eoi_map_is_given_back(void **state)
{
    struct frame *frame = frame_alloc(0, ALLOC_NODE_ANY, ALLOC_ZERO);
    mfn_t mfn;

    assert_non_null(frame);
    assert_int_equal(frame_assign(dom1, frame, 0, 0), 0);
    mfn = frame_mfn(frame);
    assert_int_equal(pirq_eoi_map_register(dom1, mfn.value, true), 0);
    assert_int_equal(pirq_eoi_map_register(dom1, mfn.value, true), -XEN_EBUSY);
    atomic_write(&dom1->dying, DOMAIN_DYING);
    pirq_eoi_map_release(dom1);
    assert_int_equal(pirq_eoi_map_register(dom1, mfn.value, true), -XEN_EBUSY);
    assert_true(frame_clear_allocated(frame));
    frame_put(frame);
    assert_int_equal(dom1->frames_total, 0);
}

static void test_unmap_unbinds(void **state)
{
    (void)bind_pirq(dom0, 18);
    assert_true(fake_line(18));
    assert_int_equal(pirq_unmap(dom0, 18), 0);
    assert_false(fake_line(18));
    assert_int_equal(irq_desc_of(18)->guest_count, 0);
}

/* ---- message interrupts ----------------------------------------------------------------------- */

static struct pci_device *device(uint16_t msi_control)
{
    struct pci_device *found;

    fake_device_setup(msi_control);
    pci_devices_lock();
    found = pci_device_find_or_add(fake_device);
    pci_devices_unlock();
    assert_non_null(found);
    return found;
}

static int enable(struct pci_device *d, bool msix, unsigned int entry, unsigned int count,
                  unsigned int *irq)
{
    int rc;

    pci_devices_lock();
    rc = msi_enable(d, msix, entry, count, 0, irq);
    pci_devices_unlock();
    return rc;
}

static void test_msi(void **state)
{
    struct pci_device *d = device(0x0180 | 0x0031); /* 64 bits, masks, on, several messages */
    unsigned int irq, other;
    uint32_t port;
    int pirq;

    assert_int_equal(enable(d, false, 0, 2, &irq), -XEN_EOPNOTSUPP);
    assert_int_equal(enable(d, false, 1, 1, &irq), -XEN_EINVAL);
    assert_int_equal(enable(d, false, 0, 1, &irq), 0);
    assert_int_equal(enable(d, false, 0, 1, &other), -XEN_EEXIST);
    assert_int_equal(enable(d, true, 0, 1, &other), -XEN_EEXIST); /* not both kinds */
    assert_true(irq >= PINS);
    assert_int_equal(fake_register(FAKE_MSI + 2, 2), 0x0180);
    assert_int_equal(fake_register(FAKE_MSI + 4, 4), 0xfee10000);
    assert_int_equal(fake_register(FAKE_MSI + 12, 2), irq_desc_of(irq)->vector);
    assert_int_equal(fake_register(FAKE_MSI + 16, 4), 1); /* masked until bound */
    assert_int_equal(pci_device_remove(fake_device), -XEN_EBUSY);

    pirq = pirq_map(dom0, -1, irq);
    port = bind_pirq(dom0, (unsigned int)pirq);
    assert_int_equal(fake_register(FAKE_MSI + 16, 4), 0);
    fake_interrupt(irq_desc_of(irq)->cpu, fake_register(FAKE_MSI + 12, 2));
    assert_true(take(dom0, port));
    fake_interrupt(irq_desc_of(irq)->cpu, fake_register(FAKE_MSI + 12, 2));
    assert_true(take(dom0, port)); /* no EOI is waited for */

    assert_int_equal(event_bind_vcpu(dom0, EVTCHN(port), 1), 0);
    assert_int_equal(fake_register(FAKE_MSI + 4, 4), 0xfee13000);
    assert_int_equal(event_close(dom0, EVTCHN(port)), 0);
    assert_int_equal(fake_register(FAKE_MSI + 16, 4), 1);
    assert_int_equal(pirq_unmap(dom0, (unsigned int)pirq), 0);
    assert_false(msi_in_use(d));
    assert_null(irq_desc_of(irq)->controller);
}

static void test_msix(void **state)
{
    struct pci_device *d = device(0x0080);
    unsigned int irqs[FAKE_ENTRIES], other;
    uint32_t port;

    assert_int_equal(enable(d, true, FAKE_ENTRIES, 1, &other), -XEN_EINVAL);
    for (unsigned int i = 0; i < FAKE_ENTRIES; i++) {
        assert_int_equal(enable(d, true, i, 1, &irqs[i]), 0);
        assert_int_equal(fake_table[i][0], 0xfee10000);
        assert_int_equal(fake_table[i][2], irq_desc_of(irqs[i])->vector);
        assert_int_equal(fake_table[i][3], 1);
    }
    assert_int_equal(fake_mappings, 1);
    assert_int_equal(enable(d, true, 2, 1, &other), -XEN_EEXIST);
    assert_int_equal(pirq_map(dom0, 100, irqs[2]), 100);
    port = bind_pirq(dom0, 100);
    assert_int_equal(fake_table[2][3], 0);
    memset(fake_table, 0xff, sizeof(fake_table)); /* the device forgets */
    pci_devices_lock();
    assert_int_equal(msi_restore(d), 0);
    pci_devices_unlock();
    assert_int_equal(fake_table[2][3], 0);
    assert_int_equal(fake_table[1][3], 1);
    assert_int_equal(fake_table[2][2], irq_desc_of(irqs[2])->vector);
    assert_int_equal(fake_table[2][1], 0);
    fake_interrupt(0, fake_table[2][2]);
    assert_true(take(dom0, port));
    fake_interrupt(0, fake_table[1][2]); /* nobody's: counted, kept quiet */
    assert_int_equal(irq_desc_of(irqs[1])->unhandled, 1);
    assert_int_equal(pirq_unmap(dom0, 100), 0);
    pci_devices_lock();
    for (unsigned int i = 0; i < FAKE_ENTRIES; i++) {
        msi_disable(irqs[i]);
    }
    assert_int_equal(msi_restore(d), -XEN_ENODEV);
    pci_devices_unlock();
    assert_int_equal(fake_mappings, 0);
}

static void test_msix_table_unreachable(void **state)
{
    struct pci_device *d = device(0x0080);
    unsigned int irq;

    memset(fake_space + PCI_BAR0 + 4, 0, 4); /* no address, and nobody tells one */
    assert_int_equal(enable(d, true, 0, 1, &irq), -XEN_ENXIO);
    memcpy(fake_space + PCI_BAR0 + 4, &(uint32_t){ 0x1000 }, 4); /* RAM is no table */
    assert_int_equal(enable(d, true, 0, 1, &irq), -XEN_ENXIO);
    assert_false(msi_in_use(d));
}

static void test_filter(void **state)
{
    struct pci_device *d = device(0x0180);
    unsigned int irq;
    uint32_t value = 0x12345678;

    pci_devices_lock();
    assert_true(msi_filter_write(d, FAKE_MSI + 4, 4, &value)); /* not in use: anything goes */
    pci_devices_unlock();
    assert_int_equal(enable(d, false, 0, 1, &irq), 0);
    pci_devices_lock();
    assert_false(msi_filter_write(d, FAKE_MSI + 4, 4, &value));
    assert_false(msi_filter_write(d, FAKE_MSI + 12, 2, &value));
    assert_false(msi_filter_write(d, FAKE_MSI + 16, 4, &value));
    value = 0xffff;
    assert_true(msi_filter_write(d, FAKE_MSI + 2, 2, &value));
    assert_int_equal(value, 0x0181); /* of the control word, on and off */
    value = 0;
    assert_true(msi_filter_write(d, FAKE_MSI, 4, &value));
    assert_int_equal(value, fake_register(FAKE_MSI, 4) & ~0x10000u);
    value = 7;
    assert_true(msi_filter_write(d, PCI_COMMAND, 2, &value));
    assert_int_equal(value, 7);
    msi_disable(irq);
    pci_devices_unlock();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_own_handler),   TEST(test_level_waits_for_eoi),
        TEST(test_unexpected),    TEST(test_configure),
        TEST(test_pirq_numbers),  TEST(test_pirq_table_full),
        TEST(test_unmap_unbinds), TEST(test_msi),
        TEST(test_msix),          TEST(test_msix_table_unreachable),
        TEST(test_filter),        TEST(test_eoi_map_is_given_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
