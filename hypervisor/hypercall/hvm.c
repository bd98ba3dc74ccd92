/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * hvm_op, as far as PV guests and their tools use it (xen/hvm/hvm_op.h). There are no HVM domains yet,
 * so there is nothing these could act on.
 */
#include "abi/xen.h"
#include "hypervisor/domain.h"
#include "hypervisor/hypercall.h"

#include <xen/hvm/hvm_op.h>

/* arg[0]: HVMOP_*. Page-table and flush operations of HVM guests are -XEN_ENOSYS for a PV caller. */
long hypercall_hvm_op(struct hypercall *call)
{
    struct domain *domain;
    struct xen_hvm_param param;

    switch (call->arg[0]) {
    case HVMOP_set_param:
    case HVMOP_get_param:
        if (guest_read(param, call->arg[1])) {
            return -XEN_EFAULT;
        }
        domain = domain_get_or_self(DOMAIN_ID(param.domid));
        if (!domain) {
            return -XEN_ESRCH;
        }
        domain_put(domain);
        return -XEN_EINVAL; /* not a translated domain */
    default:
        return -XEN_ENOSYS;
    }
}
