/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The host's machine as a toolstack sees it: two threads a core, two cores a package, one node. */
#include "inside.h"

#include "arch/sysctl.h"
#include "hypervisor/error.h"
#include "hypervisor/frame.h"

#include <xen/sysctl.h>

HOST_WEAK void arch_physinfo(struct xen_sysctl_physinfo *info)
{
    info->cpu_khz = 1000000;
    info->capabilities |= XEN_SYSCTL_PHYSCAP_pv;
}

HOST_WEAK void arch_cpu_place(unsigned int cpu, uint32_t *core, uint32_t *socket)
{
    *core = cpu / 2 % 2;
    *socket = cpu / 4;
}

HOST_WEAK unsigned int arch_node_count(void)
{
    return 1;
}

HOST_WEAK unsigned int arch_node_distance(unsigned int from, unsigned int to)
{
    return from == to ? 10 : 20;
}

#define FRAMES_IN_USE 512u /* as if the hypervisor itself had them */

HOST_WEAK uint64_t arch_node_frames(unsigned int node)
{
    return node == 0 ? frame_count_total() + FRAMES_IN_USE : 0;
}

HOST_WEAK unsigned int arch_physical_bits(void)
{
    return 46;
}

HOST_WEAK long arch_sysctl(struct xen_sysctl *op, bool *has_result)
{
    return -XEN_ENOSYS;
}
