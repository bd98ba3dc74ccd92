/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* sysctl: event records and counters. */
#include "sysctl_ops.h"

#include "guest_bitmap.h"
#include "hypervisor/guest.h"
#include "hypervisor/perf_counter.h"
#include "hypervisor/string.h"
#include "hypervisor/trace_event.h"

/* ---- event records ------------------------------------------------------------------------------ */

static long get_info(struct xen_sysctl_tbuf_op *args)
{
    struct trace_events_info info;

    trace_events_get_info(&info);
    args->evt_mask = info.mask;
    args->buffer_mfn = info.info_mfn;
    args->size = info.info_bytes;
    return 0;
}

static long set_cpus(const struct xen_sysctl_tbuf_op *args)
{
    struct cpu_mask cpus = { { 0 } };
    long rc = guest_bitmap_read(&args->cpu_mask, cpus.bits, CONFIG_MAX_CPUS);

    if (rc == 0) {
        trace_events_set_cpus(&cpus);
    }
    return rc;
}

long sysctl_tbuf_op(struct xen_sysctl *op)
{
    struct xen_sysctl_tbuf_op *args = &op->u.tbuf_op;

    switch (args->cmd) {
    case XEN_SYSCTL_TBUFOP_get_info:
        return get_info(args);
    case XEN_SYSCTL_TBUFOP_set_cpu_mask:
        return set_cpus(args);
    case XEN_SYSCTL_TBUFOP_set_evt_mask:
        trace_events_set_mask(args->evt_mask);
        return 0;
    case XEN_SYSCTL_TBUFOP_set_size:
        return trace_events_set_size(args->size);
    case XEN_SYSCTL_TBUFOP_enable:
        return trace_events_enable(true);
    case XEN_SYSCTL_TBUFOP_disable:
        return trace_events_enable(false);
    default:
        return -XEN_EINVAL;
    }
}

/* ---- counters ------------------------------------------------------------------------------------- */

static uint32_t values_told(const struct perf_description *counter)
{
    return counter->values > 1 ? counter->values
                               : bitmap_weight(cpu_online_mask.bits, CONFIG_MAX_CPUS);
}

/* The values of one counter, from element `at` on: an array's sums, or each processor's part. */
static long write_values(uint64_t to, uint32_t at, const struct perf_description *counter)
{
    uint32_t done = 0, value;
    unsigned int cpu;

    if (counter->values > 1) {
        for (; done < counter->values; done++) {
            value = perf_value_sum(counter->first + done);
            if (guest_write(guest_array_at(to, value, at + done), value) != 0) {
                return -XEN_EFAULT;
            }
        }
        return 0;
    }
    cpu_for_each_online(cpu)
    {
        value = perf_value_of(cpu, counter->first);
        if (guest_write(guest_array_at(to, value, at + done++), value) != 0) {
            return -XEN_EFAULT;
        }
    }
    return 0;
}

static long write_description(uint64_t to, uint32_t i, const struct perf_description *counter)
{
    struct xen_sysctl_perfc_desc description;

    memset(&description, 0, sizeof(description));
    string_copy(description.name, counter->text, sizeof(description.name));
    description.nr_vals = values_told(counter);
    return guest_write(guest_array_at(to, description, i), description) != 0 ? -XEN_EFAULT : 0;
}

/* As many as there are, whatever room the caller has: it asks for the numbers first. */
static long query(struct xen_sysctl_perfc_op *args)
{
    uint64_t descriptions = guest_handle(args->desc), values = guest_handle(args->val);
    long rc = 0;

    args->nr_counters = perf_description_count;
    args->nr_vals = 0;
    for (uint32_t i = 0; rc == 0 && i < perf_description_count; i++) {
        const struct perf_description *counter = &perf_descriptions[i];

        if (descriptions != 0) {
            rc = write_description(descriptions, i, counter);
        }
        if (rc == 0 && values != 0) {
            rc = write_values(values, args->nr_vals, counter);
        }
        args->nr_vals += values_told(counter);
    }
    return rc;
}

long sysctl_perfc_op(struct xen_sysctl *op)
{
    if (perf_description_count == 0) {
        return -XEN_ENOSYS;
    }
    switch (op->u.perfc_op.cmd) {
    case XEN_SYSCTL_PERFCOP_reset:
        perf_counters_reset();
        return query(&op->u.perfc_op);
    case XEN_SYSCTL_PERFCOP_query:
        return query(&op->u.perfc_op);
    default:
        return -XEN_EINVAL;
    }
}
