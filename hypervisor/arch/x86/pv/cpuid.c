/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The domain's CPU policy on the metal: read from the machine once, copied at a domain's creation,
 * asked by CPUID.
 */
#include "asm/clock.h"
#include "asm/cpu_features.h"
#include "asm/cpu_policy.h"
#include "asm/fpu.h"
#include "asm/msr.h"
#include "asm/policy.h"
#include "asm/pv.h"
#include "hypervisor/error.h"
#include "hypervisor/heap.h"

/* CR4 bits a PV guest may see as set: the others are the hypervisor's own affair. */
#define CR4_GUEST_VIEW \
    (CR4_PAE | CR4_MCE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_FSGSBASE | CR4_OSXSAVE)

#define CPUID_7B_FSGSBASE 1u

static struct cpu_policy pv_default;

void cpu_policy_init(void)
{
    policy_read(&pv_default, cpuid);
}

int cpu_policy_create(struct domain *domain)
{
    struct cpu_policy *policy = heap_alloc(sizeof(*policy));

    if (!policy) {
        return -XEN_ENOMEM;
    }
    *policy = pv_default;
    policy->hardware_domain = domain->is_hardware;
    if (!(hypervisor_cr4 & CR4_FSGSBASE)) {
        policy->feature[0][CPUID_B] &= ~CPUID_7B_FSGSBASE; /* its instructions would fault */
    }
    policy_restrict_pv(policy, fpu_xcr0_supported);
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
        .tsc_khz = (uint32_t)(tsc_hz / 1000),
        .physical_bits = boot_cpu.physical_bits,
    };

    policy_cpuid(vcpu->domain->arch.policy, &context, leaf, subleaf, out);
}
