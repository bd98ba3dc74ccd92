/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The PV guest's processor as it sees it: traps bounced to it, privileged instructions emulated,
 * descriptor tables, callbacks. arch/x86/pv.
 */
#ifndef ASM_PV_H
#define ASM_PV_H

#include "asm/page.h"
#include "hypervisor/domain.h"

/* Trap numbers and page-fault bits. */
#define TRAP_DE            0
#define TRAP_DB            1
#define TRAP_NMI           2
#define TRAP_BP            3
#define TRAP_OF            4
#define TRAP_BR            5
#define TRAP_UD            6
#define TRAP_NM            7
#define TRAP_DF            8
#define TRAP_TS            10
#define TRAP_NP            11
#define TRAP_SS            12
#define TRAP_GP            13
#define TRAP_PF            14
#define TRAP_MF            16
#define TRAP_AC            17
#define TRAP_MC            18
#define TRAP_XM            19
#define TRAP_NO_ERROR_CODE (-1)

#define PF_PRESENT  1u
#define PF_WRITE    2u
#define PF_USER     4u
#define PF_RESERVED 8u
#define PF_FETCH    16u

#define X86_EFLAGS_CF   0x1u
#define X86_EFLAGS_PF   0x4u
#define X86_EFLAGS_AF   0x10u
#define X86_EFLAGS_ZF   0x40u
#define X86_EFLAGS_SF   0x80u
#define X86_EFLAGS_TF   0x100u
#define X86_EFLAGS_DF   0x400u
#define X86_EFLAGS_OF   0x800u
#define X86_EFLAGS_IOPL 0x3000u
#define X86_EFLAGS_NT   0x4000u
#define X86_EFLAGS_RF   0x10000u
#define X86_EFLAGS_VM   0x20000u
#define X86_EFLAGS_AC   0x40000u
#define X86_EFLAGS_VIF  0x80000u
#define X86_EFLAGS_VIP  0x100000u
#define X86_EFLAGS_ID   0x200000u

/*
 * Deliver to the current guest: rewrites guest_regs() so that the guest continues in its handler,
 * after a frame was put on its kernel stack. No handler or a stack that cannot be written: the
 * domain is crashed with the reason. error_code TRAP_NO_ERROR_CODE: none is pushed.
 */
void pv_inject_trap(unsigned int trap, int error_code);
void pv_inject_page_fault(uint32_t error_code, uint64_t address);
/* int n of the guest: rip is already behind the instruction. */
void pv_inject_software_interrupt(const struct trap_info *handler);
void pv_inject_syscall(void);
void pv_inject_compat_syscall(const struct pv_callback *callback, uint16_t cs);
void pv_inject_events(void);
void pv_inject_nmi(void);
void pv_inject_failsafe(void);

/* User and kernel of the current guest trade places: roots and GS base. */
void pv_toggle_mode(struct vcpu *vcpu);

/* Emulation of the instruction at the current guest's rip: true when it was done (or trapped). */
bool pv_emulate_privileged(struct cpu_user_regs *regs);
bool pv_emulate_forced(struct cpu_user_regs *regs); /* ud2 'x' 'e' 'n' cpuid */
/* A kernel's write fault on a page table it may only read. */
bool pv_emulate_pte_write(struct cpu_user_regs *regs, uint64_t address);

/* Descriptor tables. Hypervisor-side frames: PV_GDT_ADDRESS/PV_LDT_ADDRESS of asm/layout.h. */
int pv_set_gdt(struct vcpu *vcpu, const uint64_t *frames, unsigned int entries) __must_check;
void pv_destroy_gdt(struct vcpu *vcpu);
/* MMUEXT_SET_LDT; the pages come in by fault. -XEN_EINVAL for a bad base or count. */
int pv_set_ldt(struct vcpu *vcpu, uint64_t base, unsigned int entries) __must_check;
/* Drops all LDT pages that were faulted in; true when there were any. */
bool pv_drop_ldt_pages(struct vcpu *vcpu);
bool pv_fault_in_ldt_page(struct vcpu *vcpu, uint64_t offset);
void pv_load_descriptor_tables(struct vcpu *vcpu);
int pv_descriptor_vcpu_create(struct vcpu *vcpu) __must_check;
void pv_descriptor_vcpu_free(struct vcpu *vcpu);
int pv_descriptor_domain_create(struct domain *domain) __must_check;
void pv_descriptor_domain_free(struct domain *domain);

/* A selector the guest may load: ring 3, or null. */
static inline uint16_t pv_fix_selector(uint16_t selector)
{
    return selector & ~3u ? selector | 3u : selector;
}

/* Model-specific registers by policy: false means #GP. */
bool pv_msr_read(struct vcpu *vcpu, uint32_t msr, uint64_t *value);
bool pv_msr_write(struct vcpu *vcpu, uint32_t msr, uint64_t value);

/* CPUID as the current guest sees it: eax, ebx, ecx, edx. */
void pv_cpuid(struct vcpu *vcpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4]);

/*
 * Registers, tables and roots of a vcpu that does not run, checked as a guest's input: -XEN_EINVAL
 * (nothing kept), -XEN_ERESTART (call again with the same context).
 */
int pv_vcpu_set_context(struct vcpu *vcpu, const struct vcpu_guest_context *context) __must_check;

/* Debug registers: 0 or -XEN_EPERM/-XEN_EINVAL for values that are not a guest's to set. */
int pv_set_debug_register(struct vcpu *vcpu, unsigned int reg, uint64_t value) __must_check;

/* Port input and output with the domain's permissions; bytes 1, 2, 4. */
bool pv_io_permitted(struct vcpu *vcpu, unsigned int port, unsigned int bytes);
uint32_t pv_io_read(struct vcpu *vcpu, unsigned int port, unsigned int bytes);
void pv_io_write(struct vcpu *vcpu, unsigned int port, unsigned int bytes, uint32_t value);

/* Fills a page with 128 stubs: the hypercall page of a 64-bit PV guest. */
void pv_hypercall_page_fill(void *page);

/* Canonical and not the hypervisor's: an address a guest's code may have. */
static inline bool pv_code_address(uint64_t address)
{
    return address_is_canonical(address) &&
           (address < HYPERVISOR_START || address >= HYPERVISOR_END);
}

#endif
