/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * CPUID policy.
 *
 * A guest's CPUID is answered from an object that its domain owns, made once from the machine's
 * leaves by taking bits away. The masks below name what a PV guest may see: user-visible instruction
 * sets whose state is switched with the vcpu, and those system features that the PV interface offers.
 * What needs ring 0, large or global pages, the local APIC, or an MSR that is not switched stays
 * hidden. Unknown bits are hidden.
 *
 *   invariants
 *   1. Every feature bit of a policy is a bit of the machine, except the hypervisor bit.
 *   2. XCR0 bits of leaf 0xd are those the hypervisor saves and restores.
 *   3. A leaf beyond max_basic / max_extended answers zeros.
 *
 * Bits: AMD APM 3 appendix E; Intel SDM 2, CPUID. Hypervisor leaves: xen/arch-x86/cpuid.h.
 */
#include "asm/guest_tsc.h"
#include "asm/policy.h"
#include "asm/speculation.h"
#include "hypervisor/nospec.h"
#include "hypervisor/string.h"
#include "hypervisor/version.h"

#include "abi/xen.h"

#include <xen/arch-x86/cpuid.h>

#define BIT(n)            (1u << (n))
#define EXTENDED          0x80000000u
#define HYPERVISOR_LEAVES XEN_CPUID_FIRST_LEAF
#define TSC_EMULATED      BIT(0)
#define TSC_RELIABLE      BIT(1)
#define HYPERVISOR_LAST   (XEN_CPUID_FIRST_LEAF + 5)

/* Leaf 1 ecx: SSE3 PCLMUL SSSE3 FMA CX16 SSE4.1 SSE4.2 MOVBE POPCNT AES XSAVE AVX F16C RDRAND */
#define PV_1C                                                                               \
    (BIT(0) | BIT(1) | BIT(9) | BIT(12) | BIT(13) | BIT(19) | BIT(20) | BIT(22) | BIT(23) | \
     BIT(25) | BIT(26) | BIT(28) | BIT(29) | BIT(30))
#define PV_1C_OSXSAVE    BIT(27)
#define PV_1C_HYPERVISOR BIT(31)
/* Leaf 1 edx: FPU DE TSC MSR PAE MCE CX8 APIC SEP MCA CMOV PAT CLFLUSH MMX FXSR SSE SSE2 SS */
#define PV_1D                                                                                    \
    (BIT(0) | BIT(2) | BIT(4) | BIT(5) | BIT(6) | BIT(7) | BIT(8) | BIT(9) | BIT(11) | BIT(14) | \
     BIT(15) | BIT(16) | BIT(19) | BIT(23) | BIT(24) | BIT(25) | BIT(26) | BIT(27))
/* Leaf 7: FSGSBASE BMI1 AVX2 FDP_EXCPTN BMI2 ERMS NO_FPU_CS AVX512F DQ RDSEED ADX IFMA CLFLUSHOPT
 * CLWB PF ER CD SHA BW VL */
#define PV_7B                                                                                      \
    (BIT(0) | BIT(3) | BIT(5) | BIT(6) | BIT(8) | BIT(9) | BIT(13) | BIT(16) | BIT(17) | BIT(18) | \
     BIT(19) | BIT(21) | BIT(23) | BIT(24) | BIT(26) | BIT(27) | BIT(28) | BIT(29) | BIT(30) |     \
     BIT(31))
#define PV_7B_AVX512 (BIT(16) | BIT(17) | BIT(21) | BIT(26) | BIT(27) | BIT(28) | BIT(30) | BIT(31))
/* VBMI VBMI2 GFNI VAES VPCLMUL VNNI BITALG VPOPCNTDQ CLDEMOTE MOVDIRI MOVDIR64B */
#define PV_7C                                                                              \
    (BIT(1) | BIT(6) | BIT(8) | BIT(9) | BIT(10) | BIT(11) | BIT(12) | BIT(14) | BIT(25) | \
     BIT(27) | BIT(28))
