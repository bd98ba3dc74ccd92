/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Where the guest's kernel wants to be entered: trap table, callbacks, stack (xen/arch-x86/xen.h,
 * xen/callback.h). Addresses must be canonical; what the guest then does with them is its own risk.
 */
#include "asm/entry.h"
#include "asm/page.h"
#include "asm/pv.h"
#include "hypervisor/error.h"
#include "hypervisor/guest.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/string.h"

#include <xen/callback.h>
#include <xen/nmi.h>

/*
 * arg[0]: guest array of trap_info, ended by an entry with address 0; a null pointer clears the
 * table. Preemptible every entry. -XEN_EINVAL for a handler that is not canonical.
 */
long hypercall_set_trap_table(struct hypercall *call)
{
    struct vcpu *vcpu = current_vcpu();
    struct trap_info *traps = vcpu->arch.pv.traps;
    struct trap_info entry;

    if (!call->arg[0]) {
        memset(traps, 0, 256 * sizeof(*traps));
        return 0;
    }
    for (unsigned int done = 0;; done++) {
        if (done && hypercall_preempt()) {
            call->arg[0] += done * sizeof(entry);
            return HYPERCALL_CONTINUE;
        }
        if (guest_read(entry, guest_array_at(call->arg[0], struct trap_info, done))) {
            return -XEN_EFAULT;
        }
        if (!entry.address) {
            return 0;
        }
        if (!address_is_canonical(entry.address)) {
            return -XEN_EINVAL;
        }
        entry.cs = pv_fix_selector(entry.cs);
        traps[entry.vector] = entry;
    }
}

/* arg[0..2]: event, failsafe and syscall entry points. */
long hypercall_set_callbacks(struct hypercall *call)
{
    struct pv_vcpu *pv = &current_vcpu()->arch.pv;

    if (!address_is_canonical(call->arg[0]) || !address_is_canonical(call->arg[1]) ||
        !address_is_canonical(call->arg[2])) {
        return -XEN_EINVAL;
    }
    pv->event_callback = (struct pv_callback){ call->arg[0], true };
    pv->failsafe_callback = (struct pv_callback){ call->arg[1], pv->failsafe_callback.mask_events };
    pv->syscall_callback = (struct pv_callback){ call->arg[2], pv->syscall_callback.mask_events };
    return 0;
}

/* An NMI is trap 2: its callback is that entry of the trap table, whichever way it was registered. */
static void set_nmi_callback(struct vcpu *vcpu, uint64_t address)
{
    struct trap_info entry = { .vector = TRAP_NMI, .cs = FLAT_KERNEL_CS, .address = address };

    TI_SET_IF(&entry, 1);
    vcpu->arch.pv.traps[TRAP_NMI] = entry;
}

static struct pv_callback *callback_of_type(struct pv_vcpu *pv, unsigned int type)
{
    switch (type) {
    case CALLBACKTYPE_event:
        return &pv->event_callback;
    case CALLBACKTYPE_failsafe:
        return &pv->failsafe_callback;
    case CALLBACKTYPE_syscall:
        return &pv->syscall_callback;
    case CALLBACKTYPE_syscall32:
        return &pv->syscall32_callback;
    case CALLBACKTYPE_sysenter:
        return &pv->sysenter_callback;
    default:
        return NULL;
    }
}

static long callback_register(uint64_t guest_address)
{
    struct callback_register op;
    struct pv_callback *callback;

    if (guest_read(op, guest_address)) {
        return -XEN_EFAULT;
    }
    callback = callback_of_type(&current_vcpu()->arch.pv, op.type);
    if (!callback && op.type != CALLBACKTYPE_nmi) {
        return -XEN_ENOSYS;
    }
    if (!address_is_canonical(op.address)) {
        return -XEN_EINVAL;
    }
    if (!callback) {
        set_nmi_callback(current_vcpu(), op.address);
        return 0;
    }
    callback->address = op.address;
    callback->mask_events = op.type == CALLBACKTYPE_event || (op.flags & CALLBACKF_mask_events);
    return 0;
}

/* Only the NMI callback can be taken back: the guest could not run without the others. */
static long callback_unregister(uint64_t guest_address)
{
    struct callback_unregister op;

    if (guest_read(op, guest_address)) {
        return -XEN_EFAULT;
    }
    switch (op.type) {
    case CALLBACKTYPE_event:
    case CALLBACKTYPE_failsafe:
    case CALLBACKTYPE_syscall:
    case CALLBACKTYPE_syscall32:
    case CALLBACKTYPE_sysenter:
        return -XEN_EINVAL;
    case CALLBACKTYPE_nmi:
        set_nmi_callback(current_vcpu(), 0);
        return 0;
    default:
        return -XEN_ENOSYS;
    }
}

/* arg[0]: CALLBACKOP_*, arg[1]: its argument's guest address. */
long hypercall_callback_op(struct hypercall *call)
{
    switch (call->arg[0]) {
    case CALLBACKOP_register:
        return callback_register(call->arg[1]);
    case CALLBACKOP_unregister:
        return callback_unregister(call->arg[1]);
    default:
        return -XEN_ENOSYS;
    }
}

/* arg[0]: XENNMI_*, arg[1]: its argument. Only the hardware domain's vcpu 0 gets real NMIs. */
long hypercall_nmi_op(struct hypercall *call)
{
    struct vcpu *vcpu = current_vcpu();
    struct xennmi_callback op;

    switch (call->arg[0]) {
    case XENNMI_register_callback:
        if (vcpu->id) {
            return -XEN_EINVAL;
        }
        if (guest_read(op, call->arg[1])) {
            return -XEN_EFAULT;
        }
        if (!address_is_canonical(op.handler_address)) {
            return -XEN_EINVAL;
        }
        set_nmi_callback(vcpu, op.handler_address);
        return 0;
    case XENNMI_unregister_callback:
        set_nmi_callback(vcpu, 0);
        return 0;
    default:
        return -XEN_ENOSYS;
    }
}

/* arg[0], arg[1]: ss and sp of the kernel's stack, used at the next entry from the guest's user. */
long hypercall_stack_switch(struct hypercall *call)
{
    struct pv_vcpu *pv = &current_vcpu()->arch.pv;

    if (!address_is_canonical(call->arg[1])) {
        return -XEN_EINVAL;
    }
    pv->kernel_ss = pv_fix_selector((uint16_t)call->arg[0]);
    pv->kernel_sp = call->arg[1];
    return 0;
}
