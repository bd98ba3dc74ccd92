/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* What a PV guest sees of the processor: less than there is, and consistent in itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "abi/xen.h"
#include "asm/host.h"
#include "asm/guest_tsc.h"
#include "asm/policy.h"
#include "hypervisor/version.h"

#include <xen/arch-x86/cpuid.h>

#define BIT(n)     (1u << (n))
#define EXTENDED   0x80000000u
#define HYPERVISOR 0x40000000u

#define XCR0_SSE    0x3u
#define XCR0_AVX    0x7u
#define XCR0_AVX512 0xe7u

enum machine { MACHINE_RANDOM, MACHINE_FULL, MACHINE_OLD };

static enum machine machine;
static uint64_t salt;
static struct cpu_policy full, guest;

/* Sizes and offsets of the state components, as processors have them (Intel SDM 1, 13.4). */
static void xsave_leaf(uint32_t subleaf, uint32_t out[4])
{
    static const uint32_t layout[][2] = { [2] = { 256, 576 },
                                          [5] = { 64, 1088 },
                                          [6] = { 512, 1152 },
                                          [7] = { 1024, 1664 },
                                          [9] = { 8, 2688 } };

    if (subleaf >= 2) {
        memset(out, 0, 16);
        if (subleaf < ARRAY_SIZE(layout)) {
            out[CPUID_A] = layout[subleaf][0];
            out[CPUID_B] = layout[subleaf][1];
        }
    } else if (subleaf == 0) {
        out[CPUID_A] = 0x2ff;
        out[CPUID_C] = 2696;
    }
}

/* A processor: every bit set, or the same random ones each time, or one of the first with CPUID. */
static void read_machine(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    for (unsigned int i = 0; i < 4; i++) {
        uint64_t mix = (salt ^ (uint64_t)leaf << 32 ^ subleaf << 2 ^ i) * 0x9e3779b97f4a7c15ull;

        mix = (mix ^ mix >> 29) * 0xbf58476d1ce4e5b9ull;
        out[i] = machine == MACHINE_RANDOM ? (uint32_t)(mix >> 32) : ~0u;
    }
    if (machine == MACHINE_OLD) {
        out[CPUID_A] = leaf == 0 ? 1 : leaf < EXTENDED ? out[CPUID_A] : 0;
    } else if (leaf == 0) {
        out[CPUID_A] = 0x20;
    } else if (leaf == EXTENDED) {
        out[CPUID_A] = EXTENDED + 0x28;
    } else if (leaf == 0xd) {
        xsave_leaf(subleaf, out);
    }
}

static void make(enum machine which, uint64_t xcr0)
{
    machine = which;
    policy_read(&full, read_machine);
    guest = full;
    policy_restrict_pv(&guest, xcr0);
}

/* The guest's answer, with a vcpu that has not enabled anything. */
static const uint32_t *ask(uint32_t leaf, uint32_t subleaf)
{
    static const struct guest_tsc tsc;
    static const struct cpuid_context context = { .vcpu_id = 0, .xcr0 = 1, .tsc = &tsc };
    static uint32_t out[4];

    memset(out, 0xaa, sizeof(out));
    policy_cpuid(&guest, &context, leaf, subleaf, out);
    return out;
}

static void assert_zero(uint32_t leaf, uint32_t subleaf)
{
    static const uint32_t zero[4];

    assert_memory_equal(ask(leaf, subleaf), zero, sizeof(zero));
}

static int setup(void **state)
{
    host_setup(64, 1);
    return 0;
}

static int teardown(void **state)
{
    host_teardown();
    return 0;
}

/* ---- features -------------------------------------------------------------------------------- */

/* The words that list features. */
static const struct {
    uint32_t leaf, subleaf, reg;
} words[] = {
    { 1, 0, CPUID_C },
    { 1, 0, CPUID_D },
    { 7, 0, CPUID_B },
    { 7, 0, CPUID_C },
    { 7, 0, CPUID_D },
    { 7, 1, CPUID_A },
    { 7, 1, CPUID_B },
    { 7, 1, CPUID_C },
    { 7, 1, CPUID_D },
    { 0xd, 1, CPUID_A },
    { EXTENDED + 1, 0, CPUID_C },
    { EXTENDED + 1, 0, CPUID_D },
    { EXTENDED + 7, 0, CPUID_D },
    { EXTENDED + 8, 0, CPUID_B },
    { EXTENDED + 0xa, 0, CPUID_D },
    { EXTENDED + 0x1f, 0, CPUID_A },
    { EXTENDED + 0x21, 0, CPUID_A },
};

