/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* What multiboot loaders leave in memory, good and bad; and the memory map made of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "asm/boot_info.h"
#include "asm/efi.h"

/* The machine's memory: MEMORY_BYTES bytes from MEMORY_BASE. */
#define MEMORY_BASE  0x10000u
#define MEMORY_BYTES 0x4000u

static uint8_t memory[MEMORY_BYTES];
static struct boot_info info;
static uint32_t end; /* of the multiboot 2 information under construction */

static bool read_memory(paddr_t from, void *to, size_t bytes)
{
    if (from < MEMORY_BASE || from - MEMORY_BASE > MEMORY_BYTES ||
        bytes > MEMORY_BYTES - (from - MEMORY_BASE)) {
        return false;
    }
    memcpy(to, memory + (from - MEMORY_BASE), bytes);
    return true;
}

static void put32(uint32_t address, uint32_t value)
{
    memcpy(memory + (address - MEMORY_BASE), &value, 4);
}

static void put64(uint32_t address, uint64_t value)
{
    memcpy(memory + (address - MEMORY_BASE), &value, 8);
}

static uint32_t put_string(uint32_t address, const char *text)
{
    memcpy(memory + (address - MEMORY_BASE), text, strlen(text) + 1);
    return address;
}

static const char *decode1(void)
{
    return boot_info_decode(&info, MULTIBOOT1_MAGIC, MEMORY_BASE, read_memory);
}

static const char *decode2(void)
{
    put32(MEMORY_BASE, end - MEMORY_BASE);
    return boot_info_decode(&info, MULTIBOOT2_MAGIC, MEMORY_BASE, read_memory);
}

#define MAP1     (MEMORY_BASE + 0x200)
#define MODULES1 (MEMORY_BASE + 0x300)

/* As QEMU does it: two ranges of RAM, one module. */
static int setup1(void **state)
{
    memset(memory, 0, sizeof(memory));
    put32(MEMORY_BASE, 1 << 0 | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9);
    put32(MEMORY_BASE + 16, put_string(MEMORY_BASE + 0x1000, "build/xenios  noreboot com1=115200"));
    put32(MEMORY_BASE + 64, put_string(MEMORY_BASE + 0x1100, "qemu"));
    put32(MEMORY_BASE + 20, 1);
    put32(MEMORY_BASE + 24, MODULES1);
    put32(MODULES1, 0x800000);
    put32(MODULES1 + 4, 0x900123);
    put32(MODULES1 + 8, put_string(MEMORY_BASE + 0x1200, "vmlinuz root=/dev/xvda"));
    put32(MEMORY_BASE + 44, 48);
    put32(MEMORY_BASE + 48, MAP1);
    put32(MAP1, 20);
    put64(MAP1 + 4, 0);
    put64(MAP1 + 12, 0x9fc00);
    put32(MAP1 + 20, MEMORY_RAM);
    put32(MAP1 + 24, 20);
    put64(MAP1 + 28, 0x100000);
    put64(MAP1 + 36, 0x1ff00000);
    put32(MAP1 + 44, MEMORY_RAM);
    return 0;
}

static void multiboot1_is_read(void **state)
{
    assert_null(decode1());
    assert_string_equal(info.loader, "qemu");
    assert_string_equal(info.command_line, "noreboot com1=115200");
    assert_int_equal(info.module_count, 1);
    assert_int_equal(info.modules[0].start, 0x800000);
    assert_int_equal(info.modules[0].end, 0x900123);
    assert_string_equal(info.modules[0].command_line, "root=/dev/xvda");
    assert_int_equal(info.memory_map_count, 2);
    assert_int_equal(info.memory_map[1].start, 0x100000);
    assert_int_equal(info.memory_map[1].end, 0x20000000);
    assert_int_equal(boot_info_decode(&info, 1, MEMORY_BASE, read_memory) != NULL, 1);
}

static void multiboot1_without_map_has_sizes(void **state)
{
    put32(MEMORY_BASE, 1 << 0);
    put32(MEMORY_BASE + 4, 639);
    put32(MEMORY_BASE + 8, 65536);
    assert_null(decode1());
    assert_int_equal(info.memory_map_count, 2);
    assert_int_equal(info.memory_map[0].end, 639 << 10);
    assert_int_equal(info.memory_map[1].end, 65u << 20);
    assert_string_equal(info.command_line, "");
}

