/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Hypercalls: the table, the shape of a handler, continuations.
 *
 * A handler gets its arguments in call->arg[0..5] and returns 0 or more, or a negative Xen errno.
 * A handler that used up its budget writes what is left to do into call->arg[] (and, where the ABI
 * asks for it, into the guest's structures) and returns HYPERCALL_CONTINUE: the same hypercall is
 * then issued again by the dispatcher, after softwork and events had their turn. That works the same
 * inside a multicall. Handlers run with interrupts on and hold no lock on return.
 */
#ifndef HYPERVISOR_HYPERCALL_H
#define HYPERVISOR_HYPERCALL_H

#include "hypervisor/error.h"
#include "hypervisor/guest.h"
#include "hypervisor/types.h"

#define HYPERCALL_ARGS     6
#define HYPERCALL_CONTINUE (-(long)XEN_ERESTART)

struct hypercall {
    unsigned int op; /* __HYPERVISOR_*; a handler may not change it */
    unsigned long arg[HYPERCALL_ARGS];
    bool in_multicall;
};

typedef long (*hypercall_handler_t)(struct hypercall *call);

/*
 * Who may: an enum security_operation, which is checked before the handler runs, with the machine as
 * the object; or one of these.
 */
#define HYPERCALL_OWN           0xfeu /* anybody: nothing but the caller's own can be named */
#define HYPERCALL_SUB_OPERATION 0xffu /* depends on what and whom: the handler asks security */

struct hypercall_row {
    hypercall_handler_t handler; /* NULL: -XEN_ENOSYS */
    const char *name;
    uint8_t args;
    uint8_t security;
};

extern const struct hypercall_row hypercall_table[];
extern const unsigned int hypercall_table_count;

/* Checks and calls; number from the guest. What it returns goes into the guest's rax. */
long hypercall_dispatch(struct hypercall *call);

/*
 * True when a handler in a loop should continue later: deferred work or an event waits. Handlers
 * call it every few iterations; cheap. On the host: a draw from the seed.
 */
bool hypercall_preempt(void);

/* The handlers, one file a family in hypercall/. */
long hypercall_event_channel_op(struct hypercall *call);
long hypercall_event_channel_op_compat(struct hypercall *call);
long hypercall_grant_table_op(struct hypercall *call);
long hypercall_memory_op(struct hypercall *call);
long hypercall_sched_op(struct hypercall *call);
long hypercall_sched_op_compat(struct hypercall *call);
long hypercall_vcpu_op(struct hypercall *call);
long hypercall_set_timer_op(struct hypercall *call);
long hypercall_xen_version(struct hypercall *call);
long hypercall_console_io(struct hypercall *call);
long hypercall_multicall(struct hypercall *call);
long hypercall_vm_assist(struct hypercall *call);
long hypercall_hvm_op(struct hypercall *call);
long hypercall_sysctl(struct hypercall *call);
long hypercall_domctl(struct hypercall *call);

/* x86 PV, arch/x86/hypercall, arch/x86/pagetype, arch/x86/pv */
long hypercall_set_trap_table(struct hypercall *call);
long hypercall_mmu_update(struct hypercall *call);
long hypercall_set_gdt(struct hypercall *call);
long hypercall_stack_switch(struct hypercall *call);
long hypercall_set_callbacks(struct hypercall *call);
long hypercall_callback_op(struct hypercall *call);
long hypercall_fpu_taskswitch(struct hypercall *call);
long hypercall_platform_op(struct hypercall *call);
long hypercall_set_debugreg(struct hypercall *call);
long hypercall_get_debugreg(struct hypercall *call);
long hypercall_update_descriptor(struct hypercall *call);
long hypercall_update_va_mapping(struct hypercall *call);
long hypercall_update_va_mapping_otherdomain(struct hypercall *call);
long hypercall_iret(struct hypercall *call);
long hypercall_set_segment_base(struct hypercall *call);
long hypercall_mmuext_op(struct hypercall *call);
long hypercall_nmi_op(struct hypercall *call);
long hypercall_physdev_op(struct hypercall *call);
long hypercall_physdev_op_compat(struct hypercall *call);

#endif
