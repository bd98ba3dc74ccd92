/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The hardware beneath arch/x86/irq: an IO-APIC of PINS pins whose lines the test raises, a local APIC
 * that counts, and a PCI device with MSI and an MSI-X table. Included by one file of a program.
 */
#ifndef TESTS_SUPPORT_FAKE_INTERRUPTS_H
#define TESTS_SUPPORT_FAKE_INTERRUPTS_H

#include "asm/apic.h"
#include "asm/host.h"
#include "asm/irq.h"
#include "asm/paging.h"
#include "asm/smp.h"
#include "arch/irq.h"
#include "hypervisor/acpi.h"
#include "hypervisor/domain.h"
#include "hypervisor/error.h"
#include "hypervisor/event.h"
#include "hypervisor/pci.h"

#include <stdlib.h>
#include <string.h>

#define PINS 24u

struct fake_pin {
    bool masked;
    unsigned int cpu, vector;
};

static struct fake_pin pins[PINS];
static unsigned int fake_eois, fake_spurious_serviced;

unsigned int gsi_count = PINS;
uint32_t cpu_apic_id[CONFIG_MAX_CPUS];

static void pin_mask(struct irq_desc *desc)
{
    pins[desc->irq].masked = true;
}

static void pin_unmask(struct irq_desc *desc)
{
    pins[desc->irq].masked = false;
}

static void pin_route(struct irq_desc *desc)
{
    pins[desc->irq].cpu = desc->cpu;
    pins[desc->irq].vector = desc->vector;
}

static const struct irq_controller pin_controller = { "fake", pin_mask, pin_unmask, pin_route };

void i8259_disable(void)
{
}

void ioapic_init(void)
{
    for (unsigned int i = 0; i < PINS; i++) {
        pins[i] = (struct fake_pin){ .masked = true };
    }
}

void ioapic_describe(void)
{
    for (unsigned int i = 0; i < PINS; i++) {
        irq_desc_of(i)->controller = &pin_controller;
        irq_desc_of(i)->level = i >= 16;
    }
}

void lapic_eoi(void)
{
    fake_eois++;
}

bool lapic_is_serviced(unsigned int vector)
{
    return fake_spurious_serviced;
}

const void *acpi_map(paddr_t address, size_t bytes)
{
    return NULL;
}

void acpi_unmap(const void *mapping, size_t bytes)
{
}

/* An interrupt arrives at a CPU. */
static inline void fake_interrupt(unsigned int cpu, unsigned int vector)
{
    unsigned long flags;

    host_set_current(cpu, NULL);
    flags = arch_irq_save();
    interrupt_dispatch(vector, NULL);
    arch_irq_restore(flags);
    host_set_current(0, NULL);
}

/* The line of a pin goes up; true when the pin passed it on. */
static inline bool fake_line(unsigned int gsi)
{
    if (pins[gsi].masked || pins[gsi].vector == 0) {
        return false;
    }
    fake_interrupt(pins[gsi].cpu, pins[gsi].vector);
    return true;
}

/* ---- a PCI device ----------------------------------------------------------------------------- */

#define FAKE_MSI     0x50
#define FAKE_MSIX    0x70
#define FAKE_ENTRIES 4
#define FAKE_BAR     0xfeb00000u
#define FAKE_TABLE   0x800

static const struct pci_address fake_device = { 0, 1, PCI_DEVFN(4, 0) };
static uint8_t fake_space[PCI_CONFIG_BYTES];
static uint32_t fake_table[FAKE_ENTRIES][4];
static int fake_mappings;

static inline void fake_device_setup(uint16_t msi_control)
{
    memset(fake_space, 0, sizeof(fake_space));
    memset(fake_table, 0, sizeof(fake_table));
    fake_mappings = 0;
    fake_space[PCI_STATUS] = PCI_STATUS_CAPS;
    fake_space[PCI_CAPABILITIES] = FAKE_MSI;
    fake_space[FAKE_MSI] = PCI_CAPABILITY_MSI;
    fake_space[FAKE_MSI + 1] = FAKE_MSIX;
    memcpy(fake_space + FAKE_MSI + 2, &msi_control, 2);
    fake_space[FAKE_MSIX] = PCI_CAPABILITY_MSIX;
    fake_space[FAKE_MSIX + 2] = FAKE_ENTRIES - 1;
    memcpy(fake_space + FAKE_MSIX + 4, &(uint32_t){ FAKE_TABLE | 1 }, 4); /* in BAR 1 */
    memcpy(fake_space + PCI_BAR0 + 4, &(uint32_t){ FAKE_BAR }, 4);
}

static inline uint32_t fake_register(unsigned int at, unsigned int bytes)
{
    uint32_t value = 0;

    memcpy(&value, fake_space + at, bytes);
    return value;
}

uint32_t arch_pci_read(struct pci_address address, unsigned int reg, unsigned int bytes)
{
    if (address.bus != fake_device.bus || address.devfn != fake_device.devfn ||
        reg + bytes > sizeof(fake_space)) {
        return bytes == 4 ? UINT32_MAX : (1u << (8 * bytes)) - 1;
    }
    return fake_register(reg, bytes);
}

void arch_pci_write(struct pci_address address, unsigned int reg, unsigned int bytes,
                    uint32_t value)
{
    memcpy(fake_space + reg, &value, bytes);
}

void *ioremap(paddr_t paddr, size_t bytes)
{
    if (paddr != FAKE_BAR + FAKE_TABLE || bytes != sizeof(fake_table)) {
        return NULL;
    }
    fake_mappings++;
    return fake_table;
}

void iounmap(void *address)
{
    fake_mappings -= address != NULL;
}

#endif
