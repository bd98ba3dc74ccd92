/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Message interrupts of PCI devices: MSI (PCI 3.0, 6.8.1) and MSI-X (6.8.2). A message is a write of
 * a vector to an address that names a CPU (Intel SDM volume 3, 11.11).
 *
 *     pci_device.msi -> msi_state { kind, table, entries } <- msi_entry { index } <- irq_desc.msi
 *
 * Who does what: the hypervisor writes addresses, data and the mask bits; the hardware domain's
 * driver turns the capability on and off, and masks all of MSI-X. Without interrupt remapping a
 * device with several MSI would need a block of vectors: those drivers get one.
 *
 * Invariants
 *  1. device->msi != NULL exactly while entries > 0; all of one kind.
 *  2. An irq_desc beyond the GSIs has a controller exactly while it has an msi_entry, which lives as
 *     long; both change under pci_devices_lock and desc->lock.
 *
 * Locks: pci_devices_lock for set-up and teardown; desc->lock for the registers of one entry.
 */
#include "arch/memory.h"
#include "asm/irq.h"
#include "asm/paging.h"
#include "asm/smp.h"
#include "hypervisor/bug.h"
#include "hypervisor/error.h"
#include "hypervisor/frame.h"
#include "hypervisor/heap.h"
#include "hypervisor/pci.h"

#include "irq_private.h"

#define MSI_CONTROL          2
#define MSI_CONTROL_ENABLE   0x0001u
#define MSI_CONTROL_MULTIPLE 0x0070u
#define MSI_CONTROL_64BIT    0x0080u
#define MSI_CONTROL_MASKS    0x0100u
#define MSI_ADDRESS          4
#define MSI_ADDRESS_HIGH     8

#define MSIX_CONTROL        2
#define MSIX_CONTROL_ENABLE 0x8000u
#define MSIX_CONTROL_MASK   0x4000u
#define MSIX_TABLE          4
#define MSIX_BYTES          12
#define ENTRY_BYTES         16
#define ENTRY_ADDRESS       0
#define ENTRY_DATA          8
#define ENTRY_CONTROL       12
#define ENTRY_MASKED        1u

#define BAR_IO        1u
#define BAR_TYPE_MASK 6u
#define BAR_64BIT     4u
#define MESSAGE_BASE  0xfee00000u

struct msi_state {
    bool msix;
    unsigned int entries;
    volatile uint8_t *table; /* MSI-X */
};

struct msi_entry {
    struct pci_device *device;
    unsigned int index;
    uint16_t control; /* MSI: as read at set-up */
};

/* ---- controllers; desc->lock held ------------------------------------------------------------- */

static uint32_t message_address(const struct irq_desc *desc)
{
    return MESSAGE_BASE | (cpu_apic_id[desc->cpu] & 0xff) << 12;
}

static unsigned int msi_data_register(const struct msi_entry *entry)
{
    return entry->device->msi_capability + (entry->control & MSI_CONTROL_64BIT ? 12 : 8);
}

static void msi_set_mask(struct irq_desc *desc, uint32_t mask)
{
    struct msi_entry *entry = desc->msi;

    if (entry->control & MSI_CONTROL_MASKS) {
        pci_config_write(entry->device->address, msi_data_register(entry) + 4, 4, mask);
    }
}

static void msi_mask(struct irq_desc *desc)
{
    msi_set_mask(desc, 1);
}

static void msi_unmask(struct irq_desc *desc)
{
    msi_set_mask(desc, 0);
}

static void msi_route(struct irq_desc *desc)
{
    struct msi_entry *entry = desc->msi;
    struct pci_address address = entry->device->address;
    unsigned int capability = entry->device->msi_capability;

    pci_config_write(address, capability + MSI_ADDRESS, 4, message_address(desc));
    if (entry->control & MSI_CONTROL_64BIT) {
        pci_config_write(address, capability + MSI_ADDRESS_HIGH, 4, 0);
    }
    pci_config_write(address, msi_data_register(entry), 2, desc->vector);
}

static volatile uint32_t *msix_register(const struct irq_desc *desc, unsigned int reg)
{
    const struct msi_entry *entry = desc->msi;

    return (volatile uint32_t *)(entry->device->msi->table + entry->index * ENTRY_BYTES + reg);
}

static void msix_mask(struct irq_desc *desc)
{
    *msix_register(desc, ENTRY_CONTROL) = ENTRY_MASKED;
    (void)*msix_register(desc, ENTRY_CONTROL);
}

static void msix_unmask(struct irq_desc *desc)
{
    *msix_register(desc, ENTRY_CONTROL) = 0;
}

/* A message must not change while it is not masked (PCI 3.0, 6.8.3.5). */
static void msix_route(struct irq_desc *desc)
{
    *msix_register(desc, ENTRY_CONTROL) = ENTRY_MASKED;
    *msix_register(desc, ENTRY_ADDRESS) = message_address(desc);
    *msix_register(desc, ENTRY_ADDRESS + 4) = 0;
    *msix_register(desc, ENTRY_DATA) = desc->vector;
    if (!desc->masked) {
        *msix_register(desc, ENTRY_CONTROL) = 0;
    }
}

