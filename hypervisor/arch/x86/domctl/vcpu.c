/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* DOMCTLs on a vcpu: the callbacks that vcpu_guest_context has no place for, and an NMI. */
#include "arch/domain.h"
#include "asm/pv.h"
#include "hypervisor/string.h"
#include "internal.h"

#include <xen/vcpu.h>

/* Up to there it is about system calls; behind it are machine checks. */
#define EXT_CONTEXT_BYTES offsetof(struct xen_domctl_ext_vcpucontext, mcg_cap)

static long no_vcpu(const struct domctl *ctl, uint32_t id)
{
    return domctl_refuse(ctl, 0, -XEN_ESRCH, id, ctl->domain->vcpus_max - 1);
}

long domctl_get_ext_vcpucontext(struct domctl *ctl)
{
    struct xen_domctl_ext_vcpucontext *arg = &ctl->op.u.ext_vcpucontext;
    const struct vcpu *vcpu = domctl_vcpu(ctl, arg->vcpu);
    const struct pv_vcpu *pv;
    uint32_t id = arg->vcpu;

    if (vcpu == NULL) {
        return no_vcpu(ctl, id);
    }
    if (vcpu->domain == current_domain()) {
        return -XEN_EINVAL;
    }
    pv = &vcpu->arch.pv;
    memset(&ctl->op.u, 0, sizeof(ctl->op.u));
    arg->vcpu = id;
    arg->size = sizeof(*arg);
    arg->syscall32_callback_eip = pv->syscall32_callback.address;
    arg->syscall32_callback_cs = pv->syscall32_cs;
    arg->syscall32_disables_events = pv->syscall32_callback.mask_events;
    arg->sysenter_callback_eip = pv->sysenter_callback.address;
    arg->sysenter_callback_cs = pv->sysenter_cs;
    arg->sysenter_disables_events = pv->sysenter_callback.mask_events;
    return 0;
}

long domctl_set_ext_vcpucontext(struct domctl *ctl)
{
    const struct xen_domctl_ext_vcpucontext *arg = &ctl->op.u.ext_vcpucontext;
    struct vcpu *vcpu = domctl_vcpu(ctl, arg->vcpu);
    struct pv_vcpu *pv;

    if (vcpu == NULL) {
        return no_vcpu(ctl, arg->vcpu);
    }
    if (vcpu->domain == current_domain() || arg->size < EXT_CONTEXT_BYTES ||
        (arg->size > EXT_CONTEXT_BYTES && arg->mcg_cap != 0)) {
        return domctl_refuse(ctl, 1, -XEN_EINVAL, arg->size, sizeof(*arg));
    }
    if (!pv_code_address(arg->syscall32_callback_eip) ||
        !pv_code_address(arg->sysenter_callback_eip)) {
        return domctl_refuse(ctl, 2, -XEN_EINVAL, arg->syscall32_callback_eip, 0);
    }
    pv = &vcpu->arch.pv;
    domain_pause(vcpu->domain);
    pv->syscall32_callback =
        (struct pv_callback){ arg->syscall32_callback_eip, arg->syscall32_disables_events != 0 };
    pv->syscall32_cs = pv_fix_selector(arg->syscall32_callback_cs);
    pv->sysenter_callback =
        (struct pv_callback){ arg->sysenter_callback_eip, arg->sysenter_disables_events != 0 };
    pv->sysenter_cs = pv_fix_selector(arg->sysenter_callback_cs);
    domain_unpause(vcpu->domain);
    return 0;
}

long domctl_sendtrigger(struct domctl *ctl)
{
    const struct xen_domctl_sendtrigger *arg = &ctl->op.u.sendtrigger;
    struct vcpu *vcpu = domctl_vcpu(ctl, arg->vcpu);

    if (vcpu == NULL) {
        return domctl_refuse(ctl, 1, -XEN_ESRCH, arg->vcpu, ctl->domain->vcpus_max - 1);
    }
    switch (arg->trigger) {
    case XEN_DOMCTL_SENDTRIGGER_NMI:
        return arch_vcpu_op(vcpu, VCPUOP_send_nmi, 0);
    case XEN_DOMCTL_SENDTRIGGER_POWER:
    case XEN_DOMCTL_SENDTRIGGER_SLEEP: /* buttons that only translated guests have */
        return domctl_refuse(ctl, 0, -XEN_EINVAL, arg->trigger, XEN_DOMCTL_SENDTRIGGER_NMI);
    default:
        return -XEN_ENOSYS;
    }
}
