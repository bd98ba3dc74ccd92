/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * What arch/x86/speculation decided, done: control registers, barriers, and the flags that the entry
 * code looks at (entry.S).
 *
 *   invariants
 *   1. control[cpu] is what the CPU's MSR_SPEC_CTRL holds. It changes with the vcpu and by the guest's
 *      own wish (which traps), not at entries and exits: a guest's bits only slow the hypervisor down.
 *   2. predictors[cpu] is the vcpu whose predictions the CPU may hold; another one comes only after
 *      a barrier. Vcpus are told apart by a number that is never given again.
 */
#include "asm/speculation.h"

#include "arch/memory.h"
#include "asm/entry.h"
#include "asm/layout.h"
#include "asm/msr.h"
#include "hypervisor/cpu.h"
#include "hypervisor/domain.h"
#include "hypervisor/error.h"
#include "hypervisor/option.h"
#include "hypervisor/printk.h"
#include "hypervisor/string.h"

#define EFER_AUTO_IBRS (1ull << 21)

struct speculation speculation;
uint64_t speculation_arch_caps;

uint8_t entry_scrub, entry_verw;

static DEFINE_PER_CPU(uint64_t, control);
static DEFINE_PER_CPU(uint64_t, predictors);

static struct speculation_options wanted = { -1, -1, -1, -1, -1, -1, -1, -1, -1, -1 };

static int parse_options(const char *value)
{
    return speculation_parse(&wanted, value);
}
OPTION_CUSTOM("spec-ctrl", parse_options, "mitigations of speculative execution: a list of words");

static int parse_l1tf(const char *value)
{
    return speculation_parse_l1tf(&wanted, value);
}
OPTION_CUSTOM("pv-l1tf", parse_l1tf,
              "check entries that are not present: dom0=, domu= or a boolean");

/* There is no such isolation: what asks for none has its wish. */
static int parse_xpti(const char *value)
{
    return strcmp(value, "default") == 0 || option_parse_bool(value) == 0 ? 0 : -XEN_EINVAL;
}
OPTION_CUSTOM("xpti", parse_xpti, "page-table isolation of PV guests: no");

/* ---- telling -------------------------------------------------------------------------------------- */

static void tell_facilities(void)
{
    static const struct {
        enum cpu_feature feature;
        const char *name;
    } features[] = {
        { CPU_IBRS_IBPB, "IBRS/IBPB" }, { CPU_STIBP, "STIBP" },
        { CPU_SSBD, "SSBD" },           { CPU_MD_CLEAR, "MD_CLEAR" },
        { CPU_BHI_CTRL, "BHI_CTRL" },   { CPU_AMD_IBPB, "IBPB" },
        { CPU_AMD_IBRS, "IBRS" },       { CPU_AMD_STIBP, "STIBP" },
        { CPU_AMD_SSBD, "SSBD" },       { CPU_AMD_PSFD, "PSFD" },
        { CPU_AMD_BTC_NO, "BTC_NO" },   { CPU_AUTO_IBRS, "AUTO_IBRS" },
    };
    static const struct {
        uint64_t bit;
        const char *name;
    } caps[] = {
        { ARCH_CAPS_RDCL_NO, "RDCL_NO" }, { ARCH_CAPS_IBRS_ALL, "EIBRS" },
        { ARCH_CAPS_RSBA, "RSBA" },       { ARCH_CAPS_MDS_NO, "MDS_NO" },
        { ARCH_CAPS_TAA_NO, "TAA_NO" },   { ARCH_CAPS_RFDS_NO, "RFDS_NO" },
        { ARCH_CAPS_BHI_NO, "BHI_NO" },
    };
    char text[160] = "";
    size_t length = 0;

    for (unsigned int i = 0; i < ARRAY_SIZE(features) + ARRAY_SIZE(caps); i++) {
        unsigned int cap = i - (unsigned int)ARRAY_SIZE(features);
        bool there = i < ARRAY_SIZE(features) ? cpu_has(features[i].feature)
                                              : (speculation_arch_caps & caps[cap].bit) != 0;

        if (there) {
            length +=
                (size_t)snprintf(text + length, sizeof(text) - length, " %s",
                                 i < ARRAY_SIZE(features) ? features[i].name : caps[cap].name);
            length = min(length, sizeof(text) - 1);
        }
    }
    pr_info("Speculative mitigation facilities:%s\n", length != 0 ? text : " none");
}

