/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The domain's CPU policy on the metal: read from the machine once, copied at a domain's creation,
 * asked by CPUID.
 */
#include "asm/cpu_features.h"
#include "asm/cpu_policy.h"
#include "asm/fpu.h"
#include "asm/msr.h"
#include "asm/policy.h"
#include "asm/policy_msr.h"
#include "asm/pv.h"
#include "asm/speculation.h"
#include "hypervisor/error.h"
#include "hypervisor/heap.h"

/* CR4 bits a PV guest may see as set: the others are the hypervisor's own affair. */
#define CR4_GUEST_VIEW \
    (CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_FSGSBASE | CR4_OSXSAVE)

#define CPUID_7B_FSGSBASE 1u

static struct cpu_policy raw;

void cpu_policy_init(void)
{
    policy_read(&raw, cpuid);
    raw.arch_capabilities = speculation_arch_caps;
}

/* Features that one processor lacks, or that an option turned off, are in nobody's use. */
static void restrict_to_used(struct cpu_policy *policy)
{
    const uint32_t *words = boot_cpu.words;

    policy->basic[1][CPUID_C] &= words[FEATURES_1_ECX];
    policy->basic[1][CPUID_D] &= words[FEATURES_1_EDX];
    policy->feature[0][CPUID_B] &= words[FEATURES_7_EBX];
    policy->feature[0][CPUID_C] &= words[FEATURES_7_ECX];
    policy->feature[0][CPUID_D] &= words[FEATURES_7_EDX];
    policy->xsave[1][CPUID_A] &= words[FEATURES_D1_EAX];
    policy->extended[1][CPUID_C] &= words[FEATURES_80000001_ECX];
    policy->extended[1][CPUID_D] &= words[FEATURES_80000001_EDX];
    policy->extended[7][CPUID_D] &= words[FEATURES_80000007_EDX];
    policy->extended[8][CPUID_B] &= words[FEATURES_80000008_EBX];
}

static void make_pv(struct cpu_policy *policy, bool hardware_domain)
{
    *policy = raw;
    policy->hardware_domain = hardware_domain;
    if (!(hypervisor_cr4 & CR4_FSGSBASE)) {
        policy->feature[0][CPUID_B] &= ~CPUID_7B_FSGSBASE; /* its instructions would fault */
    }
    if (!speculation.guest_msrs) {
        policy_hide_controls(policy);
    }
    policy_restrict_pv(policy, fpu_xcr0_supported);
}

void cpu_policy_machine(struct cpu_policy *policy, enum cpu_policy_kind kind)
{
    switch (kind) {
    case CPU_POLICY_RAW:
        *policy = raw;
        break;
    case CPU_POLICY_HOST:
        *policy = raw;
        restrict_to_used(policy);
        break;
    case CPU_POLICY_PV_MAX:
        make_pv(policy, true);
        break;
    case CPU_POLICY_PV_DEFAULT:
        make_pv(policy, false);
        break;
    }
}

int cpu_policy_create(struct domain *domain)
{
    struct cpu_policy *policy = heap_alloc(sizeof(*policy));

    if (!policy) {
        return -XEN_ENOMEM;
    }
    make_pv(policy, domain->is_hardware);
    domain->arch.policy = policy;
    return 0;
}

void cpu_policy_free(struct domain *domain)
{
    heap_free(domain->arch.policy);
    domain->arch.policy = NULL;
}

uint64_t cpu_policy_guest_cr4(const struct domain *domain)
{
    (void)domain;
    return hypervisor_cr4 & CR4_GUEST_VIEW;
}

void pv_cpuid(struct vcpu *vcpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    const struct cpuid_context context = {
        .vcpu_id = vcpu->id,
        .osxsave = vcpu->arch.pv.cr4 & CR4_OSXSAVE,
        .xcr0 = vcpu->arch.xcr0,
        .tsc = &vcpu->domain->arch.tsc,
        .physical_bits = boot_cpu.physical_bits,
    };

    policy_cpuid(vcpu->domain->arch.policy, &context, leaf, subleaf, out);
}
