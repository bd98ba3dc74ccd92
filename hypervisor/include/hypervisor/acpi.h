/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * What the ACPI tables tell: processors, IO-APICs, interrupt overrides, timers, the PCI memory
 * window, power-management registers, NUMA affinity. Static tables only; there is no AML
 * interpreter, which is the hardware domain's business. Theory: drivers/acpi/tables.c.
 */
#ifndef HYPERVISOR_ACPI_H
#define HYPERVISOR_ACPI_H

#include "hypervisor/types.h"

struct xenpf_enter_acpi_sleep;

#define ACPI_IOAPICS_MAX   64
#define ACPI_OVERRIDES_MAX 32
#define ACPI_MCFG_MAX      32
#define ACPI_RANGES_MAX    (CONFIG_MAX_NUMA_NODES * 8)
#define ACPI_TABLES_MAX    128
#define ACPI_NODE_NONE     0xffu

/* Generic address structure (ACPI 6.4, 5.2.3.2). */
enum acpi_space { ACPI_SPACE_MEMORY = 0, ACPI_SPACE_IO = 1, ACPI_SPACE_PCI = 2 };
struct acpi_address {
    uint8_t space, bit_width, bit_offset, access;
    uint64_t address; /* 0: the register does not exist */
};

struct acpi_cpu {
    uint32_t apic_id;
    uint32_t acpi_id;    /* processor UID */
    bool enabled;        /* may be started now */
    bool online_capable; /* may come later by hot-plug */
    uint8_t node;        /* by SRAT, 0 without one */
};

struct acpi_ioapic {
    uint8_t id;
    uint32_t gsi_base;
    paddr_t address;
};

enum acpi_trigger { ACPI_TRIGGER_DEFAULT, ACPI_TRIGGER_EDGE, ACPI_TRIGGER_LEVEL };
enum acpi_polarity { ACPI_POLARITY_DEFAULT, ACPI_POLARITY_HIGH, ACPI_POLARITY_LOW };

/* An ISA interrupt that is not wired to the GSI of its number, or not edge and active high. */
struct acpi_override {
    uint8_t isa_irq;
    uint8_t trigger;  /* enum acpi_trigger */
    uint8_t polarity; /* enum acpi_polarity */
    uint32_t gsi;
};

struct acpi_mcfg {
    paddr_t base; /* of bus 0 of the segment, though the window may begin later */
    uint16_t segment;
    uint8_t bus_first, bus_last;
};

struct acpi_hpet {
    paddr_t base; /* 0: none */
    uint32_t event_timer_block_id;
    uint8_t number;
};

struct acpi_fadt {
    bool present;
    uint16_t sci_irq;
    struct acpi_address pm1a_event, pm1b_event, pm1a_control, pm1b_control, pm_timer, reset;
    struct acpi_address sleep_control, sleep_status; /* hardware-reduced machines */
    uint8_t reset_value;
    bool reset_supported;
    bool pm_timer_32bit;
    bool hardware_reduced;
    bool no_legacy_devices, no_vga, no_cmos_rtc, no_msi;
    bool apic_physical_mode;
    paddr_t facs, dsdt;
    uint32_t century; /* CMOS index, 0 when none */
};

/* Memory of a node (SRAT). */
struct acpi_range {
    paddr_t start, end;
    uint8_t node;
    bool hot_pluggable;
};

struct acpi_table_entry {
    char signature[4];
    paddr_t address;
    uint32_t bytes;
};

struct acpi_info {
    paddr_t rsdp; /* 0: no ACPI */
    uint8_t revision;
    unsigned int table_count;
    struct acpi_table_entry tables[ACPI_TABLES_MAX];

    /* MADT */
    paddr_t lapic_address;
    bool has_8259;
    unsigned int cpu_count; /* entries stored; the firmware's order */
    unsigned int cpus_dropped;
    struct acpi_cpu cpus[CONFIG_MAX_CPUS];
    unsigned int ioapic_count;
    struct acpi_ioapic ioapics[ACPI_IOAPICS_MAX];
    unsigned int override_count;
    struct acpi_override overrides[ACPI_OVERRIDES_MAX];
    uint8_t nmi_lint; /* LINT pin the NMI is wired to on all CPUs, 0xff unknown */

