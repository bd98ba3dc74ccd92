/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* What is done about speculation on which processor; its options; the guest's MSRs; L1TF. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "asm/msr.h"
#include "asm/page.h"
#include "asm/policy_msr.h"
#include "asm/speculation.h"
#include "hypervisor/domain.h"
#include "hypervisor/error.h"
#include "hypervisor/nospec.h"

#define GIB (1ull << 30)

static struct speculation_facts facts;
static struct speculation_options options;
static struct speculation decided;

static int before_each(void **state)
{
    facts = (struct speculation_facts){
        .vendor = CPU_VENDOR_INTEL,
        .family = 6,
        .model = 0x5e, /* Skylake */
        .physical_bits = 39,
        .memory_end = 16 * GIB,
        .thunks = true,
    };
    memset(&options, -1, sizeof(options));
    return 0;
}

static void add(enum cpu_feature feature)
{
    facts.words[feature / 32] |= 1u << feature % 32;
}

static void decide(void)
{
    speculation_decide(&decided, &facts, &options);
}

/* ---- decisions --------------------------------------------------------------------------------- */

static void an_old_processor_is_named_open(void **state)
{
    decide();
    assert_true(decided.meltdown && decided.l1tf && decided.mds && !decided.retbleed);
    assert_true(decided.l1tf_domu && !decided.l1tf_dom0);
    assert_true(decided.rsb_entry); /* without SMEP */
    assert_false(decided.ibpb_switch || decided.ibpb_entry || decided.verw_exit);
    assert_false(decided.has_control);
    assert_int_equal(decided.guest_control, 0);
}

static void microcode_is_used(void **state)
{
    add(CPU_SMEP);
    add(CPU_IBRS_IBPB);
    add(CPU_STIBP);
    add(CPU_SSBD);
    add(CPU_MD_CLEAR);
    decide();
    assert_true(decided.ibpb_switch && decided.verw_exit && decided.has_control);
    assert_false(decided.rsb_entry || decided.ibpb_entry);
    assert_int_equal(decided.host_control, 0); /* thunks do better than the older IBRS */
    assert_int_equal(decided.guest_control, SPEC_CTRL_IBRS | SPEC_CTRL_STIBP | SPEC_CTRL_SSBD);
}

static void a_mended_processor_needs_less(void **state)
{
    facts.model = 0x6a; /* Ice Lake */
    add(CPU_SMEP);
    add(CPU_IBRS_IBPB);
    add(CPU_MD_CLEAR);
    add(CPU_BHI_CTRL);
    facts.arch_caps = ARCH_CAPS_RDCL_NO | ARCH_CAPS_IBRS_ALL | ARCH_CAPS_MDS_NO;
    decide();
    assert_false(decided.meltdown || decided.l1tf || decided.mds || decided.verw_exit);
    assert_false(decided.l1tf_domu);
    assert_int_equal(decided.host_control, SPEC_CTRL_IBRS | SPEC_CTRL_BHI_DIS_S);
    add(CPU_RTM);
    decide();
    assert_true(decided.verw_exit); /* TAA */
    facts.arch_caps |= ARCH_CAPS_TAA_NO;
    decide();
    assert_false(decided.verw_exit);
    facts.arch_caps |= ARCH_CAPS_RFDS_CLEAR;
    decide();
    assert_true(decided.verw_exit);
}

static void atoms_are_told_apart(void **state)
{
    facts.model = 0x5c; /* Goldmont */
    decide();
    assert_true(decided.meltdown && !decided.l1tf && !decided.mds);
    facts.model = 0x1c; /* Bonnell */
    decide();
    assert_false(decided.meltdown || decided.l1tf || decided.mds);
}

static void the_other_vendor(void **state)
{
    facts.vendor = CPU_VENDOR_AMD;
    facts.family = 0x17;
    facts.model = 0x31; /* Zen 2 */
    add(CPU_SMEP);
    decide();
    assert_true(decided.retbleed && !decided.ibpb_entry && !decided.meltdown && !decided.l1tf);
    add(CPU_AMD_IBPB);
    decide();
    assert_true(decided.ibpb_entry && decided.ibpb_switch && !decided.has_control);
    facts.family = 0x19;
    facts.model = 1; /* Zen 3 */
    add(CPU_AMD_BTC_NO);
    add(CPU_AMD_IBRS);
    add(CPU_AMD_IBRS_ALWAYS);
    add(CPU_AMD_STIBP_ALWAYS);
    add(CPU_AMD_SSBD);
    add(CPU_AMD_PSFD);
    decide();
    assert_false(decided.retbleed || decided.ibpb_entry);
    assert_int_equal(decided.host_control, SPEC_CTRL_IBRS | SPEC_CTRL_STIBP);
    assert_int_equal(decided.guest_control,
                     SPEC_CTRL_IBRS | SPEC_CTRL_STIBP | SPEC_CTRL_SSBD | SPEC_CTRL_PSFD);
    add(CPU_AUTO_IBRS);
    decide();
    assert_true(decided.auto_ibrs);
    assert_int_equal(decided.host_control, 0);
}

