/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The L1 terminal fault (advisory XSA-273): a load through a page-table entry that is not present goes
 * on, until the fault is noticed, with what the L1 data cache holds at the address the entry has. A
 * guest writes these bits as it likes, so it could read any memory that happens to be in that cache.
 *
 * An address is harmless when there is no memory at it. How many of its bits the cache compares is not
 * enumerated: at least as many as CPUID says that an address has, and 44 or 46 on processors that say
 * fewer. So each of these truncations has to lie above all memory. Linux writes its swap entries and
 * pages without access with the address bits inverted, which does; an address of 0 is harmless, as
 * nothing is kept in frame 0.
 *
 * What is not RAM for us can still be cached, as the firmware's own memory: all of the first 4 GiB
 * counts as memory.
 */
#include "asm/page.h"
#include "asm/speculation.h"

#define FIRST_4G (1ull << 32)

bool speculation_entry_is_safe(uint64_t pte, unsigned int physical_bits, uint64_t memory_end)
{
    const unsigned int widths[] = { physical_bits, 44, 46 };
    uint64_t address = pte & PTE_ADDRESS_MASK;

    if (address == 0) {
        return true;
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(widths); i++) {
        if (widths[i] >= physical_bits &&
            (address & ((1ull << widths[i]) - 1)) < max(memory_end, FIRST_4G)) {
            return false;
        }
    }
    return true;
}
