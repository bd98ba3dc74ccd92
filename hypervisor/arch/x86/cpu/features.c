/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * What the processors can do, and the control registers that follow from it.
 *
 * The boot CPU's CPUID is read once; options take features away; from then on the words in boot_cpu
 * say what is used. Another CPU must have all of it, else it is not started: guests are told about
 * one kind of processor.
 *
 * CR0  PE MP ET NE WP PG; TS comes and goes with guests (fpu.c)
 * CR4  PAE DE MCE PGE OSFXSR OSXMMEXCPT, and UMIP FSGSBASE OSXSAVE SMEP SMAP where there are
 * EFER SCE LME NXE
 */
#include "asm/cpu_features.h"

#include "asm/entry.h"
#include "asm/msr.h"
#include "hypervisor/bug.h"
#include "hypervisor/cpu.h"
#include "hypervisor/option.h"
#include "hypervisor/printk.h"
#include "hypervisor/string.h"

struct cpu_info boot_cpu;
uint64_t hypervisor_cr4;

static bool opt_smep = true, opt_smap = true, opt_umip = true, opt_xsave = true;
static bool opt_fsgsbase = true, opt_page1gb = true;
OPTION_BOOL("smep", opt_smep, "supervisor-mode execution prevention");
OPTION_BOOL("smap", opt_smap, "supervisor-mode access prevention");
OPTION_BOOL("umip", opt_umip, "user-mode instruction prevention");
OPTION_BOOL("xsave", opt_xsave, "extended processor state beyond SSE");
OPTION_BOOL("fsgsbase", opt_fsgsbase, "instructions that read and write FS and GS base");
OPTION_BOOL("page1gb", opt_page1gb, "pages of 1 GiB in the hypervisor's own tables");

/* Where CPUID has each word; leaf, sub-leaf, register. */
static const struct {
    uint32_t leaf, sub;
    uint8_t reg;
} places[FEATURES_WORDS] = {
    [FEATURES_1_ECX] = { 1, 0, 2 },
    [FEATURES_1_EDX] = { 1, 0, 3 },
    [FEATURES_7_EBX] = { 7, 0, 1 },
    [FEATURES_7_ECX] = { 7, 0, 2 },
    [FEATURES_7_EDX] = { 7, 0, 3 },
    [FEATURES_D1_EAX] = { 0xd, 1, 0 },
    [FEATURES_80000001_ECX] = { 0x80000001, 0, 2 },
    [FEATURES_80000001_EDX] = { 0x80000001, 0, 3 },
    [FEATURES_80000007_EDX] = { 0x80000007, 0, 3 },
    [FEATURES_80000008_EBX] = { 0x80000008, 0, 1 },
    [FEATURES_6_EAX] = { 6, 0, 0 },
    [FEATURES_7_2_EDX] = { 7, 2, 3 },
    [FEATURES_80000021_EAX] = { 0x80000021, 0, 0 },
};

static uint32_t read_word(unsigned int word)
{
    uint32_t leaf = places[word].leaf, sub = places[word].sub, out[4];

    cpuid(leaf & 0x80000000, 0, out);
    if (leaf > out[0]) {
        return 0;
    }
    cpuid(leaf, 0, out);
    if (leaf == 7 && sub > out[0]) { /* it says how many it has */
        return 0;
    }
    cpuid(leaf, sub, out);
    return out[places[word].reg];
}

static void forget(enum cpu_feature feature)
{
    boot_cpu.words[feature / 32] &= ~(1u << (feature % 32));
}

static void read_vendor(void)
{
    static const struct {
        const char *id;
        enum cpu_vendor vendor;
    } vendors[] = {
        { "GenuineIntel", CPU_VENDOR_INTEL },
        { "AuthenticAMD", CPU_VENDOR_AMD },
        { "HygonGenuine", CPU_VENDOR_HYGON },
    };
    uint32_t out[4];
    unsigned int i;

    cpuid(0, 0, out);
    boot_cpu.max_leaf = out[0];
    memcpy(boot_cpu.vendor_id, &out[1], 4);
    memcpy(boot_cpu.vendor_id + 4, &out[3], 4);
    memcpy(boot_cpu.vendor_id + 8, &out[2], 4);
    for (i = 0; i < ARRAY_SIZE(vendors); i++) {
        if (strcmp(boot_cpu.vendor_id, vendors[i].id) == 0) {
            boot_cpu.vendor = vendors[i].vendor;
        }
    }
}

