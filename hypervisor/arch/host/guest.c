/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The guests' memory: ranges of guest addresses that the test handed over, each for one vcpu or for
 * all. A copy goes piece by piece through the ranges that cover it, newest first; a byte that none
 * covers makes it fail.
 */
#include "inside.h"

#include "arch/guest.h"
#include "hypervisor/atomic.h"
#include "hypervisor/bug.h"
#include "hypervisor/error.h"
#include "hypervisor/lock.h"

#include <string.h>

struct guest_range {
    struct vcpu *vcpu; /* NULL: everybody's */
    uint64_t address;
    uint8_t *memory;
    size_t bytes;
    bool writable;
};

static struct guest_range ranges[HOST_GUEST_RANGES_MAX];
static unsigned int next_range; /* the oldest, to be overwritten */
static void (*hook)(uint64_t address, size_t bytes);
static unsigned int fault_in;

void host_guest_setup(void)
{
    host_guest_unmap_all();
    hook = NULL;
    fault_in = 0;
}

void host_guest_map_at(struct vcpu *vcpu, uint64_t address, void *memory, size_t bytes,
                       bool writable)
{
    ranges[next_range++ % HOST_GUEST_RANGES_MAX] =
        (struct guest_range){ vcpu, address, memory, bytes, writable };
}

uint64_t host_guest_map(void *memory, size_t bytes)
{
    host_guest_map_at(NULL, (uintptr_t)memory, memory, bytes, true);
    return (uintptr_t)memory;
}

void host_guest_unmap_all(void)
{
    memset(ranges, 0, sizeof(ranges));
    next_range = 0;
}

void host_guest_set_hook(void (*fn)(uint64_t address, size_t bytes))
{
    hook = fn;
}

void host_guest_fault_in(unsigned int copies)
{
    fault_in = copies;
}

/* Memory behind the address, and how much of it at most; NULL when it is not the guest's. */
static uint8_t *resolve(uint64_t address, bool write, size_t *bytes)
{
    unsigned int i;

    for (i = next_range; i-- > 0 && i + HOST_GUEST_RANGES_MAX >= next_range;) {
        const struct guest_range *range = &ranges[i % HOST_GUEST_RANGES_MAX];
        uint64_t offset = address - range->address;

        if (offset < range->bytes && (range->writable || !write) &&
            (range->vcpu == NULL || range->vcpu == arch_current_vcpu())) {
            *bytes = min(*bytes, range->bytes - (size_t)offset);
            return range->memory + offset;
        }
    }
    return NULL;
}

static bool faults(void)
{
    BUG_ON(!lock_none_held());
    HOST_SWITCH_POINT();
    return fault_in != 0 && --fault_in == 0;
}

int arch_guest_copy_from(void *to, uint64_t guest_address, size_t bytes)
{
    uint8_t *out = to;

    if (faults()) {
        return -XEN_EFAULT;
    }
    if (hook != NULL) {
        hook(guest_address, bytes);
    }
    while (bytes > 0) {
        size_t part = bytes;
        const uint8_t *memory = resolve(guest_address, false, &part);

        if (memory == NULL) {
            return -XEN_EFAULT;
        }
        memcpy(out, memory, part);
        out += part;
        guest_address += part;
        bytes -= part;
    }
    return 0;
}

/* from NULL: zeroes. */
static int write_guest(uint64_t guest_address, const uint8_t *from, size_t bytes)
{
    if (faults()) {
        return -XEN_EFAULT;
    }
    while (bytes > 0) {
        size_t part = bytes;
        uint8_t *memory = resolve(guest_address, true, &part);

        if (memory == NULL) {
            return -XEN_EFAULT;
        }
        if (from == NULL) {
            memset(memory, 0, part);
        } else {
            memcpy(memory, from, part);
            from += part;
        }
        guest_address += part;
        bytes -= part;
    }
    return 0;
}

int arch_guest_copy_to(uint64_t guest_address, const void *from, size_t bytes)
{
    return write_guest(guest_address, from, bytes);
}

int arch_guest_clear(uint64_t guest_address, size_t bytes)
{
    return write_guest(guest_address, NULL, bytes);
}

int arch_guest_compare_exchange(uint64_t guest_address, uint64_t *expected, uint64_t value,
                                unsigned int bytes)
{
    size_t part = bytes;
    uint64_t found = 0;
    uint8_t *memory;

    BUG_ON(bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8);
    memory = faults() ? NULL : resolve(guest_address, true, &part);
    if (memory == NULL || part < bytes) {
        return -XEN_EFAULT;
    }
    memcpy(&found, memory, bytes);
    if (found == *expected) {
        memcpy(memory, &value, bytes);
    }
    *expected = found;
    return 0;
}
