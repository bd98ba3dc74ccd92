/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Speculation: what a processor guesses before it knows leaves traces that others can measure.
 *
 *     border                         what crosses it                      what is done
 *     guest -> hypervisor            branch targets (Spectre v2)          thunks; IBRS where it is free
 *                                    return targets                       SMEP; else the RSB is refilled
 *                                    (AMD up to Zen 2: "Retbleed")        IBPB on entry
 *                                    indices that are out of bounds (v1)  index_nospec()
 *     guest -> guest, same CPU       all predictors                       IBPB between two vcpus
 *     hypervisor -> guest            buffers (MDS, TAA, RFDS)             VERW on the way out
 *                                    memory through not-present entries   they are checked (L1TF)
 *                                    memory by its own mapping (Meltdown) NOTHING: see below
 *     guest's kernel -> its user     the guest's own affair: it gets the controls, by its CPUID policy
 *
 * Guests' page tables map the hypervisor and so all memory, for its use only. On processors with the
 * fault called Meltdown (RDCL) a guest can read it all the same. Against that only a second set of
 * page tables would help, which there is not; it is told at boot.
 *
 * Here is only what to do, from what the processors say; arch/x86/cpu/speculation.c does it. Which
 * models have which fault: Intel's table "Affected Processors: Transient Execution Attacks", AMD's
 * bulletins AMD-SB-1026 and 1037.
 */
#include "asm/speculation.h"
#include "hypervisor/string.h"

#define FAMILY_INTEL_CORE  6u
#define FAMILY_ZEN_1_AND_2 0x17u
#define FAMILY_HYGON       0x18u
#define FAMILY_BULLDOZER   0x15u
#define FAMILY_JAGUAR      0x16u

static bool has(const struct speculation_facts *facts, enum cpu_feature feature)
{
    return facts->words[feature / 32] >> (feature % 32) & 1;
}

static bool listed(const uint8_t *models, unsigned int count, unsigned int model)
{
    for (unsigned int i = 0; i < count; i++) {
        if (models[i] == model) {
            return true;
        }
    }
    return false;
}

/* Bonnell and Saltwell execute in order. */
static const uint8_t in_order[] = { 0x1c, 0x26, 0x27, 0x35, 0x36 };
/* Silvermont, Airmont, Goldmont, Goldmont Plus, Knights: their L1 cache does not do that. */
static const uint8_t no_l1tf[] = { 0x37, 0x4a, 0x4c, 0x4d, 0x5a, 0x5d,
                                   0x75, 0x5c, 0x5f, 0x7a, 0x57, 0x85 };
/* Goldmont, Goldmont Plus: no such buffers. */
static const uint8_t no_mds[] = { 0x5c, 0x5f, 0x7a };

#define LISTED(list, model) listed(list, ARRAY_SIZE(list), model)

static void find_faults(struct speculation *to, const struct speculation_facts *facts)
{
    bool intel = facts->vendor == CPU_VENDOR_INTEL;
    bool speculates = facts->family != FAMILY_INTEL_CORE || !LISTED(in_order, facts->model);
    bool amd = facts->vendor == CPU_VENDOR_AMD || facts->vendor == CPU_VENDOR_HYGON;
    unsigned int family = facts->family;

    to->meltdown = intel && speculates && !(facts->arch_caps & ARCH_CAPS_RDCL_NO);
    to->l1tf = to->meltdown && family == FAMILY_INTEL_CORE && !LISTED(no_l1tf, facts->model);
    to->mds = intel && speculates && !LISTED(no_mds, facts->model) &&
              !(facts->arch_caps & ARCH_CAPS_MDS_NO);
    to->retbleed = amd && !has(facts, CPU_AMD_BTC_NO) &&
                   (family == FAMILY_BULLDOZER || family == FAMILY_JAGUAR ||
                    family == FAMILY_ZEN_1_AND_2 || family == FAMILY_HYGON);
}

