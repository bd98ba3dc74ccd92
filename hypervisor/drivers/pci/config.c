/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Checked access to configuration space, and capability lists (PCI 3.0, 6.7; PCIe 5.0, 7.6.3). */
#include "hypervisor/pci.h"

#define CAPABILITIES_MAX          48u  /* 4-byte steps between 0x40 and 0xff */
#define EXTENDED_CAPABILITIES_MAX 480u /* 8-byte steps between 0x100 and 0xfff */
#define HEADER_CARDBUS            2u

static bool register_ok(unsigned int reg, unsigned int bytes)
{
    return (bytes == 1 || bytes == 2 || bytes == 4) && reg < PCI_EXTENDED_BYTES &&
           (reg & (bytes - 1)) == 0;
}

static uint32_t all_ones(unsigned int bytes)
{
    return bytes >= 4 ? UINT32_MAX : (1u << (8 * bytes)) - 1;
}

uint32_t pci_config_read(struct pci_address address, unsigned int reg, unsigned int bytes)
{
    return register_ok(reg, bytes) ? arch_pci_read(address, reg, bytes) : all_ones(bytes);
}

void pci_config_write(struct pci_address address, unsigned int reg, unsigned int bytes,
                      uint32_t value)
{
    if (register_ok(reg, bytes)) {
        arch_pci_write(address, reg, bytes, value);
    }
}

unsigned int pci_capability_find(struct pci_address address, uint8_t id)
{
    uint8_t header = pci_config_read(address, PCI_HEADER_TYPE, 1) & 0x7f;
    unsigned int at = header == HEADER_CARDBUS ? PCI_CARDBUS_CAPS : PCI_CAPABILITIES;

    if (!(pci_config_read(address, PCI_STATUS, 2) & PCI_STATUS_CAPS)) {
        return 0;
    }
    at = pci_config_read(address, at, 1) & ~3u;
    for (unsigned int i = 0; i < CAPABILITIES_MAX && at >= 0x40; i++) {
        uint32_t entry = pci_config_read(address, at, 2);

        if ((entry & 0xff) == 0xff) {
            return 0;
        }
        if ((entry & 0xff) == id) {
            return at;
        }
        at = entry >> 8 & ~3u;
    }
    return 0;
}

unsigned int pci_extended_capability_find(struct pci_address address, uint16_t id)
{
    unsigned int at = PCI_CONFIG_BYTES;

    for (unsigned int i = 0; i < EXTENDED_CAPABILITIES_MAX && at >= PCI_CONFIG_BYTES; i++) {
        uint32_t entry = pci_config_read(address, at, 4);

        if (entry == 0 || entry == UINT32_MAX) {
            return 0;
        }
        if ((entry & 0xffff) == id) {
            return at;
        }
        at = entry >> 20 & ~3u;
    }
    return 0;
}