#define PV_7C_AVX512 (BIT(1) | BIT(6) | BIT(11) | BIT(12) | BIT(14))
/* Fast short REP MOV, MD_CLEAR; with MSRs (msr.c): IBRS and IBPB, STIBP, ARCH_CAPABILITIES, SSBD */
#define PV_7D_ARCH_CAPS BIT(29)
#define PV_7D           (BIT(4) | BIT(10) | BIT(26) | BIT(27) | PV_7D_ARCH_CAPS | BIT(31))
#define PV_7_1A         (BIT(10) | BIT(11) | BIT(12)) /* fast zero-length and short string operations */
#define PV_D1A          (BIT(0) | BIT(1) | BIT(2)) /* XSAVEOPT XSAVEC XGETBV1 */
/* 80000001 ecx: LAHF ABM SSE4A MISALIGNSSE PREFETCH XOP FMA4 TBM */
#define PV_E1C (BIT(0) | BIT(5) | BIT(6) | BIT(7) | BIT(8) | BIT(11) | BIT(16) | BIT(21))
/* 80000001 edx: the common ones of leaf 1, SYSCALL NX MMXEXT LM 3DNOWEXT 3DNOW */
#define PV_E1D               ((PV_1D & 0x0183f3ffu) | BIT(11) | BIT(20) | BIT(22) | BIT(29) | BIT(30) | BIT(31))
#define PV_E7D_INVARIANT_TSC BIT(8)
/* CLZERO, FPU error pointers, WBNOINVD; with MSRs: IBPB, IBRS, STIBP, how these like to be used, SSBD,
 * PSFD; and the absence of faults */
#define PV_E8B                                                                              \
    (BIT(0) | BIT(2) | BIT(9) | BIT(12) | BIT(14) | BIT(15) | BIT(16) | BIT(17) | BIT(18) | \
     BIT(19) | BIT(24) | BIT(26) | BIT(28) | BIT(29) | BIT(30))

/* What a guest may know of the processor's faults: that there is none, or that VERW and FB_CLEAR help. */
#define PV_ARCH_CAPS                                                                        \
    (ARCH_CAPS_RDCL_NO | ARCH_CAPS_IBRS_ALL | ARCH_CAPS_RSBA | ARCH_CAPS_SSB_NO |           \
     ARCH_CAPS_MDS_NO | ARCH_CAPS_IF_PSCHANGE | ARCH_CAPS_TAA_NO | ARCH_CAPS_SBDR_SSDP_NO | \
     ARCH_CAPS_FBSDP_NO | ARCH_CAPS_PSDP_NO | ARCH_CAPS_FB_CLEAR | ARCH_CAPS_RRSBA |        \
     ARCH_CAPS_BHI_NO | ARCH_CAPS_GDS_NO | ARCH_CAPS_RFDS_NO | ARCH_CAPS_RFDS_CLEAR)

#define XCR0_AVX_STATE     0x4u
#define XCR0_AVX512_STATE  0xe0u
#define XSAVE_LEGACY_BYTES 576u
#define XSAVE_ALIGNED      BIT(1) /* leaf 0xd, sub-leaf of a component, ecx */
#define XSAVEC             BIT(1) /* leaf 0xd, sub-leaf 1, eax */

/* Leaves that are passed on as they are: vendor and caches, brand, address sizes and cache data. */
static const uint32_t plain_basic[] = { 0x0, 0x2 };
static const uint32_t plain_extended[] = { 0x0, 0x2, 0x3, 0x4, 0x5, 0x6 };

static void clear(uint32_t leaf[CPUID_REGISTERS])
{
    memset(leaf, 0, CPUID_REGISTERS * sizeof(leaf[0]));
}

