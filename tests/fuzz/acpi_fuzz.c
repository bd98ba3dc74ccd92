/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Hostile firmware. First byte even: the rest is one table after another, each with its length and
 * checksum put right so that the decoders see the contents. Odd: the rest is physical memory, with
 * the root pointer's checksum put right, and the whole walk runs.
 */
#include "support/acpi_memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check(void)
{
    if (!acpi_info_valid(&acpi_info) || acpi_mappings != 0) {
        abort();
    }
    for (unsigned int isa = 0; isa < 16; isa++) {
        (void)acpi_isa_irq(isa);
    }
    for (paddr_t at = 0; at != ~0ull;) {
        paddr_t end;

        if (acpi_node_of_address(at, &end) >= acpi_info.node_count || end <= at) {
            abort();
        }
        at = end;
    }
}

static void put_right(uint8_t *table, uint32_t bytes)
{
    uint8_t sum = 0;

    memcpy(table + 4, &bytes, sizeof(bytes));
    for (uint32_t i = 0; i < bytes; i++) {
        sum += table[i];
    }
    table[9] -= sum;
}

/* Each: 2 bytes length, then the table. */
static void decode_tables(const uint8_t *data, size_t bytes)
{
    acpi_info_reset(&acpi_info);
    while (bytes >= 2) {
        size_t length = data[0] | (size_t)data[1] << 8;
        uint8_t *table;

        data += 2;
        bytes -= 2;
        length = length < bytes ? length : bytes;
        table = malloc(length);
        memcpy(table, data, length);
        if (length >= 36) {
            put_right(table, (uint32_t)length);
        }
        (void)!acpi_table_decode(&acpi_info, table, length);
        free(table);
        data += length;
        bytes -= length;
    }
    acpi_info_finish(&acpi_info);
    check();
}

static void walk(const uint8_t *data, size_t bytes)
{
    size_t length = bytes < sizeof(acpi_memory) ? bytes : sizeof(acpi_memory);
    uint8_t sum = 0;

    memset(acpi_memory, 0, sizeof(acpi_memory));
    memcpy(acpi_memory, data, length);
    memcpy(acpi_memory, "RSD PTR ", 8);
    for (unsigned int i = 0; i < 20; i++) {
        sum += acpi_memory[i];
    }
    acpi_memory[8] -= sum;
    (void)!acpi_init(0);
    check();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes == 0) {
        return 0;
    }
    if (data[0] & 1) {
        walk(data + 1, bytes - 1);
    } else {
        decode_tables(data + 1, bytes - 1);
    }
    return 0;
}
