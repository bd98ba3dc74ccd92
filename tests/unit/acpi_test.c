/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* ACPI tables as firmware writes them, and as it must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "hypervisor/error.h"
#include "support/acpi_memory.h"

static struct acpi_builder b;

static int setup(void **state)
{
    memset(acpi_memory, 0, sizeof(acpi_memory));
    acpi_info_reset(&acpi_info);
    acpi_mappings = 0;
    return 0;
}

static int teardown(void **state)
{
    assert_int_equal(acpi_mappings, 0);
    return 0;
}

static void put_lapic(uint8_t uid, uint8_t apic_id, uint32_t flags)
{
    acpi_put(&b, 0 | 8 << 8, 2);
    acpi_put(&b, uid, 1);
    acpi_put(&b, apic_id, 1);
    acpi_put(&b, flags, 4);
}

static void put_x2apic(uint32_t apic_id, uint32_t flags, uint32_t uid)
{
    acpi_put(&b, 9 | 16 << 8, 4);
    acpi_put(&b, apic_id, 4);
    acpi_put(&b, flags, 4);
    acpi_put(&b, uid, 4);
}

static void put_ioapic(uint8_t id, uint32_t address, uint32_t gsi_base)
{
    acpi_put(&b, 1 | 12 << 8, 2);
    acpi_put(&b, id, 2);
    acpi_put(&b, address, 4);
    acpi_put(&b, gsi_base, 4);
}

static void put_override(uint8_t irq, uint32_t gsi, uint16_t flags)
{
    acpi_put(&b, 2 | 10 << 8, 2);
    acpi_put(&b, 0, 1);
    acpi_put(&b, irq, 1);
    acpi_put(&b, gsi, 4);
    acpi_put(&b, flags, 2);
}

static void begin_madt(void)
{
    acpi_begin(&b, "APIC", 3);
    acpi_put(&b, 0xfee00000, 4);
    acpi_put(&b, 1, 4);
}

static int decode(void)
{
    uint8_t *exact = malloc(b.bytes);
    int rc;

    memcpy(exact, b.data, b.bytes);
    rc = acpi_table_decode(&acpi_info, exact, b.bytes);
    free(exact);
    return rc;
}

static void test_madt(void **state)
{
    begin_madt();
    put_lapic(1, 0, 1);
    put_lapic(2, 2, 1);
    put_lapic(3, 4, 0);    /* not there */
    put_lapic(4, 6, 2);    /* may come */
    put_lapic(5, 0xff, 1); /* no id */
    put_lapic(6, 2, 1);    /* again */
    put_x2apic(0x123, 1, 77);
    put_ioapic(8, 0xfec00000, 0);
    put_ioapic(9, 0xfec10000, 24);
    put_override(0, 2, 0);
    put_override(9, 9, 0xd);
    acpi_put(&b, 4 | 6 << 8, 2);
    acpi_put(&b, 0xff, 1);
    acpi_put(&b, 5, 2);
    acpi_put(&b, 1, 1);
    acpi_end(&b);
    assert_int_equal(decode(), 0);
    acpi_info_finish(&acpi_info);
    assert_true(acpi_info_valid(&acpi_info));
    assert_int_equal(acpi_info.cpu_count, 4);
    assert_int_equal(acpi_info.cpus[1].apic_id, 2);
    assert_int_equal(acpi_info.cpus[1].acpi_id, 2);
    assert_false(acpi_info.cpus[2].enabled);
    assert_true(acpi_info.cpus[2].online_capable);
    assert_int_equal(acpi_info.cpus[3].apic_id, 0x123);
    assert_int_equal(acpi_info.cpus[3].acpi_id, 77);
    assert_int_equal(acpi_info.ioapic_count, 2);
    assert_int_equal(acpi_info.ioapics[1].gsi_base, 24);
    assert_int_equal(acpi_info.nmi_lint, 1);
    assert_int_equal(acpi_isa_irq(0).gsi, 2);
    assert_int_equal(acpi_isa_irq(0).trigger, ACPI_TRIGGER_EDGE);
    assert_int_equal(acpi_isa_irq(9).trigger, ACPI_TRIGGER_LEVEL);
    assert_int_equal(acpi_isa_irq(9).polarity, ACPI_POLARITY_HIGH);
    assert_int_equal(acpi_isa_irq(4).gsi, 4);
    assert_non_null(acpi_cpu_find(0x123));
    assert_null(acpi_cpu_find(0x124));
}

