/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * DOMCTLs that read and change a domain's CPUID policy. It can change until the toolstack lets the
 * domain run for the first time, and for no vcpu that has looked at it.
 */
#include "asm/policy.h"
#include "asm/policy_request.h"
#include "hypervisor/heap.h"
#include "internal.h"

/* The MSRs a policy has: what a guest reads of them is 0. */
static const xen_msr_entry_t msrs[] = {
    { .idx = 0xce },  /* platform information */
    { .idx = 0x10a }, /* architectural capabilities */
};

#define MSRS_MAX 4u /* a call */

struct policy_lists {
    struct cpu_policy policy;
    struct xen_cpuid_leaf leaves[POLICY_LIST_MAX];
};

static long tell_msrs(const struct domctl *ctl)
{
    const struct xen_domctl_cpu_policy *arg = &ctl->op.u.cpu_policy;

    if (arg->nr_msrs < ARRAY_SIZE(msrs)) {
        return domctl_refuse(ctl, 1, -XEN_ENOBUFS, arg->nr_msrs, ARRAY_SIZE(msrs));
    }
    return guest_copy_to(guest_handle(arg->msrs), msrs, sizeof(msrs)) != 0 ? -XEN_EFAULT : 0;
}

long domctl_get_cpu_policy(struct domctl *ctl)
{
    struct xen_domctl_cpu_policy *arg = &ctl->op.u.cpu_policy;
    struct policy_lists *lists;
    unsigned int count;
    long result = 0;

    if (ctl->domain->arch.policy == NULL) {
        return -XEN_EOPNOTSUPP;
    }
    lists = heap_alloc(sizeof(*lists));
    if (lists == NULL) {
        return -XEN_ENOMEM;
    }
    count = policy_list(ctl->domain->arch.policy, lists->leaves);
    if (count > arg->nr_leaves) {
        result = domctl_refuse(ctl, 0, -XEN_ENOBUFS, arg->nr_leaves, count);
    } else if (guest_copy_to(guest_handle(arg->leaves), lists->leaves,
                             count * sizeof(lists->leaves[0]))) {
        result = -XEN_EFAULT;
    }
    arg->nr_leaves = count;
    if (result == 0 && guest_handle(arg->msrs) != 0) {
        result = tell_msrs(ctl);
    }
    arg->nr_msrs = guest_handle(arg->msrs) != 0 ? ARRAY_SIZE(msrs) : 0;
    heap_free(lists);
    return result;
}

/* Tells which one it was, beside the error. */
static long wrong_msr(struct domctl *ctl, uint32_t index, int error)
{
    ctl->op.u.cpu_policy.err_msr = index;
    return guest_write(ctl->address, ctl->op) ? -XEN_EFAULT
                                              : domctl_refuse(ctl, 3, error, index, 0);
}

static bool has_msr(uint32_t index)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(msrs); i++) {
        if (msrs[i].idx == index) {
            return true;
        }
    }
    return false;
}

static long check_msrs(struct domctl *ctl)
{
    const struct xen_domctl_cpu_policy *arg = &ctl->op.u.cpu_policy;

    if (arg->nr_msrs > MSRS_MAX) {
        return domctl_refuse(ctl, 1, -XEN_E2BIG, arg->nr_msrs, MSRS_MAX);
    }
    for (uint32_t i = 0; i < arg->nr_msrs; i++) {
        xen_msr_entry_t msr;

        if (guest_read(msr, guest_array_at(guest_handle(arg->msrs), xen_msr_entry_t, i))) {
            return -XEN_EFAULT;
        }
        if (msr.flags != 0 || !has_msr(msr.idx)) {
            return wrong_msr(ctl, msr.idx, -XEN_ERANGE);
        }
        if (msr.val != 0) {
            return wrong_msr(ctl, msr.idx, -XEN_EINVAL);
        }
    }
    return 0;
}

static long set_leaves(struct domctl *ctl, struct policy_lists *lists)
{
    struct xen_domctl_cpu_policy *arg = &ctl->op.u.cpu_policy;
    unsigned int wrong = 0;
    int error;

    if (guest_copy_from(lists->leaves, guest_handle(arg->leaves),
                        arg->nr_leaves * sizeof(lists->leaves[0]))) {
        return -XEN_EFAULT;
    }
    lists->policy = *ctl->domain->arch.policy;
    error = policy_request(&lists->policy, lists->leaves, arg->nr_leaves, &wrong);
    if (error == 0) {
        *ctl->domain->arch.policy = lists->policy;
        return 0;
    }
    arg->err_leaf = lists->leaves[wrong].leaf;
    arg->err_subleaf = lists->leaves[wrong].subleaf;
    if (guest_write(ctl->address, ctl->op)) {
        return -XEN_EFAULT;
    }
    return domctl_refuse(ctl, 2, error, arg->err_leaf, POLICY_LIST_MAX);
}

long domctl_set_cpu_policy(struct domctl *ctl)
{
    struct xen_domctl_cpu_policy *arg = &ctl->op.u.cpu_policy;
    struct policy_lists *lists;
    long result;

    if (ctl->domain == current_domain()) {
        return -XEN_EINVAL;
    }
    if (ctl->domain->arch.policy == NULL) {
        return -XEN_EOPNOTSUPP;
    }
    if (READ_ONCE(ctl->domain->creation_finished)) {
        return -XEN_EEXIST;
    }
    if (arg->nr_leaves > POLICY_LIST_MAX) {
        return domctl_refuse(ctl, 0, -XEN_E2BIG, arg->nr_leaves, POLICY_LIST_MAX);
    }
    arg->err_leaf = arg->err_subleaf = arg->err_msr = ~0u;
    result = check_msrs(ctl);
    if (result != 0) {
        return result;
    }
    lists = heap_alloc(sizeof(*lists));
    if (lists == NULL) {
        return -XEN_ENOMEM;
    }
    result = set_leaves(ctl, lists);
    heap_free(lists);
    return result;
}
