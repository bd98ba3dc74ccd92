/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * What the processors can do. cpu_has() answers for all of them: a feature that one CPU lacks is
 * cleared before that CPU comes up (features_init_cpu). Bits as CPUID has them.
 */
#ifndef ASM_CPU_FEATURES_H
#define ASM_CPU_FEATURES_H

#include "hypervisor/types.h"

enum cpu_feature_word {
    FEATURES_1_ECX,
    FEATURES_1_EDX,
    FEATURES_7_EBX,
    FEATURES_7_ECX,
    FEATURES_7_EDX,
    FEATURES_D1_EAX,
    FEATURES_80000001_ECX,
    FEATURES_80000001_EDX,
    FEATURES_80000007_EDX,
    FEATURES_80000008_EBX,
    FEATURES_6_EAX,
    FEATURES_7_2_EDX,
    FEATURES_80000021_EAX,
    FEATURES_WORDS,
};

#define FEATURE(word, bit) ((word)*32 + (bit))

enum cpu_feature {
    CPU_MONITOR = FEATURE(FEATURES_1_ECX, 3),
    CPU_VMX = FEATURE(FEATURES_1_ECX, 5),
    CPU_CX16 = FEATURE(FEATURES_1_ECX, 13),
    CPU_PCID = FEATURE(FEATURES_1_ECX, 17),
    CPU_X2APIC = FEATURE(FEATURES_1_ECX, 21),
    CPU_TSC_DEADLINE = FEATURE(FEATURES_1_ECX, 24),
    CPU_XSAVE = FEATURE(FEATURES_1_ECX, 26),
    CPU_AVX = FEATURE(FEATURES_1_ECX, 28),
    CPU_HYPERVISOR = FEATURE(FEATURES_1_ECX, 31),
    CPU_DE = FEATURE(FEATURES_1_EDX, 2),
    CPU_TSC = FEATURE(FEATURES_1_EDX, 4),
    CPU_MCE = FEATURE(FEATURES_1_EDX, 7),
    CPU_APIC = FEATURE(FEATURES_1_EDX, 9),
    CPU_SYSENTER = FEATURE(FEATURES_1_EDX, 11),
    CPU_MTRR = FEATURE(FEATURES_1_EDX, 12),
    CPU_PGE = FEATURE(FEATURES_1_EDX, 13),
    CPU_MCA = FEATURE(FEATURES_1_EDX, 14),
    CPU_PAT = FEATURE(FEATURES_1_EDX, 16),
    CPU_FXSR = FEATURE(FEATURES_1_EDX, 24),
    CPU_SSE2 = FEATURE(FEATURES_1_EDX, 26),
    CPU_FSGSBASE = FEATURE(FEATURES_7_EBX, 0),
    CPU_TSC_ADJUST = FEATURE(FEATURES_7_EBX, 1),
    CPU_SMEP = FEATURE(FEATURES_7_EBX, 7),
    CPU_ERMS = FEATURE(FEATURES_7_EBX, 9),
    CPU_RTM = FEATURE(FEATURES_7_EBX, 11),
    CPU_INVPCID = FEATURE(FEATURES_7_EBX, 10),
    CPU_SMAP = FEATURE(FEATURES_7_EBX, 20),
    CPU_UMIP = FEATURE(FEATURES_7_ECX, 2),
    CPU_PKU = FEATURE(FEATURES_7_ECX, 3),
    CPU_RDPID = FEATURE(FEATURES_7_ECX, 22),
    CPU_MD_CLEAR = FEATURE(FEATURES_7_EDX, 10),
    CPU_IBRS_IBPB = FEATURE(FEATURES_7_EDX, 26),
    CPU_STIBP = FEATURE(FEATURES_7_EDX, 27),
    CPU_ARCH_CAPS = FEATURE(FEATURES_7_EDX, 29),
    CPU_SSBD = FEATURE(FEATURES_7_EDX, 31),
    CPU_BHI_CTRL = FEATURE(FEATURES_7_2_EDX, 4),
    CPU_XSAVEOPT = FEATURE(FEATURES_D1_EAX, 0),
    CPU_XSAVEC = FEATURE(FEATURES_D1_EAX, 1),
    CPU_XSAVES = FEATURE(FEATURES_D1_EAX, 3),
    CPU_SVM = FEATURE(FEATURES_80000001_ECX, 2),
    CPU_SYSCALL = FEATURE(FEATURES_80000001_EDX, 11),
    CPU_NX = FEATURE(FEATURES_80000001_EDX, 20),
    CPU_PAGE1GB = FEATURE(FEATURES_80000001_EDX, 26),
    CPU_RDTSCP = FEATURE(FEATURES_80000001_EDX, 27),
    CPU_LONG_MODE = FEATURE(FEATURES_80000001_EDX, 29),
    CPU_TSC_INVARIANT = FEATURE(FEATURES_80000007_EDX, 8),
    CPU_FP_POINTERS =
        FEATURE(FEATURES_80000008_EBX, 2), /* AMD: FXRSTOR always loads FIP, FDP, FOP */
    CPU_AMD_IBPB = FEATURE(FEATURES_80000008_EBX, 12),
    CPU_AMD_IBRS = FEATURE(FEATURES_80000008_EBX, 14),
    CPU_AMD_STIBP = FEATURE(FEATURES_80000008_EBX, 15),
    CPU_AMD_IBRS_ALWAYS = FEATURE(FEATURES_80000008_EBX, 16),
    CPU_AMD_STIBP_ALWAYS = FEATURE(FEATURES_80000008_EBX, 17),
    CPU_AMD_IBRS_PREFERRED = FEATURE(FEATURES_80000008_EBX, 18),
    CPU_AMD_SSBD = FEATURE(FEATURES_80000008_EBX, 24),
    CPU_AMD_SSB_NO = FEATURE(FEATURES_80000008_EBX, 26),
    CPU_AMD_PSFD = FEATURE(FEATURES_80000008_EBX, 28),
    CPU_AMD_BTC_NO = FEATURE(FEATURES_80000008_EBX, 29),
    CPU_AUTO_IBRS = FEATURE(FEATURES_80000021_EAX, 8),
    CPU_ARAT = FEATURE(FEATURES_6_EAX, 2), /* APIC timer runs in every C-state */
};

