/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * DOMCTLs that only x86 has. All domains are PV guests with 64 bits, on the machine's own time-stamp
 * counter: what asks for anything else is refused.
 */
#include "asm/clock.h"
#include "hypervisor/rangeset.h"
#include "hypervisor/string.h"
#include "internal.h"

#define PORT_LAST 0xffffu

/* xen/arch-x86/cpuid.h does not say: modes 0 and 2 read the counter itself, 1 traps. */
#define TSC_MODE_DEFAULT 0u
#define TSC_MODE_NATIVE  2u

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

    memset(&ctl->op.u, 0, sizeof(ctl->op.u));
    arg->tsc_mode = ctl->domain->arch.tsc_mode;
    arg->gtsc_khz = (uint32_t)(tsc_hz / 1000);
    return 0;
}

static long set_tsc(struct domctl *ctl)
{
    uint32_t mode = ctl->op.u.tsc_info.tsc_mode;

    if (ctl->domain == current_domain()) {
        return -XEN_EINVAL;
    }
    if (mode != TSC_MODE_DEFAULT && mode != TSC_MODE_NATIVE) {
        return domctl_refuse(ctl, 0, mode == 1 ? -XEN_EOPNOTSUPP : -XEN_EINVAL, mode,
                             TSC_MODE_NATIVE);
    }
    ctl->domain->arch.tsc_mode = mode;
    return 0;
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
