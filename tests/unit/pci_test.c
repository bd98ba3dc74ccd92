/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Capability lists of well-behaved and of mad devices, and the list of devices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "asm/host.h"
#include "hypervisor/error.h"
#include "hypervisor/pci.h"

#include <string.h>

static uint8_t space[PCI_EXTENDED_BYTES];
static struct pci_address device = { 0, 2, PCI_DEVFN(3, 1) };
static unsigned int reads;

uint32_t arch_pci_read(struct pci_address address, unsigned int reg, unsigned int bytes)
{
    uint32_t value = 0;

    reads++;
    if (address.bus != device.bus || address.devfn != device.devfn ||
        address.segment != device.segment) {
        return bytes == 4 ? ~0u : (1u << (8 * bytes)) - 1;
    }
    assert_true(reg + bytes <= sizeof(space));
    memcpy(&value, space + reg, bytes);
    return value;
}

void arch_pci_write(struct pci_address address, unsigned int reg, unsigned int bytes,
                    uint32_t value)
{
    memcpy(space + reg, &value, bytes);
}

static int setup(void **state)
{
    host_setup(64, 1);
    memset(space, 0, sizeof(space));
    space[0] = 0x34;
    space[1] = 0x12;
    space[PCI_STATUS] = PCI_STATUS_CAPS;
    reads = 0;
    return 0;
}

static int teardown(void **state)
{
    assert_true(pci_devices_valid());
    host_teardown();
    return 0;
}

static void capability(unsigned int at, uint8_t id, uint8_t next)
{
    space[at] = id;
    space[at + 1] = next;
}

static void test_find(void **state)
{
    space[PCI_CAPABILITIES] = 0x40;
    capability(0x40, 1, 0x52); /* the low bits are not part of the pointer */
    capability(0x50, PCI_CAPABILITY_MSI, 0x70);
    capability(0x70, PCI_CAPABILITY_MSIX, 0);
    assert_int_equal(pci_capability_find(device, PCI_CAPABILITY_MSI), 0x50);
    assert_int_equal(pci_capability_find(device, PCI_CAPABILITY_MSIX), 0x70);
    assert_int_equal(pci_capability_find(device, PCI_CAPABILITY_PCIE), 0);
    space[PCI_STATUS] = 0;
    assert_int_equal(pci_capability_find(device, PCI_CAPABILITY_MSI), 0);
}

static void test_cardbus(void **state)
{
    space[PCI_HEADER_TYPE] = 0x82;
    space[PCI_CARDBUS_CAPS] = 0x80;
    capability(0x80, PCI_CAPABILITY_MSI, 0);
    assert_int_equal(pci_capability_find(device, PCI_CAPABILITY_MSI), 0x80);
}

static void test_loops_and_junk(void **state)
{
    space[PCI_CAPABILITIES] = 0x40;
    capability(0x40, 1, 0x44);
    capability(0x44, 2, 0x40); /* for ever */
    assert_int_equal(pci_capability_find(device, PCI_CAPABILITY_MSI), 0);
    assert_true(reads < 64);
    capability(0x44, 2, 0x10); /* into the header */
    assert_int_equal(pci_capability_find(device, PCI_CAPABILITY_MSI), 0);
    capability(0x44, 0xff, 0xff); /* gone */
    assert_int_equal(pci_capability_find(device, 0xff), 0);
    assert_int_equal(pci_capability_find((struct pci_address){ 0, 9, 9 }, 5), 0);
}

static void test_extended(void **state)
{
    uint32_t entry = 0x0001 | 1u << 16 | 0x148u << 20;

    memcpy(space + 0x100, &entry, 4);
    entry = 0x0010 | 1u << 16 | 0x100u << 20;
    memcpy(space + 0x148, &entry, 4);
    assert_int_equal(pci_extended_capability_find(device, 0x10), 0x148);
    reads = 0;
    assert_int_equal(pci_extended_capability_find(device, 0x0b), 0); /* a loop */
    assert_true(reads <= 480);
}

static void test_registers_checked(void **state)
{
    assert_int_equal(pci_config_read(device, 0, 2), 0x1234);
    assert_int_equal(pci_config_read(device, 1, 2), 0xffff);
    assert_int_equal(pci_config_read(device, 0x1000, 4), ~0u);
    assert_int_equal(pci_config_read(device, 0, 3), 0xffffff);
    pci_config_write(device, 0x11, 4, 0x55);
    assert_int_equal(space[0x11], 0);
    pci_config_write(device, 0x10, 4, 0x55);
    assert_int_equal(space[0x10], 0x55);
}

static void test_devices(void **state)
{
    struct pci_device_config config = { .address = device, .proximity = 3 };
    struct pci_device *found;

    space[PCI_CAPABILITIES] = 0x40;
    capability(0x40, PCI_CAPABILITY_MSIX, 0);
    space[0x42] = 7;
    assert_int_equal(pci_device_add(&config), 0);
    assert_int_equal(pci_device_add(&config), 0);
    pci_devices_lock();
    found = pci_device_find(device);
    assert_non_null(found);
    assert_int_equal(found->msix_capability, 0x40);
    assert_int_equal(found->msix_entries, 8);
    assert_int_equal(found->proximity, 3);
    assert_null(pci_device_find((struct pci_address){ 1, 2, 3 }));
    assert_null(pci_device_find_or_add((struct pci_address){ 1, 2, 3 }));
    found->msi = (struct msi_state *)found;
    pci_devices_unlock();
    assert_int_equal(pci_device_remove(device), -XEN_EBUSY);
    found->msi = NULL;
    assert_int_equal(pci_device_remove(device), 0);
    assert_int_equal(pci_device_remove(device), -XEN_ENODEV);
    config.address.bus = 77;
    assert_int_equal(pci_device_add(&config), -XEN_ENODEV);
    config.is_virtual_function = true; /* it has no vendor of its own */
    assert_int_equal(pci_device_add(&config), 0);
    assert_int_equal(pci_device_remove(config.address), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_find),     TEST(test_cardbus),           TEST(test_loops_and_junk),
        TEST(test_extended), TEST(test_registers_checked), TEST(test_devices),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
