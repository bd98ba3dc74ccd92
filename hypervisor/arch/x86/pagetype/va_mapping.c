/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * HYPERVISOR_update_va_mapping(va, value, flags) and ..._otherdomain(va, value, flags, domid),
 * xen/xen.h: one L1 entry of the current kernel's address space, and the flush that belongs to it.
 */
#include "internal.h"

#include "arch/memory.h"
#include "asm/tlb.h"
#include "hypervisor/error.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/security.h"
#include "hypervisor/trace.h"

/* Locked. */
static int update_at(struct vcpu *vcpu, uint64_t va, uint64_t value, struct domain *owner)
{
    struct domain *domain = vcpu->domain;
    struct pte_place place;
    struct frame *frame;

    if (!pagetype_find_pte(vcpu, va, &place)) {
        return -XEN_EINVAL;
    }
    frame = frame_of(place.table);
    /* Reached from a live root under mmu_lock, so it is a live L1 of the domain. */
    if (!table_is_live(frame) || pagetype_of(frame) != PAGETYPE_L1) {
        return -XEN_EINVAL;
    }
    return table_update(domain, frame, place.index, value, owner, UPDATE_PLAIN, 0);
}

static void flush_local(uint64_t va, uint64_t kind)
{
    if (kind == UVMF_TLB_FLUSH) {
        tlb_flush_local();
    } else {
        tlb_flush_local_va(va);
    }
}

/* UVMF_*: which TLBs is in the bits above the kind, a guest pointer to a vcpu bitmap included. */
static int flush_as_told(uint64_t va, uint64_t flags)
{
    const struct domain *domain = current_domain();
    uint64_t kind = flags & UVMF_FLUSHTYPE_MASK;
    uint64_t which = flags & ~UVMF_FLUSHTYPE_MASK;
    struct cpu_mask mask;

    if (kind != UVMF_TLB_FLUSH && kind != UVMF_INVLPG) {
        return 0;
    }
    if (which == UVMF_LOCAL) {
        flush_local(va, kind);
        return 0;
    }
    if (which == UVMF_ALL) {
        flush_mask_domain(domain, &mask);
    } else if (flush_mask_guest(domain, which, &mask)) {
        return -XEN_EFAULT;
    }
    if (kind == UVMF_TLB_FLUSH) {
        tlb_flush_mask(&mask);
    } else {
        tlb_flush_mask_va(&mask, va);
    }
    return 0;
}

static long update_va_mapping(struct hypercall *call, struct domain *owner)
{
    uint64_t va = call->arg[0];
    struct vcpu *vcpu = current_vcpu();
    struct domain *domain = vcpu->domain;
    int rc;

    spin_lock(&domain->arch.mmu_lock);
    rc = table_finish_backlog(domain);
    if (rc == 0) {
        rc = update_at(vcpu, va, call->arg[1], owner);
    }
    spin_unlock(&domain->arch.mmu_lock);
    if (rc == -XEN_ERESTART) {
        return HYPERCALL_CONTINUE;
    }
    if (rc) {
        trace_refuse(call->op, 0, 0, rc, va, 0, HYPERVISOR_START - 1);
        trace_refuse(call->op, 0, 1, rc, call->arg[1], 0, 0);
        return rc;
    }
    return flush_as_told(va, call->arg[2]);
}

long hypercall_update_va_mapping(struct hypercall *call)
{
    return update_va_mapping(call, current_domain());
}

long hypercall_update_va_mapping_otherdomain(struct hypercall *call)
{
    int error = 0;
    struct domain *owner = foreign_domain_get((uint16_t)call->arg[3], &error);
    long rc;

    if (!owner) {
        return error;
    }
    /* DOMID_IO here is for the privileged, unlike in mmu_update. */
    error = security_check(current_domain(), owner, SECURITY_MMU_FOREIGN_MAP);
    rc = error ? error : update_va_mapping(call, owner);
    domain_put(owner);
    return rc;
}
