/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * MSRs that a guest has by its policy, and whose values are the vcpu's: those of speculation. See
 * arch/x86/policy/msr.c.
 */
#ifndef ASM_POLICY_MSR_H
#define ASM_POLICY_MSR_H

#include "asm/policy.h"

struct vcpu;

enum policy_msr_result {
    POLICY_MSR_OTHER,   /* not one of these */
    POLICY_MSR_REFUSED, /* the guest gets #GP */
    POLICY_MSR_DONE,
    POLICY_MSR_CONTROL, /* done, and the vcpu's control is another one */
    POLICY_MSR_BARRIER, /* the guest wants a barrier now */
};

enum policy_msr_result policy_msr_read(const struct vcpu *vcpu, uint32_t msr, uint64_t *value);
enum policy_msr_result policy_msr_write(struct vcpu *vcpu, uint32_t msr, uint64_t value);

/* Bits of MSR_SPEC_CTRL that a guest of this policy may set; 0: it has no such register. */
uint64_t policy_control_bits(const struct cpu_policy *policy);

/* Takes the controls of speculation out of a policy. */
void policy_hide_controls(struct cpu_policy *policy);

#endif
