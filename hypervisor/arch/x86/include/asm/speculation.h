/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * What is done against speculative execution across the borders between guests and the hypervisor.
 * Theory: arch/x86/speculation/decide.c.
 */
#ifndef ASM_SPECULATION_H
#define ASM_SPECULATION_H

#ifndef __ASSEMBLY__

#include "asm/cpu_features.h"
#include "hypervisor/types.h"

/* MSR_SPEC_CTRL (Intel SDM 4; AMD "Indirect branch control extension"). */
#define SPEC_CTRL_IBRS      (1ull << 0)
#define SPEC_CTRL_STIBP     (1ull << 1)
#define SPEC_CTRL_SSBD      (1ull << 2)
#define SPEC_CTRL_PSFD      (1ull << 7)
#define SPEC_CTRL_BHI_DIS_S (1ull << 10)

#define PRED_CMD_IBPB (1ull << 0)

/* MSR_ARCH_CAPABILITIES: what the processor says of itself. */
#define ARCH_CAPS_RDCL_NO      (1ull << 0)
#define ARCH_CAPS_IBRS_ALL     (1ull << 1)
#define ARCH_CAPS_RSBA         (1ull << 2)
#define ARCH_CAPS_SKIP_L1DFL   (1ull << 3)
#define ARCH_CAPS_SSB_NO       (1ull << 4)
#define ARCH_CAPS_MDS_NO       (1ull << 5)
#define ARCH_CAPS_IF_PSCHANGE  (1ull << 6)
#define ARCH_CAPS_TAA_NO       (1ull << 8)
#define ARCH_CAPS_SBDR_SSDP_NO (1ull << 13)
#define ARCH_CAPS_FBSDP_NO     (1ull << 14)
#define ARCH_CAPS_PSDP_NO      (1ull << 15)
#define ARCH_CAPS_FB_CLEAR     (1ull << 17)
#define ARCH_CAPS_RRSBA        (1ull << 19)
#define ARCH_CAPS_BHI_NO       (1ull << 20)
#define ARCH_CAPS_GDS_NO       (1ull << 26)
#define ARCH_CAPS_RFDS_NO      (1ull << 27)
#define ARCH_CAPS_RFDS_CLEAR   (1ull << 28)

/* The processors, as far as it matters here. words: as in struct cpu_info. */
struct speculation_facts {
    enum cpu_vendor vendor;
    unsigned int family, model, physical_bits;
    uint32_t words[FEATURES_WORDS];
    uint64_t arch_caps;  /* 0 where there is no such register */
    uint64_t memory_end; /* bytes: above there is no RAM */
    bool thunks;         /* indirect branches are built as retpolines */
};

/* Each -1: as the processor needs it; 0, 1: the administrator's word. */
struct speculation_options {
    int8_t guest_msrs;  /* msr-sc: guests may have the controls */
    int8_t rsb_entry;   /* rsb */
    int8_t verw_exit;   /* md-clear */
    int8_t ibpb_entry;  /* ibpb-entry */
    int8_t ibpb_switch; /* ibpb */
    int8_t ibrs, ssbd, psfd;
    int8_t l1tf_dom0, l1tf_domu; /* pv-l1tf */
};

struct speculation {
    bool meltdown, l1tf, mds, retbleed; /* the processor is open to it, by itself */
    bool ibpb_switch;                   /* predictors are emptied between two vcpus */
    bool rsb_entry, ibpb_entry;         /* ... on each entry from a guest */
    bool verw_exit;                     /* buffers are overwritten on the way to a guest */
    bool auto_ibrs;                     /* EFER.AIBRSE */
    bool l1tf_dom0, l1tf_domu;          /* not-present entries of page tables are checked */
    bool thunks;
    bool has_control;       /* MSR_SPEC_CTRL exists */
    uint64_t host_control;  /* its bits that are always on */
    bool guest_msrs;        /* guests may have the controls and the barrier, as their policy says */
    uint64_t guest_control; /* bits that a guest may set */
};

/* Decides. Pure: facts and options in, decisions out. */
void speculation_decide(struct speculation *to, const struct speculation_facts *facts,
                        const struct speculation_options *options);

/* Values of the boot options spec-ctrl= and pv-l1tf=: 0, or -XEN_EINVAL (what was good is in force). */
int speculation_parse(struct speculation_options *options, const char *value);
int speculation_parse_l1tf(struct speculation_options *options, const char *value);

/*
 * May this entry, not present, be in a page table in use? Not when its address bits are those of
 * memory, as far as an L1 cache looks at them.
 */
bool speculation_entry_is_safe(uint64_t pte, unsigned int physical_bits, uint64_t memory_end);

/* ---- this machine: arch/x86/cpu/speculation.c ---------------------------------------------------- */

extern struct speculation speculation;
extern uint64_t speculation_arch_caps; /* MSR_ARCH_CAPABILITIES, 0 where there is none */

/* Boot CPU, when memory is known and before domains are: decides, tells. Then each CPU applies. */
void speculation_init(void);
void speculation_init_cpu(void);

/* The CPU goes from one guest's vcpu to another: predictors, and this one's MSR_SPEC_CTRL. */
struct vcpu;
void speculation_switch_to(const struct vcpu *vcpu);

/* The guest asked for a barrier, or changed its control: of the current vcpu. */
void speculation_barrier(void);
void speculation_control_changed(const struct vcpu *vcpu);

/* A processor that falls asleep: nothing of a guest stays in buffers that its sibling can read. */
void speculation_before_idle(void);

#endif /* __ASSEMBLY__ */

/* entry_scrub: what an entry from a guest has to do. */
#define ENTRY_SCRUB_RSB  1
#define ENTRY_SCRUB_IBPB 2

#endif