static void read_model(void)
{
    uint32_t out[4], i;

    cpuid(1, 0, out);
    boot_cpu.stepping = out[0] & 15;
    boot_cpu.model = (out[0] >> 4) & 15;
    boot_cpu.family = (out[0] >> 8) & 15;
    if (boot_cpu.family == 15 || boot_cpu.family == 6) {
        boot_cpu.model |= (out[0] >> 12) & 0xf0;
    }
    if (boot_cpu.family == 15) {
        boot_cpu.family += (out[0] >> 20) & 0xff;
    }
    cpuid(0x80000000, 0, out);
    boot_cpu.max_extended_leaf = out[0];
    boot_cpu.physical_bits = 36;
    boot_cpu.virtual_bits = 48;
    if (boot_cpu.max_extended_leaf >= 0x80000008) {
        cpuid(0x80000008, 0, out);
        boot_cpu.physical_bits = min(out[0] & 0xff, 52u);
        boot_cpu.virtual_bits = (out[0] >> 8) & 0xff;
    }
    for (i = 0; boot_cpu.max_extended_leaf >= 0x80000004 && i < 3; i++) {
        cpuid(0x80000002 + i, 0, out);
        memcpy(boot_cpu.brand + i * 16, out, 16);
    }
}

void features_init(void)
{
    unsigned int word;

    read_vendor();
    read_model();
    for (word = 0; word < FEATURES_WORDS; word++) {
        boot_cpu.words[word] = read_word(word);
    }
    if (!opt_smep) {
        forget(CPU_SMEP);
    }
    if (!opt_smap) {
        forget(CPU_SMAP);
    }
    if (!opt_umip) {
        forget(CPU_UMIP);
    }
    if (!opt_fsgsbase) {
        forget(CPU_FSGSBASE);
    }
    if (!opt_page1gb) {
        forget(CPU_PAGE1GB);
    }
    if (!opt_xsave || boot_cpu.max_leaf < 0xd) {
        forget(CPU_XSAVE);
    }
    if (!cpu_has(CPU_XSAVE)) {
        boot_cpu.words[FEATURES_D1_EAX] = 0;
    }
    hypervisor_cr4 = CR4_PAE | CR4_DE | CR4_OSFXSR | CR4_OSXMMEXCPT |
                     (cpu_has(CPU_MCE) ? CR4_MCE : 0) | (cpu_has(CPU_PGE) ? CR4_PGE : 0) |
                     (cpu_has(CPU_UMIP) ? CR4_UMIP : 0) | (cpu_has(CPU_SMEP) ? CR4_SMEP : 0) |
                     (cpu_has(CPU_SMAP) ? CR4_SMAP : 0) | (cpu_has(CPU_XSAVE) ? CR4_OSXSAVE : 0) |
                     (cpu_has(CPU_FSGSBASE) ? CR4_FSGSBASE : 0);
    if (!cpu_has(CPU_FXSR) || !cpu_has(CPU_SSE2) || !cpu_has(CPU_APIC) || !cpu_has(CPU_PAT) ||
        !cpu_has(CPU_SYSCALL)) {
        panic("this processor lacks FXSR, SSE2, a local APIC, PAT or SYSCALL");
    }
    pr_info("processor: %s, family %x model %x stepping %x, %u physical bits\n",
            boot_cpu.brand[0] ? boot_cpu.brand : boot_cpu.vendor_id, boot_cpu.family,
            boot_cpu.model, boot_cpu.stepping, boot_cpu.physical_bits);
}

/* Bits that differ between the processors of a machine by nature: OSXSAVE, OSPKE follow CR4. */
static uint32_t comparable(unsigned int word)
{
    switch (word) {
    case FEATURES_1_ECX:
        return ~(1u << 27);
    case FEATURES_7_ECX:
        return ~(1u << 4);
    case FEATURES_6_EAX:
        return 1u << 2;
    default:
        return ~0u;
    }
}

static void check_same(void)
{
    unsigned int word;

    for (word = 0; word < FEATURES_WORDS; word++) {
        uint32_t lacks = boot_cpu.words[word] & ~read_word(word) & comparable(word);

        if (lacks != 0) {
            panic("CPU %u lacks features of the boot CPU: word %u, bits 0x%08x", arch_cpu_id(),
                  word, lacks);
        }
    }
}

void features_init_cpu(void)
{
    uint64_t efer = msr_read(MSR_EFER) | EFER_SCE;

    if (arch_cpu_id() != 0) {
        check_same();
    }
    if (cpu_has(CPU_NX)) {
        efer |= EFER_NXE;
    }
    msr_write(MSR_EFER, efer);
    cr0_write_raw(CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE);
    cr4_write_raw(hypervisor_cr4);
    msr_write(MSR_PAT, PAT_VALUE);
    entry_smap_enabled = cpu_has(CPU_SMAP);
}