static const struct irq_controller msi_controller = { "MSI", msi_mask, msi_unmask, msi_route };
static const struct irq_controller msix_controller = { "MSI-X", msix_mask, msix_unmask,
                                                       msix_route };

/* ---- the MSI-X table -------------------------------------------------------------------------- */

/* Machine address of a memory BAR, 0 when it is none or not set. */
static paddr_t bar_address(struct pci_address address, unsigned int bar)
{
    uint32_t low, high = 0;

    if (bar > 5) {
        return 0;
    }
    low = pci_config_read(address, PCI_BAR0 + 4 * bar, 4);
    if (low & BAR_IO) {
        return 0;
    }
    if ((low & BAR_TYPE_MASK) == BAR_64BIT && bar < 5) {
        high = pci_config_read(address, PCI_BAR0 + 4 * bar + 4, 4);
    }
    return (paddr_t)high << 32 | (low & ~15u);
}

static volatile uint8_t *table_map(struct pci_device *device, paddr_t table_base)
{
    uint32_t where = pci_config_read(device->address, device->msix_capability + MSIX_TABLE, 4);
    size_t bytes = device->msix_entries * ENTRY_BYTES;
    paddr_t base = bar_address(device->address, where & 7);

    /* A virtual function's BARs are in its physical function: only the hardware domain knows. */
    base = base != 0 ? base : table_base;
    if (base == 0 || base >> 52) {
        return NULL;
    }
    base += where & ~7u;
    for (paddr_t page = base & PAGE_MASK; page < base + bytes; page += PAGE_SIZE) {
        if (frame_valid(paddr_to_mfn(page))) {
            return NULL;
        }
    }
    device->msix_table = base;
    return ioremap(base, bytes);
}

/* ---- set-up and teardown; pci_devices_lock held ----------------------------------------------- */

static int state_get(struct pci_device *device, bool msix, paddr_t table_base)
{
    struct msi_state *state = device->msi;

    if (state != NULL) {
        return state->msix == msix ? 0 : -XEN_EEXIST;
    }
    state = heap_new(struct msi_state);
    if (state == NULL) {
        return -XEN_ENOMEM;
    }
    state->msix = msix;
    if (msix) {
        state->table = table_map(device, table_base);
        if (state->table == NULL) {
            heap_free(state);
            return -XEN_ENXIO;
        }
    }
    device->msi = state;
    return 0;
}

static void state_put(struct pci_device *device)
{
    struct msi_state *state = device->msi;

    if (state->entries == 0) {
        device->msi = NULL;
        iounmap((void *)(uintptr_t)state->table);
        heap_free(state);
    }
}

static bool entry_is_used(const struct pci_device *device, unsigned int index)
{
    for (unsigned int irq = gsi_count; irq < irq_count; irq++) {
        const struct msi_entry *entry = irq_desc_of(irq)->msi;

        if (entry != NULL && entry->device == device && entry->index == index) {
            return true;
        }
    }
    return false;
}

static struct irq_desc *desc_find_free(void)
{
    for (unsigned int irq = gsi_count; irq < irq_count; irq++) {
        if (irq_desc_of(irq)->controller == NULL) {
            return irq_desc_of(irq);
        }
    }
    return NULL;
}

/* Makes the descriptor this entry's: vector, message, masked. */
static int entry_attach(struct irq_desc *desc, struct msi_entry *entry)
{
    struct pci_device *device = entry->device;
    unsigned long flags = spin_lock_irqsave(&desc->lock);
    int rc = vector_alloc(desc, arch_cpu_id());

    if (rc == 0) {
        desc->msi = entry;
        desc->level = false;
        desc->masked = true;
        desc->count = 0;
        desc->unhandled = 0;
        if (device->msi->msix) {
            desc->controller = &msix_controller;
        } else {
            desc->controller = &msi_controller;
            msi_mask(desc);
        }
        desc->controller->route(desc);
        device->msi->entries++;
    }
    spin_unlock_irqrestore(&desc->lock, flags);
    return rc;
}

static int entry_enable(struct pci_device *device, unsigned int index, unsigned int *irq)
{
    struct irq_desc *desc = desc_find_free();
    struct msi_entry *entry;
    int rc;

    if (entry_is_used(device, index)) {
        return -XEN_EEXIST;
    }
    if (desc == NULL) {
        return -XEN_ENOSPC;
    }
    entry = heap_new(struct msi_entry);
    if (entry == NULL) {
        return -XEN_ENOMEM;
    }
    entry->device = device;
    entry->index = index;
    if (!device->msi->msix) {
        /* One message only, and still off: the hardware domain's driver turns it on. */
        entry->control = pci_config_read(device->address, device->msi_capability + MSI_CONTROL, 2);
        entry->control &= ~(MSI_CONTROL_ENABLE | MSI_CONTROL_MULTIPLE);
        pci_config_write(device->address, device->msi_capability + MSI_CONTROL, 2, entry->control);
    }
    rc = entry_attach(desc, entry);
    if (rc != 0) {
        heap_free(entry);
        return rc;
    }
    *irq = desc->irq;
    return 0;
}

