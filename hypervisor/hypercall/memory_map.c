/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* memory_op: questions about memory. Nothing here changes a frame. */
#include "hypervisor/atomic.h"
#include "hypervisor/domain.h"
#include "hypervisor/error.h"
#include "hypervisor/guest.h"
#include "hypervisor/heap.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/memory.h"
#include "hypervisor/security.h"
#include "hypervisor/trace.h"
#include "arch/memory.h"
#include "memory_ops.h"

long memory_op_maximum_ram_page(void)
{
    return (long)arch_memory_end_mfn();
}

/* current_reservation, maximum_reservation, maximum_gpfn */
long memory_op_reservation(unsigned int op, uint64_t guest_address)
{
    struct xen_memory_domain arg;
    struct domain *domain;
    long result;

    if (guest_read(arg, guest_address)) {
        return -XEN_EFAULT;
    }
    domain = memory_op_domain(arg.domid, SECURITY_MEMORY_STAT, &result);
    if (domain == NULL) {
        return result;
    }
    switch (op) {
    case XENMEM_current_reservation:
        result = (long)READ_ONCE(domain->frames_total);
        break;
    case XENMEM_maximum_reservation:
        result = (long)min(READ_ONCE(domain->frames_max), (uint64_t)INT64_MAX);
        break;
    default:
        result = (long)arch_maximum_gpfn(domain);
        break;
    }
    domain_put(domain);
    return result;
}

long memory_op_machphys_list(uint64_t guest_address)
{
    struct xen_machphys_mfn_list arg;
    unsigned int i;
    mfn_t mfn;

    if (guest_read(arg, guest_address)) {
        return -XEN_EFAULT;
    }
    for (i = 0; i < arg.max_extents && arch_m2p_chunk(i, &mfn); i++) {
        uint64_t address = guest_array_at(guest_handle(arg.extent_start), xen_pfn_t, i);

        if (guest_write(address, mfn.value)) {
            return -XEN_EFAULT;
        }
    }
    arg.nr_extents = i;
    return guest_write(guest_address, arg);
}

long memory_op_machphys_mapping(uint64_t guest_address)
{
    struct xen_machphys_mapping arg;

    arch_m2p_window(&arg.v_start, &arg.v_end, &arg.max_mfn);
    return guest_write(guest_address, arg);
}

/* ---- memory maps ------------------------------------------------------------------------------- */

static int map_write_entry(const struct xen_memory_map *arg, unsigned int i,
                           const struct memory_map_entry *entry)
{
    return guest_write(guest_array_at(guest_handle(arg->buffer), struct memory_map_entry, i),
                       *entry);
}

long memory_op_memory_map(uint64_t guest_address)
{
    struct domain *domain = current_domain();
    struct memory_map_entry entry;
    struct xen_memory_map arg;
    unsigned int count, i = 0;

    if (guest_read(arg, guest_address)) {
        return -XEN_EFAULT;
    }
    if (!memory_map_read(domain, 0, &entry, &count)) {
        return -XEN_ENOSYS; /* nobody told: the guest makes up one of its own */
    }
    while (i < arg.nr_entries && memory_map_read(domain, i, &entry, &count)) {
        if (map_write_entry(&arg, i, &entry)) {
            return -XEN_EFAULT;
        }
        i++;
    }
    arg.nr_entries = i;
    return guest_write(guest_address, arg);
}

long memory_op_machine_memory_map(uint64_t guest_address)
{
    struct xen_memory_map arg;
    paddr_t start, end;
    unsigned int i;
    uint32_t type;
    long error = security_check(current_domain(), NULL, SECURITY_PLATFORM);

    if (error != 0) {
        return error;
    }
    if (guest_read(arg, guest_address)) {
        return -XEN_EFAULT;
    }
    for (i = 0; arch_memory_map_get(i, &start, &end, &type); i++) {
        struct memory_map_entry entry = { .start = start, .bytes = end - start, .type = type };

        if (guest_handle(arg.buffer) == 0) {
            continue; /* only how many there are */
        }
        if (i >= arg.nr_entries) {
            break;
        }
        if (map_write_entry(&arg, i, &entry)) {
            return -XEN_EFAULT;
        }
    }
    arg.nr_entries = i;
    return guest_write(guest_address, arg);
}

static struct memory_map *map_read(const struct xen_memory_map *arg, long *error)
{
    size_t bytes = arg->nr_entries * sizeof(struct memory_map_entry);
    struct memory_map *map = heap_alloc(sizeof(*map) + bytes);

    if (map == NULL) {
        *error = -XEN_ENOMEM;
        return NULL;
    }
    map->count = arg->nr_entries;
    *error = guest_copy_from(map->entries, guest_handle(arg->buffer), bytes);
    if (*error != 0) {
        heap_free(map);
        return NULL;
    }
    return map;
}

long memory_op_set_memory_map(uint64_t guest_address)
{
    struct xen_foreign_memory_map arg;
    struct memory_map *map;
    struct domain *domain;
    long error;

    if (guest_read(arg, guest_address)) {
        return -XEN_EFAULT;
    }
    if (arg.map.nr_entries > MEMORY_MAP_ENTRIES_MAX) {
        trace_refuse(__HYPERVISOR_memory_op, XENMEM_set_memory_map, 0, -XEN_EINVAL,
                     arg.map.nr_entries, 0, MEMORY_MAP_ENTRIES_MAX);
        return -XEN_EINVAL;
    }
    domain = memory_op_domain(arg.domid, SECURITY_MEMORY_ADJUST, &error);
    if (domain == NULL) {
        return error;
    }
    map = map_read(&arg.map, &error);
    if (map != NULL) {
        memory_map_set(domain, map);
    }
    domain_put(domain);
    return error;
}

/* Without an IOMMU no device has memory of its own reserved. */
long memory_op_reserved_device_memory(uint64_t guest_address)
{
    struct xen_reserved_device_memory_map arg;

    if (guest_read(arg, guest_address)) {
        return -XEN_EFAULT;
    }
    if (arg.flags & ~(uint32_t)XENMEM_RDM_ALL) {
        return -XEN_EINVAL;
    }
    arg.nr_entries = 0;
    return guest_write(guest_address, arg);
}
