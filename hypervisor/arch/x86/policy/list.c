/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * A policy in the forms that toolstacks read: the list of leaves, and the feature words. The list
 * goes as far as toolstacks of the ABI have a place for each leaf; what is beyond, no guest gets.
 */
#include "asm/policy.h"
#include "hypervisor/string.h"

#include "abi/xen.h"

#define EXTENDED             0x80000000u
#define LIST_BASIC_LAST      0xdu
#define LIST_CACHE_LEAVES    6u
#define LIST_XSAVE_LEAVES    63u
#define LIST_TOPOLOGY_LEAVES 2u
#define LEAF_CACHE           4u
#define LEAF_FEATURE         7u
#define LEAF_TOPOLOGY        0xbu
#define LEAF_XSAVE           0xdu
#define EXTENDED_FEATURES2   0x21u

/* The limits of the hypervisor's own leaves: 0 is "as it comes". */
static const uint32_t hypervisor_leaves[] = { 0x40000000u, 0x40000100u };

static unsigned int add(struct xen_cpuid_leaf *out, unsigned int count, uint32_t leaf,
                        uint32_t subleaf, const uint32_t values[CPUID_REGISTERS])
{
    out[count] = (struct xen_cpuid_leaf){
        leaf, subleaf, values[CPUID_A], values[CPUID_B], values[CPUID_C], values[CPUID_D],
    };
    return count + 1;
}

static unsigned int add_subleaves(struct xen_cpuid_leaf *out, unsigned int count, uint32_t leaf,
                                  const uint32_t (*values)[CPUID_REGISTERS], uint32_t end)
{
    for (uint32_t subleaf = 0; subleaf < end; subleaf++) {
        count = add(out, count, leaf, subleaf, values[subleaf]);
    }
    return count;
}

unsigned int policy_list(const struct cpu_policy *policy, struct xen_cpuid_leaf *out)
{
    static const uint32_t none[LIST_TOPOLOGY_LEAVES][CPUID_REGISTERS];
    unsigned int count = 0;

    for (uint32_t leaf = 0; leaf <= min(policy->max_basic, LIST_BASIC_LAST); leaf++) {
        switch (leaf) {
        case LEAF_CACHE:
            count = add_subleaves(out, count, leaf, policy->cache, LIST_CACHE_LEAVES);
            break;
        case LEAF_FEATURE:
            count = add_subleaves(out, count, leaf, policy->feature, POLICY_FEATURE_LEAVES);
            break;
        case LEAF_TOPOLOGY: /* differs by processor */
            count = add_subleaves(out, count, leaf, none, LIST_TOPOLOGY_LEAVES);
            break;
        case LEAF_XSAVE:
            count = add_subleaves(out, count, leaf, policy->xsave, LIST_XSAVE_LEAVES);
            break;
        default:
            count = add(out, count, leaf, XEN_CPUID_NO_SUBLEAF, policy->basic[leaf]);
            break;
        }
    }
    for (uint32_t i = 0; i < ARRAY_SIZE(hypervisor_leaves); i++) {
        count = add(out, count, hypervisor_leaves[i], XEN_CPUID_NO_SUBLEAF, none[0]);
    }
    for (uint32_t leaf = EXTENDED; leaf <= policy->max_extended; leaf++) {
        count = add(out, count, leaf, XEN_CPUID_NO_SUBLEAF, policy->extended[leaf - EXTENDED]);
    }
    return count;
}

void policy_features(const struct cpu_policy *policy, uint32_t out[POLICY_FEATURE_WORDS])
{
    const uint32_t words[POLICY_FEATURE_WORDS] = {
        [0] = policy->basic[1][CPUID_D],    [1] = policy->basic[1][CPUID_C],
        [2] = policy->extended[1][CPUID_D], [3] = policy->extended[1][CPUID_C],
        [4] = policy->xsave[1][CPUID_A],    [5] = policy->feature[0][CPUID_B],
        [6] = policy->feature[0][CPUID_C],  [7] = policy->extended[7][CPUID_D],
        [8] = policy->extended[8][CPUID_B], [9] = policy->feature[0][CPUID_D],
        [10] = policy->feature[1][CPUID_A], [11] = policy->extended[EXTENDED_FEATURES2][CPUID_A],
        [12] = policy->feature[1][CPUID_B], [14] = policy->feature[1][CPUID_C],
        [15] = policy->feature[1][CPUID_D], [18] = policy->extended[EXTENDED_FEATURES2][CPUID_C],
    };

    memcpy(out, words, sizeof(words));
}
