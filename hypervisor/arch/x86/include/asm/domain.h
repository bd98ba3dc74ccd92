/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * x86 state of domains and vcpus. The fields of struct pv_vcpu follow the public
 * vcpu_guest_context; who writes what is said beside each group.
 */
#ifndef ASM_DOMAIN_H
#define ASM_DOMAIN_H

#include "abi/xen.h"
#include "asm/guest_tsc.h"
#include "hypervisor/lock.h"
#include "hypervisor/types.h"

struct rangeset;
struct cpu_policy;
struct vcpu;

#define PV_GDT_FRAMES       16
#define PV_GDT_GUEST_FRAMES FIRST_RESERVED_GDT_PAGE /* 14 */
#define PV_LDT_FRAMES       16

/* One page-aligned save area a vcpu: XSAVE standard format, 512 legacy bytes first. */
struct fpu_area;

struct pv_callback {
    uint64_t address; /* 0: not registered */
    bool mask_events; /* enter with upcalls masked */
};

struct pv_vcpu {
    /* arch/x86/pv */
    struct trap_info *traps; /* 256 entries */
    struct pv_callback event_callback, failsafe_callback, syscall_callback;
    struct pv_callback syscall32_callback, sysenter_callback;
    uint16_t sysenter_cs, syscall32_cs;
    uint64_t kernel_sp;
    uint16_t kernel_ss;
    uint8_t iopl;     /* virtual, 0..3 */
    bool kernel_mode; /* the guest's kernel (not its user) is the context */
    bool interrupt_bounce;
    uint64_t cr0, cr2, cr4; /* as the guest sees them; cr2 lives in vcpu_info for its kernel */
    uint64_t debug_regs[8];
    uint32_t dr7_emulated;
    uint64_t fs_base, gs_base_kernel, gs_base_user;
    bool nmi_pending, nmi_masked;
    uint8_t *io_bitmap_guest; /* guest address registered by PHYSDEVOP_set_iobitmap */
    unsigned int io_bitmap_ports;
    uint64_t failsafe_count;

    /* descriptor tables: arch/x86/pv/descriptor.c; references by arch/x86/pagetype */
    uint64_t gdt_frames[PV_GDT_GUEST_FRAMES]; /* mfn, 0 when none */
    unsigned int gdt_entries;
    uint64_t ldt_base;
    unsigned int ldt_entries;
    unsigned int ldt_shadowed; /* LDT pages faulted in */
    struct spinlock ldt_lock;
};

struct arch_vcpu {
    struct cpu_user_regs user_regs; /* while not running */
    struct pv_vcpu pv;

    /*
     * Roots: arch/x86/pagetype/root.c. Each holds a reference and a type reference. kernel_root 0:
     * none (the vcpu cannot run). user_root 0: no user space yet.
     */
    mfn_t kernel_root, user_root;
    uint32_t loaded_on; /* CPU that holds the newest registers, CPU_NOT_LOADED: user_regs does */
    uint64_t unique;    /* no other vcpu ever has this number */
    uint64_t cr3; /* what the hardware register gets when this vcpu runs in its present mode */

    /* arch/x86/cpu/fpu.c */
    struct fpu_area *fpu;
    bool fpu_dirty; /* its state is in the registers of `processor` */
    bool fpu_initialised;
    uint64_t xcr0;      /* as the guest set it */
    bool task_switched; /* CR0.TS as the guest set it by fpu_taskswitch */

    /* arch/x86/time */
    uint64_t time_stamp_generation;

    /* arch/x86/policy: MSRs with state of their own */
    uint64_t msr_misc_enables, msr_spec_ctrl, msr_tsc_aux, msr_pat;
};

struct arch_domain {
    /* arch/x86/pagetype */
    struct spinlock mmu_lock; /* LOCK_MMU: all page-table updates of the domain */
    uint64_t *per_domain_l3;  /* slot for GDT/LDT mappings: hypervisor virtual address */
    mfn_t per_domain_l3_mfn;
    uint32_t relinquish_cursor; /* frame whose turn is next + 1, a reference held; 0: start */
    bool relinquish_swept;
    uint8_t check_absent; /* physical address bits when absent entries are checked (L1TF), else 0 */
    uint32_t backlog;     /* first table being dismantled + 1; 0: none; under mmu_lock */

    /* arch/x86/pv: what the hardware domain (or a pass-through guest) may touch */
    struct rangeset *io_ports, *io_memory /* mfns */, *irqs;
    struct cpu_policy *policy; /* CPUID and MSRs: arch/x86/policy */
    uint32_t pci_cf8;          /* last value written to port 0xcf8 */
    uint64_t pirq_eoi_map_mfn;

    struct guest_tsc tsc; /* changes before the domain runs only */
};

#endif
