/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Firmware tables in memory, and the NUMA nodes of processors. */
#include "arch/cpu.h"
#include "arch/memory.h"
#include "asm/paging.h"
#include "asm/smp.h"
#include "hypervisor/acpi.h"

const void *acpi_map(paddr_t address, size_t bytes)
{
    if (direct_map_covers(address, bytes)) {
        return paddr_to_virt(address);
    }
    return memory_remap(address, bytes);
}

void acpi_unmap(const void *mapping, size_t bytes)
{
    if (mapping != NULL && (uintptr_t)mapping < DIRECT_MAP_START) {
        iounmap((void *)(uintptr_t)mapping);
    }
}

unsigned int arch_cpu_node(unsigned int cpu)
{
    const struct acpi_cpu *found = cpu < CONFIG_MAX_CPUS ? acpi_cpu_find(cpu_apic_id[cpu]) : NULL;

    return found != NULL ? found->node : 0;
}