/* ---- options ----------------------------------------------------------------------------------- */

static void options_are_obeyed(void **state)
{
    add(CPU_SMEP);
    add(CPU_IBRS_IBPB);
    add(CPU_SSBD);
    add(CPU_MD_CLEAR);
    assert_int_equal(speculation_parse(&options, "no"), 0);
    decide();
    assert_false(decided.ibpb_switch || decided.verw_exit || decided.guest_msrs);
    assert_int_equal(speculation_parse(&options, "no,ibpb,ssbd,ibpb-entry=pv=yes,no-xen,rsb"), 0);
    decide();
    assert_true(decided.rsb_entry && !decided.ibpb_switch && !decided.ibpb_entry);
    assert_int_equal(decided.host_control, SPEC_CTRL_SSBD);
    assert_int_equal(speculation_parse(&options, "yes,md-clear=no,ibpb-entry=pv,hvm,l1d-flush=no"),
                     -XEN_EINVAL);
    assert_int_equal(speculation_parse(&options, "yes,md-clear=no,ibpb-entry=hvm=yes,psfd=0"), 0);
    decide();
    assert_true(decided.ibpb_switch && decided.guest_msrs && !decided.verw_exit);
    assert_false(decided.ibpb_entry);
    assert_int_equal(speculation_parse(&options, "pv=no"), 0);
    decide();
    assert_true(decided.ibpb_switch && !decided.guest_msrs);
    assert_int_equal(decided.guest_control, 0);
}

static void nonsense_is_refused(void **state)
{
    static const char *const bad[] = {
        "nonsense",
        "rsb=perhaps",
        "bti-thunk=lfence",
        "eager-fpu=no",
        "rsb=hvm=perhaps",
        "no-branch-harden",
        "this-word-is-longer-than-any-word-of-the-list-can-ever-be"
    };

    for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_int_equal(speculation_parse(&options, bad[i]), -XEN_EINVAL);
    }
    assert_int_equal(speculation_parse(&options, "nonsense,ssbd"), -XEN_EINVAL);
    assert_int_equal(options.ssbd, 1); /* what was good is in force */
    assert_int_equal(speculation_parse(&options, ""), 0);
    assert_int_equal(speculation_parse_l1tf(&options, "dom0=yes,domu=no"), 0);
    decide();
    assert_true(decided.l1tf_dom0 && !decided.l1tf_domu);
    assert_int_equal(speculation_parse_l1tf(&options, "no"), 0);
    assert_int_equal(speculation_parse_l1tf(&options, "dom0"), 0);
    decide();
    assert_true(decided.l1tf_dom0 && !decided.l1tf_domu);
    assert_int_equal(speculation_parse_l1tf(&options, "domX=yes"), -XEN_EINVAL);
    assert_int_equal(speculation_parse_l1tf(&options, "dom0=perhaps"), -XEN_EINVAL);
}

/* ---- L1TF -------------------------------------------------------------------------------------- */

static void addresses_of_memory_are_not_safe(void **state)
{
    const uint64_t end = 16 * GIB;

    assert_true(speculation_entry_is_safe(0, 39, end));
    assert_true(speculation_entry_is_safe(PTE_NX | 0xffe, 39, end)); /* flags alone */
    assert_false(speculation_entry_is_safe(0x1000, 39, end));
    assert_false(speculation_entry_is_safe(end - 0x1000, 39, end));
    assert_true(speculation_entry_is_safe(end, 39, end));
    assert_false(speculation_entry_is_safe(0xfffff000, 39, GIB)); /* the firmware's */
    assert_true(speculation_entry_is_safe(1ull << 32, 39, GIB));
    /* One above what CPUID says, which the cache may compare or not. */
    assert_false(speculation_entry_is_safe(1ull << 39 | 0x1000, 39, end));
    assert_false(speculation_entry_is_safe(1ull << 45 | 1ull << 44, 46, 1ull << 46));
    assert_false(speculation_entry_is_safe(1ull << 51 | 0x5000, 46, end));
}

/* As Linux writes a page without access, or a swap entry: address bits inverted. */
static void inverted_entries_are_safe(void **state)
{
    const uint64_t end = 64 * GIB;
    const unsigned int widths[] = { 36, 39, 40, 43, 44, 45, 46, 48, 52 };

    for (unsigned int i = 1; i < ARRAY_SIZE(widths); i++) {
        for (uint64_t address = 0x1000; address < end; address += 0x3fff5000) {
            uint64_t pte = (~address & PTE_ADDRESS_MASK) | 0x100;

            assert_true(speculation_entry_is_safe(pte, widths[i], end));
        }
    }
}

/* ---- the guest's registers ----------------------------------------------------------------------- */

static struct cpu_policy policy;
static struct domain domain;
static struct vcpu vcpu;

