/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Decoders of single ACPI tables. Section numbers are those of the ACPI specification 6.4; MCFG is
 * the PCI Firmware Specification's, HPET the IA-PC HPET specification's.
 *
 * A table is a buffer with a length and nothing else is believed: every field is read through
 * field(), which gives 0 for what lies outside, and every list of entries ends at the first one that
 * is too short to hold its own header or reaches beyond the table. Nothing is aligned.
 *
 * Repeated tables: the entries of all are taken (a MADT split in two is seen in the wild); single
 * facts are taken from the last.
 */
#include "hypervisor/acpi.h"
#include "hypervisor/error.h"
#include "hypervisor/string.h"

#define HEADER_BYTES 36u

struct buffer {
    const uint8_t *data;
    size_t bytes;
};

/* Little-endian number of 1..8 bytes at `at`, 0 when any of it is outside. */
static uint64_t field(const struct buffer *table, size_t at, unsigned int bytes)
{
    uint64_t value = 0;

    if (at > table->bytes || table->bytes - at < bytes) {
        return 0;
    }
    for (unsigned int i = bytes; i-- > 0;) {
        value = value << 8 | table->data[at + i];
    }
    return value;
}

static struct acpi_address address_at(const struct buffer *table, size_t at)
{
    return (struct acpi_address){
        .space = field(table, at, 1),
        .bit_width = field(table, at + 1, 1),
        .bit_offset = field(table, at + 2, 1),
        .access = field(table, at + 3, 1),
        .address = field(table, at + 4, 8),
    };
}

/* ---- MADT: 5.2.12 ---------------------------------------------------------------------------- */

#define MADT_ENTRIES         44
#define MADT_PCAT_COMPAT     1u
#define MADT_LAPIC           0
#define MADT_IOAPIC          1
#define MADT_OVERRIDE        2
#define MADT_LAPIC_NMI       4
#define MADT_LAPIC_ADDRESS   5
#define MADT_X2APIC          9
#define MADT_X2APIC_NMI      10
#define MADT_ENABLED         1u
#define MADT_ONLINE_CAPABLE  2u
#define INTI_POLARITY(flags) ((flags)&3)
#define INTI_TRIGGER(flags)  ((flags) >> 2 & 3)

static struct acpi_cpu *cpu_by_apic_id(struct acpi_info *info, uint32_t apic_id)
{
    for (unsigned int i = 0; i < info->cpu_count; i++) {
        if (info->cpus[i].apic_id == apic_id) {
            return &info->cpus[i];
        }
    }
    return NULL;
}

static void cpu_add(struct acpi_info *info, uint32_t apic_id, uint32_t acpi_id, uint32_t flags)
{
    bool enabled = flags & MADT_ENABLED;
    bool online_capable = !enabled && (flags & MADT_ONLINE_CAPABLE);
    struct acpi_cpu *known = cpu_by_apic_id(info, apic_id);

    if (!enabled && !online_capable) {
        return;
    }
    if (known != NULL) {
        known->enabled |= enabled;
        return;
    }
    if (info->cpu_count == ARRAY_SIZE(info->cpus)) {
        info->cpus_dropped++;
        return;
    }
    info->cpus[info->cpu_count++] = (struct acpi_cpu){
        .apic_id = apic_id,
        .acpi_id = acpi_id,
        .enabled = enabled,
        .online_capable = online_capable,
        .node = ACPI_NODE_NONE,
    };
}

static void ioapic_add(struct acpi_info *info, uint8_t id, paddr_t address, uint32_t gsi_base)
{
    for (unsigned int i = 0; i < info->ioapic_count; i++) {
        if (info->ioapics[i].address == address || info->ioapics[i].gsi_base == gsi_base) {
            return;
        }
    }
    if (address == 0 || info->ioapic_count == ARRAY_SIZE(info->ioapics)) {
        return;
    }
    info->ioapics[info->ioapic_count++] =
        (struct acpi_ioapic){ .id = id, .gsi_base = gsi_base, .address = address };
}

