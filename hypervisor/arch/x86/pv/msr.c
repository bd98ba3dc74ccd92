/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Model-specific registers of PV guests: a table of what a guest may read and write, by policy and
 * not by what the hardware has. Those of speculation are in arch/x86/policy/msr.c; anything else
 * faults with #GP.
 */
#include "asm/cpu_features.h"
#include "asm/msr.h"
#include "asm/page.h"
#include "asm/policy_msr.h"
#include "asm/pv.h"
#include "asm/speculation.h"

enum msr_rule {
    MSR_BASE,      /* a segment base: read and write, canonical */
    MSR_COUNTER,   /* reads the domain's time-stamp counter, writes fault */
    MSR_KEEP,      /* reads the hardware's value, a write must not change it */
    MSR_ZERO,      /* reads 0, only 0 may be written */
    MSR_IGNORE,    /* reads 0, writes are dropped: registers that any kernel clears at boot */
    MSR_EFER_VIEW, /* EFER without what is the hypervisor's */
    MSR_APIC_BASE_VIEW,
};

static const struct msr_rule_row {
    uint32_t first, last;
    enum msr_rule rule;
} msr_policy[] = {
    { MSR_FS_BASE, MSR_KERNEL_GS_BASE, MSR_BASE },
    { MSR_EFER, MSR_EFER, MSR_EFER_VIEW },
    { 0x0000001b, 0x0000001b, MSR_APIC_BASE_VIEW },
    { 0x00000010, 0x00000010, MSR_COUNTER }, /* TSC */
    { 0x00000277, 0x00000277, MSR_KEEP },    /* PAT: the layout is part of the ABI */
    { 0x00000017, 0x00000017, MSR_ZERO },    /* platform id */
    { 0x0000008b, 0x0000008b, MSR_IGNORE },  /* microcode revision */
    { 0x000000ce, 0x000000ce, MSR_ZERO },    /* platform info */
    { 0x00000140, 0x00000140, MSR_ZERO },    /* misc features enables */
    { 0x000001a0, 0x000001a0, MSR_KEEP },    /* misc enable */
    { 0x00000179, 0x00000179, MSR_ZERO },    /* machine-check capability: no banks */
    { 0x0000017a, 0x0000017b, MSR_IGNORE },  /* machine-check status, control */
    { 0xc0010015, 0xc0010015, MSR_KEEP },    /* HWCR */
    { 0xc001001f, 0xc001001f, MSR_KEEP },    /* NB_CFG */
    { 0xc0010055, 0xc0010055, MSR_ZERO },    /* interrupt pending message */
    { 0xc0011029, 0xc0011029, MSR_KEEP },    /* DE_CFG */
    { 0xc0010010, 0xc0010010, MSR_KEEP },    /* SYSCFG */
};

static const uint64_t efer_hidden = 1ull << 12; /* SVME */

static const struct msr_rule_row *msr_row(uint32_t msr)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(msr_policy); i++) {
        if (msr >= msr_policy[i].first && msr <= msr_policy[i].last) {
            return &msr_policy[i];
        }
    }
    return NULL;
}

bool pv_msr_read(struct vcpu *vcpu, uint32_t msr, uint64_t *value)
{
    const struct msr_rule_row *row = msr_row(msr);

    *value = 0;
    if (!row) {
        return policy_msr_read(vcpu, msr, value) == POLICY_MSR_DONE;
    }
    switch (row->rule) {
    case MSR_BASE:
        *value = msr_read(msr);
        return true;
    case MSR_COUNTER:
        *value = pv_tsc_read(vcpu);
        return true;
    case MSR_KEEP:
        return msr_read_safe(msr, value);
    case MSR_EFER_VIEW:
        *value = msr_read(msr) & ~efer_hidden;
        return true;
    case MSR_APIC_BASE_VIEW:
        /* Enabled, xAPIC mode; the boot processor's flag as the guest expects it. */
        *value = 0xfee00000ull | 1u << 11 | (vcpu->id == 0 ? 1u << 8 : 0);
        return true;
    default:
        return true;
    }
}

static bool write_by_policy(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
    switch (policy_msr_write(vcpu, msr, value)) {
    case POLICY_MSR_DONE:
        return true;
    case POLICY_MSR_CONTROL:
        speculation_control_changed(vcpu);
        return true;
    case POLICY_MSR_BARRIER:
        speculation_barrier();
        return true;
    default:
        return false;
    }
}

bool pv_msr_write(struct vcpu *vcpu, uint32_t msr, uint64_t value)
{
    const struct msr_rule_row *row = msr_row(msr);
    uint64_t present;

    if (!row) {
        return write_by_policy(vcpu, msr, value);
    }
    switch (row->rule) {
    case MSR_BASE:
        if (!address_is_canonical(value)) {
            return false;
        }
        msr_write(msr, value);
        return true;
    case MSR_KEEP:
    case MSR_EFER_VIEW:
    case MSR_APIC_BASE_VIEW:
        return pv_msr_read(vcpu, msr, &present) && present == value;
    case MSR_ZERO:
        return value == 0;
    case MSR_IGNORE:
        return true;
    default:
        return false;
    }
}
