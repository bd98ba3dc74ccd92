/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The current PV guest's memory (arch/guest.h). The guest's page tables are in force, so a copy is a
 * plain access that may fault; the fault is expected (exception table). What must be checked first is
 * only that the address is the guest's: the hypervisor's own range would not fault.
 */
#include "arch/guest.h"
#include "asm/layout.h"
#include "hypervisor/error.h"
#include "hypervisor/guest.h"
#include "hypervisor/lock.h"
#include "hypervisor/bug.h"
#include "hypervisor/nospec.h"

uint64_t guest_copy_raw(void *to, const void *from, uint64_t bytes);
uint64_t guest_clear_raw(void *to, uint64_t bytes);
int guest_compare_exchange_raw(void *at, uint64_t *expected, uint64_t value, unsigned int bytes);

static bool guest_range(uint64_t address, size_t bytes)
{
    uint64_t end = address + bytes;

    if (end < address || (end > HYPERVISOR_START && address < HYPERVISOR_END)) {
        return false;
    }
    arch_speculation_fence(); /* nor is ours read ahead of that answer */
    return true;
}

int arch_guest_copy_from(void *to, uint64_t guest_address, size_t bytes)
{
    ASSERT(lock_none_held());
    if (!guest_range(guest_address, bytes) ||
        guest_copy_raw(to, (const void *)(uintptr_t)guest_address, bytes)) {
        return -XEN_EFAULT;
    }
    return 0;
}

int arch_guest_copy_to(uint64_t guest_address, const void *from, size_t bytes)
{
    ASSERT(lock_none_held());
    if (!guest_range(guest_address, bytes) ||
        guest_copy_raw((void *)(uintptr_t)guest_address, from, bytes)) {
        return -XEN_EFAULT;
    }
    return 0;
}

int arch_guest_clear(uint64_t guest_address, size_t bytes)
{
    if (!guest_range(guest_address, bytes) ||
        guest_clear_raw((void *)(uintptr_t)guest_address, bytes)) {
        return -XEN_EFAULT;
    }
    return 0;
}

int arch_guest_compare_exchange(uint64_t guest_address, uint64_t *expected, uint64_t value,
                                unsigned int bytes)
{
    if (!guest_range(guest_address, bytes) ||
        guest_compare_exchange_raw((void *)(uintptr_t)guest_address, expected, value, bytes)) {
        return -XEN_EFAULT;
    }
    return 0;
}