    unsigned int mcfg_count;
    struct acpi_mcfg mcfg[ACPI_MCFG_MAX];
    struct acpi_hpet hpet;
    struct acpi_fadt fadt;

    /* SRAT and SLIT: proximity domains are numbered 0.. in order of appearance */
    unsigned int node_count; /* at least 1 */
    uint32_t node_proximity[CONFIG_MAX_NUMA_NODES];
    unsigned int range_count;
    struct acpi_range ranges[ACPI_RANGES_MAX];
    uint8_t distance[CONFIG_MAX_NUMA_NODES]
                    [CONFIG_MAX_NUMA_NODES]; /* 10 local, 20 unknown remote */
};

extern struct acpi_info acpi_info;

/*
 * Boot CPU, once: finds the RSDP (0: searches the EBDA and the BIOS area), walks RSDT or XSDT, and
 * fills acpi_info. Needs acpi_map() only: no heap. 0, or -XEN_ENODEV when there is no usable ACPI
 * (acpi_info then describes a machine with one CPU, no IO-APIC and one node).
 */
int acpi_init(paddr_t rsdp) __must_check;

/*
 * The decoders. `table` holds `bytes` bytes of one table, header included, as found in memory; what it
 * says is not trusted. 0, -XEN_EINVAL when the header does not fit or the checksum is wrong (nothing
 * changed), -XEN_ENOENT for a table nobody asks about. Entries that make no sense are left out.
 */
int acpi_table_decode(struct acpi_info *info, const uint8_t *table, size_t bytes) __must_check;

/* After all tables: assigns nodes to CPUs, fills in distances. acpi_init does it. */
void acpi_info_reset(struct acpi_info *info);
void acpi_info_finish(struct acpi_info *info);

/* Invariants: counts within their arrays, nodes < node_count, ranges not empty. */
bool acpi_info_valid(const struct acpi_info *info);

/*
 * Contract, every architecture provides: `bytes` bytes of physical memory at `address`, readable until
 * acpi_unmap; NULL when it cannot be mapped. On the host: a test's buffer.
 */
const void *acpi_map(paddr_t address, size_t bytes);
void acpi_unmap(const void *mapping, size_t bytes);

/* Processor with this APIC id, NULL when the tables know none. */
const struct acpi_cpu *acpi_cpu_find(uint32_t apic_id);

/* GSI (and how it is wired) of an ISA interrupt 0..15: identity, edge, high unless overridden. */
struct acpi_override acpi_isa_irq(unsigned int isa_irq);

/* Node of a physical address, 0 when the tables do not say. *end, when not NULL, is where the
 * answer stops to hold (the end of the range, or the start of the next one). */
unsigned int acpi_node_of_address(paddr_t address, paddr_t *end);

/* Node of a proximity domain, ACPI_NODE_NONE when unknown. */
unsigned int acpi_node_of_proximity(uint32_t proximity);

/* ---- x86 only: arch/x86/acpi ----------------------------------------------------------------- */

/*
 * XENPF_enter_acpi_sleep. S5 does not return when the machine turns off. -XEN_ENOSYS for S1..S4,
 * -XEN_EINVAL for a bad state or value, -XEN_ENODEV without the registers, -XEN_EIO when the machine
 * is still on after the writes.
 */
int acpi_enter_sleep(const struct xenpf_enter_acpi_sleep *op) __must_check;

/* Writes the FADT's reset register; returns when there is none or it did nothing. */
void acpi_reset(void);

/* Reads and writes one register of at most 32 bits in memory or I/O space. -XEN_ENODEV otherwise. */
int acpi_register_read(const struct acpi_address *reg, uint32_t *value) __must_check;
int acpi_register_write(const struct acpi_address *reg, uint32_t value) __must_check;

#endif
