/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Reading and writing MSRs that may not exist. */
#include "asm/msr.h"

#include "asm/extable.h"

bool msr_read_safe(uint32_t msr, uint64_t *value)
{
    uint32_t low = 0, high = 0;
    bool ok = false;

    __asm__ volatile("1: rdmsr\n"
                     "mov $1, %b2\n"
                     "2:\n" EXTABLE("1b", "2b")
                     : "+a"(low), "+d"(high), "+q"(ok)
                     : "c"(msr));
    *value = ok ? (uint64_t)high << 32 | low : 0;
    return ok;
}

bool msr_write_safe(uint32_t msr, uint64_t value)
{
    bool ok = false;

    __asm__ volatile("1: wrmsr\n"
                     "mov $1, %b0\n"
                     "2:\n" EXTABLE("1b", "2b")
                     : "+q"(ok)
                     : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
                     : "memory");
    return ok;
}
