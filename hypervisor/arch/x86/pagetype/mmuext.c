/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * HYPERVISOR_mmuext_op(ops, count, pdone, foreigndom), xen/xen.h.
 *
 * foreigndom matters for pins, unpins, clearing and copying of frames; everything else is about the
 * current vcpu. Continuations are as in mmu_update.c.
 */
#include "internal.h"

#include "arch/memory.h"
#include "asm/cache.h"
#include "asm/pv.h"
#include "asm/tlb.h"
#include "hypervisor/error.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/rangeset.h"
#include "hypervisor/security.h"
#include "hypervisor/string.h"
#include "hypervisor/trace.h"

/* ---- tables and roots ------------------------------------------------------------------------ */

static int pin_or_unpin(struct domain *domain, const struct mmuext_op *op)
{
    mfn_t mfn = MFN(op->arg1.mfn);
    int rc;

    if (domain->kind != DOMAIN_KIND_PV) {
        return -XEN_EINVAL;
    }
    spin_lock(&domain->arch.mmu_lock);
    rc = table_finish_backlog(domain);
    if (rc == 0) {
        rc = op->cmd == MMUEXT_UNPIN_TABLE ? table_unpin(domain, mfn)
                                           : table_pin(domain, mfn, op->cmd + 1);
    }
    spin_unlock(&domain->arch.mmu_lock);
    return rc;
}

static int new_root(const struct mmuext_op *op)
{
    struct vcpu *vcpu = current_vcpu();
    mfn_t mfn = MFN(op->arg1.mfn);

    if (op->cmd == MMUEXT_NEW_USER_BASEPTR) {
        return root_set_user(vcpu, mfn);
    }
    return root_set_kernel(vcpu, mfn);
}

/* ---- flushes --------------------------------------------------------------------------------- */

static int flush_tlb(const struct mmuext_op *op)
{
    const struct domain *domain = current_domain();
    struct cpu_mask mask;

    switch (op->cmd) {
    case MMUEXT_TLB_FLUSH_LOCAL:
        tlb_flush_local();
        return 0;
    case MMUEXT_INVLPG_LOCAL:
        tlb_flush_local_va(op->arg1.linear_addr);
        return 0;
    case MMUEXT_TLB_FLUSH_ALL:
    case MMUEXT_INVLPG_ALL:
        flush_mask_domain(domain, &mask);
        break;
    default:
        if (flush_mask_guest(domain, guest_handle(op->arg2.vcpumask), &mask)) {
            return -XEN_EFAULT;
        }
    }
    if (op->cmd == MMUEXT_TLB_FLUSH_ALL || op->cmd == MMUEXT_TLB_FLUSH_MULTI) {
        tlb_flush_mask(&mask);
    } else {
        tlb_flush_mask_va(&mask, op->arg1.linear_addr);
    }
    return 0;
}

static void flush_cache_on_cpu(void *data)
{
    (void)data;
    cache_flush_all_local();
}

/* Milliseconds for everybody: for those who share memory with devices. */
static int flush_cache(const struct mmuext_op *op)
{
    const struct domain *domain = current_domain();

    if ((!domain->arch.io_memory || rangeset_is_empty(domain->arch.io_memory)) &&
        security_check(domain, domain, SECURITY_CACHE_FLUSH)) {
        return -XEN_EACCES;
    }
    if (op->cmd == MMUEXT_FLUSH_CACHE) {
        cache_flush_all_local();
    } else {
        cpu_call(&cpu_online_mask, flush_cache_on_cpu, NULL);
    }
    return 0;
}

/* ---- contents -------------------------------------------------------------------------------- */

static int write_page(struct domain *domain, const struct mmuext_op *op)
{
    struct frame *to = arch_gfn_get_frame(domain, GFN(op->arg1.mfn));
    struct frame *from = NULL;
    int rc = -XEN_EINVAL;

    if (!to) {
        return -XEN_EINVAL;
    }
    if (op->cmd == MMUEXT_COPY_PAGE) {
        from = arch_gfn_get_frame(domain, GFN(op->arg2.src_mfn));
        if (!from) {
            goto out_to;
        }
    }
    rc = type_get_simple(to, PAGETYPE_WRITABLE);
    if (rc) {
        goto out_from;
    }
    if (from) {
        memmove(mfn_to_virt(frame_mfn(to)), mfn_to_virt(frame_mfn(from)), PAGE_SIZE);
    } else {
        memset(mfn_to_virt(frame_mfn(to)), 0, PAGE_SIZE);
    }
    type_put_simple(to, PAGETYPE_WRITABLE);

out_from:
    if (from) {
        frame_put(from);
    }
out_to:
    frame_put(to);
    return rc;
}

