/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The handlers of x86's own DOMCTLs: see hypervisor/domctl.h. */
#ifndef ARCH_X86_DOMCTL_INTERNAL_H
#define ARCH_X86_DOMCTL_INTERNAL_H

#include "hypervisor/domctl.h"

/* frame.c */
long domctl_hypercall_init(struct domctl *ctl);
long domctl_getpageframeinfo3(struct domctl *ctl);

/* policy.c */
long domctl_get_cpu_policy(struct domctl *ctl);
long domctl_set_cpu_policy(struct domctl *ctl);

/* vcpu.c */
long domctl_get_ext_vcpucontext(struct domctl *ctl);
long domctl_set_ext_vcpucontext(struct domctl *ctl);
long domctl_sendtrigger(struct domctl *ctl);

#endif
