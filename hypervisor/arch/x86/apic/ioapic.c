/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * IO-APICs: pins, that is GSIs, to vectors of CPUs. 82093AA datasheet; Intel SDM volume 3, 11.
 *
 *     gsi = ioapic.gsi_base + pin        two 32-bit registers a pin: low (vector, mode, mask), high
 *                                        (destination, 8 bits of APIC id)
 *
 * The low halves are kept in memory, so that masking is one write of the selector, one of the
 * window, and one read back: the mask must have arrived before the local APIC sends its EOI.
 *
 * Invariants
 *  1. entry_low[pin] is what the register holds, status bits aside.
 *  2. Every pin is masked from ioapic_init on until its descriptor unmasks it; pins that deliver SMI
 *     belong to the firmware and are not touched.
 *
 * Locks: ioapic_lock (LOCK_IOAPIC), interrupts off, for selector and window; a pin's state is its
 * descriptor's.
 */
#include "asm/irq.h"
#include "asm/paging.h"
#include "asm/smp.h"
#include "hypervisor/acpi.h"
#include "hypervisor/error.h"
#include "hypervisor/printk.h"
#include "hypervisor/string.h"

#define IOAPIC_BYTES   0x1000
#define IOAPIC_SELECT  0x00
#define IOAPIC_WINDOW  0x10
#define REG_ID         0x00
#define REG_VERSION    0x01
#define REG_LAST       0xff
#define REG_ENTRY(pin) (0x10 + 2 * (pin))

#define ENTRY_MODE(low)  ((low) >> 8 & 7)
#define ENTRY_MODE_SMI   2
#define ENTRY_ACTIVE_LOW (1u << 13)
#define ENTRY_LEVEL      (1u << 15)
#define ENTRY_MASKED     (1u << 16)

#define PINS_MAX 240u
#define GSI_MAX  4096u

struct ioapic {
    volatile uint8_t *registers;
    paddr_t address;
    unsigned int gsi_base, pins;
    uint32_t entry_low[PINS_MAX];
};

unsigned int gsi_count = 16;

static struct ioapic ioapics[ACPI_IOAPICS_MAX];
static unsigned int ioapic_count;
static uint8_t ioapic_of_gsi[GSI_MAX]; /* index + 1 */
static struct spinlock ioapic_lock = SPINLOCK_INIT(LOCK_IOAPIC);

static uint32_t register_read(struct ioapic *io, uint32_t reg)
{
    *(volatile uint32_t *)(io->registers + IOAPIC_SELECT) = reg;
    return *(volatile uint32_t *)(io->registers + IOAPIC_WINDOW);
}

static void register_write(struct ioapic *io, uint32_t reg, uint32_t value)
{
    *(volatile uint32_t *)(io->registers + IOAPIC_SELECT) = reg;
    *(volatile uint32_t *)(io->registers + IOAPIC_WINDOW) = value;
}

/* ---- a pin as an interrupt controller --------------------------------------------------------- */

static struct ioapic *pin_of(const struct irq_desc *desc, unsigned int *pin)
{
    struct ioapic *io = &ioapics[ioapic_of_gsi[desc->irq] - 1];

    *pin = desc->irq - io->gsi_base;
    return io;
}

static void pin_set_mask(struct irq_desc *desc, uint32_t mask)
{
    unsigned int pin;
    struct ioapic *io = pin_of(desc, &pin);
    unsigned long flags = spin_lock_irqsave(&ioapic_lock);

    io->entry_low[pin] = (io->entry_low[pin] & ~ENTRY_MASKED) | mask;
    register_write(io, REG_ENTRY(pin), io->entry_low[pin]);
    if (mask != 0) {
        (void)*(volatile uint32_t *)(io->registers + IOAPIC_WINDOW);
    }
    spin_unlock_irqrestore(&ioapic_lock, flags);
}

static void pin_mask(struct irq_desc *desc)
{
    pin_set_mask(desc, ENTRY_MASKED);
}

static void pin_unmask(struct irq_desc *desc)
{
    pin_set_mask(desc, 0);
}