static void override_add(struct acpi_info *info, uint8_t isa_irq, uint32_t gsi, uint16_t flags)
{
    static const uint8_t polarity[] = { ACPI_POLARITY_DEFAULT, ACPI_POLARITY_HIGH,
                                        ACPI_POLARITY_DEFAULT, ACPI_POLARITY_LOW };
    static const uint8_t trigger[] = { ACPI_TRIGGER_DEFAULT, ACPI_TRIGGER_EDGE,
                                       ACPI_TRIGGER_DEFAULT, ACPI_TRIGGER_LEVEL };

    if (isa_irq >= 16 || info->override_count == ARRAY_SIZE(info->overrides)) {
        return;
    }
    info->overrides[info->override_count++] = (struct acpi_override){
        .isa_irq = isa_irq,
        .gsi = gsi,
        .polarity = polarity[INTI_POLARITY(flags)],
        .trigger = trigger[INTI_TRIGGER(flags)],
    };
}

static void madt_entry(struct acpi_info *info, const struct buffer *e)
{
    uint32_t id;

    switch (field(e, 0, 1)) {
    case MADT_LAPIC:
        id = field(e, 3, 1);
        if (e->bytes >= 8 && id != 0xff) {
            cpu_add(info, id, field(e, 2, 1), field(e, 4, 4));
        }
        break;
    case MADT_X2APIC:
        id = field(e, 4, 4);
        if (e->bytes >= 16 && id != UINT32_MAX) {
            cpu_add(info, id, field(e, 12, 4), field(e, 8, 4));
        }
        break;
    case MADT_IOAPIC:
        if (e->bytes >= 12) {
            ioapic_add(info, field(e, 2, 1), field(e, 4, 4), field(e, 8, 4));
        }
        break;
    case MADT_OVERRIDE:
        if (e->bytes >= 10 && field(e, 2, 1) == 0) {
            override_add(info, field(e, 3, 1), field(e, 4, 4), field(e, 8, 2));
        }
        break;
    case MADT_LAPIC_NMI:
        if (e->bytes >= 6) {
            info->nmi_lint = field(e, 5, 1) & 1;
        }
        break;
    case MADT_X2APIC_NMI:
        if (e->bytes >= 12) {
            info->nmi_lint = field(e, 8, 1) & 1;
        }
        break;
    case MADT_LAPIC_ADDRESS:
        if (e->bytes >= 12) {
            info->lapic_address = field(e, 4, 8);
        }
        break;
    default:
        break;
    }
}

static void madt_decode(struct acpi_info *info, const struct buffer *table)
{
    size_t at = MADT_ENTRIES;

    info->lapic_address = field(table, 36, 4);
    info->has_8259 = field(table, 40, 4) & MADT_PCAT_COMPAT;
    while (at < table->bytes && table->bytes - at >= 2) {
        size_t bytes = table->data[at + 1];

        if (bytes < 2 || bytes > table->bytes - at) {
            break;
        }
        madt_entry(info, &(struct buffer){ table->data + at, bytes });
        at += bytes;
    }
}

/* ---- MCFG, HPET ------------------------------------------------------------------------------ */

#define MCFG_ENTRIES     44
#define MCFG_ENTRY_BYTES 16

static void mcfg_decode(struct acpi_info *info, const struct buffer *table)
{
    for (size_t at = MCFG_ENTRIES; at < table->bytes && table->bytes - at >= MCFG_ENTRY_BYTES &&
                                   info->mcfg_count < ARRAY_SIZE(info->mcfg);
         at += MCFG_ENTRY_BYTES) {
        struct acpi_mcfg window = {
            .base = field(table, at, 8),
            .segment = field(table, at + 8, 2),
            .bus_first = field(table, at + 10, 1),
            .bus_last = field(table, at + 11, 1),
        };

        /* Below 2^52, a MiB a bus, and in order. */
        if (window.base == 0 || window.base & 0xfffff || window.base >> 52 ||
            window.bus_first > window.bus_last) {
            continue;
        }
        info->mcfg[info->mcfg_count++] = window;
    }
}

