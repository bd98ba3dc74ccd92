/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The policy object: see policy.c. */
#ifndef ASM_POLICY_H
#define ASM_POLICY_H

#include "hypervisor/types.h"

enum { CPUID_A, CPUID_B, CPUID_C, CPUID_D, CPUID_REGISTERS };

#define POLICY_BASIC_LEAVES    0x18u
#define POLICY_EXTENDED_LEAVES 0x22u
#define POLICY_CACHE_LEAVES    8u
#define POLICY_XSAVE_LEAVES    64u
#define POLICY_FEATURE_LEAVES  2u

struct cpu_policy {
    uint32_t max_basic, max_extended; /* highest leaf answered in each range */
    uint32_t basic[POLICY_BASIC_LEAVES][CPUID_REGISTERS];
    uint32_t cache[POLICY_CACHE_LEAVES][CPUID_REGISTERS];     /* leaf 4 by sub-leaf */
    uint32_t feature[POLICY_FEATURE_LEAVES][CPUID_REGISTERS]; /* leaf 7 */
    uint32_t xsave[POLICY_XSAVE_LEAVES][CPUID_REGISTERS];     /* leaf 0xd */
    uint32_t extended[POLICY_EXTENDED_LEAVES][CPUID_REGISTERS];
    uint32_t extended_cache[POLICY_CACHE_LEAVES][CPUID_REGISTERS]; /* leaf 0x8000001d */
    uint64_t arch_capabilities;                                    /* MSR_ARCH_CAPABILITIES */
    bool hardware_domain;
};

/* How the machine's CPUID is read: the instruction, or a test's table. */
typedef void (*cpuid_reader_t)(uint32_t leaf, uint32_t subleaf, uint32_t out[4]);

/* What of the answer depends on the vcpu and its present state. */
struct cpuid_context {
    unsigned int vcpu_id;
    bool osxsave;  /* CR4.OSXSAVE as the guest set it */
    uint64_t xcr0; /* in force */
    const struct guest_tsc *tsc;
    unsigned int physical_bits;
};

/* The machine's leaves, bounded. */
void policy_read(struct cpu_policy *policy, cpuid_reader_t reader);

/* From the machine's leaves to what a PV guest gets: bits are only ever taken away, but for the
 * hypervisor bit. xcr0: the state components that the hypervisor switches. */
void policy_restrict_pv(struct cpu_policy *policy, uint64_t xcr0);

/*
 * The policy as the public interface lists it (xen/arch-x86/xen.h): one entry a leaf, or a sub-leaf
 * where the leaf has them, in order, those of zeros included. Returns how many, at most
 * POLICY_LIST_MAX, which leaves room for what toolstacks write into such a list.
 */
#define POLICY_LIST_MAX 160u
struct xen_cpuid_leaf;
unsigned int policy_list(const struct cpu_policy *policy, struct xen_cpuid_leaf *out);

/* Its feature words, numbered as in xen/arch-x86/cpufeatureset.h. */
#define POLICY_FEATURE_WORDS 19u
void policy_features(const struct cpu_policy *policy, uint32_t out[POLICY_FEATURE_WORDS]);

/* How APIC ids are made: thread bits lowest, then the core's, up to the package's. */
struct cpu_topology {
    unsigned int thread_bits, package_shift;
};
void topology_read(struct cpu_topology *topology, cpuid_reader_t reader);

/* The answer to CPUID: zeros for leaves out of range. */
void policy_cpuid(const struct cpu_policy *policy, const struct cpuid_context *context,
                  uint32_t leaf, uint32_t subleaf, uint32_t out[4]);

#endif
