/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * DOMCTLs that only x86 has. All domains are PV guests with 64 bits: what asks for anything else is
 * refused.
 */
#include "asm/guest_tsc.h"
#include "hypervisor/rangeset.h"
#include "hypervisor/string.h"
#include "hypervisor/timer.h"
#include "internal.h"

#define PORT_LAST 0xffffu

static long set_address_size(struct domctl *ctl)
{
    switch (ctl->op.u.address_size.size) {
    case 64:
        return 0;
    case 32:
        return domctl_refuse(ctl, 0, -XEN_EOPNOTSUPP, 32, 64);
    default:
        return domctl_refuse(ctl, 0, -XEN_EINVAL, ctl->op.u.address_size.size, 64);
    }
}

static long get_address_size(struct domctl *ctl)
{
    ctl->op.u.address_size.size = 64;
    return 0;
}

/* Nobody gives ports he does not have. */
static long ioport_permission(struct domctl *ctl)
{
    const struct xen_domctl_ioport_permission *arg = &ctl->op.u.ioport_permission;
    uint64_t first = arg->first_port, last = first + arg->nr_ports - 1;
    struct rangeset *ports = ctl->domain->arch.io_ports;

    if (arg->nr_ports == 0 || last > PORT_LAST) {
        return domctl_refuse(ctl, 1, -XEN_EINVAL, arg->nr_ports, PORT_LAST + 1);
    }
    if (!rangeset_contains_range(current_domain()->arch.io_ports, first, last)) {
        return domctl_refuse(ctl, 0, -XEN_EPERM, first, PORT_LAST);
    }
    return arg->allow_access ? rangeset_add_range(ports, first, last)
                             : rangeset_remove_range(ports, first, last);
}

static long get_tsc(struct domctl *ctl)
{
    struct xen_domctl_tsc_info *arg = &ctl->op.u.tsc_info;
    const struct guest_tsc *tsc = &ctl->domain->arch.tsc;

    memset(&ctl->op.u, 0, sizeof(ctl->op.u));
    arg->tsc_mode = tsc->mode;
    arg->gtsc_khz = guest_tsc_khz(tsc);
    arg->incarnation = tsc->incarnation;
    arg->elapsed_nsec = tsc->emulated ? (uint64_t)(time_now() - tsc->start_ns) : 0;
    return 0;
}

/* A guest that runs has read its counter, and keeps it. */
static long set_tsc(struct domctl *ctl)
{
    const struct xen_domctl_tsc_info *arg = &ctl->op.u.tsc_info;
    long result;

    if (ctl->domain == current_domain()) {
        return -XEN_EINVAL;
    }
    if (READ_ONCE(ctl->domain->creation_finished)) {
        return domctl_refuse(ctl, 0, -XEN_EBUSY, arg->tsc_mode, ctl->domain->arch.tsc.mode);
    }
    result = guest_tsc_set(&ctl->domain->arch.tsc, arg->tsc_mode, arg->gtsc_khz, arg->elapsed_nsec,
                           arg->incarnation, time_now());
    return result ? domctl_refuse(ctl, 0, result, arg->tsc_mode, GUEST_TSC_NATIVE) : 0;
}

long arch_domctl(struct domctl *ctl, bool *copy_out)
{
    switch (ctl->op.cmd) {
    case XEN_DOMCTL_hypercall_init:
        return domctl_hypercall_init(ctl);
    case XEN_DOMCTL_getpageframeinfo3:
        return domctl_getpageframeinfo3(ctl);
    case XEN_DOMCTL_set_address_size:
        return set_address_size(ctl);
    case XEN_DOMCTL_get_address_size:
        *copy_out = true;
        return get_address_size(ctl);
    case XEN_DOMCTL_ioport_permission:
        return ioport_permission(ctl);
    case XEN_DOMCTL_gettscinfo:
        *copy_out = true;
        return get_tsc(ctl);
    case XEN_DOMCTL_settscinfo:
        return set_tsc(ctl);
    case XEN_DOMCTL_get_cpu_policy:
        *copy_out = true;
        return domctl_get_cpu_policy(ctl);
    case XEN_DOMCTL_set_cpu_policy:
        return domctl_set_cpu_policy(ctl);
    case XEN_DOMCTL_get_ext_vcpucontext:
        *copy_out = true;
        return domctl_get_ext_vcpucontext(ctl);
    case XEN_DOMCTL_set_ext_vcpucontext:
        return domctl_set_ext_vcpucontext(ctl);
    case XEN_DOMCTL_sendtrigger:
        return domctl_sendtrigger(ctl);
    case XEN_DOMCTL_getvcpuextstate:
    case XEN_DOMCTL_setvcpuextstate:
    case XEN_DOMCTL_get_vcpu_msrs:
    case XEN_DOMCTL_set_vcpu_msrs:
        return -XEN_EOPNOTSUPP; /* saving and restoring of guests */
    default:
        return -XEN_ENOSYS;
    }
}