static void hpet_decode(struct acpi_info *info, const struct buffer *table)
{
    struct acpi_address base = address_at(table, 40);

    if (base.space != ACPI_SPACE_MEMORY || base.address == 0 || base.address >> 52) {
        return;
    }
    info->hpet = (struct acpi_hpet){
        .base = base.address,
        .event_timer_block_id = field(table, 36, 4),
        .number = field(table, 52, 1),
    };
}

/* ---- FADT: 5.2.9 ----------------------------------------------------------------------------- */

#define FADT_RESET_SUPPORTED  (1u << 10)
#define FADT_TIMER_32BIT      (1u << 8)
#define FADT_PHYSICAL_MODE    (1u << 19)
#define FADT_HARDWARE_REDUCED (1u << 20)
#define BOOT_LEGACY_DEVICES   (1u << 0)
#define BOOT_NO_VGA           (1u << 2)
#define BOOT_NO_MSI           (1u << 3)
#define BOOT_NO_CMOS_RTC      (1u << 5)

/* The 64-bit form at `wide` when it is set, else I/O port at `narrow` of the given length. */
static struct acpi_address fadt_register(const struct buffer *table, size_t wide, size_t narrow,
                                         size_t length)
{
    struct acpi_address reg = address_at(table, wide);

    if (reg.address == 0 || reg.space > ACPI_SPACE_IO) {
        uint8_t bytes = field(table, length, 1);

        reg = (struct acpi_address){
            .space = ACPI_SPACE_IO,
            .bit_width = bytes > 8 ? 64 : bytes * 8,
            .address = field(table, narrow, 4),
        };
    }
    return reg;
}

static void fadt_decode(struct acpi_info *info, const struct buffer *table)
{
    struct acpi_fadt *fadt = &info->fadt;
    uint32_t flags = field(table, 112, 4);
    uint32_t boot = field(table, 109, 2);
    uint8_t revision = field(table, 8, 1);

    if (table->bytes < 116) {
        return;
    }
    memset(fadt, 0, sizeof(*fadt));
    fadt->present = true;
    fadt->sci_irq = field(table, 46, 2);
    fadt->facs = field(table, 132, 8);
    if (fadt->facs == 0) {
        fadt->facs = field(table, 36, 4);
    }
    fadt->dsdt = field(table, 140, 8);
    if (fadt->dsdt == 0) {
        fadt->dsdt = field(table, 40, 4);
    }
    fadt->pm1a_event = fadt_register(table, 148, 56, 88);
    fadt->pm1b_event = fadt_register(table, 160, 60, 88);
    fadt->pm1a_control = fadt_register(table, 172, 64, 89);
    fadt->pm1b_control = fadt_register(table, 184, 68, 89);
    fadt->pm_timer = fadt_register(table, 208, 76, 91);
    fadt->pm_timer_32bit = flags & FADT_TIMER_32BIT;
    fadt->century = field(table, 108, 1);
    fadt->reset_supported = (flags & FADT_RESET_SUPPORTED) && table->bytes >= 129;
    fadt->reset = address_at(table, 116);
    fadt->reset_value = field(table, 128, 1);
    fadt->apic_physical_mode = flags & FADT_PHYSICAL_MODE;
    if (revision >= 3) {
        fadt->no_legacy_devices = !(boot & BOOT_LEGACY_DEVICES);
        fadt->no_vga = boot & BOOT_NO_VGA;
        fadt->no_msi = boot & BOOT_NO_MSI;
        fadt->no_cmos_rtc = boot & BOOT_NO_CMOS_RTC;
    }
    if (revision >= 5) {
        fadt->hardware_reduced = flags & FADT_HARDWARE_REDUCED;
        fadt->sleep_control = address_at(table, 244);
        fadt->sleep_status = address_at(table, 256);
    }
}

