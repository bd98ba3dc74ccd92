/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The configuration ports as the hardware domain sees them. The address register is a value of the
 * domain's own, so that its two accesses need not be atomic against ours. Only whole accesses to the
 * address register reach it; what else hides in 0xcf8..0xcfb (reset control, mechanism 2) is nobody's.
 *
 * While the hypervisor has message interrupts set up for a device, the fields that say where they
 * go are its own: a write to the capability changes only what msi_filter_write lets through.
 */
#include "asm/irq.h"
#include "hypervisor/domain.h"
#include "hypervisor/pci.h"
#include "hypervisor/security.h"

#define PORT_ADDRESS   0xcf8u
#define PORT_DATA      0xcfcu
#define ADDRESS_ENABLE 0x80000000u

static bool allowed(const struct domain *domain)
{
    return !security_check(domain, domain, SECURITY_PCI_CONFIG);
}

/* Decodes the address register and a data port; false when that is no access of configuration space. */
static bool decode(struct domain *domain, unsigned int port, unsigned int bytes,
                   struct pci_address *address, unsigned int *reg)
{
    uint32_t cf8 = READ_ONCE(domain->arch.pci_cf8);
    unsigned int offset = port & 3;

    if (!(cf8 & ADDRESS_ENABLE) || port < PORT_DATA || port > PORT_DATA + 3 || offset + bytes > 4 ||
        !allowed(domain)) {
        return false;
    }
    *address = (struct pci_address){ .bus = cf8 >> 16 & 0xff, .devfn = cf8 >> 8 & 0xff };
    /* Bits 27..24: the extended registers of AMD processors' access mode. */
    *reg = (cf8 & 0xfc) | (cf8 >> 16 & 0xf00) | offset;
    return true;
}

uint32_t pci_port_read(struct domain *domain, unsigned int port, unsigned int bytes)
{
    uint32_t ones = bytes >= 4 ? UINT32_MAX : (1u << (8 * bytes)) - 1;
    struct pci_address address;
    unsigned int reg;

    if (port == PORT_ADDRESS && bytes == 4 && allowed(domain)) {
        return READ_ONCE(domain->arch.pci_cf8);
    }
    return decode(domain, port, bytes, &address, &reg) ? pci_config_read(address, reg, bytes)
                                                       : ones;
}

void pci_port_write(struct domain *domain, unsigned int port, unsigned int bytes, uint32_t value)
{
    struct pci_address address;
    struct pci_device *device;
    unsigned int reg;

    if (port == PORT_ADDRESS && bytes == 4 && allowed(domain)) {
        WRITE_ONCE(domain->arch.pci_cf8, value);
        return;
    }
    if (!decode(domain, port, bytes, &address, &reg)) {
        return;
    }
    pci_devices_lock();
    device = pci_device_find(address);
    if (device == NULL || msi_filter_write(device, reg, bytes, &value)) {
        pci_config_write(address, reg, bytes, value);
    }
    pci_devices_unlock();
}
