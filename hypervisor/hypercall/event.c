/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * EVENT_CHANNEL_OP (xen/event_channel.h): one row a sub-operation. The argument is copied in once,
 * the core works on the copy, and it is copied out when the operation has results.
 *
 * A refusal's trace record: argument 0, the value being the struct's first word.
 */
#include "hypervisor/event.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/nospec.h"
#include "hypervisor/security.h"
#include "hypervisor/string.h"
#include "hypervisor/trace.h"

/* A continued reset: the interface keeps the number for it. Here both do the same. */
#define EVENT_OP_RESET_CONTINUED 14

union event_args {
    struct evtchn_bind_interdomain bind_interdomain;
    struct evtchn_bind_virq bind_virq;
    struct evtchn_bind_pirq bind_pirq;
    struct evtchn_close close;
    struct evtchn_send send;
    struct evtchn_status status;
    struct evtchn_alloc_unbound alloc_unbound;
    struct evtchn_bind_ipi bind_ipi;
    struct evtchn_bind_vcpu bind_vcpu;
    struct evtchn_unmask unmask;
    struct evtchn_reset reset;
    struct evtchn_init_control init_control;
    struct evtchn_expand_array expand_array;
    struct evtchn_set_priority set_priority;
};

struct event_row {
    long (*run)(struct domain *caller, union event_args *args);
    uint8_t bytes;
    bool has_result;
};

static long op_bind_interdomain(struct domain *caller, union event_args *args)
{
    return event_bind_interdomain(caller, &args->bind_interdomain);
}

static long op_bind_virq(struct domain *caller, union event_args *args)
{
    return event_bind_virq(caller, &args->bind_virq);
}

static long op_bind_pirq(struct domain *caller, union event_args *args)
{
    return event_bind_pirq(caller, &args->bind_pirq);
}

static long op_close(struct domain *caller, union event_args *args)
{
    return event_close(caller, EVTCHN(args->close.port));
}

static long op_send(struct domain *caller, union event_args *args)
{
    return event_send(caller, EVTCHN(args->send.port));
}

static long op_status(struct domain *caller, union event_args *args)
{
    struct evtchn_status in = args->status;

    memset(args, 0, sizeof(*args));
    args->status.dom = in.dom;
    args->status.port = in.port;
    return event_status(caller, &args->status);
}

static long op_alloc_unbound(struct domain *caller, union event_args *args)
{
    return event_alloc_unbound(caller, &args->alloc_unbound);
}

static long op_bind_ipi(struct domain *caller, union event_args *args)
{
    return event_bind_ipi(caller, &args->bind_ipi);
}

static long op_bind_vcpu(struct domain *caller, union event_args *args)
{
    return event_bind_vcpu(caller, EVTCHN(args->bind_vcpu.port), args->bind_vcpu.vcpu);
}

static long op_unmask(struct domain *caller, union event_args *args)
{
    return event_unmask(caller, EVTCHN(args->unmask.port));
}

static long op_reset(struct domain *caller, union event_args *args)
{
    struct domain *domain = domain_get_or_self(DOMAIN_ID(args->reset.dom));
    long rc = -XEN_ESRCH;

    if (domain != NULL && domain->events != NULL) {
        rc = security_check(caller, domain, SECURITY_EVENT_RESET);
        if (rc == 0) {
            rc = event_reset(domain);
        }
    }
    domain_put(domain);
    return rc;
}

static long op_init_control(struct domain *caller, union event_args *args)
{
    return event_init_control(caller, &args->init_control);
}

static long op_expand_array(struct domain *caller, union event_args *args)
{
    return event_expand_array(caller, args->expand_array.array_gfn);
}

static long op_set_priority(struct domain *caller, union event_args *args)
{
    return event_set_priority(caller, EVTCHN(args->set_priority.port), args->set_priority.priority);
}

#define ROW(name, result)                                 \
    {                                                     \
        op_##name, sizeof(struct evtchn_##name), (result) \
    }

static const struct event_row event_rows[] = {
    [EVTCHNOP_bind_interdomain] = ROW(bind_interdomain, true),
    [EVTCHNOP_bind_virq] = ROW(bind_virq, true),
    [EVTCHNOP_bind_pirq] = ROW(bind_pirq, true),
    [EVTCHNOP_close] = ROW(close, false),
    [EVTCHNOP_send] = ROW(send, false),
    [EVTCHNOP_status] = ROW(status, true),
    [EVTCHNOP_alloc_unbound] = ROW(alloc_unbound, true),
    [EVTCHNOP_bind_ipi] = ROW(bind_ipi, true),
    [EVTCHNOP_bind_vcpu] = ROW(bind_vcpu, false),
    [EVTCHNOP_unmask] = ROW(unmask, false),
    [EVTCHNOP_reset] = ROW(reset, false),
    [EVTCHNOP_init_control] = ROW(init_control, true),
    [EVTCHNOP_expand_array] = ROW(expand_array, false),
    [EVTCHNOP_set_priority] = ROW(set_priority, false),
    [EVENT_OP_RESET_CONTINUED] = ROW(reset, false),
};

static void record_refusal(unsigned int sub_op, const union event_args *args, long rc)
{
    uint32_t value;

    memcpy(&value, args, sizeof(value));
    trace_refuse(__HYPERVISOR_event_channel_op, (uint16_t)sub_op, 0, (int)rc, value, 0, 0);
}

long hypercall_event_channel_op(struct hypercall *call)
{
    unsigned long sub_op = call->arg[0];
    const struct event_row *row;
    union event_args args;
    long rc;

    if (sub_op >= ARRAY_SIZE(event_rows)) {
        return -XEN_ENOSYS;
    }
    row = &event_rows[index_nospec(sub_op, ARRAY_SIZE(event_rows))];
    memset(&args, 0, sizeof(args));
    rc = guest_copy_from(&args, call->arg[1], row->bytes);
    if (rc != 0) {
        return rc;
    }
    rc = row->run(current_domain(), &args);
    if (rc == 0 && row->has_result) {
        rc = guest_copy_to(call->arg[1], &args, row->bytes);
    }
    if (rc < 0 && rc != HYPERCALL_CONTINUE) {
        record_refusal((unsigned int)sub_op, &args, rc);
    }
    return rc;
}

/* The older form: operation and argument in one struct; sub-operations up to unmask. */
long hypercall_event_channel_op_compat(struct hypercall *call)
{
    const struct event_row *row;
    struct evtchn_op op;
    union event_args args;
    long rc = guest_read(op, call->arg[0]);

    if (rc != 0) {
        return rc;
    }
    if (op.cmd > EVTCHNOP_unmask) {
        return -XEN_ENOSYS;
    }
    row = &event_rows[index_nospec(op.cmd, EVTCHNOP_unmask + 1)];
    memset(&args, 0, sizeof(args));
    memcpy(&args, &op.u, row->bytes);
    rc = row->run(current_domain(), &args);
    if (rc == 0 && row->has_result) {
        memcpy(&op.u, &args, row->bytes);
        rc = guest_write(call->arg[0], op);
    }
    if (rc < 0) {
        record_refusal(op.cmd, &args, rc);
    }
    return rc;
}