static void bits_are_only_taken_away(void **state)
{
    for (unsigned int round = 0; round < 2000; round++) {
        salt = host_random();
        make(MACHINE_RANDOM, host_random() & XCR0_AVX512);
        for (unsigned int i = 0; i < ARRAY_SIZE(words); i++) {
            uint32_t there[4], added;

            read_machine(words[i].leaf, words[i].subleaf, there);
            added = ask(words[i].leaf, words[i].subleaf)[words[i].reg] & ~there[words[i].reg];
            if (words[i].leaf == 1 && words[i].reg == CPUID_C) {
                added &= ~BIT(31);
            }
            assert_int_equal(added, 0);
        }
    }
}

static void what_needs_ring_0_is_hidden(void **state)
{
    static const struct {
        uint32_t leaf, reg, bits;
    } hidden[] = {
        /* PBE DS ACPI HTT TM; PSE PGE MTRR PSE36 PSN */
        { 1, CPUID_D,
          BIT(3) | BIT(13) | BIT(12) | BIT(17) | BIT(18) | BIT(21) | BIT(22) | BIT(31) },
        /* MONITOR VMX SMX EIST PCID DCA x2APIC TSC-deadline; OSXSAVE is the vcpu's */
        { 1, CPUID_C, BIT(3) | BIT(5) | BIT(6) | BIT(7) | BIT(17) | BIT(21) | BIT(24) | BIT(27) },
        /* SGX HLE SMEP INVPCID RTM PQM MPX PQE SMAP PT */
        { 7, CPUID_B,
          BIT(2) | BIT(4) | BIT(7) | BIT(10) | BIT(11) | BIT(12) | BIT(14) | BIT(15) | BIT(20) |
              BIT(25) },
        /* UMIP PKU OSPKE WAITPKG CET LA57 RDPID KL */
        { 7, CPUID_C, BIT(2) | BIT(3) | BIT(4) | BIT(5) | BIT(7) | BIT(16) | BIT(22) | BIT(23) },
        /* whatever has an MSR, but those of speculation */
        { 7, CPUID_D, ~(BIT(4) | BIT(10) | BIT(26) | BIT(27) | BIT(29) | BIT(31)) },
        /* SVM x2APIC-space SKINIT WDT LWP perfctr; MMCFG 1 GiB pages RDTSCP */
        { EXTENDED + 1, CPUID_C, BIT(2) | BIT(3) | BIT(12) | BIT(13) | BIT(15) | BIT(23) },
        { EXTENDED + 1, CPUID_D, BIT(3) | BIT(13) | BIT(12) | BIT(17) | BIT(26) | BIT(27) },
        { EXTENDED + 7, CPUID_D, ~0u },
        { EXTENDED + 0xa, CPUID_D, ~0u },
    };

    make(MACHINE_FULL, XCR0_AVX512);
    for (unsigned int i = 0; i < ARRAY_SIZE(hidden); i++) {
        assert_int_equal(ask(hidden[i].leaf, 0)[hidden[i].reg] & hidden[i].bits, 0);
    }
    /* What PV guests cannot do without. */
    assert_int_equal(~ask(1, 0)[CPUID_D] & (BIT(0) | BIT(5) | BIT(6) | BIT(24) | BIT(26)), 0);
    assert_int_equal(~ask(EXTENDED + 1, 0)[CPUID_D] & (BIT(11) | BIT(20) | BIT(29)), 0);
}

static void invariant_tsc_is_the_hardware_domains(void **state)
{
    machine = MACHINE_FULL;
    policy_read(&guest, read_machine);
    guest.hardware_domain = true;
    policy_restrict_pv(&guest, XCR0_AVX);
    assert_int_equal(ask(EXTENDED + 7, 0)[CPUID_D], BIT(8));
}

/* ---- xsave ----------------------------------------------------------------------------------- */

#define LEAF_1_AVX_BITS (BIT(12) | BIT(28) | BIT(29)) /* FMA AVX F16C */
#define LEAF_7_AVX512   (BIT(16) | BIT(17) | BIT(21) | BIT(28) | BIT(30) | BIT(31))

