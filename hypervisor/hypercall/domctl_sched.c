/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* DOMCTL: where a domain's vcpus run and how much, where its memory comes from. */
#include "guest_bitmap.h"

#include "hypervisor/cpu.h"
#include "hypervisor/domctl.h"
#include "hypervisor/frame.h"
#include "hypervisor/sched.h"

static long no_vcpu(const struct domctl *ctl, uint32_t id)
{
    return domctl_refuse(ctl, 0, -XEN_EINVAL, id, ctl->domain->vcpus_max - 1);
}

/* ---- processors --------------------------------------------------------------------------------- */

static struct cpu_mask both(const struct cpu_mask *a, const struct cpu_mask *b)
{
    struct cpu_mask mask;

    for (unsigned int i = 0; i < ARRAY_SIZE(mask.bits); i++) {
        mask.bits[i] = READ_ONCE(a->bits[i]) & READ_ONCE(b->bits[i]);
    }
    return mask;
}

static int mask_read(const struct xenctl_bitmap *from, struct cpu_mask *mask)
{
    *mask = (struct cpu_mask){ { 0 } };
    return guest_bitmap_read(from, mask->bits, CONFIG_MAX_CPUS);
}

static int mask_write(const struct xenctl_bitmap *to, const struct cpu_mask *mask)
{
    return guest_bitmap_write(to, mask->bits, CONFIG_MAX_CPUS);
}

/* What the vcpu's affinity comes to, for the caller. */
static int tell_effective(const struct xen_domctl_vcpuaffinity *arg, const struct vcpu *vcpu)
{
    struct cpu_mask hard = both(&vcpu->affinity_hard, &cpu_online_mask), soft;
    int error = 0;

    if (arg->flags & XEN_VCPUAFFINITY_HARD) {
        error = mask_write(&arg->cpumap_hard, &hard);
    }
    if (error == 0 && arg->flags & XEN_VCPUAFFINITY_SOFT) {
        soft = both(&vcpu->affinity_soft, &hard);
        error = mask_write(&arg->cpumap_soft, &soft);
    }
    return error;
}

long domctl_setvcpuaffinity(struct domctl *ctl)
{
    const struct xen_domctl_vcpuaffinity *arg = &ctl->op.u.vcpuaffinity;
    struct vcpu *vcpu = domctl_vcpu(ctl, arg->vcpu);
    struct cpu_mask hard, soft;
    int error = 0;

    if (vcpu == NULL) {
        return no_vcpu(ctl, arg->vcpu);
    }
    if (!(arg->flags & (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT)) ||
        arg->flags & ~(XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT | XEN_VCPUAFFINITY_FORCE)) {
        return domctl_refuse(ctl, 1, -XEN_EINVAL, arg->flags, XEN_VCPUAFFINITY_FORCE);
    }
    if (arg->flags & XEN_VCPUAFFINITY_HARD) {
        error = mask_read(&arg->cpumap_hard, &hard);
    }
    if (error == 0 && arg->flags & XEN_VCPUAFFINITY_SOFT) {
        error = mask_read(&arg->cpumap_soft, &soft);
    }
    if (error == 0 && arg->flags & XEN_VCPUAFFINITY_FORCE) {
        error = vcpu_pin_override(vcpu, -1);
    }
    if (error == 0 && arg->flags & XEN_VCPUAFFINITY_HARD) {
        error = vcpu_set_affinity(vcpu, &hard);
    }
    if (error == 0 && arg->flags & XEN_VCPUAFFINITY_SOFT) {
        error = vcpu_set_soft_affinity(vcpu, &soft);
    }
    return error ? error : tell_effective(arg, vcpu);
}

long domctl_getvcpuaffinity(struct domctl *ctl)
{
    const struct xen_domctl_vcpuaffinity *arg = &ctl->op.u.vcpuaffinity;
    const struct vcpu *vcpu = domctl_vcpu(ctl, arg->vcpu);
    int error = 0;

    if (vcpu == NULL) {
        return no_vcpu(ctl, arg->vcpu);
    }
    if (!(arg->flags & (XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT))) {
        return domctl_refuse(ctl, 1, -XEN_EINVAL, arg->flags, XEN_VCPUAFFINITY_SOFT);
    }
    if (arg->flags & XEN_VCPUAFFINITY_HARD) {
        error = mask_write(&arg->cpumap_hard, &vcpu->affinity_hard);
    }
    if (error == 0 && arg->flags & XEN_VCPUAFFINITY_SOFT) {
        error = mask_write(&arg->cpumap_soft, &vcpu->affinity_soft);
    }
    return error;
}

/* ---- nodes -------------------------------------------------------------------------------------- */

#define NODES 64u

/* Nodes with memory. */
static uint64_t nodes_present(void)
{
    uint64_t nodes = 0;

    for (unsigned int node = 0; node < NODES; node++) {
        if (frame_count_total_node(node) != 0) {
            nodes |= 1ull << node;
        }
    }
    return nodes;
}

long domctl_setnodeaffinity(struct domctl *ctl)
{
    unsigned long nodes;
    uint64_t present = nodes_present();
    int error = guest_bitmap_read(&ctl->op.u.nodeaffinity.nodemap, &nodes, NODES);

    if (error) {
        return error;
    }
    if (!(nodes & present)) {
        return domctl_refuse(ctl, 0, -XEN_EINVAL, nodes, present);
    }
    WRITE_ONCE(ctl->domain->node_affinity, nodes & present);
    return 0;
}

long domctl_getnodeaffinity(struct domctl *ctl)
{
    uint64_t nodes = READ_ONCE(ctl->domain->node_affinity);
    unsigned long bits = nodes ? nodes : nodes_present();

    return guest_bitmap_write(&ctl->op.u.nodeaffinity.nodemap, &bits, NODES);
}

/* ---- shares ------------------------------------------------------------------------------------- */

static long put_credit2(struct domain *domain, const struct xen_domctl_sched_credit2 *arg)
{
    int error = sched_set_weight(domain, arg->weight);

    return error == 0 ? sched_set_cap(domain, arg->cap) : error;
}

long domctl_scheduler_op(struct domctl *ctl)
{
    struct xen_domctl_scheduler_op *arg = &ctl->op.u.scheduler_op;

    if (arg->sched_id != sched_id() || arg->sched_id != XEN_SCHEDULER_CREDIT2) {
        return domctl_refuse(ctl, 0, -XEN_EINVAL, arg->sched_id, sched_id());
    }
    switch (arg->cmd) {
    case XEN_DOMCTL_SCHEDOP_putinfo:
        return put_credit2(ctl->domain, &arg->u.credit2);
    case XEN_DOMCTL_SCHEDOP_getinfo:
        arg->u.credit2.weight = (uint16_t)READ_ONCE(ctl->domain->sched_weight);
        arg->u.credit2.cap = (uint16_t)READ_ONCE(ctl->domain->sched_cap_percent);
        return 0;
    default: /* nothing is set vcpu by vcpu */
        return domctl_refuse(ctl, 1, -XEN_EINVAL, arg->cmd, XEN_DOMCTL_SCHEDOP_getinfo);
    }
}