static bool choose(int8_t option, bool by_itself)
{
    return option < 0 ? by_itself : option != 0;
}

/* Does VERW overwrite buffers that this processor leaves behind? */
static bool needs_verw(const struct speculation *to, const struct speculation_facts *facts)
{
    bool tsx = has(facts, CPU_RTM) && !(facts->arch_caps & ARCH_CAPS_TAA_NO);
    bool registers =
        (facts->arch_caps & ARCH_CAPS_RFDS_CLEAR) != 0 && !(facts->arch_caps & ARCH_CAPS_RFDS_NO);

    return (has(facts, CPU_MD_CLEAR) && (to->mds || tsx)) || registers;
}

/*
 * IBRS that is meant to stay on: enhanced IBRS, or AMD's where the processor prefers it. The older
 * kind would have to be written at each entry; thunks do better.
 */
static void choose_controls(struct speculation *to, const struct speculation_facts *facts,
                            const struct speculation_options *options)
{
    bool ibrs = has(facts, CPU_IBRS_IBPB) || has(facts, CPU_AMD_IBRS);
    bool stibp = has(facts, CPU_STIBP) || has(facts, CPU_AMD_STIBP) || ibrs;
    bool ssbd = has(facts, CPU_SSBD) || has(facts, CPU_AMD_SSBD);
    bool psfd = has(facts, CPU_AMD_PSFD);
    bool stays = (facts->arch_caps & ARCH_CAPS_IBRS_ALL) || has(facts, CPU_AMD_IBRS_ALWAYS) ||
                 has(facts, CPU_AMD_IBRS_PREFERRED);
    uint64_t host = 0;

    to->has_control = ibrs || stibp || ssbd || psfd;
    to->auto_ibrs = has(facts, CPU_AUTO_IBRS) && choose(options->ibrs, true);
    if (ibrs && !to->auto_ibrs && choose(options->ibrs, stays)) {
        host |= SPEC_CTRL_IBRS;
    }
    if ((host & SPEC_CTRL_IBRS) && has(facts, CPU_AMD_STIBP_ALWAYS)) {
        host |= SPEC_CTRL_STIBP;
    }
    host |= ssbd && choose(options->ssbd, false) ? SPEC_CTRL_SSBD : 0;
    host |= psfd && choose(options->psfd, false) ? SPEC_CTRL_PSFD : 0;
    host |= to->has_control && has(facts, CPU_BHI_CTRL) ? SPEC_CTRL_BHI_DIS_S : 0;
    to->host_control = host;
    to->guest_msrs = choose(options->guest_msrs, true);
    if (to->guest_msrs) {
        to->guest_control = (ibrs ? SPEC_CTRL_IBRS : 0) | (stibp ? SPEC_CTRL_STIBP : 0) |
                            (ssbd ? SPEC_CTRL_SSBD : 0) | (psfd ? SPEC_CTRL_PSFD : 0);
    }
}

void speculation_decide(struct speculation *to, const struct speculation_facts *facts,
                        const struct speculation_options *options)
{
    bool barrier = has(facts, CPU_IBRS_IBPB) || has(facts, CPU_AMD_IBPB);

    memset(to, 0, sizeof(*to));
    find_faults(to, facts);
    choose_controls(to, facts, options);
    to->thunks = facts->thunks;
    to->ibpb_switch = barrier && choose(options->ibpb_switch, true);
    to->ibpb_entry = barrier && choose(options->ibpb_entry, to->retbleed);
    /* With SMEP a return cannot be led to a guest's code, and to ours only where it called from. */
    to->rsb_entry = choose(options->rsb_entry, !has(facts, CPU_SMEP));
    to->verw_exit = choose(options->verw_exit, needs_verw(to, facts));
    to->l1tf_dom0 = choose(options->l1tf_dom0, false);
    to->l1tf_domu = choose(options->l1tf_domu, to->l1tf);
}