/* ---- SRAT: 5.2.16, SLIT: 5.2.17 -------------------------------------------------------------- */

#define SRAT_ENTRIES       48
#define SRAT_LAPIC         0
#define SRAT_MEMORY        1
#define SRAT_X2APIC        2
#define SRAT_ENABLED       1u
#define SRAT_HOT_PLUGGABLE 2u

/* Number of a proximity domain, given on first sight; ACPI_NODE_NONE when all are taken. */
static uint8_t node_of(struct acpi_info *info, uint32_t proximity)
{
    for (unsigned int i = 0; i < info->node_count; i++) {
        if (info->node_proximity[i] == proximity) {
            return i;
        }
    }
    if (info->node_count == ARRAY_SIZE(info->node_proximity)) {
        return ACPI_NODE_NONE;
    }
    info->node_proximity[info->node_count] = proximity;
    return info->node_count++;
}

/* tables.c decodes the MADT first: a processor it does not list does not exist. */
static void cpu_affinity(struct acpi_info *info, uint32_t apic_id, uint32_t proximity)
{
    struct acpi_cpu *cpu = cpu_by_apic_id(info, apic_id);
    uint8_t node = cpu != NULL ? node_of(info, proximity) : ACPI_NODE_NONE;

    if (node != ACPI_NODE_NONE) {
        cpu->node = node;
    }
}

static void memory_affinity(struct acpi_info *info, const struct buffer *e)
{
    uint64_t start = field(e, 8, 8), length = field(e, 16, 8);
    uint32_t flags = field(e, 28, 4);
    uint8_t node;

    if (!(flags & SRAT_ENABLED) || length == 0 || start >> 52 || length > (1ull << 52) - start ||
        info->range_count == ARRAY_SIZE(info->ranges)) {
        return;
    }
    for (unsigned int i = 0; i < info->range_count; i++) {
        if (start < info->ranges[i].end && start + length > info->ranges[i].start) {
            return;
        }
    }
    node = node_of(info, field(e, 2, 4));
    if (node != ACPI_NODE_NONE) {
        info->ranges[info->range_count++] = (struct acpi_range){
            .start = start,
            .end = start + length,
            .node = node,
            .hot_pluggable = flags & SRAT_HOT_PLUGGABLE,
        };
    }
}

static void srat_decode(struct acpi_info *info, const struct buffer *table)
{
    bool wide = field(table, 8, 1) >= 2; /* revision 1 has 8-bit proximity domains */
    size_t at = SRAT_ENTRIES;

    while (at < table->bytes && table->bytes - at >= 2) {
        struct buffer e = { table->data + at, table->data[at + 1] };
        uint32_t proximity;

        if (e.bytes < 2 || e.bytes > table->bytes - at) {
            break;
        }
        switch (field(&e, 0, 1)) {
        case SRAT_LAPIC:
            proximity = field(&e, 2, 1);
            if (wide) {
                proximity |= (uint32_t)field(&e, 9, 3) << 8;
            }
            if (e.bytes >= 16 && field(&e, 4, 4) & SRAT_ENABLED) {
                cpu_affinity(info, field(&e, 3, 1), proximity);
            }
            break;
        case SRAT_MEMORY:
            if (e.bytes >= 40) {
                memory_affinity(info, &e);
            }
            break;
        case SRAT_X2APIC:
            if (e.bytes >= 24 && field(&e, 12, 4) & SRAT_ENABLED) {
                cpu_affinity(info, field(&e, 8, 4), field(&e, 4, 4));
            }
            break;
        default:
            break;
        }
        at += e.bytes;
    }
}

