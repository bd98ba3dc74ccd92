/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * SCHED_OP (xen/sched.h): one function a sub-operation. A blocked caller is blocked when the handler
 * returns: its CPU switches on the way out, and the result is what it finds when it runs again.
 *
 * A refusal's trace record: argument 1, the value being what was refused of the struct.
 */
#include "hypervisor/domain.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/sched.h"
#include "hypervisor/security.h"
#include "hypervisor/trace.h"

#include <xen/sched.h>

#define POLL_PORTS_MAX 128u

static long refuse(unsigned int op, int error, uint64_t value, uint64_t allowed_max)
{
    trace_refuse(__HYPERVISOR_sched_op, (uint16_t)op, 1, error, value, 0, allowed_max);
    return error;
}

static long op_shutdown(uint64_t address)
{
    struct sched_shutdown op;

    if (guest_read(op, address) != 0) {
        return -XEN_EFAULT;
    }
    if (op.reason > SHUTDOWN_MAX) {
        return refuse(SCHEDOP_shutdown, -XEN_EINVAL, op.reason, SHUTDOWN_MAX);
    }
    return domain_shutdown(current_domain(), (uint8_t)op.reason);
}

static long op_shutdown_code(uint64_t address)
{
    struct sched_shutdown op;

    if (guest_read(op, address) != 0) {
        return -XEN_EFAULT;
    }
    if (op.reason > SHUTDOWN_MAX) {
        return refuse(SCHEDOP_shutdown_code, -XEN_EINVAL, op.reason, SHUTDOWN_MAX);
    }
    return domain_shutdown_latch(current_domain(), (uint8_t)op.reason);
}

static long op_poll(uint64_t address)
{
    struct sched_poll op;
    evtchn_port_t ports[POLL_PORTS_MAX];

    if (guest_read(op, address) != 0) {
        return -XEN_EFAULT;
    }
    if (op.nr_ports > POLL_PORTS_MAX) {
        return refuse(SCHEDOP_poll, -XEN_EINVAL, op.nr_ports, POLL_PORTS_MAX);
    }
    if (op.nr_ports != 0 &&
        guest_copy_from(ports, guest_handle(op.ports), op.nr_ports * sizeof(ports[0])) != 0) {
        return -XEN_EFAULT;
    }
    return vcpu_poll(ports, op.nr_ports, op.timeout);
}

static long op_remote_shutdown(uint64_t address)
{
    struct sched_remote_shutdown op;
    struct domain *domain;
    long result;

    if (guest_read(op, address) != 0) {
        return -XEN_EFAULT;
    }
    if (op.reason > SHUTDOWN_MAX) {
        return refuse(SCHEDOP_remote_shutdown, -XEN_EINVAL, op.reason, SHUTDOWN_MAX);
    }
    domain = domain_get(DOMAIN_ID(op.domain_id));
    if (domain == NULL) {
        return refuse(SCHEDOP_remote_shutdown, -XEN_ESRCH, op.domain_id, DOMID_FIRST_RESERVED - 1);
    }
    result = security_check(current_domain(), domain, SECURITY_SHUTDOWN_OTHER);
    if (result == 0) {
        result = domain_shutdown(domain, (uint8_t)op.reason);
    }
    domain_put(domain);
    return result;
}

static long op_watchdog(uint64_t address)
{
    struct sched_watchdog op;
    int result;

    if (guest_read(op, address) != 0) {
        return -XEN_EFAULT;
    }
    result = domain_watchdog(current_domain(), op.id, op.timeout);
    return result >= 0 ? result : refuse(SCHEDOP_watchdog, result, op.id, DOMAIN_WATCHDOGS);
}

static long op_pin_override(uint64_t address)
{
    struct sched_pin_override op;
    int error = security_check(current_domain(), current_domain(), SECURITY_PIN_OVERRIDE);

    if (error != 0) {
        return error;
    }
    if (guest_read(op, address) != 0) {
        return -XEN_EFAULT;
    }
    return vcpu_pin_override(current_vcpu(), op.pcpu);
}

long hypercall_sched_op(struct hypercall *call)
{
    switch (call->arg[0]) {
    case SCHEDOP_yield:
        vcpu_yield();
        return 0;
    case SCHEDOP_block:
        vcpu_block();
        return 0;
    case SCHEDOP_shutdown:
        return op_shutdown(call->arg[1]);
    case SCHEDOP_poll:
        return op_poll(call->arg[1]);
    case SCHEDOP_remote_shutdown:
        return op_remote_shutdown(call->arg[1]);
    case SCHEDOP_shutdown_code:
        return op_shutdown_code(call->arg[1]);
    case SCHEDOP_watchdog:
        return op_watchdog(call->arg[1]);
    case SCHEDOP_pin_override:
        return op_pin_override(call->arg[1]);
    default:
        return -XEN_ENOSYS;
    }
}

/* The old form: the shutdown reason is the argument itself. */
long hypercall_sched_op_compat(struct hypercall *call)
{
    switch (call->arg[0]) {
    case SCHEDOP_yield:
        vcpu_yield();
        return 0;
    case SCHEDOP_block:
        vcpu_block();
        return 0;
    case SCHEDOP_shutdown:
        if (call->arg[1] > SHUTDOWN_MAX) {
            return refuse(SCHEDOP_shutdown, -XEN_EINVAL, call->arg[1], SHUTDOWN_MAX);
        }
        return domain_shutdown(current_domain(), (uint8_t)call->arg[1]);
    default:
        return -XEN_ENOSYS;
    }
}

/* arg[0]: absolute system time in ns; 0 stops the timer. One that is past fires at once. */
long hypercall_set_timer_op(struct hypercall *call)
{
    struct vcpu *vcpu = current_vcpu();

    if (call->arg[0] == 0) {
        vcpu_stop_singleshot_timer(vcpu);
        return 0;
    }
    return vcpu_set_singleshot_timer(vcpu, call->arg[0], false);
}
