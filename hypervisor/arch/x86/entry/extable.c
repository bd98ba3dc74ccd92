/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The exception table: where the hypervisor touches what may fault. It holds a few dozen entries and
 * is looked up on a fault only, so a walk will do.
 */
#include "asm/extable.h"
#include "asm/entry.h"

struct extable_entry {
    int32_t fault;
    int32_t fixup;
};

extern const struct extable_entry exception_table_start[], exception_table_end[];

static uint64_t entry_address(const int32_t *relative)
{
    return (uint64_t)(uintptr_t)relative + (uint64_t)(int64_t)*relative;
}

uint64_t extable_find(uint64_t ip)
{
    for (const struct extable_entry *entry = exception_table_start; entry < exception_table_end;
         entry++) {
        if (entry_address(&entry->fault) == ip) {
            return entry_address(&entry->fixup);
        }
    }
    return 0;
}
