/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Hypercalls that need a real processor: not implemented here, so that the table of hypercalls can be
 * linked and driven on the host.
 */
#include "inside.h"

#include "hypervisor/hypercall.h"

/* The one answer, under all their names. */
static long not_here(struct hypercall *call)
{
    return -XEN_ENOSYS;
}

#define NOT_HERE __attribute__((__weak__, __alias__("not_here")))

NOT_HERE long hypercall_callback_op(struct hypercall *call);
NOT_HERE long hypercall_fpu_taskswitch(struct hypercall *call);
NOT_HERE long hypercall_get_debugreg(struct hypercall *call);
NOT_HERE long hypercall_iret(struct hypercall *call);
NOT_HERE long hypercall_mca_op(struct hypercall *call);
NOT_HERE long hypercall_nmi_op(struct hypercall *call);
NOT_HERE long hypercall_physdev_op(struct hypercall *call);
NOT_HERE long hypercall_physdev_op_compat(struct hypercall *call);
NOT_HERE long hypercall_platform_op(struct hypercall *call);
NOT_HERE long hypercall_set_callbacks(struct hypercall *call);
NOT_HERE long hypercall_set_debugreg(struct hypercall *call);
NOT_HERE long hypercall_set_gdt(struct hypercall *call);
NOT_HERE long hypercall_set_segment_base(struct hypercall *call);
NOT_HERE long hypercall_set_trap_table(struct hypercall *call);
NOT_HERE long hypercall_stack_switch(struct hypercall *call);
