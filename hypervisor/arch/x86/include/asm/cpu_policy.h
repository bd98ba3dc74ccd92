/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * What a domain's processors look like: one object a domain, made from the hardware at creation and
 * never from the hardware directly afterwards. arch/x86/policy.
 */
#ifndef ASM_CPU_POLICY_H
#define ASM_CPU_POLICY_H

#include "hypervisor/types.h"

struct domain;
struct vcpu;

/* The hardware's leaves are read and bounded once. */
void cpu_policy_init(void);

/* The default policy of a PV domain. -XEN_ENOMEM. */
int cpu_policy_create(struct domain *domain) __must_check;
void cpu_policy_free(struct domain *domain);

/* CR4 as a new vcpu of the domain reads it. */
uint64_t cpu_policy_guest_cr4(const struct domain *domain);

#endif