static void tell_decisions(void)
{
    const struct speculation *s = &speculation;

    pr_info(
        "Speculative mitigation: branches by %s%s%s, %s between vcpus%s%s%s, guests %s controls\n",
        s->thunks ? "retpolines" : "jumps", s->host_control & SPEC_CTRL_IBRS ? " and IBRS" : "",
        s->auto_ibrs ? " and automatic IBRS" : "", s->ibpb_switch ? "IBPB" : "no barrier",
        s->ibpb_entry ? ", IBPB on entry" : "", s->rsb_entry ? ", RSB refilled on entry" : "",
        s->verw_exit ? ", VERW on exit" : "", s->guest_msrs && s->has_control ? "have" : "have no");
    pr_info("Speculative mitigation: not-present entries %s for dom0, %s for others; XPTI %s\n",
            s->l1tf_dom0 ? "checked" : "unchecked", s->l1tf_domu ? "checked" : "unchecked",
            s->meltdown ? "missing" : "not needed");
}

static void warn(void)
{
    const struct speculation *s = &speculation;

    if (s->meltdown) {
        pr_warning(
            "Guests can read all memory of this processor (Meltdown): there is no page-table "
            "isolation. Do not run guests that you do not trust.\n");
    }
    if (s->l1tf && !s->l1tf_domu) {
        pr_warning("Guests can read memory through entries that are not present (L1TF).\n");
    }
    if (s->mds && !s->verw_exit) {
        pr_warning(
            "Guests can read the processor's buffers (MDS): no microcode that clears them.\n");
    }
    if (s->retbleed && !s->ibpb_entry) {
        pr_warning("Guests can steer the hypervisor's returns (Retbleed): no barrier on entry.\n");
    }
}

/* ---- setting up ----------------------------------------------------------------------------------- */

void speculation_init(void)
{
    struct speculation_facts facts = {
        .vendor = boot_cpu.vendor,
        .family = boot_cpu.family,
        .model = boot_cpu.model,
        .physical_bits = boot_cpu.physical_bits,
        .memory_end = arch_memory_end_mfn() << PAGE_SHIFT,
#ifdef CONFIG_RETPOLINES
        .thunks = true,
#endif
    };

    if (cpu_has(CPU_ARCH_CAPS)) {
        speculation_arch_caps = msr_read(MSR_ARCH_CAPS);
    }
    facts.arch_caps = speculation_arch_caps;
    memcpy(facts.words, boot_cpu.words, sizeof(facts.words));
    speculation_decide(&speculation, &facts, &wanted);
    entry_scrub = (speculation.rsb_entry ? ENTRY_SCRUB_RSB : 0) |
                  (speculation.ibpb_entry ? ENTRY_SCRUB_IBPB : 0);
    entry_verw = speculation.verw_exit;
    tell_facilities();
    tell_decisions();
    warn();
}

void speculation_init_cpu(void)
{
    if (speculation.auto_ibrs) {
        msr_write(MSR_EFER, msr_read(MSR_EFER) | EFER_AUTO_IBRS);
    }
    if (speculation.has_control) {
        this_cpu(control) = speculation.host_control;
        msr_write(MSR_SPEC_CTRL, speculation.host_control);
    }
}

/* ---- while guests run ------------------------------------------------------------------------------ */

static void set_control(uint64_t value)
{
    if (this_cpu(control) != value) {
        this_cpu(control) = value;
        msr_write(MSR_SPEC_CTRL, value);
    }
}

void speculation_barrier(void)
{
    msr_write(MSR_PRED_CMD, PRED_CMD_IBPB);
}

void speculation_control_changed(const struct vcpu *vcpu)
{
    set_control(vcpu->arch.msr_spec_ctrl | speculation.host_control);
}

void speculation_switch_to(const struct vcpu *vcpu)
{
    if (speculation.ibpb_switch && this_cpu(predictors) != vcpu->arch.unique) {
        speculation_barrier();
        entry_refill_rsb(); /* not all barriers empty it */
    }
    this_cpu(predictors) = vcpu->arch.unique;
    if (speculation.has_control) {
        speculation_control_changed(vcpu);
    }
}

void speculation_before_idle(void)
{
    static const uint16_t selector = SELECTOR_USER_DS;

    if (unlikely(entry_verw)) {
        __asm__ volatile("verw %0" : : "m"(selector) : "cc", "memory");
    }
}
