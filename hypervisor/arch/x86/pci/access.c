/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Configuration space by hardware: ports 0xcf8 and 0xcfc for the first 256 bytes of segment 0 (PCI
 * 3.0, 3.2.2.3.2), the memory window (PCIe 5.0, 7.2.2) for all else.
 *
 * The window is mapped a bus (1 MiB) at a time, when something beyond the ports' reach is first asked
 * for with interrupts on. It is used when the firmware's memory map reserves it, or the hardware
 * domain found it reserved in the ACPI name space (PHYSDEVOP_pci_mmcfg_reserved).
 *
 * Locks: port_lock (LOCK_PCI), interrupts off, for the pair of ports; window maps only ever go from
 * NULL to a mapping, by compare-and-exchange.
 */
#include "arch/cpu.h"
#include "asm/msr.h"
#include "asm/paging.h"
#include "hypervisor/acpi.h"
#include "hypervisor/atomic.h"
#include "hypervisor/error.h"
#include "hypervisor/lock.h"
#include "hypervisor/pci.h"
#include "hypervisor/printk.h"

#define PORT_ADDRESS   0xcf8
#define PORT_DATA      0xcfc
#define ADDRESS_ENABLE 0x80000000u
#define BUS_BYTES      (1ull << 20)

struct window {
    struct acpi_mcfg where;
    bool usable;
    volatile uint8_t *buses[256];
};

static struct window windows[ACPI_MCFG_MAX];
static unsigned int window_count;
static struct spinlock port_lock = SPINLOCK_INIT(LOCK_PCI);

/* ---- ports ----------------------------------------------------------------------------------- */

static uint32_t port_address(struct pci_address address, unsigned int reg)
{
    return ADDRESS_ENABLE | (uint32_t)address.bus << 16 | (uint32_t)address.devfn << 8 |
           (reg & 0xfc);
}

static uint32_t ports_read(struct pci_address address, unsigned int reg, unsigned int bytes)
{
    unsigned long flags = spin_lock_irqsave(&port_lock);
    uint16_t port = PORT_DATA + (reg & 3);
    uint32_t value;

    io_write32(PORT_ADDRESS, port_address(address, reg));
    value = bytes == 1 ? io_read8(port) : bytes == 2 ? io_read16(port) : io_read32(port);
    spin_unlock_irqrestore(&port_lock, flags);
    return value;
}

static void ports_write(struct pci_address address, unsigned int reg, unsigned int bytes,
                        uint32_t value)
{
    unsigned long flags = spin_lock_irqsave(&port_lock);
    uint16_t port = PORT_DATA + (reg & 3);

    io_write32(PORT_ADDRESS, port_address(address, reg));
    if (bytes == 1) {
        io_write8(port, value);
    } else if (bytes == 2) {
        io_write16(port, value);
    } else {
        io_write32(port, value);
    }
    spin_unlock_irqrestore(&port_lock, flags);
}

/* ---- window ---------------------------------------------------------------------------------- */

static volatile uint8_t *bus_map(struct window *window, uint8_t bus)
{
    volatile uint8_t *map = atomic_read_acquire(&window->buses[bus]), *expected = NULL;

    if (map != NULL || !arch_irq_enabled()) {
        return map;
    }
    map = ioremap(window->where.base + bus * BUS_BYTES, BUS_BYTES);
    if (map != NULL && !atomic_compare_exchange(&window->buses[bus], &expected, map)) {
        iounmap((void *)(uintptr_t)map);
        map = expected;
    }
    return map;
}

/* The register in memory, NULL when it cannot be reached. */
static volatile uint8_t *window_register(struct pci_address address, unsigned int reg)
{
    for (unsigned int i = 0; i < window_count; i++) {
        struct window *window = &windows[i];
        volatile uint8_t *map;

        if (!window->usable || window->where.segment != address.segment ||
            address.bus < window->where.bus_first || address.bus > window->where.bus_last) {
            continue;
        }
        map = bus_map(window, address.bus);
        return map != NULL ? map + ((unsigned int)address.devfn << 12 | reg) : NULL;
    }
    return NULL;
}

uint32_t arch_pci_read(struct pci_address address, unsigned int reg, unsigned int bytes)
{
    volatile uint8_t *at;

    if (address.segment == 0 && reg < PCI_CONFIG_BYTES) {
        return ports_read(address, reg, bytes);
    }
    at = window_register(address, reg);
    if (at == NULL) {
        return bytes == 1 ? 0xff : bytes == 2 ? 0xffff : UINT32_MAX;
    }
    return bytes == 1 ? *at : bytes == 2 ? *(volatile uint16_t *)at : *(volatile uint32_t *)at;
}

void arch_pci_write(struct pci_address address, unsigned int reg, unsigned int bytes,
                    uint32_t value)
{
    volatile uint8_t *at;

    if (address.segment == 0 && reg < PCI_CONFIG_BYTES) {
        ports_write(address, reg, bytes, value);
        return;
    }
    at = window_register(address, reg);
    if (at == NULL) {
        return;
    }
    if (bytes == 1) {
        *at = value;
    } else if (bytes == 2) {
        *(volatile uint16_t *)at = value;
    } else {
        *(volatile uint32_t *)at = value;
    }
}

/* ---- set-up ---------------------------------------------------------------------------------- */

static bool is_reserved(paddr_t start, paddr_t end)
{
    for (unsigned int i = 0; i < memory_map_count; i++) {
        if (memory_map[i].type == MEMORY_RESERVED && memory_map[i].start <= start &&
            memory_map[i].end >= end) {
            return true;
        }
    }
    return false;
}

void pci_init(void)
{
    for (unsigned int i = 0; i < acpi_info.mcfg_count; i++) {
        struct window *window = &windows[window_count++];
        paddr_t start, end;

        window->where = acpi_info.mcfg[i];
        start = window->where.base + window->where.bus_first * BUS_BYTES;
        end = window->where.base + (window->where.bus_last + 1ull) * BUS_BYTES;
        window->usable = is_reserved(start, end);
        pr_info("PCI: segment %#x, buses %#x to %#x at %#llx%s\n", window->where.segment,
                window->where.bus_first, window->where.bus_last,
                (unsigned long long)window->where.base,
                window->usable ? "" : ", not reserved: not used");
    }
}

int pci_window_report(paddr_t base, uint16_t segment, uint8_t bus_first, uint8_t bus_last,
                      bool usable)
{
    for (unsigned int i = 0; i < window_count; i++) {
        struct window *window = &windows[i];

        if (window->where.base == base && window->where.segment == segment &&
            window->where.bus_first == bus_first && window->where.bus_last == bus_last) {
            WRITE_ONCE(window->usable, usable);
            return 0;
        }
    }
    return -XEN_ENODEV;
}