int msi_enable(struct pci_device *device, bool msix, unsigned int entry, unsigned int count,
               paddr_t table_base, unsigned int *first)
{
    int rc;

    if ((msix ? device->msix_capability : device->msi_capability) == 0) {
        return -XEN_ENODEV;
    }
    if (count == 0 || entry >= (msix ? device->msix_entries : 1)) {
        return -XEN_EINVAL;
    }
    if (count > 1) {
        return -XEN_EOPNOTSUPP;
    }
    rc = state_get(device, msix, table_base);
    if (rc != 0) {
        return rc;
    }
    rc = entry_enable(device, entry, first);
    state_put(device);
    return rc;
}

/* The device must not send this message any more. */
static void entry_silence(struct irq_desc *desc)
{
    const struct msi_entry *entry = desc->msi;
    const struct pci_device *device = entry->device;

    desc->masked = true;
    desc->controller->mask(desc);
    if (!device->msi->msix) {
        pci_config_write(device->address, device->msi_capability + MSI_CONTROL, 2,
                         entry->control & ~MSI_CONTROL_ENABLE);
    }
}

void msi_disable(unsigned int irq)
{
    struct irq_desc *desc = irq_desc_of(irq);
    struct msi_entry *entry;
    unsigned long flags;

    if (desc == NULL || desc->msi == NULL) {
        return;
    }
    flags = spin_lock_irqsave(&desc->lock);
    entry = desc->guest_count == 0 ? desc->msi : NULL;
    if (entry != NULL) {
        entry_silence(desc);
        vector_free(desc);
        desc->controller = NULL;
        desc->msi = NULL;
        entry->device->msi->entries--;
    }
    spin_unlock_irqrestore(&desc->lock, flags);
    if (entry != NULL) {
        state_put(entry->device);
        heap_free(entry);
    }
}

int msi_restore(struct pci_device *device)
{
    unsigned int done = 0;

    for (unsigned int irq = gsi_count; irq < irq_count; irq++) {
        struct irq_desc *desc = irq_desc_of(irq);
        unsigned long flags;

        if (desc->msi == NULL || desc->msi->device != device) {
            continue;
        }
        flags = spin_lock_irqsave(&desc->lock);
        desc->controller->route(desc);
        if (desc->masked) {
            desc->controller->mask(desc);
        } else {
            desc->controller->unmask(desc);
        }
        spin_unlock_irqrestore(&desc->lock, flags);
        done++;
    }
    return done != 0 ? 0 : -XEN_ENODEV;
}

bool msi_in_use(const struct pci_device *device)
{
    return device->msi != NULL;
}

/* ---- the hardware domain's writes -------------------------------------------------------------- */

/* *value keeps of bits [shift, shift+16) only `mask`, and gets the rest from what the register holds. */
static void keep_bits(struct pci_device *device, unsigned int reg, unsigned int bytes,
                      unsigned int control, uint32_t mask, uint32_t *value)
{
    for (unsigned int i = 0; i < bytes; i++) {
        unsigned int at = reg + i - control;
        uint8_t let = at < 2 ? (uint8_t)(mask >> (8 * at)) : 0;
        uint8_t now = pci_config_read(device->address, reg + i, 1);
        uint8_t new = (now & ~let) | ((*value >> (8 * i)) & let);

        *value = (*value & ~(0xffu << (8 * i))) | (uint32_t) new << (8 * i);
    }
}

bool msi_filter_write(struct pci_device *device, unsigned int reg, unsigned int bytes,
                      uint32_t *value)
{
    unsigned int from, size, let;

    if (device->msi == NULL) {
        return true;
    }
    if (device->msi->msix) {
        from = device->msix_capability;
        size = MSIX_BYTES;
        let = MSIX_CONTROL_ENABLE | MSIX_CONTROL_MASK;
    } else {
        uint16_t control =
            pci_config_read(device->address, device->msi_capability + MSI_CONTROL, 2);

        from = device->msi_capability;
        size = 10 + (control & MSI_CONTROL_64BIT ? 4 : 0) + (control & MSI_CONTROL_MASKS ? 10 : 0);
        let = MSI_CONTROL_ENABLE;
    }
    if (reg + bytes <= from || reg >= from + size) {
        return true;
    }
    if (reg < from + 4 && reg + bytes > from + MSI_CONTROL) {
        keep_bits(device, reg, bytes, from + MSI_CONTROL, let, value);
        return true;
    }
    return false;
}
