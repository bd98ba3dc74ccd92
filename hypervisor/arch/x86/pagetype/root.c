/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The roots a vcpu runs on: one for the guest's kernel, one for its user space.
 *
 * A root that a CPU's CR3 may hold is referenced by the vcpu whose context that CPU has. So on a
 * change the new CR3 is loaded before the old root's reference goes.
 *
 * The M2P table's guest view (slot 256) is hidden from user space when the guest asked for it
 * (VMASST_TYPE_m2p_strict): the slot is emptied when a table becomes a user root and filled again
 * when it becomes a kernel root.
 */
#include "internal.h"

#include "arch/memory.h"
#include "arch/sched.h"
#include "asm/paging.h"
#include "asm/tlb.h"
#include "hypervisor/bug.h"
#include "hypervisor/error.h"

static void show_m2p(struct domain *domain, mfn_t root, bool user)
{
    uint64_t *entries = mfn_to_virt(root);

    if (!(READ_ONCE(domain->vm_assist) >> VMASST_TYPE_m2p_strict & 1)) {
        return;
    }
    if (user) {
        WRITE_ONCE(entries[SLOT_M2P_GUEST], 0);
    } else if (READ_ONCE(entries[SLOT_M2P_GUEST]) == 0) {
        paging_init_root(entries, domain);
    }
}

/* CR3 for the mode the vcpu is in; the hardware's too when the vcpu is current and stands on it. */
static void publish_cr3(struct vcpu *vcpu, const mfn_t *changed)
{
    mfn_t *place = vcpu->arch.pv.kernel_mode ? &vcpu->arch.kernel_root : &vcpu->arch.user_root;

    vcpu->arch.cr3 = mfn_to_paddr(*place);
    if (vcpu == current_vcpu() && place == changed) {
        /* Hypercalls come from kernel mode, and a kernel root is never taken away. */
        BUG_ON(place->value == 0);
        cr3_load(vcpu->arch.cr3);
    }
}

static int root_get(struct domain *domain, mfn_t mfn)
{
    int rc;

    if (table_get_quick(domain, mfn, PAGE_TABLE_LEVELS)) {
        return 0;
    }
    spin_lock(&domain->arch.mmu_lock);
    rc = table_finish_backlog(domain);
    if (rc == 0) {
        rc = table_get(domain, mfn, PAGE_TABLE_LEVELS);
    }
    spin_unlock(&domain->arch.mmu_lock);
    return rc;
}

static void root_put(struct domain *domain, mfn_t mfn)
{
    if (mfn.value && !table_put_quick(mfn)) {
        spin_lock(&domain->arch.mmu_lock);
        table_put(domain, mfn, PAGE_TABLE_LEVELS);
        spin_unlock(&domain->arch.mmu_lock);
    }
}

static int root_set(struct vcpu *vcpu, mfn_t *place, mfn_t mfn)
{
    struct domain *domain = vcpu->domain;
    mfn_t old = *place;

    if (READ_ONCE(domain->dying) != DOMAIN_ALIVE && mfn.value) {
        return -XEN_EINVAL;
    }
    if (mfn.value && !mfn_equal(mfn, old)) {
        int rc = root_get(domain, mfn);

        if (rc) {
            return rc;
        }
    }
    if (vcpu != current_vcpu()) {
        arch_vcpu_sync_state(vcpu);
    }
    if (mfn.value) {
        show_m2p(domain, mfn, place == &vcpu->arch.user_root);
    }
    *place = mfn;
    publish_cr3(vcpu, place);
    if (!mfn_equal(mfn, old)) {
        root_put(domain, old);
    }
    return 0;
}

int root_set_kernel(struct vcpu *vcpu, mfn_t mfn)
{
    return mfn.value ? root_set(vcpu, &vcpu->arch.kernel_root, mfn) : -XEN_EINVAL;
}

int root_set_user(struct vcpu *vcpu, mfn_t mfn)
{
    return root_set(vcpu, &vcpu->arch.user_root, mfn);
}

void root_drop(struct vcpu *vcpu)
{
    mfn_t kernel = vcpu->arch.kernel_root;
    mfn_t user = vcpu->arch.user_root;

    BUG_ON(vcpu == current_vcpu());
    arch_vcpu_sync_state(vcpu);
    vcpu->arch.cr3 = 0;
    vcpu->arch.kernel_root = vcpu->arch.user_root = MFN(0);
    root_put(vcpu->domain, kernel);
    root_put(vcpu->domain, user);
}
