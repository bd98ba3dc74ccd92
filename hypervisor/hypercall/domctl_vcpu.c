/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* DOMCTL: a vcpu's registers and state. */
#include "arch/domain.h"
#include "hypervisor/atomic.h"
#include "hypervisor/domctl.h"
#include "hypervisor/heap.h"
#include "hypervisor/sched.h"
#include "hypervisor/string.h"
#include "hypervisor/timer.h"

static long no_vcpu(const struct domctl *ctl, uint32_t id)
{
    return domctl_refuse(ctl, 0, -XEN_ESRCH, id, ctl->domain->vcpus_max - 1);
}

/* The domain is paused. */
static int take_context(struct vcpu *vcpu, const struct vcpu_guest_context *context)
{
    int error;

    if (vcpu_info_is_dummy(vcpu)) {
        return -XEN_EINVAL; /* it could take no upcall */
    }
    if (atomic_or(&vcpu->pause_flags, VCPU_IN_RESET) & VCPU_IN_RESET) {
        return -XEN_EBUSY;
    }
    (void)atomic_or(&vcpu->pause_flags, VCPU_DOWN);
    error = arch_vcpu_set_context(vcpu, context);
    if (error == 0) {
        atomic_write_release(&vcpu->initialised, true);
        if (context->flags & VGCF_online) {
            (void)atomic_and(&vcpu->pause_flags, ~VCPU_DOWN);
        }
        if (vcpu->id == 0) {
            wallclock_publish(vcpu->domain); /* who built the domain cleared its shared page */
        }
    }
    (void)atomic_and(&vcpu->pause_flags, ~VCPU_IN_RESET);
    return error;
}

/* No context: the vcpu is as it was before it had one. */
static int reset(struct vcpu *vcpu)
{
    int error;

    (void)atomic_or(&vcpu->pause_flags, VCPU_DOWN);
    error = arch_vcpu_reset(vcpu);
    if (error == 0) {
        WRITE_ONCE(vcpu->initialised, false);
    }
    return error;
}

static long change_paused(struct vcpu *vcpu, const struct vcpu_guest_context *context)
{
    int error;

    domain_pause(vcpu->domain);
    error = context != NULL ? take_context(vcpu, context) : reset(vcpu);
    domain_unpause(vcpu->domain);
    return error == -XEN_ERESTART ? HYPERCALL_CONTINUE : error;
}

long domctl_setvcpucontext(struct domctl *ctl)
{
    const struct xen_domctl_vcpucontext *arg = &ctl->op.u.vcpucontext;
    struct vcpu *vcpu = domctl_vcpu(ctl, arg->vcpu);
    struct vcpu_guest_context *context;
    long result;

    if (vcpu == NULL) {
        return no_vcpu(ctl, arg->vcpu);
    }
    if (guest_handle(arg->ctxt) == 0) {
        return change_paused(vcpu, NULL);
    }
    context = heap_alloc(sizeof(*context));
    if (context == NULL) {
        return -XEN_ENOMEM;
    }
    result = guest_copy_from(context, guest_handle(arg->ctxt), sizeof(*context));
    if (result == 0) {
        result = change_paused(vcpu, context);
    }
    heap_free(context);
    return result;
}

long domctl_getvcpucontext(struct domctl *ctl)
{
    const struct xen_domctl_vcpucontext *arg = &ctl->op.u.vcpucontext;
    struct vcpu *vcpu = domctl_vcpu(ctl, arg->vcpu);
    struct vcpu_guest_context *context;
    long result;

    if (vcpu == NULL) {
        return no_vcpu(ctl, arg->vcpu);
    }
    if (!atomic_read_acquire(&vcpu->initialised)) {
        return -XEN_ENODATA;
    }
    context = heap_zalloc(sizeof(*context));
    if (context == NULL) {
        return -XEN_ENOMEM;
    }
    vcpu_pause(vcpu);
    arch_vcpu_get_context(vcpu, context);
    vcpu_unpause(vcpu);
    result = guest_copy_to(guest_handle(arg->ctxt), context, sizeof(*context));
    heap_free(context);
    return result;
}

long domctl_getvcpuinfo(struct domctl *ctl)
{
    struct xen_domctl_getvcpuinfo *arg = &ctl->op.u.getvcpuinfo;
    const struct vcpu *vcpu = domctl_vcpu(ctl, arg->vcpu);
    uint32_t id = arg->vcpu, flags;

    if (vcpu == NULL) {
        return no_vcpu(ctl, id);
    }
    flags = atomic_read(&vcpu->pause_flags);
    memset(&ctl->op.u, 0, sizeof(ctl->op.u));
    arg->vcpu = id;
    arg->online = !(flags & VCPU_DOWN);
    arg->blocked = (flags & VCPU_BLOCKED) != 0;
    arg->running = READ_ONCE(vcpu->running);
    arg->cpu_time = vcpu_cpu_time_ns(vcpu);
    arg->cpu = READ_ONCE(vcpu->processor);
    return 0;
}