static void slit_decode(struct acpi_info *info, const struct buffer *table)
{
    uint64_t count = field(table, 36, 8);

    /* Localities are proximity domains; a matrix that does not fit the table is no matrix. */
    if (count == 0 || count > 4096 || table->bytes - 44 < count * count) {
        return;
    }
    for (unsigned int i = 0; i < info->node_count; i++) {
        for (unsigned int j = 0; j < info->node_count; j++) {
            uint64_t from = info->node_proximity[i], to = info->node_proximity[j];

            if (from < count && to < count) {
                info->distance[i][j] = field(table, 44 + from * count + to, 1);
            }
        }
    }
}

/* ---- all ------------------------------------------------------------------------------------- */

static const struct {
    char signature[5];
    uint8_t bytes_min;
    void (*decode)(struct acpi_info *info, const struct buffer *table);
} decoders[] = {
    { "APIC", 44, madt_decode },  { "MCFG", 44, mcfg_decode }, { "HPET", 56, hpet_decode },
    { "FACP", 116, fadt_decode }, { "SRAT", 48, srat_decode }, { "SLIT", 44, slit_decode },
};

int acpi_table_decode(struct acpi_info *info, const uint8_t *table, size_t bytes)
{
    struct buffer whole = { table, bytes };
    uint8_t sum = 0;

    whole.bytes = field(&whole, 4, 4);
    if (bytes < HEADER_BYTES || whole.bytes < HEADER_BYTES || whole.bytes > bytes) {
        return -XEN_EINVAL;
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(decoders); i++) {
        if (memcmp(table, decoders[i].signature, 4) != 0) {
            continue;
        }
        for (size_t at = 0; at < whole.bytes; at++) {
            sum += table[at];
        }
        if (sum != 0 || whole.bytes < decoders[i].bytes_min) {
            return -XEN_EINVAL;
        }
        decoders[i].decode(info, &whole);
        return 0;
    }
    return -XEN_ENOENT;
}

void acpi_info_reset(struct acpi_info *info)
{
    memset(info, 0, sizeof(*info));
    info->nmi_lint = 0xff;
    info->has_8259 = true;
}

void acpi_info_finish(struct acpi_info *info)
{
    if (info->node_count == 0) {
        info->node_count = 1;
    }
    for (unsigned int i = 0; i < info->cpu_count; i++) {
        if (info->cpus[i].node == ACPI_NODE_NONE) {
            info->cpus[i].node = 0;
        }
    }
    for (unsigned int i = 0; i < info->node_count; i++) {
        for (unsigned int j = 0; j < info->node_count; j++) {
            uint8_t *distance = &info->distance[i][j];

            /* 5.2.17: 10 is local, smaller values are reserved. */
            if (i == j) {
                *distance = 10;
            } else if (*distance <= 10) {
                *distance = 20;
            }
        }
    }
}

bool acpi_info_valid(const struct acpi_info *info)
{
    if (info->cpu_count > ARRAY_SIZE(info->cpus) ||
        info->ioapic_count > ARRAY_SIZE(info->ioapics) ||
        info->override_count > ARRAY_SIZE(info->overrides) ||
        info->mcfg_count > ARRAY_SIZE(info->mcfg) || info->range_count > ARRAY_SIZE(info->ranges) ||
        info->table_count > ARRAY_SIZE(info->tables) ||
        info->node_count > ARRAY_SIZE(info->node_proximity) || info->node_count == 0) {
        return false;
    }
    for (unsigned int i = 0; i < info->cpu_count; i++) {
        if (info->cpus[i].node >= info->node_count) {
            return false;
        }
    }
    for (unsigned int i = 0; i < info->range_count; i++) {
        const struct acpi_range *range = &info->ranges[i];

        if (range->start >= range->end || range->node >= info->node_count) {
            return false;
        }
    }
    for (unsigned int i = 0; i < info->mcfg_count; i++) {
        if (info->mcfg[i].bus_first > info->mcfg[i].bus_last) {
            return false;
        }
    }
    return true;
}