void policy_read(struct cpu_policy *policy, cpuid_reader_t reader)
{
    uint32_t top[CPUID_REGISTERS];

    memset(policy, 0, sizeof(*policy));
    reader(0, 0, top);
    policy->max_basic = min(top[CPUID_A], POLICY_BASIC_LEAVES - 1);
    reader(EXTENDED, 0, top);
    if (top[CPUID_A] >= EXTENDED) {
        policy->max_extended = min(top[CPUID_A], EXTENDED + POLICY_EXTENDED_LEAVES - 1);
    }
    for (uint32_t leaf = 0; leaf <= policy->max_basic; leaf++) {
        reader(leaf, 0, policy->basic[leaf]);
    }
    for (uint32_t leaf = EXTENDED; leaf <= policy->max_extended; leaf++) {
        reader(leaf, 0, policy->extended[leaf - EXTENDED]);
    }
    for (uint32_t i = 0; i < POLICY_CACHE_LEAVES; i++) {
        reader(4, i, policy->cache[i]);
        reader(EXTENDED + 0x1d, i, policy->extended_cache[i]);
    }
    for (uint32_t i = 0; i < POLICY_FEATURE_LEAVES; i++) {
        reader(7, i, policy->feature[i]);
    }
    for (uint32_t i = 0; i < POLICY_XSAVE_LEAVES; i++) {
        reader(0xd, i, policy->xsave[i]);
    }
}

static bool listed(const uint32_t *list, unsigned int count, uint32_t leaf)
{
    for (unsigned int i = 0; i < count; i++) {
        if (list[i] == leaf) {
            return true;
        }
    }
    return false;
}

/* Bytes of an XSAVE area with the components of xcr0: each at its own offset. */
static uint32_t standard_bytes(const struct cpu_policy *policy, uint64_t xcr0)
{
    uint32_t bytes = XSAVE_LEGACY_BYTES;

    for (uint32_t i = 2; i < POLICY_XSAVE_LEAVES; i++) {
        if (xcr0 >> i & 1) {
            bytes = max(bytes, policy->xsave[i][CPUID_A] + policy->xsave[i][CPUID_B]);
        }
    }
    return bytes;
}

/* The same in the format of XSAVEC: one behind the other, some aligned (Intel SDM 1, 13.4.3). */
static uint32_t compacted_bytes(const struct cpu_policy *policy, uint64_t xcr0)
{
    uint32_t bytes = XSAVE_LEGACY_BYTES;

    for (uint32_t i = 2; i < POLICY_XSAVE_LEAVES; i++) {
        if (xcr0 >> i & 1) {
            bytes = policy->xsave[i][CPUID_C] & XSAVE_ALIGNED ? ROUND_UP(bytes, 64) : bytes;
            bytes += policy->xsave[i][CPUID_A];
        }
    }
    return bytes;
}

static void restrict_xsave(struct cpu_policy *policy, uint64_t xcr0)
{
    if (!(policy->basic[1][CPUID_C] & BIT(26)) || !xcr0) {
        policy->basic[1][CPUID_C] &= ~(BIT(26) | BIT(28) | BIT(12) | BIT(29));
        memset(policy->xsave, 0, sizeof(policy->xsave));
        xcr0 = 0;
    }
    policy->xsave[0][CPUID_A] &= (uint32_t)xcr0;
    policy->xsave[0][CPUID_D] &= (uint32_t)(xcr0 >> 32);
    policy->xsave[1][CPUID_A] &= PV_D1A;
    policy->xsave[1][CPUID_B] = 0;
    policy->xsave[1][CPUID_C] = 0;
    policy->xsave[1][CPUID_D] = 0;
    for (uint32_t i = 2; i < POLICY_XSAVE_LEAVES; i++) {
        if (!(xcr0 >> i & 1)) {
            clear(policy->xsave[i]);
        }
    }
    policy->xsave[0][CPUID_C] = xcr0 ? standard_bytes(policy, xcr0) : 0;
    if (!(xcr0 & XCR0_AVX_STATE)) {
        policy->basic[1][CPUID_C] &= ~(BIT(28) | BIT(12) | BIT(29));
        policy->feature[0][CPUID_B] &= ~(BIT(5) | PV_7B_AVX512);
        policy->feature[0][CPUID_C] &= ~(BIT(9) | BIT(10) | PV_7C_AVX512);
        policy->extended[1][CPUID_C] &= ~(BIT(11) | BIT(16));
    }
    if ((xcr0 & XCR0_AVX512_STATE) != XCR0_AVX512_STATE) {
        policy->feature[0][CPUID_B] &= ~PV_7B_AVX512;
        policy->feature[0][CPUID_C] &= ~PV_7C_AVX512;
    }
}