static void states_not_switched_hide_their_features(void **state)
{
    make(MACHINE_FULL, 0);
    assert_int_equal(ask(1, 0)[CPUID_C] & (BIT(26) | BIT(27) | LEAF_1_AVX_BITS), 0);
    for (uint32_t i = 0; i < 64; i++) {
        assert_zero(0xd, i);
    }

    make(MACHINE_FULL, XCR0_SSE);
    assert_int_equal(ask(1, 0)[CPUID_C] & LEAF_1_AVX_BITS, 0);
    assert_int_not_equal(ask(1, 0)[CPUID_C] & BIT(26), 0);
    assert_int_equal(ask(7, 0)[CPUID_B] & (BIT(5) | LEAF_7_AVX512), 0);
    assert_int_equal(ask(EXTENDED + 1, 0)[CPUID_C] & (BIT(11) | BIT(16)), 0);

    make(MACHINE_FULL, XCR0_AVX);
    assert_int_equal(~ask(1, 0)[CPUID_C] & LEAF_1_AVX_BITS, 0);
    assert_int_not_equal(ask(7, 0)[CPUID_B] & BIT(5), 0);
    assert_int_equal(ask(7, 0)[CPUID_B] & LEAF_7_AVX512, 0);

    make(MACHINE_FULL, XCR0_AVX512);
    assert_int_equal(~ask(7, 0)[CPUID_B] & LEAF_7_AVX512, 0);
}

static void xsave_sizes_are_those_of_the_states(void **state)
{
    struct cpuid_context context = { .xcr0 = XCR0_SSE };
    uint32_t out[4];

    make(MACHINE_FULL, XCR0_AVX512);
    assert_int_equal(ask(0xd, 0)[CPUID_A], XCR0_AVX512);
    assert_int_equal(ask(0xd, 0)[CPUID_C], 1664 + 1024);
    assert_int_equal(ask(0xd, 2)[CPUID_A], 256);
    assert_zero(0xd, 9);
    policy_cpuid(&guest, &context, 0xd, 0, out);
    assert_int_equal(out[CPUID_B], 576);
    policy_cpuid(&guest, &context, 0xd, 1, out);
    assert_int_equal(out[CPUID_B], 576);
    context.xcr0 = XCR0_AVX512;
    policy_cpuid(&guest, &context, 0xd, 0, out);
    assert_int_equal(out[CPUID_B], 1664 + 1024);
    /* The compacted format has no gap between the components. */
    policy_cpuid(&guest, &context, 0xd, 1, out);
    assert_int_equal(out[CPUID_B], 576 + 256 + 64 + 512 + 1024);
    assert_int_equal(out[CPUID_A], BIT(0) | BIT(1) | BIT(2));
    assert_int_equal(out[CPUID_C] | out[CPUID_D], 0);

    make(MACHINE_FULL, XCR0_AVX);
    assert_int_equal(ask(0xd, 0)[CPUID_C], 576 + 256);
    assert_zero(0xd, 5);
}

static void the_vcpu_shows_in_leaf_1(void **state)
{
    const struct cpuid_context context = { .vcpu_id = 3, .osxsave = true, .xcr0 = 1 };
    uint32_t out[4];

    make(MACHINE_FULL, XCR0_AVX);
    policy_cpuid(&guest, &context, 1, 0, out);
    assert_int_equal(out[CPUID_B], 6u << 24 | 1u << 16 | 0xff00);
    assert_int_not_equal(out[CPUID_C] & BIT(27), 0);
    make(MACHINE_FULL, 0);
    policy_cpuid(&guest, &context, 1, 0, out);
    assert_int_equal(out[CPUID_C] & BIT(27), 0);
}

/* ---- leaves ---------------------------------------------------------------------------------- */

static void leaves_out_of_range_are_zero(void **state)
{
    static const uint32_t beyond[] = { 0xe,
                                       0x17,
                                       0x18,
                                       0x20,
                                       0x3fffffff,
                                       HYPERVISOR + 6,
                                       HYPERVISOR + 0x100,
                                       0x7fffffff,
                                       EXTENDED + 0x22,
                                       EXTENDED + 0x28,
                                       0xc0000000,
                                       0xffffffff };

    make(MACHINE_FULL, XCR0_AVX512);
    for (unsigned int i = 0; i < ARRAY_SIZE(beyond); i++) {
        assert_zero(beyond[i], 0);
    }
    assert_zero(4, POLICY_CACHE_LEAVES);
    assert_zero(4, ~0u);
    assert_zero(7, POLICY_FEATURE_LEAVES);
    assert_zero(7, ~0u);
    assert_zero(0xd, POLICY_XSAVE_LEAVES);
    assert_zero(0xd, ~0u);
    assert_zero(HYPERVISOR + 3, 1);
    assert_zero(HYPERVISOR + 3, ~0u);
}

