/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Changing a policy by a list of leaves (XEN_DOMCTL_set_cpu_policy). Bits are only taken away: what
 * the list has beyond the policy is ignored, since toolstacks turn on what their own defaults have.
 * Then the dependencies are brought in order by policy_restrict_pv, which changes nothing that is in
 * order.
 */
#include "asm/policy_request.h"
#include "hypervisor/error.h"
#include "hypervisor/string.h"

#define EXTENDED       0x80000000u
#define HYPERVISOR     0x40000000u
#define HYPERVISOR_TWO 0x40000100u

#define LEAF_CACHE    4u
#define LEAF_FEATURE  7u
#define LEAF_TOPOLOGY 0xbu
#define LEAF_XSAVE    0xdu

static void limit(uint32_t *to, uint32_t asked)
{
    *to = min(*to, asked);
}

static void take_all(uint32_t to[CPUID_REGISTERS], const struct xen_cpuid_leaf *leaf)
{
    to[CPUID_A] = leaf->a;
    to[CPUID_B] = leaf->b;
    to[CPUID_C] = leaf->c;
    to[CPUID_D] = leaf->d;
}

static void take_features(uint32_t to[CPUID_REGISTERS], const struct xen_cpuid_leaf *leaf)
{
    to[CPUID_A] &= leaf->a;
    to[CPUID_B] &= leaf->b;
    to[CPUID_C] &= leaf->c;
    to[CPUID_D] &= leaf->d;
}

static void take_xsave(struct cpu_policy *policy, const struct xen_cpuid_leaf *leaf)
{
    if (leaf->subleaf == 0) {
        policy->xsave[0][CPUID_A] &= leaf->a;
        policy->xsave[0][CPUID_D] &= leaf->d;
    } else if (leaf->subleaf == 1) {
        policy->xsave[1][CPUID_A] &= leaf->a;
    }
}

/* Leaves with sub-leaves; true when the leaf is one of them. */
static bool take_subleaf(struct cpu_policy *policy, const struct xen_cpuid_leaf *leaf, int *error)
{
    uint32_t end;

    switch (leaf->leaf) {
    case LEAF_CACHE:
        end = POLICY_CACHE_LEAVES;
        break;
    case LEAF_FEATURE:
        end = POLICY_FEATURE_LEAVES;
        break;
    case LEAF_TOPOLOGY: /* made by vcpu */
        end = 2;
        break;
    case LEAF_XSAVE:
        end = POLICY_XSAVE_LEAVES;
        break;
    default:
        return false;
    }
    if (leaf->subleaf >= end) {
        /* Zeros of a later processor's sub-leaf are what every policy has. */
        *error = leaf->a | leaf->b | leaf->c | leaf->d ? -XEN_ERANGE : 0;
        return true;
    }
    if (leaf->leaf == LEAF_FEATURE) {
        uint32_t subleaves = policy->feature[0][CPUID_A];

        take_features(policy->feature[leaf->subleaf], leaf);
        if (leaf->subleaf == 0) {
            policy->feature[0][CPUID_A] = min(subleaves, leaf->a);
        }
    } else if (leaf->leaf == LEAF_XSAVE) {
        take_xsave(policy, leaf);
    }
    return true;
}

static int take_basic(struct cpu_policy *policy, const struct xen_cpuid_leaf *leaf)
{
    int error = 0;

    if (take_subleaf(policy, leaf, &error)) {
        return error;
    }
    if (leaf->subleaf != XEN_CPUID_NO_SUBLEAF || leaf->leaf >= POLICY_BASIC_LEAVES) {
        return -XEN_ERANGE;
    }
    if (leaf->leaf == 0) {
        limit(&policy->max_basic, leaf->a);
        take_all(policy->basic[0], leaf);
    } else if (leaf->leaf == 1) {
        policy->basic[1][CPUID_A] = leaf->a;
        policy->basic[1][CPUID_C] &= leaf->c;
        policy->basic[1][CPUID_D] &= leaf->d;
    }
    return 0;
}

static int take_extended(struct cpu_policy *policy, const struct xen_cpuid_leaf *leaf)
{
    uint32_t number = leaf->leaf - EXTENDED;

    if (leaf->subleaf != XEN_CPUID_NO_SUBLEAF || number >= POLICY_EXTENDED_LEAVES) {
        return -XEN_ERANGE;
    }
    switch (number) {
    case 0:
        limit(&policy->max_extended, max(leaf->a, EXTENDED));
        take_all(policy->extended[0], leaf);
        break;
    case 1:
        policy->extended[1][CPUID_A] = leaf->a;
        policy->extended[1][CPUID_C] &= leaf->c;
        policy->extended[1][CPUID_D] &= leaf->d;
        break;
    case 2 ... 4: /* the name */
        take_all(policy->extended[number], leaf);
        break;
    case 7:
        policy->extended[7][CPUID_D] &= leaf->d;
        break;
    case 8:
        policy->extended[8][CPUID_B] &= leaf->b;
        break;
    }
    return 0;
}

static int take(struct cpu_policy *policy, const struct xen_cpuid_leaf *leaf)
{
    if (leaf->leaf >= EXTENDED) {
        return take_extended(policy, leaf);
    }
    if (leaf->leaf == HYPERVISOR || leaf->leaf == HYPERVISOR_TWO) {
        return 0; /* how many of the hypervisor's own leaves: all of them */
    }
    return take_basic(policy, leaf);
}

int policy_request(struct cpu_policy *policy, const struct xen_cpuid_leaf *leaves,
                   unsigned int count, unsigned int *wrong)
{
    for (unsigned int i = 0; i < count; i++) {
        int error = take(policy, &leaves[i]);

        if (error) {
            *wrong = i;
            return error;
        }
    }
    policy_restrict_pv(policy,
                       (uint64_t)policy->xsave[0][CPUID_D] << 32 | policy->xsave[0][CPUID_A]);
    return 0;
}
