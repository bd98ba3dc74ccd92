/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * sysctl, what only x86 knows: features and policies of the processors, their topology, where PCI
 * devices sit.
 *
 * Guests' CPUID cannot be masked by the hardware here: they ask through the emulation prefix, and
 * their user programs see the machine's (levelling capabilities: none).
 */
#include "arch/memory.h"
#include "arch/sysctl.h"

#include "asm/clock.h"
#include "asm/cpu_features.h"
#include "asm/cpu_policy.h"
#include "asm/paging.h"
#include "asm/policy.h"
#include "asm/smp.h"
#include "hypervisor/acpi.h"
#include "hypervisor/guest.h"
#include "hypervisor/heap.h"
#include "hypervisor/pci.h"
#include "hypervisor/string.h"

#include <xen/sysctl.h>

#define POLICY_MSRS_MAX  2u  /* as many as toolstacks know; none has a value of its own */
#define PCI_DEVICES_STEP 64u /* a call; the toolstack goes on from there */

/* ---- the machine ------------------------------------------------------------------------------ */

void arch_physinfo(struct xen_sysctl_physinfo *info)
{
    uint32_t words[POLICY_FEATURE_WORDS];
    struct cpu_policy *host = heap_alloc(sizeof(*host));

    info->cpu_khz = (uint32_t)(tsc_hz / 1000);
    info->capabilities |= XEN_SYSCTL_PHYSCAP_pv;
    if (host != NULL) {
        cpu_policy_machine(host, CPU_POLICY_HOST);
        policy_features(host, words);
        memcpy(info->hw_cap, words, sizeof(info->hw_cap));
        heap_free(host);
    }
}

void arch_cpu_place(unsigned int cpu, uint32_t *core, uint32_t *socket)
{
    struct cpu_topology topology;
    uint32_t id = cpu_apic_id[cpu];

    topology_read(&topology, cpuid);
    *socket = id >> topology.package_shift;
    *core = (id & ((1u << topology.package_shift) - 1)) >> topology.thread_bits;
}

unsigned int arch_node_count(void)
{
    return acpi_info.node_count;
}

unsigned int arch_node_distance(unsigned int from, unsigned int to)
{
    return acpi_info.distance[from][to];
}

uint64_t arch_node_frames(unsigned int node)
{
    paddr_t start, end, until;
    uint64_t frames = 0;
    uint32_t type;

    for (unsigned int i = 0; arch_memory_map_get(i, &start, &end, &type); i++) {
        for (; type == MEMORY_RAM && start < end; start = until) {
            unsigned int owner = acpi_node_of_address(start, &until);

            until = min(until, end);
            frames += owner == node ? (until - start) >> PAGE_SHIFT : 0;
        }
    }
    return frames;
}

unsigned int arch_physical_bits(void)
{
    return boot_cpu.physical_bits;
}

/* ---- features and policies -------------------------------------------------------------------- */

/* By XEN_SYSCTL_cpu_featureset_* and XEN_SYSCTL_cpu_policy_*; -1: HVM's, which there is not. */
static const int featureset_kinds[] = {
    CPU_POLICY_RAW, CPU_POLICY_HOST, CPU_POLICY_PV_DEFAULT, -1, CPU_POLICY_PV_MAX, -1,
};
static const int policy_kinds[] = {
    CPU_POLICY_RAW, CPU_POLICY_HOST, CPU_POLICY_PV_MAX, -1, CPU_POLICY_PV_DEFAULT, -1,
};

struct policy_answer {
    struct cpu_policy policy;
    struct xen_cpuid_leaf leaves[POLICY_LIST_MAX];
    uint32_t words[POLICY_FEATURE_WORDS];
};

static long op_featureset(struct xen_sysctl *op)
{
    struct xen_sysctl_cpu_featureset *args = &op->u.cpu_featureset;
    uint32_t count = min(args->nr_features, POLICY_FEATURE_WORDS);
    struct policy_answer *answer;
    long rc = 0;

    if (args->index >= ARRAY_SIZE(featureset_kinds)) {
        return -XEN_EINVAL;
    }
    if (featureset_kinds[args->index] < 0) {
        return -XEN_EOPNOTSUPP;
    }
    if (guest_handle(args->features) == 0) {
        args->nr_features = POLICY_FEATURE_WORDS;
        return 0;
    }
    answer = heap_alloc(sizeof(*answer));
    if (answer == NULL) {
        return -XEN_ENOMEM;
    }
    cpu_policy_machine(&answer->policy, (enum cpu_policy_kind)featureset_kinds[args->index]);
    policy_features(&answer->policy, answer->words);
    if (guest_copy_to(guest_handle(args->features), answer->words,
                      count * sizeof(answer->words[0])) != 0) {
        rc = -XEN_EFAULT;
    } else if (count < POLICY_FEATURE_WORDS) {
        rc = -XEN_ENOBUFS;
    }
    args->nr_features = count;
    heap_free(answer);
    return rc;
}

