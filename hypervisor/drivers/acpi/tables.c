/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Where the ACPI tables are, and what they said.
 *
 *     RSDP (from the loader, or found in the EBDA or below 1 MiB)
 *       '-- XSDT, or RSDT when there is none: addresses of tables
 *             '-- each table: mapped, its length read, mapped again in full, decoded (decode.c)
 *
 * The order matters where one table names what another explained: SRAT needs the MADT's processors,
 * SLIT the SRAT's proximity domains; so the list is walked once for each signature in that order.
 *
 * Invariants
 *  1. acpi_info is written by acpi_init only, before other CPUs run; read-only afterwards, no lock.
 *  2. acpi_info_valid(&acpi_info) after acpi_init, whatever the firmware holds.
 *  3. At most TABLE_BYTES_MAX bytes are ever mapped for a table, at most ACPI_TABLES_MAX tables are
 *     looked at: hostile lengths cost bounded time.
 *
 * Not guaranteed: that what the firmware says is true.
 */
#include "hypervisor/acpi.h"
#include "hypervisor/error.h"
#include "hypervisor/printk.h"
#include "hypervisor/string.h"

#define RSDP_V1_BYTES   20u
#define RSDP_V2_BYTES   36u
#define HEADER_BYTES    36u
#define TABLE_BYTES_MAX (1u << 20)
#define EBDA_POINTER    0x40eu
#define EBDA_SEARCHED   1024u
#define BIOS_AREA       0xe0000u
#define BIOS_AREA_BYTES 0x20000u

struct acpi_info acpi_info;

static bool sum_is_zero(const uint8_t *data, size_t bytes)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < bytes; i++) {
        sum += data[i];
    }
    return sum == 0;
}

static uint32_t read32(const uint8_t *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof(value));
    return value;
}

static uint64_t read64(const uint8_t *at)
{
    uint64_t value;

    memcpy(&value, at, sizeof(value));
    return value;
}

/* ---- RSDP: ACPI 6.4, 5.2.5 ------------------------------------------------------------------- */

static bool is_rsdp(const uint8_t *data)
{
    return memcmp(data, "RSD PTR ", 8) == 0 && sum_is_zero(data, RSDP_V1_BYTES);
}

static paddr_t rsdp_search(paddr_t from, size_t bytes)
{
    const uint8_t *area = acpi_map(from, bytes);
    paddr_t found = 0;

    if (area == NULL) {
        return 0;
    }
    for (size_t at = 0; at + RSDP_V1_BYTES <= bytes && found == 0; at += 16) {
        if (is_rsdp(area + at)) {
            found = from + at;
        }
    }
    acpi_unmap(area, bytes);
    return found;
}

static paddr_t rsdp_find(void)
{
    const uint8_t *pointer = acpi_map(EBDA_POINTER, 2);
    paddr_t ebda = 0, found = 0;

    if (pointer != NULL) {
        ebda = (paddr_t)(pointer[0] | pointer[1] << 8) << 4;
        acpi_unmap(pointer, 2);
    }
    if (ebda >= 0x400 && ebda < 0xa0000) {
        found = rsdp_search(ebda, EBDA_SEARCHED);
    }
    return found != 0 ? found : rsdp_search(BIOS_AREA, BIOS_AREA_BYTES);
}

/* Address of the XSDT or RSDT, 0 for none; *wide tells which. */
static paddr_t root_of(paddr_t rsdp, bool *wide)
{
    const uint8_t *data = acpi_map(rsdp, RSDP_V1_BYTES);
    paddr_t root = 0;
    uint8_t revision;

    *wide = false;
    if (data == NULL) {
        return 0;
    }
    if (!is_rsdp(data)) {
        acpi_unmap(data, RSDP_V1_BYTES);
        return 0;
    }
    revision = data[15];
    acpi_info.revision = revision;
    root = read32(data + 16);
    acpi_unmap(data, RSDP_V1_BYTES);
    if (revision < 2) {
        return root;
    }
    data = acpi_map(rsdp, RSDP_V2_BYTES);
    if (data != NULL) {
        if (sum_is_zero(data, RSDP_V2_BYTES) && read64(data + 24) != 0) {
            root = read64(data + 24);
            *wide = true;
        }
        acpi_unmap(data, RSDP_V2_BYTES);
    }
    return root;
}

/* ---- the list of tables ---------------------------------------------------------------------- */

/* Length of the table at `address` by its header, 0 when absurd; copies the signature. */
static uint32_t table_length(paddr_t address, char signature[4])
{
    const uint8_t *header = acpi_map(address, HEADER_BYTES);
    uint32_t bytes;

    if (header == NULL) {
        return 0;
    }
    memcpy(signature, header, 4);
    bytes = read32(header + 4);
    acpi_unmap(header, HEADER_BYTES);
    return bytes >= HEADER_BYTES && bytes <= TABLE_BYTES_MAX ? bytes : 0;
}

static void table_note(paddr_t address)
{
    struct acpi_table_entry *entry = &acpi_info.tables[acpi_info.table_count];
    uint32_t bytes;

    if (address == 0 || acpi_info.table_count == ARRAY_SIZE(acpi_info.tables)) {
        return;
    }
    bytes = table_length(address, entry->signature);
    if (bytes == 0) {
        pr_warning("ACPI: no usable table at %#llx\n", (unsigned long long)address);
        return;
    }
    entry->address = address;
    entry->bytes = bytes;
    acpi_info.table_count++;
}