/* The destination first: with the same vector number on both CPUs the switch is one write. */
static void pin_route(struct irq_desc *desc)
{
    unsigned int pin;
    struct ioapic *io = pin_of(desc, &pin);
    unsigned long flags = spin_lock_irqsave(&ioapic_lock);
    uint32_t low = io->entry_low[pin] & ENTRY_MASKED;

    low |=
        desc->vector | (desc->level ? ENTRY_LEVEL : 0) | (desc->active_low ? ENTRY_ACTIVE_LOW : 0);
    register_write(io, REG_ENTRY(pin) + 1, cpu_apic_id[desc->cpu] << 24);
    if (low != io->entry_low[pin]) {
        io->entry_low[pin] = low;
        register_write(io, REG_ENTRY(pin), low);
    }
    spin_unlock_irqrestore(&ioapic_lock, flags);
}

static const struct irq_controller pin_controller = {
    .name = "IO-APIC",
    .mask = pin_mask,
    .unmask = pin_unmask,
    .route = pin_route,
};

/* ---- set-up ---------------------------------------------------------------------------------- */

static void ioapic_add(const struct acpi_ioapic *found)
{
    struct ioapic *io = &ioapics[ioapic_count];

    io->registers = ioremap(found->address, IOAPIC_BYTES);
    if (io->registers == NULL) {
        pr_error("IO-APIC at %#llx: cannot be mapped\n", (unsigned long long)found->address);
        return;
    }
    io->address = found->address;
    io->gsi_base = found->gsi_base;
    io->pins = (register_read(io, REG_VERSION) >> 16 & 0xff) + 1;
    if (io->pins > PINS_MAX || io->gsi_base >= GSI_MAX || io->pins > GSI_MAX - io->gsi_base) {
        pr_error("IO-APIC at %#llx: nothing there, or its pins are out of range\n",
                 (unsigned long long)found->address);
        iounmap((void *)(uintptr_t)io->registers);
        return;
    }
    ioapic_count++;
    for (unsigned int pin = 0; pin < io->pins; pin++) {
        uint32_t low = register_read(io, REG_ENTRY(pin));

        if (ENTRY_MODE(low) == ENTRY_MODE_SMI && !(low & ENTRY_MASKED)) {
            continue;
        }
        io->entry_low[pin] = ENTRY_MASKED;
        register_write(io, REG_ENTRY(pin), ENTRY_MASKED);
        register_write(io, REG_ENTRY(pin) + 1, 0);
        if (ioapic_of_gsi[io->gsi_base + pin] == 0) {
            ioapic_of_gsi[io->gsi_base + pin] = (uint8_t)ioapic_count;
        }
    }
    gsi_count = max(gsi_count, io->gsi_base + io->pins);
    pr_info("IO-APIC at %#llx: GSIs %u to %u\n", (unsigned long long)io->address, io->gsi_base,
            io->gsi_base + io->pins - 1);
}

void ioapic_init(void)
{
    for (unsigned int i = 0; i < acpi_info.ioapic_count; i++) {
        ioapic_add(&acpi_info.ioapics[i]);
    }
    if (ioapic_count == 0) {
        pr_error("no IO-APIC: devices without message interrupts will not work\n");
    }
}

void ioapic_describe(void)
{
    for (unsigned int gsi = 0; gsi < gsi_count; gsi++) {
        struct irq_desc *desc = irq_desc_of(gsi);

        if (gsi < GSI_MAX && ioapic_of_gsi[gsi] != 0) {
            desc->controller = &pin_controller;
            /* PCI's way, until somebody knows better. */
            desc->level = gsi >= 16;
            desc->active_low = gsi >= 16;
        }
    }
    for (unsigned int isa = 0; isa < 16; isa++) {
        struct acpi_override wired = acpi_isa_irq(isa);
        struct irq_desc *desc = wired.gsi < gsi_count ? irq_desc_of(wired.gsi) : NULL;

        if (desc != NULL) {
            desc->level = wired.trigger == ACPI_TRIGGER_LEVEL;
            desc->active_low = wired.polarity == ACPI_POLARITY_LOW;
        }
    }
}

int ioapic_register_read(paddr_t base, uint32_t reg, uint32_t *value)
{
    for (unsigned int i = 0; i < ioapic_count; i++) {
        unsigned long flags;

        if (ioapics[i].address != base) {
            continue;
        }
        if (reg > REG_LAST) {
            return -XEN_EINVAL;
        }
        flags = spin_lock_irqsave(&ioapic_lock);
        *value = register_read(&ioapics[i], reg);
        spin_unlock_irqrestore(&ioapic_lock, flags);
        return 0;
    }
    return -XEN_EINVAL;
}
