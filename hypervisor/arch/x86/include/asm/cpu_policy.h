/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * What a domain's processors look like: one object a domain, made from the hardware at creation and
 * never from the hardware directly afterwards. arch/x86/policy.
 */
#ifndef ASM_CPU_POLICY_H
#define ASM_CPU_POLICY_H

#include "hypervisor/types.h"

struct cpu_policy;
struct domain;
struct vcpu;

/* The hardware's leaves are read and bounded once. */
void cpu_policy_init(void);

/*
 * The machine's policies: as its processors say; what the hypervisor uses of that; the most that a PV
 * domain can have; what one gets.
 */
enum cpu_policy_kind { CPU_POLICY_RAW, CPU_POLICY_HOST, CPU_POLICY_PV_MAX, CPU_POLICY_PV_DEFAULT };
void cpu_policy_machine(struct cpu_policy *policy, enum cpu_policy_kind kind);

/* The default policy of a PV domain. -XEN_ENOMEM. */
int cpu_policy_create(struct domain *domain) __must_check;
void cpu_policy_free(struct domain *domain);

/* CR4 as a new vcpu of the domain reads it. */
uint64_t cpu_policy_guest_cr4(const struct domain *domain);

#endif
