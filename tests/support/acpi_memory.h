/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Physical memory for the ACPI code: one buffer at one address; and tables to put into it. */
#ifndef TESTS_SUPPORT_ACPI_MEMORY_H
#define TESTS_SUPPORT_ACPI_MEMORY_H

#include "hypervisor/acpi.h"

#include <stdlib.h>
#include <string.h>

#define ACPI_MEMORY_START 0xe0000u
#define ACPI_MEMORY_BYTES 0x20000u

static uint8_t acpi_memory[ACPI_MEMORY_BYTES];
static int acpi_mappings; /* not taken back yet */

/* A copy of exactly the bytes asked for, so that the sanitizer sees each read beyond them. */
const void *acpi_map(paddr_t address, size_t bytes)
{
    void *copy;

    if (address < ACPI_MEMORY_START || bytes > ACPI_MEMORY_BYTES ||
        address - ACPI_MEMORY_START > ACPI_MEMORY_BYTES - bytes) {
        return NULL;
    }
    copy = malloc(bytes);
    memcpy(copy, acpi_memory + (address - ACPI_MEMORY_START), bytes);
    acpi_mappings++;
    return copy;
}

void acpi_unmap(const void *mapping, size_t bytes)
{
    free((void *)(uintptr_t)mapping);
    acpi_mappings--;
}

struct acpi_builder {
    uint8_t data[4096];
    size_t bytes;
};

static inline void acpi_put(struct acpi_builder *b, uint64_t value, unsigned int bytes)
{
    for (unsigned int i = 0; i < bytes; i++) {
        b->data[b->bytes++] = i < 8 ? (uint8_t)(value >> (8 * i)) : 0;
    }
}

static inline void acpi_begin(struct acpi_builder *b, const char *signature, uint8_t revision)
{
    memset(b, 0, sizeof(*b));
    memcpy(b->data, signature, 4);
    b->data[8] = revision;
    b->bytes = 36;
}

/* Length and checksum. */
static inline void acpi_end(struct acpi_builder *b)
{
    uint32_t bytes = (uint32_t)b->bytes;
    uint8_t sum = 0;

    memcpy(b->data + 4, &bytes, sizeof(bytes));
    b->data[9] = 0;
    for (size_t i = 0; i < b->bytes; i++) {
        sum += b->data[i];
    }
    b->data[9] = (uint8_t)-sum;
}

/* Puts the finished table at an offset of the buffer; its physical address. */
static inline paddr_t acpi_place(const struct acpi_builder *b, size_t offset)
{
    memcpy(acpi_memory + offset, b->data, b->bytes);
    return ACPI_MEMORY_START + offset;
}

static inline void acpi_place_rsdp(size_t offset, uint8_t revision, uint32_t rsdt, uint64_t xsdt)
{
    uint8_t *rsdp = acpi_memory + offset, sum = 0;

    memset(rsdp, 0, 36);
    memcpy(rsdp, "RSD PTR ", 8);
    rsdp[15] = revision;
    memcpy(rsdp + 16, &rsdt, 4);
    rsdp[20] = 36;
    memcpy(rsdp + 24, &xsdt, 8);
    for (unsigned int i = 0; i < 20; i++) {
        sum += rsdp[i];
    }
    rsdp[8] = (uint8_t)-sum;
    sum = 0;
    for (unsigned int i = 0; i < 36; i++) {
        sum += rsdp[i];
    }
    rsdp[32] = (uint8_t)-sum;
}

#endif
