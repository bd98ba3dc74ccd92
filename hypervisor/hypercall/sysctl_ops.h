/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Operations of sysctl that live in files of their own. Each works on the local copy of the guest's
 * struct and returns 0 or a negative Xen errno.
 */
#ifndef HYPERCALL_SYSCTL_OPS_H
#define HYPERCALL_SYSCTL_OPS_H

#include "hypervisor/types.h"

#include <xen/sysctl.h>

/* sysctl_machine.c: the machine's processors and memory */
long sysctl_physinfo(struct xen_sysctl *op);
long sysctl_getcpuinfo(struct xen_sysctl *op);
long sysctl_availheap(struct xen_sysctl *op);
long sysctl_cputopoinfo(struct xen_sysctl *op);
long sysctl_numainfo(struct xen_sysctl *op);

/* sysctl_sched.c: the scheduler and its one pool of processors */
long sysctl_sched_id(struct xen_sysctl *op);
long sysctl_cpupool_op(struct xen_sysctl *op);
long sysctl_scheduler_op(struct xen_sysctl *op);

/* sysctl_trace.c: event records, counters */
long sysctl_tbuf_op(struct xen_sysctl *op);
long sysctl_perfc_op(struct xen_sysctl *op);

#endif
