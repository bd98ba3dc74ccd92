/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * PCI: configuration space, capabilities, and the devices the hardware domain told of. The theory
 * statement is in drivers/pci/device.c; access to the hardware is arch/x86/pci.
 */
#ifndef HYPERVISOR_PCI_H
#define HYPERVISOR_PCI_H

#include "hypervisor/list.h"
#include "hypervisor/types.h"

struct domain;
struct msi_state;

struct pci_address {
    uint16_t segment;
    uint8_t bus;
    uint8_t devfn;
};

#define PCI_DEVFN(device, function) ((uint8_t)((device) << 3 | (function)))
#define PCI_DEVICE_OF(devfn)        ((devfn) >> 3)
#define PCI_FUNCTION_OF(devfn)      ((devfn)&7)

/* Configuration space (PCI Local Bus 3.0, 6.1). */
#define PCI_VENDOR_ID       0x00
#define PCI_COMMAND         0x04
#define PCI_COMMAND_IO      0x0001
#define PCI_COMMAND_MEMORY  0x0002
#define PCI_COMMAND_MASTER  0x0004
#define PCI_COMMAND_INTX    0x0400 /* disable */
#define PCI_STATUS          0x06
#define PCI_STATUS_CAPS     0x0010
#define PCI_CLASS           0x0a
#define PCI_HEADER_TYPE     0x0e
#define PCI_BAR0            0x10
#define PCI_CAPABILITIES    0x34
#define PCI_CARDBUS_CAPS    0x14
#define PCI_CONFIG_BYTES    256u
#define PCI_EXTENDED_BYTES  4096u
#define PCI_CAPABILITY_MSI  0x05
#define PCI_CAPABILITY_PCIE 0x10
#define PCI_CAPABILITY_MSIX 0x11

/*
 * Reads (writes) 1, 2 or 4 bytes, aligned, at `reg` < 4096. A register that cannot be reached (no
 * window beyond 256, no such segment) reads as all ones and ignores writes. Any context but NMI.
 */
uint32_t pci_config_read(struct pci_address address, unsigned int reg, unsigned int bytes);
void pci_config_write(struct pci_address address, unsigned int reg, unsigned int bytes,
                      uint32_t value);

/* Offset of the first capability with this id, 0 when absent. Bounded whatever the device says. */
unsigned int pci_capability_find(struct pci_address address, uint8_t id);
unsigned int pci_extended_capability_find(struct pci_address address, uint16_t id);

struct pci_device {
    struct list all; /* under pci_devices_lock, LOCK_PCI_DEVICES */
    struct pci_address address;
    bool is_extended_function, is_virtual_function;
    struct pci_address physical_function;
    uint32_t proximity; /* ~0 unknown */
    unsigned int msi_capability, msix_capability;
    unsigned int msix_entries;
    paddr_t msix_table;    /* as last told by the hardware domain, 0 unknown */
    bool msix_prepared;    /* between PHYSDEVOP_prepare_msix and release_msix */
    struct msi_state *msi; /* arch/x86/irq/msi.c: list of its message interrupts */
};

/*
 * The hardware domain announced (withdrew) a device. add: 0, also for one known already (its data
 * is then brought up to date); -XEN_ENOMEM, -XEN_ENODEV when nothing answers at that address.
 * remove: -XEN_ENODEV when unknown, -XEN_EBUSY while message interrupts are mapped.
 */
struct pci_device_config {
    struct pci_address address;
    bool is_extended_function, is_virtual_function;
    struct pci_address physical_function;
    uint32_t proximity;
};
int pci_device_add(const struct pci_device_config *config) __must_check;
int pci_device_remove(struct pci_address address) __must_check;

/* The device, added on the spot when it answers but was never announced; NULL otherwise. Devices
 * live until pci_device_remove, which the caller excludes by holding pci_devices_lock. */
struct pci_device *pci_device_find(struct pci_address address);
struct pci_device *pci_device_find_or_add(struct pci_address address);
void pci_devices_lock(void);
void pci_devices_unlock(void);
bool pci_devices_valid(void);

/* ---- arch/x86/pci ---------------------------------------------------------------------------- */

/* After acpi_init: windows of the MCFG. */
void pci_init(void);

/* PHYSDEVOP_pci_mmcfg_reserved: the hardware domain says this window is (not) reserved memory and
 * so can be used. -XEN_ENODEV when the MCFG does not list it. */
int pci_window_report(paddr_t base, uint16_t segment, uint8_t bus_first, uint8_t bus_last,
                      bool usable) __must_check;

/* A register of configuration space without windows or checks: the contract beneath
 * pci_config_read and pci_config_write; tests provide their own. */
uint32_t arch_pci_read(struct pci_address address, unsigned int reg, unsigned int bytes);
void arch_pci_write(struct pci_address address, unsigned int reg, unsigned int bytes,
                    uint32_t value);

/*
 * The hardware domain's accesses to ports 0xcf8..0xcff (1, 2 or 4 bytes), for PV I/O emulation. The
 * address register is domain->arch.pci_cf8. Other domains read ones and write nothing.
 */
uint32_t pci_port_read(struct domain *domain, unsigned int port, unsigned int bytes);
void pci_port_write(struct domain *domain, unsigned int port, unsigned int bytes, uint32_t value);

#endif