enum cpu_vendor { CPU_VENDOR_OTHER, CPU_VENDOR_INTEL, CPU_VENDOR_AMD, CPU_VENDOR_HYGON };

/* Of the boot CPU. */
struct cpu_info {
    enum cpu_vendor vendor;
    char vendor_id[13];
    char brand[49];
    unsigned int family, model, stepping;
    uint32_t max_leaf, max_extended_leaf;
    unsigned int physical_bits, virtual_bits;
    uint32_t words[FEATURES_WORDS];
};

extern struct cpu_info boot_cpu;

/* CR4 of every CPU while any guest runs. */
extern uint64_t hypervisor_cr4;

static inline bool cpu_has(enum cpu_feature feature)
{
    return boot_cpu.words[feature / 32] >> (feature % 32) & 1;
}

/* The instruction: eax, ebx, ecx, edx of the CPU that runs this. */
static inline void cpuid(uint32_t leaf, uint32_t sub, uint32_t out[4])
{
    __asm__ volatile("cpuid"
                     : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
                     : "a"(leaf), "c"(sub));
}

/* Boot CPU, first; needs nothing. */
void features_init(void);

/* Control registers, EFER, PAT of this CPU. Panics on an AP that lacks what the boot CPU has. */
void features_init_cpu(void);

/* Banks of this CPU report from now on (arch/x86/cpu/fault.c). */
void machine_check_init_cpu(void);

/* Registers the debug key 'd' (arch/x86/cpu/dump.c). */
void cpu_dump_init(void);

#endif
