/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * sysctl: the scheduler. There is one for all processors: pool 0, which cannot be changed. An
 * operation on it that would need another pool, or a processor in none, is -XEN_EOPNOTSUPP; one that
 * asks for what is the case already is done.
 */
#include "sysctl_ops.h"

#include "hypervisor/cpu.h"
#include "hypervisor/domain.h"
#include "hypervisor/error.h"
#include "guest_bitmap.h"
#include "hypervisor/sched.h"

#define POOL_OF_ALL 0u

long sysctl_sched_id(struct xen_sysctl *op)
{
    op->u.sched_id.sched_id = sched_id();
    return 0;
}

struct domain_count {
    uint32_t domains;
};

static bool count_domain(struct domain *domain, void *data)
{
    ((struct domain_count *)data)->domains++;
    return true;
}

/* Of the first pool whose id is not below the one given: toolstacks list them that way. */
static long pool_info(struct xen_sysctl_cpupool_op *args)
{
    struct domain_count count = { 0 };

    if (args->cpupool_id > POOL_OF_ALL) {
        return -XEN_ENOENT;
    }
    domain_for_each(count_domain, &count);
    args->sched_id = sched_id();
    args->n_dom = count.domains;
    return guest_bitmap_write(&args->cpumap, cpu_online_mask.bits, CONFIG_MAX_CPUS);
}

static long pool_free_cpus(const struct xen_sysctl_cpupool_op *args)
{
    static const struct cpu_mask none;

    return guest_bitmap_write(&args->cpumap, none.bits, CONFIG_MAX_CPUS);
}

static long pool_move_domain(const struct xen_sysctl_cpupool_op *args)
{
    struct domain *domain =
        args->domid < DOMID_FIRST_RESERVED ? domain_get(DOMAIN_ID((uint16_t)args->domid)) : NULL;

    if (domain == NULL) {
        return -XEN_EINVAL;
    }
    domain_put(domain);
    return 0;
}

static bool is_pool_cpu(const struct xen_sysctl_cpupool_op *args)
{
    return args->cpu == XEN_SYSCTL_CPUPOOL_PAR_ANY || cpu_is_online(args->cpu);
}

long sysctl_cpupool_op(struct xen_sysctl *op)
{
    struct xen_sysctl_cpupool_op *args = &op->u.cpupool_op;

    switch (args->op) {
    case XEN_SYSCTL_CPUPOOL_OP_INFO:
        return pool_info(args);
    case XEN_SYSCTL_CPUPOOL_OP_FREEINFO:
        return pool_free_cpus(args);
    case XEN_SYSCTL_CPUPOOL_OP_CREATE:
        return args->cpupool_id == POOL_OF_ALL ? -XEN_EEXIST : -XEN_EOPNOTSUPP;
    case XEN_SYSCTL_CPUPOOL_OP_DESTROY:
    case XEN_SYSCTL_CPUPOOL_OP_ADDCPU:
    case XEN_SYSCTL_CPUPOOL_OP_RMCPU:
    case XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN:
        break;
    default:
        return -XEN_ENOSYS;
    }
    if (args->cpupool_id != POOL_OF_ALL) {
        return -XEN_ENOENT;
    }
    switch (args->op) {
    case XEN_SYSCTL_CPUPOOL_OP_DESTROY:
        return -XEN_EBUSY;
    case XEN_SYSCTL_CPUPOOL_OP_ADDCPU:
        return is_pool_cpu(args) ? -XEN_ENODEV : -XEN_EINVAL; /* none is free */
    case XEN_SYSCTL_CPUPOOL_OP_RMCPU:
        return is_pool_cpu(args) ? -XEN_EOPNOTSUPP : -XEN_EINVAL;
    default:
        return pool_move_domain(args);
    }
}

long sysctl_scheduler_op(struct xen_sysctl *op)
{
    struct xen_sysctl_scheduler_op *args = &op->u.scheduler_op;

    if (args->cpupool_id != POOL_OF_ALL) {
        return -XEN_ESRCH;
    }
    if (args->sched_id != sched_id() || args->sched_id != XEN_SCHEDULER_CREDIT2) {
        return -XEN_EINVAL;
    }
    switch (args->cmd) {
    case XEN_SYSCTL_SCHEDOP_getinfo:
        args->u.sched_credit2.ratelimit_us = sched_ratelimit_us();
        return 0;
    case XEN_SYSCTL_SCHEDOP_putinfo:
        return sched_set_ratelimit_us(args->u.sched_credit2.ratelimit_us);
    default:
        return -XEN_EINVAL;
    }
}
