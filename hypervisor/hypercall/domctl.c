/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * DOMCTL (xen/domctl.h): what the toolstack does to domains.
 *
 *     caller --copy in--> claim --> domain, privilege --> handler --copy out--> caller
 *                           |                                |
 *                           +-- busy: continue later         +-- more to do: continue later
 *
 * One operation runs at a time. The claim is a flag, not a spin lock, since handlers copy from and to
 * the caller: who finds it taken issues the hypercall anew, with interrupts and events in between.
 * Whoever has it neither sleeps nor is descheduled, and gives it back before a continuation.
 *
 * A handler works on the copy in struct domctl. What long operations have done so far is in the domain
 * (teardown) or in the caller's struct where xen/domctl.h says so; the copy is made anew each time.
 *
 * Invariants:
 *   1. The caller's struct is read once, and written only by a handler that succeeded.
 *   2. A handler that names no own domain (NOT_SELF) never gets the caller's.
 *   3. An operation without a row is the architecture's; one nobody knows is -XEN_ENOSYS. One that is
 *      known and of no use for any kind of domain there is, is -XEN_EOPNOTSUPP, after the check of
 *      privilege.
 *
 * Trace records of refusals: sub-operation XEN_DOMCTL_*; argument: the position in the operation's
 * struct, 0xffff: the domain, 0xfffe: the interface version.
 */
#include "hypervisor/domctl.h"

#include "hypervisor/atomic.h"
#include "hypervisor/security.h"
#include "hypervisor/trace.h"

#define ARGUMENT_DOMAIN  0xffffu
#define ARGUMENT_VERSION 0xfffeu

enum row_flags {
    COPY_OUT = 1,  /* op goes back when the handler succeeded */
    NOT_SELF = 2,  /* -XEN_EINVAL for the caller's own domain */
    NO_DOMAIN = 4, /* op.domain is not looked up */
};

struct row {
    domctl_handler_t handler;
    uint8_t flags;
};

static long unsupported(struct domctl *ctl)
{
    (void)ctl;
    return -XEN_EOPNOTSUPP;
}

/* The machine lacks it: no such monitoring or allocation is looked for. */
static long no_device(struct domctl *ctl)
{
    (void)ctl;
    return -XEN_ENODEV;
}

/* Operations on translated guests alone. */
static long wrong_kind(struct domctl *ctl)
{
    (void)ctl;
    return -XEN_EINVAL;
}

#define ROW(name, flags)  [XEN_DOMCTL_##name] = { domctl_##name, flags }
#define UNSUPPORTED(name) [XEN_DOMCTL_##name] = { unsupported, 0 }
#define NO_DEVICE(name)   [XEN_DOMCTL_##name] = { no_device, 0 }
#define WRONG_KIND(name)  [XEN_DOMCTL_##name] = { wrong_kind, 0 }

static const struct row rows[] = {
    ROW(createdomain, NO_DOMAIN),
    ROW(destroydomain, NOT_SELF),
    ROW(pausedomain, NOT_SELF),
    ROW(unpausedomain, NOT_SELF),
    ROW(resumedomain, NOT_SELF),
    ROW(getdomaininfo, NO_DOMAIN | COPY_OUT),
    ROW(max_vcpus, NOT_SELF),
    ROW(max_mem, 0),
    ROW(setdomainhandle, 0),
    ROW(setdebugging, NOT_SELF),
    ROW(settimeoffset, 0),
    ROW(subscribe, 0),
    ROW(set_target, NOT_SELF),
    ROW(iomem_permission, 0),
    ROW(irq_permission, 0),
    ROW(setvcpucontext, NOT_SELF),
    ROW(getvcpucontext, NOT_SELF),
    ROW(getvcpuinfo, COPY_OUT),
    ROW(setvcpuaffinity, COPY_OUT),
    ROW(getvcpuaffinity, COPY_OUT),
    ROW(setnodeaffinity, 0),
    ROW(getnodeaffinity, 0),
    ROW(scheduler_op, COPY_OUT),
    UNSUPPORTED(shadow_op),
    UNSUPPORTED(debug_op),
    UNSUPPORTED(vm_event_op),
    UNSUPPORTED(mem_sharing_op),
    UNSUPPORTED(set_access_required),
    UNSUPPORTED(audit_p2m),
    UNSUPPORTED(set_virq_handler),
    UNSUPPORTED(set_broken_page_p2m),
    UNSUPPORTED(cacheflush),
    UNSUPPORTED(setvnumainfo),
    NO_DEVICE(psr_cmt_op),
    NO_DEVICE(psr_alloc),
    UNSUPPORTED(monitor_op),
    UNSUPPORTED(soft_reset),
    UNSUPPORTED(vuart_op),
    UNSUPPORTED(vmtrace_op),
    UNSUPPORTED(get_paging_mempool_size),
    UNSUPPORTED(set_paging_mempool_size),
    UNSUPPORTED(assign_device),
    UNSUPPORTED(deassign_device),
    UNSUPPORTED(get_device_group),
    [XEN_DOMCTL_test_assign_device] = { unsupported, NO_DOMAIN },
    WRONG_KIND(gethvmcontext),
    WRONG_KIND(gethvmcontext_partial),
    WRONG_KIND(sethvmcontext),
    WRONG_KIND(bind_pt_irq),
    WRONG_KIND(unbind_pt_irq),
    WRONG_KIND(memory_mapping),
    WRONG_KIND(ioport_mapping),
};

