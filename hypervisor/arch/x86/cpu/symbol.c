/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Names for addresses: binary search in the table that scripts/symbols put into the image. */
#include "hypervisor/symbol.h"

extern const uint32_t symbol_count;
extern const uint32_t symbol_offsets[], symbol_name_offsets[];
extern const char symbol_names[];
extern const char xenios_start[], xenios_text_end[];

const char *symbol_find(uint64_t address, uint64_t *offset)
{
    uint64_t wanted = address - (uint64_t)xenios_start;
    uint32_t low = 0, high = symbol_count;

    if (address < (uint64_t)xenios_start || address >= (uint64_t)xenios_text_end ||
        symbol_count == 0 || wanted < symbol_offsets[0]) {
        return NULL;
    }
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;

        if (symbol_offsets[middle] <= wanted) {
            low = middle;
        } else {
            high = middle;
        }
    }
    *offset = wanted - symbol_offsets[low];
    return symbol_names + symbol_name_offsets[low];
}

const char *symbol_get(uint32_t index, uint64_t *address)
{
    if (index >= symbol_count) {
        return NULL;
    }
    *address = (uint64_t)xenios_start + symbol_offsets[index];
    return symbol_names + symbol_name_offsets[index];
}
