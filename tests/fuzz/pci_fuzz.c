/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* A device whose configuration space says anything at all, and may say something else each time. */
#include "hypervisor/pci.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static uint8_t space[PCI_EXTENDED_BYTES];
static uint8_t drift; /* added to what is read, more each time, when not 0 */
static unsigned int reads;

uint32_t arch_pci_read(struct pci_address address, unsigned int reg, unsigned int bytes)
{
    uint32_t value = 0;

    if (reg + bytes > sizeof(space) || (reg & (bytes - 1)) != 0) {
        abort();
    }
    reads++;
    memcpy(&value, space + reg, bytes);
    value += drift * reads;
    return bytes == 4 ? value : value & ((1u << (8 * bytes)) - 1);
}

void arch_pci_write(struct pci_address address, unsigned int reg, unsigned int bytes,
                    uint32_t value)
{
    abort(); /* finding out writes nothing */
}

static void check_find(struct pci_address address, uint16_t id)
{
    unsigned int at;

    reads = 0;
    at = pci_capability_find(address, (uint8_t)id);
    if (at != 0 && (at < 0x40 || at > 0xfc || (at & 3) != 0)) {
        abort();
    }
    at = pci_extended_capability_find(address, id);
    if (at != 0 && (at < 0x100 || at > 0xffc || (at & 3) != 0)) {
        abort();
    }
    if (reads > 1000) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct pci_address address = { 0, 1, PCI_DEVFN(2, 3) };

    if (bytes < 4) {
        return 0;
    }
    memset(space, 0, sizeof(space));
    drift = data[0];
    memcpy(space, data + 2, bytes - 2 < sizeof(space) ? bytes - 2 : sizeof(space));
    check_find(address, data[1]);
    check_find(address, PCI_CAPABILITY_MSIX);
    return 0;
}