static void old_processors_have_few_leaves(void **state)
{
    make(MACHINE_OLD, XCR0_AVX);
    assert_int_equal(ask(0, 0)[CPUID_A], 1);
    assert_int_not_equal(ask(1, 0)[CPUID_D], 0);
    assert_zero(2, 0);
    assert_zero(7, 0);
    assert_zero(0xd, 0);
    assert_zero(EXTENDED, 0);
    assert_zero(EXTENDED + 1, 0);
    assert_int_equal(ask(HYPERVISOR, 0)[CPUID_A], HYPERVISOR + 5);
}

static void the_hypervisor_introduces_itself(void **state)
{
    struct guest_tsc tsc = { .mode = GUEST_TSC_NATIVE, .incarnation = 3 };
    const struct cpuid_context context = { .tsc = &tsc, .physical_bits = 46 };
    uint32_t out[4];

    make(MACHINE_FULL, XCR0_AVX);
    assert_int_not_equal(ask(1, 0)[CPUID_C] & BIT(31), 0);
    assert_int_equal(ask(HYPERVISOR, 0)[CPUID_A], HYPERVISOR + 5);
    assert_memory_equal(&ask(HYPERVISOR, 0)[CPUID_B], "XenVMMXenVMM", 12);
    assert_int_equal(ask(HYPERVISOR + 1, 0)[CPUID_A], XENIOS_ABI_MAJOR << 16 | XENIOS_ABI_MINOR);
    assert_int_equal(ask(HYPERVISOR + 2, 0)[CPUID_C], XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD);
    policy_cpuid(&guest, &context, HYPERVISOR + 3, 0, out);
    assert_int_equal(out[CPUID_A], BIT(1));
    assert_int_equal(out[CPUID_B], GUEST_TSC_NATIVE);
    assert_int_equal(out[CPUID_C], 1000000);
    assert_int_equal(out[CPUID_D], 3);
    assert_zero(HYPERVISOR + 3, 1);
    assert_int_equal(guest_tsc_set(&tsc, GUEST_TSC_EMULATE, 2345678, 1, 4, 0), 0);
    policy_cpuid(&guest, &context, HYPERVISOR + 3, 0, out);
    assert_int_equal(out[CPUID_A], BIT(0) | BIT(1));
    assert_int_equal(out[CPUID_C], 2345678);
    policy_cpuid(&guest, &context, HYPERVISOR + 3, 1, out);
    assert_int_equal(out[CPUID_A] & out[CPUID_B], ~0u); /* count 0 was 1 ns before time 0 */
    assert_int_equal(out[CPUID_C], tsc.scale.mul);
    assert_int_equal((int32_t)out[CPUID_D], tsc.scale.shift);
    policy_cpuid(&guest, &context, HYPERVISOR + 3, 2, out);
    assert_int_equal(out[CPUID_A], 1000000);
    policy_cpuid(&guest, &context, HYPERVISOR + 5, 0, out);
    assert_int_equal(out[CPUID_B], 46);
    assert_zero(HYPERVISOR + 4, 0); /* HVM's */
}

/* Every leaf of the list is the guest's answer, in order and none twice. */
static void the_list_is_what_the_guest_gets(void **state)
{
    static struct xen_cpuid_leaf list[POLICY_LIST_MAX + 1];
    unsigned int count;

    make(MACHINE_FULL, XCR0_AVX512);
    memset(list, 0xaa, sizeof(list));
    count = policy_list(&guest, list);
    assert_in_range(count, 1, POLICY_LIST_MAX);
    assert_int_equal(list[count].leaf, 0xaaaaaaaa);
    for (unsigned int i = 0; i < count; i++) {
        bool own = list[i].leaf == HYPERVISOR || list[i].leaf == HYPERVISOR + 0x100;
        bool has_sub =
            list[i].leaf == 4 || list[i].leaf == 7 || list[i].leaf == 0xb || list[i].leaf == 0xd;

        assert_int_equal(list[i].subleaf != XEN_CPUID_NO_SUBLEAF, has_sub);
        assert_true(list[i].leaf <= 0xd || list[i].leaf >= EXTENDED || own);
        assert_true(i == 0 || list[i].leaf > list[i - 1].leaf ||
                    list[i].subleaf > list[i - 1].subleaf);
        if (list[i].leaf != 1 && list[i].leaf != 0xd && !own) { /* those depend on the vcpu */
            assert_memory_equal(&list[i].a, ask(list[i].leaf, has_sub ? list[i].subleaf : 0), 16);
        }
    }
    make(MACHINE_OLD, 0);
    assert_int_equal(policy_list(&guest, list), 4);
}