static void test_madt_too_many_cpus(void **state)
{
    for (unsigned int base = 0; base < 2 * CONFIG_MAX_CPUS; base += 100) {
        begin_madt();
        for (unsigned int i = 0; i < 100; i++) {
            put_x2apic(base + i, 1, i);
        }
        acpi_end(&b);
        assert_int_equal(decode(), 0);
    }
    acpi_info_finish(&acpi_info);
    assert_int_equal(acpi_info.cpu_count, CONFIG_MAX_CPUS);
    assert_true(acpi_info.cpus_dropped > 0);
    assert_true(acpi_info_valid(&acpi_info));
}

static void test_madt_bad_lengths(void **state)
{
    begin_madt();
    put_lapic(1, 0, 1);
    acpi_put(&b, 0 | 0 << 8, 2); /* an entry of length 0 ends the list */
    put_lapic(2, 1, 1);
    acpi_end(&b);
    assert_int_equal(decode(), 0);
    assert_int_equal(acpi_info.cpu_count, 1);

    begin_madt();
    acpi_put(&b, 0 | 200 << 8, 2); /* reaches beyond the table */
    put_lapic(2, 1, 1);
    acpi_end(&b);
    assert_int_equal(decode(), 0);
    assert_int_equal(acpi_info.cpu_count, 1);

    begin_madt();
    acpi_put(&b, 1 | 4 << 8, 4); /* an IO-APIC too short to have an address */
    acpi_end(&b);
    assert_int_equal(decode(), 0);
    assert_int_equal(acpi_info.ioapic_count, 0);
}

static void test_header_checks(void **state)
{
    uint32_t bytes;

    begin_madt();
    acpi_end(&b);
    b.data[9]++;
    assert_int_equal(decode(), -XEN_EINVAL);
    b.data[9]--;
    assert_int_equal(decode(), 0);
    bytes = (uint32_t)b.bytes + 1;
    memcpy(b.data + 4, &bytes, 4);
    assert_int_equal(decode(), -XEN_EINVAL);
    bytes = 10;
    memcpy(b.data + 4, &bytes, 4);
    assert_int_equal(decode(), -XEN_EINVAL);
    assert_int_equal(acpi_table_decode(&acpi_info, b.data, 20), -XEN_EINVAL);
    assert_int_equal(acpi_table_decode(&acpi_info, b.data, 0), -XEN_EINVAL);
    acpi_begin(&b, "SSDT", 2);
    acpi_end(&b);
    assert_int_equal(decode(), -XEN_ENOENT);
    acpi_begin(&b, "HPET", 1); /* a right checksum on a table too short */
    acpi_end(&b);
    assert_int_equal(decode(), -XEN_EINVAL);
}

static void put_gas(uint8_t space, uint8_t width, uint64_t address)
{
    acpi_put(&b, space | width << 8, 4);
    acpi_put(&b, address, 8);
}

static void test_fadt(void **state)
{
    acpi_begin(&b, "FACP", 3);
    b.bytes = 244;
    b.data[46] = 9;
    memcpy(b.data + 64, &(uint32_t){ 0x604 }, 4);
    memcpy(b.data + 76, &(uint32_t){ 0x608 }, 4);
    b.data[89] = 2;
    b.data[91] = 4;
    b.data[108] = 0x32;
    memcpy(b.data + 109, &(uint16_t){ 3 }, 2);
    memcpy(b.data + 112, &(uint32_t){ 1u << 10 | 1u << 8 }, 4);
    b.bytes = 116;
    put_gas(ACPI_SPACE_IO, 8, 0xcf9);
    b.data[128] = 0x0f;
    b.bytes = 172;
    put_gas(ACPI_SPACE_IO, 16, 0x1604);
    b.bytes = 244;
    acpi_end(&b);
    assert_int_equal(decode(), 0);
    assert_true(acpi_info.fadt.present);
    assert_int_equal(acpi_info.fadt.sci_irq, 9);
    assert_int_equal(acpi_info.fadt.pm1a_control.address, 0x1604); /* the wide one wins */
    assert_int_equal(acpi_info.fadt.pm_timer.address, 0x608);
    assert_int_equal(acpi_info.fadt.pm_timer.bit_width, 32);
    assert_true(acpi_info.fadt.pm_timer_32bit);
    assert_true(acpi_info.fadt.reset_supported);
    assert_int_equal(acpi_info.fadt.reset.address, 0xcf9);
    assert_int_equal(acpi_info.fadt.reset_value, 0x0f);
    assert_int_equal(acpi_info.fadt.century, 0x32);
    assert_int_equal(acpi_info.fadt.pm1b_control.address, 0);
}