/* ---- the hypercall --------------------------------------------------------------------------- */

static int run_one(struct domain *foreign, const struct mmuext_op *op)
{
    switch (op->cmd) {
    case MMUEXT_PIN_L1_TABLE:
    case MMUEXT_PIN_L2_TABLE:
    case MMUEXT_PIN_L3_TABLE:
    case MMUEXT_PIN_L4_TABLE:
    case MMUEXT_UNPIN_TABLE:
        return pin_or_unpin(foreign, op);
    case MMUEXT_NEW_BASEPTR:
    case MMUEXT_NEW_USER_BASEPTR:
        return foreign == current_domain() ? new_root(op) : -XEN_EPERM;
    case MMUEXT_TLB_FLUSH_LOCAL:
    case MMUEXT_INVLPG_LOCAL:
    case MMUEXT_TLB_FLUSH_MULTI:
    case MMUEXT_INVLPG_MULTI:
    case MMUEXT_TLB_FLUSH_ALL:
    case MMUEXT_INVLPG_ALL:
        return foreign == current_domain() ? flush_tlb(op) : -XEN_EPERM;
    case MMUEXT_FLUSH_CACHE:
    case MMUEXT_FLUSH_CACHE_GLOBAL:
        return foreign == current_domain() ? flush_cache(op) : -XEN_EPERM;
    case MMUEXT_SET_LDT:
        return foreign == current_domain()
                   ? pv_set_ldt(current_vcpu(), op->arg1.linear_addr, op->arg2.nr_ents)
                   : -XEN_EPERM;
    case MMUEXT_CLEAR_PAGE:
    case MMUEXT_COPY_PAGE:
        return foreign->kind == DOMAIN_KIND_PV ? write_page(foreign, op) : -XEN_EINVAL;
    case MMUEXT_MARK_SUPER:
    case MMUEXT_UNMARK_SUPER:
        return -XEN_EOPNOTSUPP; /* no superpages for PV guests */
    default:
        return -XEN_ENOSYS;
    }
}

/* What the guest's own domain or the foreign one still has to dismantle. */
static int finish_backlog(struct domain *domain)
{
    int rc;

    if (domain->kind != DOMAIN_KIND_PV || !table_has_backlog(domain)) {
        return 0;
    }
    spin_lock(&domain->arch.mmu_lock);
    rc = table_finish_backlog(domain);
    spin_unlock(&domain->arch.mmu_lock);
    return rc;
}

/* Runs from ops[*done] on. Error of the first one that failed, or -XEN_ERESTART. */
static int run(struct domain *foreign, uint64_t ops, unsigned int count, unsigned int *done)
{
    int rc = finish_backlog(foreign);

    while (rc == 0 && *done < count) {
        struct mmuext_op op;

        if (guest_read(op, guest_array_at(ops, struct mmuext_op, *done))) {
            return -XEN_EFAULT;
        }
        rc = run_one(foreign, &op);
        if (rc == 0) {
            (*done)++;
            rc = finish_backlog(foreign);
        }
        if (rc && rc != -XEN_ERESTART) {
            trace_refuse(__HYPERVISOR_mmuext_op, (uint16_t)op.cmd, 0, rc, op.arg1.mfn, 0,
                         frame_table_end);
        }
        if (rc == 0 && *done < count && hypercall_preempt()) {
            rc = -XEN_ERESTART;
        }
    }
    return rc;
}

long hypercall_mmuext_op(struct hypercall *call)
{
    uint64_t ops = call->arg[0];
    uint32_t count = (uint32_t)call->arg[1];
    uint64_t pdone = call->arg[2];
    struct domain *foreign;
    uint32_t before = 0;
    unsigned int done = 0;
    int rc = 0;

    if (count & MMU_UPDATE_PREEMPTED) {
        count &= ~MMU_UPDATE_PREEMPTED;
        if (pdone && guest_read(before, pdone)) {
            return -XEN_EFAULT;
        }
    }
    foreign = foreign_domain_get((uint16_t)call->arg[3], &rc);
    if (!foreign) {
        return rc;
    }
    rc = run(foreign, ops, count, &done);
    domain_put(foreign);
    before += done;
    if (pdone && guest_write(pdone, before)) {
        return -XEN_EFAULT;
    }
    if (rc == -XEN_ERESTART) {
        call->arg[0] = guest_array_at(ops, struct mmuext_op, done);
        call->arg[1] = (count - done) | MMU_UPDATE_PREEMPTED;
        return HYPERCALL_CONTINUE;
    }
    return rc;
}
