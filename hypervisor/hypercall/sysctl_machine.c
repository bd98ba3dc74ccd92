/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * sysctl: processors and memory of the machine. CPU ids go from 0 to the highest one present; the
 * loops are bounded by CONFIG_MAX_CPUS and by CONFIG_MAX_NUMA_NODES, never by the guest's counts.
 */
#include "sysctl_ops.h"

#include "arch/memory.h"
#include "arch/sysctl.h"
#include "hypervisor/cpu.h"
#include "hypervisor/frame.h"
#include "hypervisor/guest.h"
#include "hypervisor/sched.h"
#include "hypervisor/string.h"

static uint32_t cpu_ids(void)
{
    uint32_t cpu, end = 0;

    cpu_for_each(cpu, &cpu_present_mask)
    {
        end = cpu + 1;
    }
    return end;
}

/* How the online processors share the first one's package and core. */
static void count_siblings(struct xen_sysctl_physinfo *info)
{
    uint32_t first_core, first_socket, core, socket, threads = 0, package = 0;
    unsigned int cpu;

    arch_cpu_place(0, &first_core, &first_socket);
    cpu_for_each_online(cpu)
    {
        arch_cpu_place(cpu, &core, &socket);
        package += socket == first_socket;
        threads += socket == first_socket && core == first_core;
    }
    info->threads_per_core = max(threads, 1u);
    info->cores_per_socket = max(package / info->threads_per_core, 1u);
}

static uint64_t machine_frames(void)
{
    uint64_t frames = 0;

    for (unsigned int node = 0; node < arch_node_count(); node++) {
        frames += arch_node_frames(node);
    }
    return frames;
}

long sysctl_physinfo(struct xen_sysctl *op)
{
    struct xen_sysctl_physinfo *info = &op->u.physinfo;

    memset(info, 0, sizeof(*info));
    count_siblings(info);
    info->nr_cpus = bitmap_weight(cpu_online_mask.bits, CONFIG_MAX_CPUS);
    info->max_cpu_id = cpu_ids() - 1;
    info->nr_nodes = arch_node_count();
    info->max_node_id = CONFIG_MAX_NUMA_NODES - 1;
    info->total_pages = machine_frames();
    info->free_pages = frame_count_free();
    info->outstanding_pages = frame_count_claimed();
    info->max_mfn = arch_memory_end_mfn() - 1;
    info->capabilities = XEN_SYSCTL_PHYSCAP_gnttab_v1 | XEN_SYSCTL_PHYSCAP_gnttab_v2;
    arch_physinfo(info);
    return 0;
}

long sysctl_getcpuinfo(struct xen_sysctl *op)
{
    struct xen_sysctl_getcpuinfo *args = &op->u.getcpuinfo;
    uint32_t cpu, count = min(args->max_cpus, cpu_ids());

    for (cpu = 0; cpu < count; cpu++) {
        struct xen_sysctl_cpuinfo info = { .idletime = sched_idle_time_ns(cpu) };

        if (guest_write(guest_array_at(guest_handle(args->info), info, cpu), info) != 0) {
            return -XEN_EFAULT;
        }
    }
    args->nr_cpus = count;
    return 0;
}

/* Free memory is not counted by address width. */
long sysctl_availheap(struct xen_sysctl *op)
{
    struct xen_sysctl_availheap *args = &op->u.availheap;

    if (args->min_bitwidth != 0 || args->max_bitwidth != 0) {
        return -XEN_EOPNOTSUPP;
    }
    if (args->node == -1) {
        args->avail_bytes = frame_count_free() << PAGE_SHIFT;
    } else if (args->node >= 0 && (unsigned int)args->node < arch_node_count()) {
        args->avail_bytes = frame_count_free_node((unsigned int)args->node) << PAGE_SHIFT;
    } else {
        return -XEN_EINVAL;
    }
    return 0;
}

long sysctl_cputopoinfo(struct xen_sysctl *op)
{
    struct xen_sysctl_cputopoinfo *args = &op->u.cputopoinfo;
    uint64_t to = guest_handle(args->cputopo);
    uint32_t cpu, end = cpu_ids(), count = to != 0 ? min(args->num_cpus, end) : 0;

    for (cpu = 0; cpu < count; cpu++) {
        struct xen_sysctl_cputopo place = { XEN_INVALID_CORE_ID, XEN_INVALID_SOCKET_ID,
                                            XEN_INVALID_NODE_ID };

        if (cpu_is_online(cpu)) {
            arch_cpu_place(cpu, &place.core, &place.socket);
            place.node = cpu_node(cpu);
        }
        if (guest_write(guest_array_at(to, place, cpu), place) != 0) {
            return -XEN_EFAULT;
        }
    }
    args->num_cpus = end;
    return 0;
}

/* Entry i*N + j of the matrix, N being the machine's own number of nodes, as far as there is room. */
static long write_distances(uint64_t to, uint32_t room, uint32_t nodes)
{
    uint32_t end = min(room, nodes) * min(room, nodes);

    for (uint32_t i = 0; i < end; i++) {
        uint32_t distance = arch_node_distance(i / nodes, i % nodes);

        if (guest_write(guest_array_at(to, distance, i), distance) != 0) {
            return -XEN_EFAULT;
        }
    }
    return 0;
}

long sysctl_numainfo(struct xen_sysctl *op)
{
    struct xen_sysctl_numainfo *args = &op->u.numainfo;
    uint64_t meminfo = guest_handle(args->meminfo), distance = guest_handle(args->distance);
    uint32_t nodes = arch_node_count(), room = args->num_nodes, node;
    long rc = 0;

    for (node = 0; meminfo != 0 && node < min(room, nodes); node++) {
        struct xen_sysctl_meminfo info = { arch_node_frames(node) << PAGE_SHIFT,
                                           frame_count_free_node(node) << PAGE_SHIFT };

        if (guest_write(guest_array_at(meminfo, info, node), info) != 0) {
            return -XEN_EFAULT;
        }
    }
    if (distance != 0) {
        rc = write_distances(distance, room, nodes);
    }
    args->num_nodes = nodes;
    return rc;
}