static int guest_setup(void **state)
{
    memset(&policy, 0, sizeof(policy));
    memset(&vcpu, 0, sizeof(vcpu));
    policy.max_basic = 0xd;
    policy.max_extended = 0x80000008u;
    domain.arch.policy = &policy;
    vcpu.domain = &domain;
    return 0;
}

#define WRITE(msr, value) policy_msr_write(&vcpu, msr, value)

static void a_guest_has_what_its_policy_says(void **state)
{
    uint64_t value = 77;

    assert_int_equal(WRITE(MSR_SPEC_CTRL, 0), POLICY_MSR_REFUSED);
    assert_int_equal(WRITE(MSR_PRED_CMD, 1), POLICY_MSR_REFUSED);
    assert_int_equal(policy_msr_read(&vcpu, MSR_SPEC_CTRL, &value), POLICY_MSR_REFUSED);
    assert_int_equal(policy_msr_read(&vcpu, MSR_ARCH_CAPS, &value), POLICY_MSR_REFUSED);
    assert_int_equal(policy_msr_read(&vcpu, MSR_EFER, &value), POLICY_MSR_OTHER);
    assert_int_equal(WRITE(MSR_EFER, 0), POLICY_MSR_OTHER);
    policy.feature[0][CPUID_D] = 1u << 26 | 1u << 29; /* IBRS and IBPB, ARCH_CAPABILITIES */
    policy.arch_capabilities = ARCH_CAPS_RDCL_NO;
    assert_int_equal(policy_control_bits(&policy), SPEC_CTRL_IBRS | SPEC_CTRL_STIBP);
    assert_int_equal(WRITE(MSR_SPEC_CTRL, SPEC_CTRL_SSBD), POLICY_MSR_REFUSED);
    assert_int_equal(WRITE(MSR_SPEC_CTRL, SPEC_CTRL_IBRS), POLICY_MSR_CONTROL);
    assert_int_equal(WRITE(MSR_SPEC_CTRL, SPEC_CTRL_IBRS), POLICY_MSR_DONE);
    assert_int_equal(policy_msr_read(&vcpu, MSR_SPEC_CTRL, &value), POLICY_MSR_DONE);
    assert_int_equal(value, SPEC_CTRL_IBRS);
    assert_int_equal(WRITE(MSR_PRED_CMD, 1), POLICY_MSR_BARRIER);
    assert_int_equal(WRITE(MSR_PRED_CMD, 0), POLICY_MSR_DONE);
    assert_int_equal(WRITE(MSR_PRED_CMD, 2), POLICY_MSR_REFUSED);
    assert_int_equal(policy_msr_read(&vcpu, MSR_PRED_CMD, &value), POLICY_MSR_REFUSED);
    assert_int_equal(policy_msr_read(&vcpu, MSR_ARCH_CAPS, &value), POLICY_MSR_DONE);
    assert_int_equal(value, ARCH_CAPS_RDCL_NO);
    assert_int_equal(WRITE(MSR_ARCH_CAPS, ARCH_CAPS_RDCL_NO), POLICY_MSR_REFUSED);
    policy_hide_controls(&policy);
    assert_int_equal(WRITE(MSR_SPEC_CTRL, 0), POLICY_MSR_REFUSED);
    assert_int_equal(WRITE(MSR_PRED_CMD, 1), POLICY_MSR_REFUSED);
    assert_int_equal(policy_msr_read(&vcpu, MSR_ARCH_CAPS, &value), POLICY_MSR_DONE);
    policy.extended[8][CPUID_B] = 1u << 12; /* AMD: the barrier alone */
    assert_int_equal(WRITE(MSR_PRED_CMD, 1), POLICY_MSR_BARRIER);
    assert_int_equal(WRITE(MSR_SPEC_CTRL, 0), POLICY_MSR_REFUSED);
    policy.max_extended = 0x80000004u;
    assert_int_equal(WRITE(MSR_PRED_CMD, 1), POLICY_MSR_REFUSED);
}

static void indices_stay_in_range(void **state)
{
    assert_int_equal(index_nospec(0, 1), 0);
    assert_int_equal(index_nospec(4, 5), 4);
    assert_int_equal(index_nospec(5, 5), 0);
    assert_int_equal(index_nospec(~0ull, 5), 0);
    assert_int_equal(index_nospec(3, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(an_old_processor_is_named_open, before_each),
        cmocka_unit_test_setup(microcode_is_used, before_each),
        cmocka_unit_test_setup(a_mended_processor_needs_less, before_each),
        cmocka_unit_test_setup(atoms_are_told_apart, before_each),
        cmocka_unit_test_setup(the_other_vendor, before_each),
        cmocka_unit_test_setup(options_are_obeyed, before_each),
        cmocka_unit_test_setup(nonsense_is_refused, before_each),
        cmocka_unit_test(addresses_of_memory_are_not_safe),
        cmocka_unit_test(inverted_entries_are_safe),
        cmocka_unit_test_setup(a_guest_has_what_its_policy_says, guest_setup),
        cmocka_unit_test(indices_stay_in_range),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
