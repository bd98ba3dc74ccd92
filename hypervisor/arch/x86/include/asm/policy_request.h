/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* What a toolstack wants a domain's CPUID policy to be: arch/x86/policy/request.c. */
#ifndef ASM_POLICY_REQUEST_H
#define ASM_POLICY_REQUEST_H

#include "asm/policy.h"

#include "abi/xen.h"

/*
 * Takes over `count` leaves as xen/arch-x86/xen.h lists them: vendor, model and names as they are,
 * features as far as the policy has them already, highest leaves where they are lower. Leaves not
 * listed stay. -XEN_ERANGE for a leaf or sub-leaf that no policy has, with its place in *wrong; the
 * policy is to be thrown away then.
 */
int policy_request(struct cpu_policy *policy, const struct xen_cpuid_leaf *leaves,
                   unsigned int count, unsigned int *wrong) __must_check;

#endif