static void multiboot1_with_bad_pointers_is_refused(void **state)
{
    put32(MEMORY_BASE + 24, MEMORY_BASE + MEMORY_BYTES - 8);
    assert_non_null(decode1());
    setup1(state);
    put32(MEMORY_BASE + 48, 0xfffffff0);
    assert_non_null(decode1());
    setup1(state);
    put32(MEMORY_BASE + 16, 4);
    assert_non_null(decode1());
    setup1(state);
    put32(MAP1, 0);
    assert_non_null(decode1());
    setup1(state);
    put32(MEMORY_BASE + 20, 1000);
    assert_non_null(decode1());
    setup1(state);
    put32(MODULES1 + 4, 0x800000);
    assert_non_null(decode1());
    assert_non_null(boot_info_decode(&info, MULTIBOOT1_MAGIC, 0, read_memory));
}

static void tag(uint32_t type, uint32_t bytes)
{
    end = (end + 7) & ~7u;
    put32(end, type);
    put32(end + 4, bytes);
    end += 8;
}

static void tag_string(uint32_t type, const char *text)
{
    tag(type, 8 + (uint32_t)strlen(text) + 1);
    put_string(end, text);
    end += (uint32_t)strlen(text) + 1;
}

static void tag_module(uint32_t start, uint32_t stop, const char *text)
{
    tag(3, 16 + (uint32_t)strlen(text) + 1);
    put32(end, start);
    put32(end + 4, stop);
    put_string(end + 8, text);
    end += 8 + (uint32_t)strlen(text) + 1;
}

static int setup2(void **state)
{
    memset(memory, 0, sizeof(memory));
    end = MEMORY_BASE + 8;
    tag_string(2, "GRUB 2.06-13+deb12u1");
    tag_string(1, "placeholder loglvl=all");
    tag_module(0x2000000, 0x3000000, "placeholder root=/dev/sda1 ro");
    tag_module(0x3000000, 0x3000001, "");
    tag(6, 16 + 24);
    put32(end, 24);
    put64(end + 8, 0x100000);
    put64(end + 16, 1ull << 40);
    put32(end + 24, MEMORY_RAM);
    end += 8 + 24;
    return 0;
}

static void multiboot2_is_read(void **state)
{
    tag_string(14, "RSD PTR old");
    tag_string(15, "RSD PTR new one");
    tag_string(14, "RSD PTR old");
    tag(12, 16);
    put64(end, 0x7fff1234);
    end += 8;
    tag(0, 8);
    assert_null(decode2());
    assert_string_equal(info.loader, "GRUB 2.06-13+deb12u1");
    assert_string_equal(info.command_line, "loglvl=all");
    assert_int_equal(info.module_count, 2);
    assert_string_equal(info.modules[0].command_line, "root=/dev/sda1 ro");
    assert_int_equal(info.modules[1].end, 0x3000001);
    assert_int_equal(info.memory_map_count, 1);
    assert_int_equal(info.memory_map[0].end, 0x100000 + (1ull << 40));
    assert_int_equal(info.rsdp_bytes, 16);
    assert_memory_equal(info.rsdp, "RSD PTR new one", 16);
    assert_true(info.efi);
    assert_int_equal(info.efi_system_table, 0x7fff1234);
}

static void multiboot2_with_bad_tags_is_refused(void **state)
{
    uint32_t last;

    tag(1, 4); /* shorter than its own head */
    assert_non_null(decode2());
    setup2(state);
    tag(1, 0x1000); /* beyond the end */
    assert_non_null(decode2());
    setup2(state);
    tag(3, 12); /* a module without its end */
    end += 4;
    assert_non_null(decode2());
    setup2(state);
    tag(6, 16); /* entries of no size: an endless loop */
    end += 8;
    assert_non_null(decode2());
    setup2(state);
    last = end;
    tag_module(0x4000, 0x3fff, "");
    assert_non_null(decode2());
    end = last;
    put32(MEMORY_BASE, 4);
    assert_non_null(boot_info_decode(&info, MULTIBOOT2_MAGIC, MEMORY_BASE, read_memory));
    put32(MEMORY_BASE, 0xffffffff);
    assert_non_null(boot_info_decode(&info, MULTIBOOT2_MAGIC, MEMORY_BASE, read_memory));
    put32(MEMORY_BASE, 8); /* no tag at all: no memory map */
    assert_non_null(boot_info_decode(&info, MULTIBOOT2_MAGIC, MEMORY_BASE, read_memory));
}

static void long_command_line_is_cut(void **state)
{
    static char text[BOOT_COMMAND_LINE_MAX + 100];

    memset(text, 'a', sizeof(text) - 1);
    tag_string(1, text);
    assert_null(decode2());
    assert_int_equal(strlen(info.command_line), BOOT_COMMAND_LINE_MAX - 1);
}

