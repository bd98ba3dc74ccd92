/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * What of the machine dom0 may touch: everything but what the hypervisor drives itself. Memory that is
 * RAM is never device memory: it is reached by ownership alone (arch/x86/pagetype).
 */
#include "dom0.h"
#include "asm/cpu_features.h"
#include "asm/irq.h"
#include "asm/paging.h"
#include "hypervisor/acpi.h"
#include "hypervisor/rangeset.h"
#include "hypervisor/uart.h"

#define PORT_LAST      0xffffu
#define LOCAL_APIC_MFN 0xfee00ull

struct port_range {
    uint16_t first, last;
};

/* Interrupt controllers and the timer of the PC; 0xcf8 is emulated (arch/x86/pv/emulate_io.c). */
static const struct port_range hypervisor_ports[] = {
    { 0x20, 0x21 },
    { 0xa0, 0xa1 },
    { 0x40, 0x43 },
    { 0x4d0, 0x4d1 },
};

static int grant_ports(struct domain *domain)
{
    int error = rangeset_add_range(domain->arch.io_ports, 0, PORT_LAST), irq;
    uint16_t first, last;

    for (unsigned int i = 0; !error && i < ARRAY_SIZE(hypervisor_ports); i++) {
        error = rangeset_remove_range(domain->arch.io_ports, hypervisor_ports[i].first,
                                      hypervisor_ports[i].last);
    }
    if (!error && uart_claimed(&first, &last, &irq)) {
        error = rangeset_remove_range(domain->arch.io_ports, first, last);
    }
    return error;
}

static int grant_memory(struct domain *domain)
{
    uint64_t last = (1ull << (boot_cpu.physical_bits - PAGE_SHIFT)) - 1;
    int error = rangeset_add_range(domain->arch.io_memory, 0, last);

    for (unsigned int i = 0; !error && i < memory_map_count; i++) {
        /* A page that is RAM in part only is firmware's. */
        uint64_t from = DIV_ROUND_UP(memory_map[i].start, PAGE_SIZE);
        uint64_t to = memory_map[i].end >> PAGE_SHIFT;

        if (memory_map[i].type == MEMORY_RAM && from < to) {
            error = rangeset_remove_range(domain->arch.io_memory, from, to - 1);
        }
    }
    if (!error) {
        error = rangeset_remove_range(domain->arch.io_memory, LOCAL_APIC_MFN, LOCAL_APIC_MFN);
    }
    for (unsigned int i = 0; !error && i < acpi_info.ioapic_count; i++) {
        uint64_t mfn = acpi_info.ioapics[i].address >> PAGE_SHIFT;

        error = rangeset_remove_range(domain->arch.io_memory, mfn, mfn);
    }
    return error;
}

int dom0_grant_hardware(struct domain *domain)
{
    int error = grant_ports(domain);

    if (!error) {
        error = grant_memory(domain);
    }
    if (!error) {
        error = rangeset_add_range(domain->arch.irqs, 0, irq_count - 1);
    }
    return error;
}