static void feature_words_are_the_public_ones(void **state)
{
    uint32_t bits[POLICY_FEATURE_WORDS];

    make(MACHINE_RANDOM, XCR0_AVX);
    policy_features(&full, bits);
    assert_int_equal(bits[0], full.basic[1][CPUID_D]);
    assert_int_equal(bits[1], full.basic[1][CPUID_C]);
    assert_int_equal(bits[5], full.feature[0][CPUID_B]);
    assert_int_equal(bits[8], full.extended[8][CPUID_B]);
    assert_int_equal(bits[13], 0);
}

/* ---- topology --------------------------------------------------------------------------------- */

static struct {
    uint32_t basic, extended, level[3][2]; /* shift, type */
    uint32_t ids, intel_cores, amd_threads, amd_threads_per_core;
} shape;

static void read_shape(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    memset(out, 0, 16);
    if (leaf == 0) {
        out[CPUID_A] = shape.basic;
    } else if (leaf == 1) {
        out[CPUID_B] = shape.ids << 16;
        out[CPUID_D] = shape.ids > 1 ? BIT(28) : 0;
    } else if (leaf == 4) {
        out[CPUID_A] = shape.intel_cores ? (shape.intel_cores - 1) << 26 | 1 : 0;
    } else if (leaf == 0xb && subleaf < 3) {
        out[CPUID_A] = shape.level[subleaf][0];
        out[CPUID_B] = shape.level[subleaf][1] != 0;
        out[CPUID_C] = shape.level[subleaf][1] << 8 | subleaf;
    } else if (leaf == EXTENDED) {
        out[CPUID_A] = shape.extended;
    } else if (leaf == EXTENDED + 8) {
        out[CPUID_C] = shape.amd_threads ? shape.amd_threads - 1 : 0;
    } else if (leaf == EXTENDED + 0x1e) {
        out[CPUID_B] = shape.amd_threads_per_core ? (shape.amd_threads_per_core - 1) << 8 : 0;
    }
}

static void assert_shape(unsigned int thread_bits, unsigned int package_shift)
{
    struct cpu_topology topology;

    topology_read(&topology, read_shape);
    assert_int_equal(topology.thread_bits, thread_bits);
    assert_int_equal(topology.package_shift, package_shift);
}

static void topology_from_each_source(void **state)
{
    memset(&shape, 0, sizeof(shape));
    shape.basic = 1;
    assert_shape(0, 0);
    shape.ids = 12;
    assert_shape(4, 4);
    shape.basic = 4;
    shape.intel_cores = 6;
    assert_shape(1, 4);
    shape.extended = EXTENDED + 8;
    shape.amd_threads = 12;
    assert_shape(0, 4);
    shape.extended = EXTENDED + 0x1e;
    shape.amd_threads_per_core = 2;
    assert_shape(1, 4);
    shape.basic = 0xb;
    assert_shape(1, 4); /* the leaf is there, and empty */
    shape.level[0][0] = 1;
    shape.level[0][1] = 1;
    shape.level[1][0] = 5;
    shape.level[1][1] = 2;
    assert_shape(1, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_are_only_taken_away),
        cmocka_unit_test(what_needs_ring_0_is_hidden),
        cmocka_unit_test(invariant_tsc_is_the_hardware_domains),
        cmocka_unit_test(states_not_switched_hide_their_features),
        cmocka_unit_test(xsave_sizes_are_those_of_the_states),
        cmocka_unit_test(the_vcpu_shows_in_leaf_1),
        cmocka_unit_test(leaves_out_of_range_are_zero),
        cmocka_unit_test(old_processors_have_few_leaves),
        cmocka_unit_test(the_hypervisor_introduces_itself),
        cmocka_unit_test(the_list_is_what_the_guest_gets),
        cmocka_unit_test(feature_words_are_the_public_ones),
        cmocka_unit_test(topology_from_each_source),
    };

    return cmocka_run_group_tests_name("policy", tests, setup, teardown);
}
