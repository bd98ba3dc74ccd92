/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The PCI devices the hardware domain told of (PHYSDEVOP_pci_device_add and its elders), and those it
 * asked message interrupts for without telling. The hypervisor does not enumerate the bus itself:
 * firmware and the hardware domain give out bus numbers and addresses.
 *
 *     devices -> pci_device { address, capabilities, msi } -> ...
 *
 * Invariants
 *  1. An address is in the list at most once.
 *  2. A device with message interrupts (msi != NULL) is not removed.
 *
 * Locks: the list and everything in a device are under pci_devices_lock (LOCK_PCI_DEVICES), which
 * is held over the set-up of interrupts, so not taken in interrupt context.
 */
#include "hypervisor/error.h"
#include "hypervisor/heap.h"
#include "hypervisor/lock.h"
#include "hypervisor/pci.h"

#define MSIX_CONTROL      2
#define MSIX_ENTRIES_MASK 0x7ff
#define DEVICES_MAX       65536u

static struct list devices = LIST_INIT(devices);
static unsigned int device_count;
static struct spinlock devices_lock = SPINLOCK_INIT(LOCK_PCI_DEVICES);

void pci_devices_lock(void)
{
    spin_lock(&devices_lock);
}

void pci_devices_unlock(void)
{
    spin_unlock(&devices_lock);
}

static bool address_equal(struct pci_address a, struct pci_address b)
{
    return a.segment == b.segment && a.bus == b.bus && a.devfn == b.devfn;
}

struct pci_device *pci_device_find(struct pci_address address)
{
    struct pci_device *device;

    list_for_each(device, &devices, all)
    {
        if (address_equal(device->address, address)) {
            return device;
        }
    }
    return NULL;
}

/* Virtual functions have no vendor of their own (SR-IOV 1.1, 3.4.1.1). */
static bool answers(const struct pci_device_config *config)
{
    return config->is_virtual_function ||
           pci_config_read(config->address, PCI_VENDOR_ID, 2) != 0xffff;
}

static void device_describe(struct pci_device *device, const struct pci_device_config *config)
{
    device->is_extended_function = config->is_extended_function;
    device->is_virtual_function = config->is_virtual_function;
    device->physical_function = config->physical_function;
    device->proximity = config->proximity;
    device->msi_capability = pci_capability_find(config->address, PCI_CAPABILITY_MSI);
    device->msix_capability = pci_capability_find(config->address, PCI_CAPABILITY_MSIX);
    device->msix_entries = 0;
    if (device->msix_capability != 0) {
        device->msix_entries =
            (pci_config_read(config->address, device->msix_capability + MSIX_CONTROL, 2) &
             MSIX_ENTRIES_MASK) +
            1;
    }
}

static int add_locked(const struct pci_device_config *config)
{
    struct pci_device *device = pci_device_find(config->address);

    if (!answers(config)) {
        return -XEN_ENODEV;
    }
    if (device == NULL) {
        if (device_count == DEVICES_MAX) {
            return -XEN_ENOMEM;
        }
        device = heap_new(struct pci_device);
        if (device == NULL) {
            return -XEN_ENOMEM;
        }
        device->address = config->address;
        list_append(&devices, &device->all);
        device_count++;
    }
    device_describe(device, config);
    return 0;
}

int pci_device_add(const struct pci_device_config *config)
{
    int rc;

    pci_devices_lock();
    rc = add_locked(config);
    pci_devices_unlock();
    return rc;
}

int pci_device_remove(struct pci_address address)
{
    struct pci_device *device;
    int rc = 0;

    pci_devices_lock();
    device = pci_device_find(address);
    if (device == NULL) {
        rc = -XEN_ENODEV;
    } else if (device->msi != NULL) {
        rc = -XEN_EBUSY;
    } else {
        list_remove(&device->all);
        device_count--;
        heap_free(device);
    }
    pci_devices_unlock();
    return rc;
}

struct pci_device *pci_device_find_or_add(struct pci_address address)
{
    struct pci_device_config config = { .address = address, .proximity = ~0u };
    struct pci_device *device = pci_device_find(address);

    if (device == NULL && add_locked(&config) == 0) {
        device = pci_device_find(address);
    }
    return device;
}

bool pci_devices_valid(void)
{
    struct pci_device *a, *b;
    unsigned int count = 0;

    list_for_each(a, &devices, all)
    {
        count++;
        list_for_each(b, &devices, all)
        {
            if (a != b && address_equal(a->address, b->address)) {
                return false;
            }
        }
    }
    return count == device_count;
}
