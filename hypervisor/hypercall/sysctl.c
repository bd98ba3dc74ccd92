/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * sysctl (xen/sysctl.h): what the control domain's toolstack asks about the machine as a whole.
 *
 * The guest's struct is copied in once and goes back only with a result. An operation without a row
 * is the architecture's, or -XEN_ENOSYS; those that the hypervisor has no part for are listed with
 * the error that tells a tool so.
 *
 * A refusal's trace record: argument 0, the value being the interface version for -XEN_EACCES, else
 * the first word behind the header.
 */
#include "sysctl_ops.h"

#include "arch/sysctl.h"
#include "hypervisor/console.h"
#include "hypervisor/debug_key.h"
#include "hypervisor/domain.h"
#include "hypervisor/domain_info.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/string.h"
#include "hypervisor/trace.h"

#define CONSOLE_CHUNK_BYTES 256u
#define DEBUG_KEYS_MAX      64u

/* ---- the console ------------------------------------------------------------------------------ */

/*
 * In chunks, so that no lock is held across a guest copy; as many bytes as the ring holds at most,
 * and some that come meanwhile. What came after the last chunk is forgotten too by `clear`.
 */
static long op_readconsole(struct xen_sysctl *op)
{
    struct xen_sysctl_readconsole *args = &op->u.readconsole;
    uint32_t index = args->incremental ? args->index : 0, done = 0;
    char chunk[CONSOLE_CHUNK_BYTES];

    while (done < args->count) {
        uint32_t bytes = min(args->count - done, CONSOLE_CHUNK_BYTES);

        console_ring_read(chunk, &bytes, &index, false);
        if (bytes == 0) {
            break;
        }
        if (guest_copy_to(guest_handle(args->buffer) + done, chunk, bytes) != 0) {
            return -XEN_EFAULT;
        }
        done += bytes;
    }
    if (args->clear) {
        uint32_t none = 0, end = index;

        console_ring_read(chunk, &none, &end, true);
    }
    args->index = index;
    args->count = done;
    return 0;
}

static long op_debug_keys(struct xen_sysctl *op)
{
    const struct xen_sysctl_debug_keys *args = &op->u.debug_keys;
    char keys[DEBUG_KEYS_MAX];

    if (args->nr_keys > DEBUG_KEYS_MAX) {
        return -XEN_E2BIG;
    }
    if (guest_copy_from(keys, guest_handle(args->keys), args->nr_keys) != 0) {
        return -XEN_EFAULT;
    }
    for (uint32_t i = 0; i < args->nr_keys; i++) {
        debug_key_run(keys[i]);
    }
    return 0;
}

/* ---- domains ---------------------------------------------------------------------------------- */

struct domain_list {
    struct xen_sysctl_getdomaininfolist *args;
    uint32_t done;
    long error;
};

/* A reference is held, no lock. */
static bool list_domain(struct domain *domain, void *data)
{
    struct domain_list *list = data;
    struct xen_domctl_getdomaininfo info;
    uint64_t to = guest_array_at(guest_handle(list->args->buffer), info, list->done);

    if (domain->id.value < list->args->first_domain || !READ_ONCE(domain->created)) {
        return true;
    }
    if (list->done == list->args->max_domains) {
        return false;
    }
    domain_info_fill(domain, &info);
    if (guest_write(to, info) != 0) {
        list->error = -XEN_EFAULT;
        return false;
    }
    list->done++;
    return true;
}

/* The domain ids bound it; the struct has no place to continue from in a guest's later call. */
static long op_getdomaininfolist(struct xen_sysctl *op)
{
    struct domain_list list = { .args = &op->u.getdomaininfolist };

    domain_for_each(list_domain, &list);
    list.args->num_domains = list.done;
    return list.error;
}

/* ---- the table -------------------------------------------------------------------------------- */

/* run NULL: there is no such part; `error` says so. */
static const struct sysctl_row {
    uint32_t cmd;
    long (*run)(struct xen_sysctl *op);
    bool has_result;
    int error;
} rows[] = {
    { XEN_SYSCTL_readconsole, op_readconsole, true, 0 },
    { XEN_SYSCTL_tbuf_op, sysctl_tbuf_op, true, 0 },
    { XEN_SYSCTL_physinfo, sysctl_physinfo, true, 0 },
    { XEN_SYSCTL_sched_id, sysctl_sched_id, true, 0 },
    { XEN_SYSCTL_perfc_op, sysctl_perfc_op, true, 0 },
    { XEN_SYSCTL_getdomaininfolist, op_getdomaininfolist, true, 0 },
    { XEN_SYSCTL_debug_keys, op_debug_keys, false, 0 },
    { XEN_SYSCTL_getcpuinfo, sysctl_getcpuinfo, true, 0 },
    { XEN_SYSCTL_availheap, sysctl_availheap, true, 0 },
    { XEN_SYSCTL_cputopoinfo, sysctl_cputopoinfo, true, 0 },
    { XEN_SYSCTL_numainfo, sysctl_numainfo, true, 0 },
    { XEN_SYSCTL_cpupool_op, sysctl_cpupool_op, true, 0 },
    { XEN_SYSCTL_scheduler_op, sysctl_scheduler_op, true, 0 },
    { XEN_SYSCTL_get_pmstat, NULL, false, -XEN_ENODEV },
    { XEN_SYSCTL_pm_op, NULL, false, -XEN_ENODEV },
    { XEN_SYSCTL_cpu_hotplug, NULL, false, -XEN_EOPNOTSUPP },
    { XEN_SYSCTL_page_offline_op, NULL, false, -XEN_EOPNOTSUPP },
    { XEN_SYSCTL_coverage_op, NULL, false, -XEN_EOPNOTSUPP },
    { XEN_SYSCTL_livepatch_op, NULL, false, -XEN_EOPNOTSUPP },
    { XEN_SYSCTL_psr_cmt_op, NULL, false, -XEN_ENODEV },
    { XEN_SYSCTL_psr_alloc, NULL, false, -XEN_ENODEV },
};

static long sysctl_run(struct xen_sysctl *op, bool *has_result)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].cmd == op->cmd) {
            *has_result = rows[i].has_result;
            return rows[i].run != NULL ? rows[i].run(op) : rows[i].error;
        }
    }
    return arch_sysctl(op, has_result);
}

long hypercall_sysctl(struct hypercall *call)
{
    bool has_result = false;
    struct xen_sysctl op;
    long rc;

    if (guest_read(op, call->arg[0]) != 0) {
        return -XEN_EFAULT;
    }
    if (op.interface_version != XEN_SYSCTL_INTERFACE_VERSION) {
        trace_refuse(__HYPERVISOR_sysctl, (uint16_t)op.cmd, 0, -XEN_EACCES, op.interface_version,
                     XEN_SYSCTL_INTERFACE_VERSION, XEN_SYSCTL_INTERFACE_VERSION);
        return -XEN_EACCES;
    }
    rc = sysctl_run(&op, &has_result);
    if (rc < 0) {
        trace_refuse(__HYPERVISOR_sysctl, (uint16_t)op.cmd, 0, (int)rc, op.u.sched_id.sched_id, 0,
                     0);
        return rc;
    }
    return has_result && guest_write(call->arg[0], op) != 0 ? -XEN_EFAULT : rc;
}