/* gdbsx's numbers, far beyond the others. */
static const struct row row_gdbsx = { unsupported, 0 };

static uint32_t claimed;

static const struct row *row_of(uint32_t command)
{
    if (command >= XEN_DOMCTL_gdbsx_guestmemio && command <= XEN_DOMCTL_gdbsx_domstatus) {
        return &row_gdbsx;
    }
    return command < ARRAY_SIZE(rows) ? &rows[command] : NULL;
}

long domctl_refuse(const struct domctl *ctl, unsigned int argument, int error, uint64_t value,
                   uint64_t allowed_max)
{
    trace_refuse(__HYPERVISOR_domctl, (uint16_t)ctl->op.cmd, (uint16_t)argument, error, value, 0,
                 allowed_max);
    return error;
}

struct vcpu *domctl_vcpu(const struct domctl *ctl, uint32_t id)
{
    return domain_vcpu(ctl->domain, id);
}

static long run_claimed(struct domctl *ctl)
{
    const struct row *row = row_of(ctl->op.cmd);
    bool known = row != NULL && row->handler != NULL;
    bool copy_out = known && row->flags & COPY_OUT;
    long result;

    if (known && row->flags & NOT_SELF && ctl->domain == current_domain()) {
        return domctl_refuse(ctl, ARGUMENT_DOMAIN, -XEN_EINVAL, ctl->op.domain,
                             DOMID_FIRST_RESERVED - 1);
    }
    result = known ? row->handler(ctl) : arch_domctl(ctl, &copy_out);
    if (result == 0 && copy_out && guest_write(ctl->address, ctl->op)) {
        result = -XEN_EFAULT;
    }
    return result;
}

/* Finds the domain and asks for permission; 0 or the error. */
static long prepare(struct domctl *ctl)
{
    const struct row *row = row_of(ctl->op.cmd);

    if (row == NULL || !(row->flags & NO_DOMAIN)) {
        ctl->domain = domain_get(DOMAIN_ID(ctl->op.domain));
        if (ctl->domain == NULL) {
            return domctl_refuse(ctl, ARGUMENT_DOMAIN, -XEN_ESRCH, ctl->op.domain,
                                 DOMID_FIRST_RESERVED - 1);
        }
    }
    return security_check(current_domain(), ctl->domain, SECURITY_DOMCTL);
}

/* arg[0]: address of a struct xen_domctl. */
long hypercall_domctl(struct hypercall *call)
{
    struct domctl ctl = { .address = call->arg[0] };
    long result;

    if (guest_read(ctl.op, ctl.address)) {
        return -XEN_EFAULT;
    }
    if (ctl.op.interface_version != XEN_DOMCTL_INTERFACE_VERSION) {
        return domctl_refuse(&ctl, ARGUMENT_VERSION, -XEN_EACCES, ctl.op.interface_version,
                             XEN_DOMCTL_INTERFACE_VERSION);
    }
    if (atomic_exchange(&claimed, 1u) != 0) {
        return HYPERCALL_CONTINUE;
    }
    result = prepare(&ctl);
    if (result == 0) {
        result = run_claimed(&ctl);
    }
    domain_put(ctl.domain);
    atomic_write_release(&claimed, 0u);
    return result;
}