static void restrict_extended(struct cpu_policy *policy)
{
    uint32_t(*leaf)[CPUID_REGISTERS] = policy->extended;

    for (uint32_t i = 0; i < POLICY_EXTENDED_LEAVES; i++) {
        if (!listed(plain_extended, ARRAY_SIZE(plain_extended), i) && i != 1 && i != 7 && i != 8) {
            clear(leaf[i]);
        }
    }
    leaf[0][CPUID_A] = policy->max_extended;
    leaf[1][CPUID_C] &= PV_E1C;
    leaf[1][CPUID_D] &= PV_E1D;
    leaf[7][CPUID_A] = leaf[7][CPUID_B] = leaf[7][CPUID_C] = 0;
    leaf[7][CPUID_D] &= policy->hardware_domain ? PV_E7D_INVARIANT_TSC : 0;
    leaf[8][CPUID_B] &= PV_E8B;
    leaf[8][CPUID_C] = 0;
    leaf[8][CPUID_D] = 0;
}

void policy_restrict_pv(struct cpu_policy *policy, uint64_t xcr0)
{
    for (uint32_t leaf = 0; leaf < POLICY_BASIC_LEAVES; leaf++) {
        if (!listed(plain_basic, ARRAY_SIZE(plain_basic), leaf) && leaf != 1) {
            clear(policy->basic[leaf]);
        }
    }
    policy->max_basic = min(policy->max_basic, 0xdu);
    policy->basic[0][CPUID_A] = policy->max_basic;
    policy->basic[1][CPUID_B] &= 0xff00u; /* CLFLUSH line; APIC id and counts are the vcpu's */
    policy->basic[1][CPUID_C] &= PV_1C;
    policy->basic[1][CPUID_D] &= PV_1D;
    policy->feature[0][CPUID_A] = min(policy->feature[0][CPUID_A], POLICY_FEATURE_LEAVES - 1);
    policy->feature[0][CPUID_B] &= PV_7B;
    policy->feature[0][CPUID_C] &= PV_7C;
    policy->feature[0][CPUID_D] &= PV_7D;
    policy->arch_capabilities &= policy->feature[0][CPUID_D] & PV_7D_ARCH_CAPS ? PV_ARCH_CAPS : 0;
    policy->feature[1][CPUID_A] &= PV_7_1A;
    policy->feature[1][CPUID_B] = policy->feature[1][CPUID_C] = policy->feature[1][CPUID_D] = 0;
    for (uint32_t i = 0; i < POLICY_CACHE_LEAVES; i++) {
        policy->cache[i][CPUID_A] &= 0x3fffu; /* one processor for each cache */
        clear(policy->extended_cache[i]);
    }
    restrict_extended(policy);
    restrict_xsave(policy, xcr0);
    policy->basic[1][CPUID_C] |= PV_1C_HYPERVISOR;
}

