/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * One operation of the toolstack on a domain (xen/domctl.h) on its way through its handler. The theory
 * is at the top of hypercall/domctl.c; the handlers are in hypercall/domctl_*.c and arch/.../domctl.
 */
#ifndef HYPERVISOR_DOMCTL_H
#define HYPERVISOR_DOMCTL_H

#include "hypervisor/domain.h"
#include "hypervisor/hypercall.h"

#include <xen/domctl.h>

struct domctl {
    struct xen_domctl op;  /* the caller's, copied in once */
    struct domain *domain; /* referenced; NULL where the operation names none */
    uint64_t address;      /* of the caller's struct xen_domctl */
};

/* 0 (and op.u goes back where the table says so), HYPERCALL_CONTINUE, or an error. */
typedef long (*domctl_handler_t)(struct domctl *ctl);

/* Leaves the trace record of a refusal and returns the error. `argument`: position in op.u's struct. */
long domctl_refuse(const struct domctl *ctl, unsigned int argument, int error, uint64_t value,
                   uint64_t allowed_max) __must_check;

/* The domain's vcpu of that number: NULL when there is none. */
struct vcpu *domctl_vcpu(const struct domctl *ctl, uint32_t id);

/* hypercall/domctl_life.c */
long domctl_createdomain(struct domctl *ctl);
long domctl_destroydomain(struct domctl *ctl);
long domctl_pausedomain(struct domctl *ctl);
long domctl_unpausedomain(struct domctl *ctl);
long domctl_resumedomain(struct domctl *ctl);
long domctl_getdomaininfo(struct domctl *ctl);
long domctl_max_vcpus(struct domctl *ctl);

/* hypercall/domctl_domain.c */
long domctl_max_mem(struct domctl *ctl);
long domctl_setdomainhandle(struct domctl *ctl);
long domctl_setdebugging(struct domctl *ctl);
long domctl_settimeoffset(struct domctl *ctl);
long domctl_subscribe(struct domctl *ctl);
long domctl_set_target(struct domctl *ctl);
long domctl_iomem_permission(struct domctl *ctl);
long domctl_irq_permission(struct domctl *ctl);

/* hypercall/domctl_vcpu.c */
long domctl_setvcpucontext(struct domctl *ctl);
long domctl_getvcpucontext(struct domctl *ctl);
long domctl_getvcpuinfo(struct domctl *ctl);

/* hypercall/domctl_sched.c */
long domctl_setvcpuaffinity(struct domctl *ctl);
long domctl_getvcpuaffinity(struct domctl *ctl);
long domctl_setnodeaffinity(struct domctl *ctl);
long domctl_getnodeaffinity(struct domctl *ctl);
long domctl_scheduler_op(struct domctl *ctl);

/*
 * THE ARCH CONTRACT: operations only the architecture knows; -XEN_ENOSYS for one it does not know,
 * either. *copy_out: whether op goes back to the caller when it succeeds. The domain is no system
 * domain; it may be the caller's.
 */
long arch_domctl(struct domctl *ctl, bool *copy_out);

#endif
