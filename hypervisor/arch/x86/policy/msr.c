/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The guest's MSRs of speculation: SPEC_CTRL and PRED_CMD, which Intel and AMD have in common, and
 * ARCH_CAPABILITIES. What is there follows from the policy's feature bits.
 *
 * The value of SPEC_CTRL is the vcpu's; the architecture loads it with the vcpu, together with what
 * the hypervisor has on for itself, which the guest does not see.
 */
#include "asm/policy_msr.h"

#include "asm/msr.h"
#include "asm/speculation.h"
#include "hypervisor/domain.h"

#define BIT(n) (1u << (n))

/* CPUID 7, edx. */
#define IBRS_IBPB BIT(26)
#define STIBP     BIT(27)
#define ARCH_CAPS BIT(29)
#define SSBD      BIT(31)
#define CONTROLS  (IBRS_IBPB | STIBP | SSBD)

/* CPUID 80000008, ebx. */
#define AMD_IBPB  BIT(12)
#define AMD_IBRS  BIT(14)
#define AMD_STIBP BIT(15)
#define AMD_MODES (BIT(16) | BIT(17) | BIT(18) | BIT(19)) /* how the last two like to be used */
#define AMD_SSBD  BIT(24)
#define AMD_PSFD  BIT(28)

#define AMD_CONTROLS (AMD_IBPB | AMD_IBRS | AMD_STIBP | AMD_MODES | AMD_SSBD | AMD_PSFD)

static uint32_t intel_bits(const struct cpu_policy *policy)
{
    return policy->max_basic >= 7 ? policy->feature[0][CPUID_D] : 0;
}

static uint32_t amd_bits(const struct cpu_policy *policy)
{
    return policy->max_extended >= 0x80000008u ? policy->extended[8][CPUID_B] : 0;
}

void policy_hide_controls(struct cpu_policy *policy)
{
    policy->feature[0][CPUID_D] &= ~CONTROLS;
    policy->extended[8][CPUID_B] &= ~AMD_CONTROLS;
}

uint64_t policy_control_bits(const struct cpu_policy *policy)
{
    uint32_t intel = intel_bits(policy), amd = amd_bits(policy);
    uint64_t bits = 0;

    if ((intel & IBRS_IBPB) || (amd & AMD_IBRS)) {
        bits |= SPEC_CTRL_IBRS;
    }
    /* Intel: STIBP can be written where IBRS can, whether it does anything or not. */
    if ((intel & (IBRS_IBPB | STIBP)) || (amd & AMD_STIBP)) {
        bits |= SPEC_CTRL_STIBP;
    }
    if ((intel & SSBD) || (amd & AMD_SSBD)) {
        bits |= SPEC_CTRL_SSBD;
    }
    if (amd & AMD_PSFD) {
        bits |= SPEC_CTRL_PSFD;
    }
    return bits;
}

static bool has_barrier(const struct cpu_policy *policy)
{
    return (intel_bits(policy) & IBRS_IBPB) || (amd_bits(policy) & AMD_IBPB);
}

enum policy_msr_result policy_msr_read(const struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    const struct cpu_policy *policy = vcpu->domain->arch.policy;

    switch (msr) {
    case MSR_SPEC_CTRL:
        *value = vcpu->arch.msr_spec_ctrl;
        return policy_control_bits(policy) ? POLICY_MSR_DONE : POLICY_MSR_REFUSED;
    case MSR_ARCH_CAPS:
        *value = policy->arch_capabilities;
        return intel_bits(policy) & ARCH_CAPS ? POLICY_MSR_DONE : POLICY_MSR_REFUSED;
    case MSR_PRED_CMD: /* write-only */
        return POLICY_MSR_REFUSED;
    default:
        return POLICY_MSR_OTHER;
    }
}

enum policy_msr_result policy_msr_write(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
    const struct cpu_policy *policy = vcpu->domain->arch.policy;
    uint64_t bits = policy_control_bits(policy);

    switch (msr) {
    case MSR_SPEC_CTRL:
        if (bits == 0 || (value & ~bits)) {
            return POLICY_MSR_REFUSED;
        }
        if (vcpu->arch.msr_spec_ctrl == value) {
            return POLICY_MSR_DONE;
        }
        vcpu->arch.msr_spec_ctrl = value;
        return POLICY_MSR_CONTROL;
    case MSR_PRED_CMD:
        if (!has_barrier(policy) || (value & ~PRED_CMD_IBPB)) {
            return POLICY_MSR_REFUSED;
        }
        return value ? POLICY_MSR_BARRIER : POLICY_MSR_DONE;
    case MSR_ARCH_CAPS: /* read-only */
        return POLICY_MSR_REFUSED;
    default:
        return POLICY_MSR_OTHER;
    }
}