/* xen/arch-x86/cpuid.h, leaf 4. */
static void tsc_leaf(const struct guest_tsc *tsc, uint32_t subleaf, uint32_t out[4])
{
    switch (subleaf) {
    case 0:
        out[CPUID_A] = (tsc->emulated ? TSC_EMULATED : 0) | (tsc_reliable ? TSC_RELIABLE : 0);
        out[CPUID_B] = tsc->mode;
        out[CPUID_C] = guest_tsc_khz(tsc);
        out[CPUID_D] = tsc->incarnation;
        break;
    case 1:
        if (tsc->emulated) {
            out[CPUID_A] = (uint32_t)tsc->start_ns;
            out[CPUID_B] = (uint32_t)((uint64_t)tsc->start_ns >> 32);
            out[CPUID_C] = tsc->scale.mul;
            out[CPUID_D] = (uint32_t)(int32_t)tsc->scale.shift;
        }
        break;
    case 2:
        out[CPUID_A] = (uint32_t)(tsc_hz / 1000);
        break;
    }
}

static void hypervisor_leaf(const struct cpuid_context *context, uint32_t leaf, uint32_t subleaf,
                            uint32_t out[4])
{
    switch (leaf - HYPERVISOR_LEAVES) {
    case 0:
        out[CPUID_A] = HYPERVISOR_LAST;
        out[CPUID_B] = XEN_CPUID_SIGNATURE_EBX;
        out[CPUID_C] = XEN_CPUID_SIGNATURE_ECX;
        out[CPUID_D] = XEN_CPUID_SIGNATURE_EDX;
        break;
    case 1:
        out[CPUID_A] = XENIOS_ABI_MAJOR << 16 | XENIOS_ABI_MINOR;
        break;
    case 2:
        out[CPUID_C] = XEN_CPUID_FEAT1_MMU_PT_UPDATE_PRESERVE_AD;
        break;
    case 3:
        tsc_leaf(context->tsc, subleaf, out);
        break;
    case 5:
        out[CPUID_B] = context->physical_bits;
        break;
    }
}

#define SUBLEAF(leaves, subleaf, count) \
    ((subleaf) < (count) ? (leaves)[index_nospec(subleaf, count)] : NULL)

static void basic_leaf(const struct cpu_policy *policy, const struct cpuid_context *context,
                       uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    const uint32_t *found = policy->basic[index_nospec(leaf, POLICY_BASIC_LEAVES)];

    if (leaf == 4) {
        found = SUBLEAF(policy->cache, subleaf, POLICY_CACHE_LEAVES);
    } else if (leaf == 7) {
        found = SUBLEAF(policy->feature, subleaf, POLICY_FEATURE_LEAVES);
    } else if (leaf == 0xd) {
        found = SUBLEAF(policy->xsave, subleaf, POLICY_XSAVE_LEAVES);
    }
    if (!found) {
        return;
    }
    memcpy(out, found, CPUID_REGISTERS * sizeof(out[0]));
    if (leaf == 1) {
        out[CPUID_B] |= (context->vcpu_id * 2) << 24 | 1u << 16;
        if (context->osxsave && out[CPUID_C] & BIT(26)) {
            out[CPUID_C] |= PV_1C_OSXSAVE;
        }
    } else if (leaf == 0xd && subleaf == 0 && policy->xsave[0][CPUID_C]) {
        out[CPUID_B] = standard_bytes(policy, context->xcr0);
    } else if (leaf == 0xd && subleaf == 1 && out[CPUID_A] & XSAVEC) {
        out[CPUID_B] = compacted_bytes(policy, context->xcr0);
    }
}

void policy_cpuid(const struct cpu_policy *policy, const struct cpuid_context *context,
                  uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
    clear(out);
    if (leaf <= policy->max_basic) {
        basic_leaf(policy, context, leaf, subleaf, out);
    } else if (leaf >= HYPERVISOR_LEAVES && leaf <= HYPERVISOR_LAST) {
        hypervisor_leaf(context, leaf, subleaf, out);
    } else if (leaf >= EXTENDED && leaf <= policy->max_extended) {
        memcpy(out, policy->extended[index_nospec(leaf - EXTENDED, POLICY_EXTENDED_LEAVES)],
               CPUID_REGISTERS * sizeof(out[0]));
    }
}
