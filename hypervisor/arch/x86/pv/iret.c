/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Leaving a handler: the iret hypercall, and the two modes of a 64-bit PV guest.
 *
 * Kernel and user of the guest both run in ring 3. What tells them apart is pv.kernel_mode, and with
 * it the page-table root and the GS base in use: the other GS base waits in MSR_KERNEL_GS_BASE.
 */
#include "asm/current.h"
#include "asm/entry.h"
#include "asm/page.h"
#include "asm/pv.h"
#include "asm/tlb.h"
#include "hypervisor/error.h"
#include "hypervisor/guest.h"
#include "hypervisor/hypercall.h"

void pv_toggle_mode(struct vcpu *vcpu)
{
    bool kernel = !vcpu->arch.pv.kernel_mode;

    vcpu->arch.pv.kernel_mode = kernel;
    vcpu->arch.cr3 = mfn_to_paddr(kernel ? vcpu->arch.kernel_root : vcpu->arch.user_root);
    __asm__ volatile("swapgs" ::: "memory");
    cr3_load(vcpu->arch.cr3);
}

/*
 * __HYPERVISOR_iret: the frame is at the guest's rsp, struct iret_context. On success the guest goes
 * on where the frame says; a frame that cannot be read, or a return to a user space that has no
 * page tables, crashes the domain: there is nowhere to report it to.
 */
long hypercall_iret(struct hypercall *call)
{
    struct vcpu *vcpu = current_vcpu();
    struct cpu_user_regs *regs = guest_regs();
    struct iret_context frame;

    if (call->in_multicall) {
        return -XEN_EPERM;
    }
    if (guest_read(frame, regs->rsp)) {
        domain_crash(vcpu->domain, "iret frame at %#lx cannot be read", (unsigned long)regs->rsp);
        return 0;
    }
    if ((frame.cs & 3) == 3) {
        if (!vcpu->arch.user_root.value) {
            domain_crash(vcpu->domain, "return to user mode without user page tables");
            return 0;
        }
        pv_toggle_mode(vcpu);
    }
    if (vcpu->domain->vm_assist & (1ul << VMASST_TYPE_architectural_iopl)) {
        vcpu->arch.pv.iopl = (uint8_t)(frame.rflags >> 12 & 3);
    }
    regs->rip = frame.rip;
    regs->cs = (uint16_t)frame.cs | 3;
    regs->rflags = (frame.rflags & ~(uint64_t)(X86_EFLAGS_IOPL | X86_EFLAGS_VM)) | X86_EFLAGS_IF;
    regs->rsp = frame.rsp;
    regs->ss = (uint16_t)frame.ss | 3;
    if (!(frame.flags & VGCF_in_syscall)) {
        regs->entry_vector = ENTRY_VECTOR_NONE;
        regs->r11 = frame.r11;
        regs->rcx = frame.rcx;
    }
    WRITE_ONCE(vcpu->info->evtchn_upcall_mask, !(frame.rflags & X86_EFLAGS_IF));
    vcpu->arch.pv.nmi_masked = false;
    return (long)frame.rax;
}