static void memory_map_is_sanitised(void **state)
{
    static const struct memory_range found[] = {
        { 0x100000, 0x80000000, MEMORY_RAM },
        { 0, 0xa0000, MEMORY_RAM },
        { 0x9fc00, 0xa0000, MEMORY_RESERVED },
        { 0x7fff0000, 0x80010000, MEMORY_ACPI },
        { 0x5000, 0x5000, MEMORY_UNUSABLE },
        { 0x80010000, 0x80020000, MEMORY_ACPI },
        { 0x40000000, 0x40001000, 12345 },
        { 0x100000, 0x200000, MEMORY_RAM },
        { 0x40000000, 0x40000800, MEMORY_PERSISTENT },
    };
    static const struct memory_range wanted[] = {
        { 0, 0x9fc00, MEMORY_RAM },
        { 0x9fc00, 0xa0000, MEMORY_RESERVED },
        { 0x100000, 0x40000000, MEMORY_RAM },
        { 0x40000000, 0x40001000, 12345 },
        { 0x40001000, 0x7fff0000, MEMORY_RAM },
        { 0x7fff0000, 0x80020000, MEMORY_ACPI },
    };
    struct memory_range map[32];
    unsigned int i, count = memory_map_sanitise(map, 32, found, ARRAY_SIZE(found));

    assert_true(memory_map_valid(map, count));
    assert_int_equal(count, ARRAY_SIZE(wanted));
    for (i = 0; i < count; i++) {
        assert_int_equal(map[i].start, wanted[i].start);
        assert_int_equal(map[i].end, wanted[i].end);
        assert_int_equal(map[i].type, wanted[i].type);
    }
    count = memory_map_punch(map, count, 32, 0x200000, 0x300000, MEMORY_UNUSABLE);
    assert_int_equal(count, ARRAY_SIZE(wanted) + 2);
    assert_int_equal(map[3].type, MEMORY_UNUSABLE);
    assert_true(memory_map_valid(map, count));
}

#define SYSTEM_TABLE (MEMORY_BASE + 0x2000)

static int setup_efi(void **state)
{
    static const uint16_t vendor[] = { 'E', 'D', 'K', 0 };

    memset(memory, 0, sizeof(memory));
    memset(&info, 0, sizeof(info));
    info.efi = true;
    info.efi_system_table = SYSTEM_TABLE;
    put64(SYSTEM_TABLE, 0x5453595320494249ull);
    put32(SYSTEM_TABLE + 8, 0x20046);
    put64(SYSTEM_TABLE + 24, SYSTEM_TABLE + 0x100);
    memcpy(memory + (SYSTEM_TABLE + 0x100 - MEMORY_BASE), vendor, sizeof(vendor));
    put32(SYSTEM_TABLE + 32, 7);
    put64(SYSTEM_TABLE + 88, SYSTEM_TABLE + 0x200);
    put32(SYSTEM_TABLE + 0x208, 0x2001e);
    put64(SYSTEM_TABLE + 104, 9);
    put64(SYSTEM_TABLE + 112, 0x7ff00000);
    return 0;
}

static void efi_tables_are_found(void **state)
{
    efi_init(&info, read_memory);
    assert_true(efi_info.present);
    assert_int_equal(efi_info.revision, 0x20046);
    assert_int_equal(efi_info.runtime_revision, 0x2001e);
    assert_int_equal(efi_info.firmware_revision, 7);
    assert_int_equal(efi_info.config_table, 0x7ff00000);
    assert_int_equal(efi_info.config_table_count, 9);
    assert_int_equal(efi_info.vendor[2], 'K');
    assert_int_equal(efi_info.vendor[3], 0);
}

static void bad_efi_tables_are_not_there(void **state)
{
    put32(SYSTEM_TABLE, 0);
    efi_init(&info, read_memory);
    assert_false(efi_info.present);
    setup_efi(state);
    put64(SYSTEM_TABLE + 104, 1ull << 40);
    efi_init(&info, read_memory);
    assert_false(efi_info.present);
    setup_efi(state);
    info.efi_system_table = 0xfffffffffffffff8;
    efi_init(&info, read_memory);
    assert_false(efi_info.present);
    setup_efi(state);
    put64(SYSTEM_TABLE + 24, 8); /* a vendor out of reach is no reason to do without tables */
    efi_init(&info, read_memory);
    assert_true(efi_info.present);
    assert_int_equal(efi_info.vendor[0], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(multiboot1_is_read, setup1),
        cmocka_unit_test_setup(multiboot1_without_map_has_sizes, setup1),
        cmocka_unit_test_setup(multiboot1_with_bad_pointers_is_refused, setup1),
        cmocka_unit_test_setup(multiboot2_is_read, setup2),
        cmocka_unit_test_setup(multiboot2_with_bad_tags_is_refused, setup2),
        cmocka_unit_test_setup(long_command_line_is_cut, setup2),
        cmocka_unit_test(memory_map_is_sanitised),
        cmocka_unit_test_setup(efi_tables_are_found, setup_efi),
        cmocka_unit_test_setup(bad_efi_tables_are_not_there, setup_efi),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