static int tables_list(paddr_t root, bool wide)
{
    char signature[4];
    uint32_t bytes = table_length(root, signature);
    unsigned int width = wide ? 8 : 4;
    const uint8_t *table;

    if (bytes == 0 || memcmp(signature, wide ? "XSDT" : "RSDT", 4) != 0) {
        return -XEN_ENODEV;
    }
    table = acpi_map(root, bytes);
    if (table == NULL) {
        return -XEN_ENODEV;
    }
    if (!sum_is_zero(table, bytes)) {
        acpi_unmap(table, bytes);
        return -XEN_ENODEV;
    }
    for (size_t at = HEADER_BYTES; bytes - at >= width; at += width) {
        table_note(wide ? read64(table + at) : read32(table + at));
    }
    acpi_unmap(table, bytes);
    return 0;
}

static void tables_decode(const char *signature)
{
    for (unsigned int i = 0; i < acpi_info.table_count; i++) {
        struct acpi_table_entry *entry = &acpi_info.tables[i];
        const uint8_t *table;

        if (memcmp(entry->signature, signature, 4) != 0) {
            continue;
        }
        table = acpi_map(entry->address, entry->bytes);
        if (table == NULL) {
            continue;
        }
        if (acpi_table_decode(&acpi_info, table, entry->bytes) != 0) {
            pr_warning("ACPI: table %.4s at %#llx is damaged\n", signature,
                       (unsigned long long)entry->address);
        }
        acpi_unmap(table, entry->bytes);
    }
}

static void summary_print(void)
{
    pr_info("ACPI: RSDP %#llx, %u tables, %u CPUs, %u IO-APICs, %u nodes%s%s%s\n",
            (unsigned long long)acpi_info.rsdp, acpi_info.table_count, acpi_info.cpu_count,
            acpi_info.ioapic_count, acpi_info.node_count, acpi_info.hpet.base != 0 ? ", HPET" : "",
            acpi_info.fadt.pm_timer.address != 0 ? ", PM timer" : "",
            acpi_info.mcfg_count != 0 ? ", MCFG" : "");
    if (acpi_info.cpus_dropped != 0) {
        pr_warning("ACPI: %u CPUs ignored, this build is for %u\n", acpi_info.cpus_dropped,
                   CONFIG_MAX_CPUS);
    }
}

int acpi_init(paddr_t rsdp)
{
    static const char order[][5] = { "APIC", "FACP", "HPET", "MCFG", "SRAT", "SLIT" };
    bool wide = false;
    paddr_t root = 0;
    int error = -XEN_ENODEV;

    acpi_info_reset(&acpi_info);
    if (rsdp != 0) {
        root = root_of(rsdp, &wide);
    }
    if (root == 0) {
        rsdp = rsdp_find();
        root = rsdp != 0 ? root_of(rsdp, &wide) : 0;
    }
    if (root != 0) {
        acpi_info.rsdp = rsdp;
        error = tables_list(root, wide);
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(order); i++) {
        tables_decode(order[i]);
    }
    acpi_info_finish(&acpi_info);
    if (error == 0) {
        summary_print();
    }
    return error;
}

/* ---- questions ------------------------------------------------------------------------------- */

const struct acpi_cpu *acpi_cpu_find(uint32_t apic_id)
{
    for (unsigned int i = 0; i < acpi_info.cpu_count; i++) {
        if (acpi_info.cpus[i].apic_id == apic_id) {
            return &acpi_info.cpus[i];
        }
    }
    return NULL;
}

struct acpi_override acpi_isa_irq(unsigned int isa_irq)
{
    struct acpi_override found = { .isa_irq = isa_irq, .gsi = isa_irq };

    for (unsigned int i = 0; i < acpi_info.override_count; i++) {
        if (acpi_info.overrides[i].isa_irq == isa_irq) {
            found = acpi_info.overrides[i];
        }
    }
    if (found.trigger == ACPI_TRIGGER_DEFAULT) {
        found.trigger = ACPI_TRIGGER_EDGE;
    }
    if (found.polarity == ACPI_POLARITY_DEFAULT) {
        found.polarity = ACPI_POLARITY_HIGH;
    }
    return found;
}

unsigned int acpi_node_of_address(paddr_t address, paddr_t *end)
{
    paddr_t limit = ~0ull;
    unsigned int node = 0;

    for (unsigned int i = 0; i < acpi_info.range_count; i++) {
        const struct acpi_range *range = &acpi_info.ranges[i];

        if (address >= range->start && address < range->end) {
            node = range->node;
            limit = range->end;
            break;
        }
        if (range->start > address && range->start < limit) {
            limit = range->start;
        }
    }
    if (end != NULL) {
        *end = limit;
    }
    return node;
}

unsigned int acpi_node_of_proximity(uint32_t proximity)
{
    for (unsigned int i = 0; i < acpi_info.node_count; i++) {
        if (acpi_info.range_count + acpi_info.cpu_count != 0 &&
            acpi_info.node_proximity[i] == proximity) {
            return i;
        }
    }
    return ACPI_NODE_NONE;
}