static void test_mcfg_and_hpet(void **state)
{
    acpi_begin(&b, "MCFG", 1);
    acpi_put(&b, 0, 8);
    acpi_put(&b, 0xb0000000, 8);
    acpi_put(&b, 0, 2);
    acpi_put(&b, 0, 1);
    acpi_put(&b, 0xff, 5);
    acpi_put(&b, 0xc0000000, 8); /* first bus after the last */
    acpi_put(&b, 1, 2);
    acpi_put(&b, 9, 1);
    acpi_put(&b, 3, 5);
    acpi_put(&b, 0x1234, 8); /* cut off, too */
    acpi_end(&b);
    assert_int_equal(decode(), 0);
    assert_int_equal(acpi_info.mcfg_count, 1);
    assert_int_equal(acpi_info.mcfg[0].bus_last, 0xff);

    acpi_begin(&b, "HPET", 1);
    acpi_put(&b, 0x8086a201, 4);
    put_gas(ACPI_SPACE_MEMORY, 64, 0xfed00000);
    acpi_put(&b, 0, 4);
    acpi_end(&b);
    assert_int_equal(decode(), 0);
    assert_int_equal(acpi_info.hpet.base, 0xfed00000);
}

static void put_srat_cpu(uint32_t proximity, uint8_t apic_id)
{
    acpi_put(&b, 0 | 16 << 8, 2);
    acpi_put(&b, proximity & 0xff, 1);
    acpi_put(&b, apic_id, 1);
    acpi_put(&b, 1, 4);
    acpi_put(&b, 0, 1);
    acpi_put(&b, proximity >> 8, 3);
    acpi_put(&b, 0, 4);
}

static void put_srat_memory(uint32_t proximity, uint64_t start, uint64_t bytes, uint32_t flags)
{
    acpi_put(&b, 1 | 40 << 8, 2);
    acpi_put(&b, proximity, 4);
    acpi_put(&b, 0, 2);
    acpi_put(&b, start, 8);
    acpi_put(&b, bytes, 8);
    acpi_put(&b, 0, 4);
    acpi_put(&b, flags, 4);
    acpi_put(&b, 0, 8);
}

static void test_numa(void **state)
{
    paddr_t end;

    begin_madt();
    put_lapic(0, 0, 1);
    put_lapic(1, 1, 1);
    put_lapic(2, 2, 1);
    acpi_end(&b);
    assert_int_equal(decode(), 0);
    acpi_begin(&b, "SRAT", 3);
    acpi_put(&b, 1, 12);
    put_srat_cpu(3, 0);
    put_srat_cpu(0x101, 1);
    put_srat_cpu(7, 99); /* nobody's */
    put_srat_memory(3, 0, 0x80000000, 1);
    put_srat_memory(0x101, 0x100000000, 0x80000000, 1);
    put_srat_memory(5, 0x40000000, 0x1000, 1);  /* overlaps */
    put_srat_memory(5, 0x400000000, 0, 1);      /* empty */
    put_srat_memory(5, 0x400000000, ~0ull, 1);  /* wraps */
    put_srat_memory(5, 0x400000000, 0x1000, 0); /* off */
    acpi_end(&b);
    assert_int_equal(decode(), 0);
    acpi_begin(&b, "SLIT", 1);
    acpi_put(&b, 4, 8);
    for (unsigned int i = 0; i < 16; i++) {
        acpi_put(&b, 10 + i, 1);
    }
    acpi_end(&b);
    assert_int_equal(decode(), 0);
    acpi_info_finish(&acpi_info);
    assert_true(acpi_info_valid(&acpi_info));
    assert_int_equal(acpi_info.node_count, 2);
    assert_int_equal(acpi_info.cpus[0].node, 0);
    assert_int_equal(acpi_info.cpus[1].node, 1);
    assert_int_equal(acpi_info.cpus[2].node, 0);
    assert_int_equal(acpi_info.range_count, 2);
    assert_int_equal(acpi_node_of_address(0x7fffffff, &end), 0);
    assert_int_equal(end, 0x80000000);
    assert_int_equal(acpi_node_of_address(0x80000000, &end), 0); /* a hole */
    assert_int_equal(end, 0x100000000);
    assert_int_equal(acpi_node_of_address(0x100000000, NULL), 1);
    assert_int_equal(acpi_node_of_proximity(0x101), 1);
    assert_int_equal(acpi_node_of_proximity(9), ACPI_NODE_NONE);
    assert_int_equal(acpi_info.distance[0][0], 10);
    assert_int_equal(acpi_info.distance[0][1], 20); /* 0x101 is outside the matrix */
}

