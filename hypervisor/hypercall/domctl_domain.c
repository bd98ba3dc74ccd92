/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* DOMCTL: properties of a domain, and what of the machine it may touch. */
#include "hypervisor/domctl.h"
#include "hypervisor/event.h"
#include "hypervisor/rangeset.h"
#include "hypervisor/string.h"
#include "hypervisor/timer.h"

long domctl_max_mem(struct domctl *ctl)
{
    uint64_t frames = ctl->op.u.max_mem.max_memkb >> (PAGE_SHIFT - 10);

    /* Below what it has: it keeps that, and does not grow. */
    spin_lock(&ctl->domain->frame_lock);
    WRITE_ONCE(ctl->domain->frames_max, frames);
    spin_unlock(&ctl->domain->frame_lock);
    return 0;
}

long domctl_setdomainhandle(struct domctl *ctl)
{
    memcpy(ctl->domain->handle, ctl->op.u.setdomainhandle.handle, sizeof(ctl->domain->handle));
    return 0;
}

/* No debugger can be attached. */
long domctl_setdebugging(struct domctl *ctl)
{
    return ctl->op.u.setdebugging.enable ? -XEN_EOPNOTSUPP : 0;
}

long domctl_settimeoffset(struct domctl *ctl)
{
    int64_t seconds = ctl->op.u.settimeoffset.time_offset_seconds;

    if (seconds < INT32_MIN || seconds > INT32_MAX) {
        return domctl_refuse(ctl, 0, -XEN_EINVAL, (uint64_t)seconds, INT32_MAX);
    }
    WRITE_ONCE(ctl->domain->time_offset_seconds, (int32_t)seconds);
    wallclock_publish(ctl->domain);
    return 0;
}

/* A port of the domain; whether it is good is seen when it is used. 0 ends it. */
long domctl_subscribe(struct domctl *ctl)
{
    WRITE_ONCE(ctl->domain->suspend_port, ctl->op.u.subscribe.port);
    return 0;
}

/* For device models of translated guests alone. */
long domctl_set_target(struct domctl *ctl)
{
    struct domain *target = domain_get(DOMAIN_ID(ctl->op.u.set_target.target));

    if (target == NULL) {
        return domctl_refuse(ctl, 0, -XEN_ESRCH, ctl->op.u.set_target.target,
                             DOMID_FIRST_RESERVED - 1);
    }
    domain_put(target);
    return -XEN_EINVAL;
}

/* Nobody gives what he does not have. */
static long change(struct domctl *ctl, struct rangeset *callers, struct rangeset *set,
                   uint64_t first, uint64_t last, bool allow)
{
    if (!rangeset_contains_range(callers, first, last)) {
        return domctl_refuse(ctl, 0, -XEN_EPERM, first, last);
    }
    return allow ? rangeset_add_range(set, first, last) : rangeset_remove_range(set, first, last);
}

long domctl_iomem_permission(struct domctl *ctl)
{
    const struct xen_domctl_iomem_permission *arg = &ctl->op.u.iomem_permission;
    uint64_t last = arg->first_mfn + arg->nr_mfns - 1;

    if (arg->nr_mfns == 0 || last < arg->first_mfn) {
        return domctl_refuse(ctl, 1, -XEN_EINVAL, arg->nr_mfns, ~0ull - arg->first_mfn);
    }
    return change(ctl, current_domain()->arch.io_memory, ctl->domain->arch.io_memory,
                  arg->first_mfn, last, arg->allow_access);
}

long domctl_irq_permission(struct domctl *ctl)
{
    const struct xen_domctl_irq_permission *arg = &ctl->op.u.irq_permission;

    return change(ctl, current_domain()->arch.irqs, ctl->domain->arch.irqs, arg->pirq, arg->pirq,
                  arg->allow_access);
}
