/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * hvm_op, as far as PV guests and their tools use it (xen/hvm/hvm_op.h). There are no HVM domains yet,
 * so there is nothing these could act on.
 */
#include "abi/xen.h"
#include "hypervisor/domain.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/security.h"

#include <xen/hvm/hvm_op.h>

/* The privilege comes first: what ids there are is nothing for others to find out. */
static long param_op(uint64_t guest_address)
{
    struct xen_hvm_param param;
    struct domain *domain;
    long error;

    if (guest_read(param, guest_address)) {
        return -XEN_EFAULT;
    }
    domain = domain_get_or_self(DOMAIN_ID(param.domid));
    error = security_check(current_domain(), domain, SECURITY_HVM_PARAM);
    if (error == 0) {
        error = domain == NULL ? -XEN_ESRCH : -XEN_EINVAL; /* not a translated domain */
    }
    domain_put(domain);
    return error;
}

/* arg[0]: HVMOP_*. Page-table and flush operations of HVM guests are -XEN_ENOSYS for a PV caller. */
long hypercall_hvm_op(struct hypercall *call)
{
    switch (call->arg[0]) {
    case HVMOP_set_param:
    case HVMOP_get_param:
        return param_op(call->arg[1]);
    default:
        return -XEN_ENOSYS;
    }
}