/* ---- the walk --------------------------------------------------------------------------------- */

static void place_root(bool wide, size_t offset, const paddr_t *tables, unsigned int count)
{
    acpi_begin(&b, wide ? "XSDT" : "RSDT", 1);
    for (unsigned int i = 0; i < count; i++) {
        acpi_put(&b, tables[i], wide ? 8 : 4);
    }
    acpi_end(&b);
    acpi_place(&b, offset);
}

static void test_walk(void **state)
{
    paddr_t tables[3];

    begin_madt();
    put_lapic(1, 0, 1);
    acpi_end(&b);
    tables[0] = acpi_place(&b, 0x4000);
    acpi_begin(&b, "XYZT", 1);
    acpi_end(&b);
    tables[1] = acpi_place(&b, 0x5000);
    tables[2] = 0x99999999; /* nothing is there */
    place_root(false, 0x2000, tables, 3);
    acpi_place_rsdp(0x100, 0, ACPI_MEMORY_START + 0x2000, 0);
    assert_int_equal(acpi_init(0), 0);
    assert_int_equal(acpi_info.rsdp, ACPI_MEMORY_START + 0x100);
    assert_int_equal(acpi_info.table_count, 2);
    assert_int_equal(acpi_info.cpu_count, 1);

    place_root(true, 0x3000, tables, 1);
    acpi_place_rsdp(0x100, 2, 0, ACPI_MEMORY_START + 0x3000);
    assert_int_equal(acpi_init(ACPI_MEMORY_START + 0x100), 0);
    assert_int_equal(acpi_info.table_count, 1);
    assert_int_equal(acpi_info.revision, 2);
}

static void test_walk_without_tables(void **state)
{
    assert_int_equal(acpi_init(0), -XEN_ENODEV);
    assert_true(acpi_info_valid(&acpi_info));
    assert_int_equal(acpi_info.node_count, 1);
    acpi_place_rsdp(0x100, 0, ACPI_MEMORY_START + 0x2000, 0);
    assert_int_equal(acpi_init(0), -XEN_ENODEV);
    acpi_memory[0x100 + 8]++; /* a wrong checksum is no RSDP */
    assert_int_equal(acpi_init(ACPI_MEMORY_START + 0x100), -XEN_ENODEV);
}

/* A root table that names itself, with more entries than anybody keeps. */
static void test_walk_hostile(void **state)
{
    paddr_t tables[400];

    for (unsigned int i = 0; i < 400; i++) {
        tables[i] = ACPI_MEMORY_START + 0x2000;
    }
    place_root(true, 0x2000, tables, 400);
    acpi_place_rsdp(0, 2, 0, ACPI_MEMORY_START + 0x2000);
    assert_int_equal(acpi_init(0), 0);
    assert_int_equal(acpi_info.table_count, ACPI_TABLES_MAX);
    assert_true(acpi_info_valid(&acpi_info));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_madt),
        TEST(test_madt_too_many_cpus),
        TEST(test_madt_bad_lengths),
        TEST(test_header_checks),
        TEST(test_fadt),
        TEST(test_mcfg_and_hpet),
        TEST(test_numa),
        TEST(test_walk),
        TEST(test_walk_without_tables),
        TEST(test_walk_hostile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
