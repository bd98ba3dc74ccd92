/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * memory_op: operations on a guest's physical address space, which a PV guest does not have (it gets
 * an honest refusal), and frames of a domain's resources for the toolstack.
 */
#include "hypervisor/domain.h"
#include "hypervisor/error.h"
#include "hypervisor/grant.h"
#include "hypervisor/guest.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/memory.h"
#include "hypervisor/security.h"
#include "hypervisor/trace.h"
#include "memory_ops.h"

/* ---- the physical map of translated guests ------------------------------------------------------- */

/* -XEN_EACCES once the caller may: no kind of domain that there is has a physical map. */
static long physmap_refuse(uint16_t domid)
{
    long error;
    struct domain *domain = memory_op_domain(domid, SECURITY_MEMORY_ADJUST, &error);

    if (domain == NULL) {
        return error;
    }
    domain_put(domain);
    return -XEN_EACCES;
}

long memory_op_add_to_physmap(uint64_t guest_address)
{
    struct xen_add_to_physmap arg;

    if (guest_read(arg, guest_address)) {
        return -XEN_EFAULT;
    }
    if (arg.space == XENMAPSPACE_gmfn_foreign) {
        return -XEN_ENOSYS; /* the batched form's alone */
    }
    return physmap_refuse(arg.domid);
}

long memory_op_add_to_physmap_batch(uint64_t guest_address)
{
    struct xen_add_to_physmap_batch arg;

    if (guest_read(arg, guest_address)) {
        return -XEN_EFAULT;
    }
    if (arg.space == XENMAPSPACE_gmfn_range) {
        return -XEN_EINVAL; /* the single form's alone */
    }
    return physmap_refuse(arg.domid);
}

long memory_op_remove_from_physmap(uint64_t guest_address)
{
    struct xen_remove_from_physmap arg;

    if (guest_read(arg, guest_address)) {
        return -XEN_EFAULT;
    }
    return physmap_refuse(arg.domid);
}

/* Populate-on-demand: HVM only. */
long memory_op_pod_target(unsigned int op, uint64_t guest_address)
{
    struct xen_pod_target arg;
    struct domain *domain;
    long error;

    if (guest_read(arg, guest_address)) {
        return -XEN_EFAULT;
    }
    domain = memory_op_domain(arg.domid, SECURITY_MEMORY_CLAIM, &error);
    if (domain == NULL) {
        return error;
    }
    domain_put(domain);
    return -XEN_EINVAL;
}

/* No domain has virtual NUMA nodes. */
long memory_op_virtual_numa(uint64_t guest_address)
{
    struct xen_vnuma_topology_info arg;
    struct domain *domain;
    long error;

    if (guest_read(arg, guest_address)) {
        return -XEN_EFAULT;
    }
    domain = memory_op_domain(arg.domid, SECURITY_MEMORY_STAT, &error);
    if (domain == NULL) {
        return error;
    }
    domain_put(domain);
    return -XEN_EOPNOTSUPP;
}

/* ---- acquire_resource ---------------------------------------------------------------------------- */

/* How many frames of the grant table there can be; 0 with an error. */
static long grant_table_size(struct domain *domain, uint32_t id, uint32_t *frames)
{
    struct grants_size size;

    grants_query(domain, &size);
    switch (id) {
    case XENMEM_resource_grant_table_id_shared:
        *frames = size.frames_max;
        return 0;
    case XENMEM_resource_grant_table_id_status:
        /* A status entry is two bytes, a shared one (version 2) sixteen. */
        *frames = DIV_ROUND_UP(size.frames_max, 8u);
        return 0;
    default:
        return -XEN_EINVAL;
    }
}

static long grant_table_acquire(struct hypercall *call, struct domain *domain,
                                struct xen_mem_acquire_resource *arg)
{
    bool status = arg->id == XENMEM_resource_grant_table_id_status, progress = false;

    for (uint64_t i = call->arg[0] >> MEMOP_EXTENT_SHIFT; i < arg->nr_frames; i++) {
        uint64_t index = arg->frame + i;
        mfn_t mfn;
        long error;

        if (progress && hypercall_preempt()) {
            call->arg[0] = XENMEM_acquire_resource | i << MEMOP_EXTENT_SHIFT;
            return HYPERCALL_CONTINUE;
        }
        progress = true;
        if (index > UINT32_MAX) {
            return -XEN_EINVAL;
        }
        error = grants_frame(domain, (unsigned int)index, status, &mfn);
        if (error == 0) {
            error =
                guest_write(guest_array_at(guest_handle(arg->frame_list), xen_pfn_t, i), mfn.value);
        }
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

static long resource_acquire(struct hypercall *call, struct domain *domain,
                             struct xen_mem_acquire_resource *arg)
{
    uint32_t frames;
    long error;

    if (arg->type != XENMEM_resource_grant_table) {
        return -XEN_EOPNOTSUPP; /* no device models, no processor trace */
    }
    error = grant_table_size(domain, arg->id, &frames);
    if (error != 0) {
        trace_refuse(__HYPERVISOR_memory_op, XENMEM_acquire_resource, 1, (int)error, arg->id, 0,
                     XENMEM_resource_grant_table_id_status);
        return error;
    }
    if (arg->nr_frames == 0 && guest_handle(arg->frame_list) == 0) {
        arg->nr_frames = frames;
        return guest_write(call->arg[1], *arg);
    }
    if (arg->frame > frames || arg->nr_frames > frames - arg->frame) {
        trace_refuse(__HYPERVISOR_memory_op, XENMEM_acquire_resource, 0, -XEN_EINVAL,
                     arg->frame + arg->nr_frames, 0, frames);
        return -XEN_EINVAL;
    }
    return grant_table_acquire(call, domain, arg);
}

/* Frames that a domain's toolstack maps by their numbers, without knowing where they are. */
long memory_op_acquire_resource(struct hypercall *call)
{
    struct xen_mem_acquire_resource arg;
    struct domain *domain;
    long error;

    if (guest_read(arg, call->arg[1])) {
        return -XEN_EFAULT;
    }
    if (arg.pad != 0) {
        return -XEN_EINVAL;
    }
    domain = memory_op_domain(arg.domid, SECURITY_MMU_FOREIGN_MAP, &error);
    if (domain == NULL) {
        return error;
    }
    if (domain == current_domain()) {
        error = -XEN_EPERM; /* it has hypercalls of its own for its resources */
    } else if (domain->dying != DOMAIN_ALIVE) {
        error = -XEN_EINVAL;
    } else {
        error = resource_acquire(call, domain, &arg);
    }
    domain_put(domain);
    return error;
}