static long policy_leaves(struct xen_sysctl_cpu_policy *args)
{
    struct policy_answer *answer = heap_alloc(sizeof(*answer));
    unsigned int count;
    long rc = 0;

    if (answer == NULL) {
        return -XEN_ENOMEM;
    }
    cpu_policy_machine(&answer->policy, (enum cpu_policy_kind)policy_kinds[args->index]);
    count = policy_list(&answer->policy, answer->leaves);
    if (count > args->nr_leaves) {
        rc = -XEN_ENOBUFS;
    } else if (guest_copy_to(guest_handle(args->leaves), answer->leaves,
                             count * sizeof(answer->leaves[0])) != 0) {
        rc = -XEN_EFAULT;
    }
    args->nr_leaves = count;
    heap_free(answer);
    return rc;
}

static long op_policy(struct xen_sysctl *op)
{
    struct xen_sysctl_cpu_policy *args = &op->u.cpu_policy;
    long rc = 0;

    if (args->_rsvd != 0 || args->index >= ARRAY_SIZE(policy_kinds)) {
        return -XEN_EINVAL;
    }
    if (policy_kinds[args->index] < 0) {
        return -XEN_EOPNOTSUPP;
    }
    if (guest_handle(args->leaves) == 0) {
        args->nr_leaves = POLICY_LIST_MAX;
    } else {
        rc = policy_leaves(args);
    }
    args->nr_msrs = guest_handle(args->msrs) == 0 ? POLICY_MSRS_MAX : 0;
    return rc;
}

static long op_levelling(struct xen_sysctl *op)
{
    op->u.cpu_levelling_caps.caps = 0;
    return 0;
}

/* ---- PCI -------------------------------------------------------------------------------------- */

static uint32_t device_node(const struct physdev_pci_device *named)
{
    const struct pci_address address = { .segment = named->seg,
                                         .bus = named->bus,
                                         .devfn = named->devfn };
    uint32_t node = XEN_INVALID_DEV;
    struct pci_device *device;

    pci_devices_lock();
    device = pci_device_find(address);
    if (device != NULL) {
        node = acpi_node_of_proximity(device->proximity);
        node = node == ACPI_NODE_NONE ? XEN_INVALID_NODE_ID : node;
    }
    pci_devices_unlock();
    return node;
}

/* Some of them; num_devs tells how many. */
static long op_pcitopoinfo(struct xen_sysctl *op)
{
    struct xen_sysctl_pcitopoinfo *args = &op->u.pcitopoinfo;
    uint32_t count = min(args->num_devs, PCI_DEVICES_STEP);

    if (guest_handle(args->devs) == 0 || guest_handle(args->nodes) == 0) {
        return -XEN_EINVAL;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct physdev_pci_device named;
        uint32_t node;

        if (guest_read(named, guest_array_at(guest_handle(args->devs), named, i)) != 0) {
            return -XEN_EFAULT;
        }
        node = device_node(&named);
        if (guest_write(guest_array_at(guest_handle(args->nodes), node, i), node) != 0) {
            return -XEN_EFAULT;
        }
    }
    args->num_devs = count;
    return 0;
}

/* ---- the table -------------------------------------------------------------------------------- */

long arch_sysctl(struct xen_sysctl *op, bool *has_result)
{
    *has_result = true;
    switch (op->cmd) {
    case XEN_SYSCTL_get_cpu_levelling_caps:
        return op_levelling(op);
    case XEN_SYSCTL_get_cpu_featureset:
        return op_featureset(op);
    case XEN_SYSCTL_get_cpu_policy:
        return op_policy(op);
    case XEN_SYSCTL_pcitopoinfo:
        return op_pcitopoinfo(op);
    default:
        return -XEN_ENOSYS;
    }
}
