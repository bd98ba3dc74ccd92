/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Bouncing: making a PV guest continue in a handler of its kernel.
 *
 * The frame put on the guest's kernel stack, lowest address first (xen/arch-x86/xen.h and Linux's
 * arch/x86/xen/xen-asm.S are the two ends of this interface):
 *
 *      rcx r11 [ds es fs gs] [error code] rip cs rflags rsp ss
 *
 * ds..gs are there for the failsafe callback only. The slot of cs holds in bits 32..39 the upcall mask
 * as it was, and its RPL tells the guest where it came from: 0 its kernel, 3 its user. rcx and r11 are
 * in the frame because the guest is entered by SYSRET, which loses them.
 *
 * A guest whose stack cannot be written cannot be told anything: it is crashed with the reason.
 */
#include "asm/current.h"
#include "asm/entry.h"
#include "asm/pv.h"
#include "hypervisor/error.h"
#include "hypervisor/guest.h"
#include "hypervisor/string.h"

#define FRAME_WORDS_MAX 12

/* A trap frame in the making: words from the lowest address up. */
struct bounce_frame {
    uint64_t word[FRAME_WORDS_MAX];
    unsigned int count;
};

static void frame_add(struct bounce_frame *frame, uint64_t word)
{
    frame->word[frame->count++] = word;
}

static uint64_t frame_flags(const struct vcpu *vcpu, const struct cpu_user_regs *regs)
{
    uint64_t flags = regs->rflags & ~(uint64_t)(X86_EFLAGS_IF | X86_EFLAGS_IOPL);

    if (!READ_ONCE(vcpu->info->evtchn_upcall_mask)) {
        flags |= X86_EFLAGS_IF;
    }
    if (vcpu->domain->vm_assist & (1ul << VMASST_TYPE_architectural_iopl)) {
        flags |= (uint64_t)vcpu->arch.pv.iopl << 12;
    }
    return flags;
}

static void frame_add_return(struct bounce_frame *frame, const struct vcpu *vcpu,
                             const struct cpu_user_regs *regs, bool from_kernel)
{
    uint64_t cs = from_kernel ? regs->cs & ~3u : regs->cs;

    frame_add(frame, regs->rip);
    frame_add(frame, cs | (uint64_t)READ_ONCE(vcpu->info->evtchn_upcall_mask) << 32);
    frame_add(frame, frame_flags(vcpu, regs));
    frame_add(frame, regs->rsp);
    frame_add(frame, regs->ss);
}

/* Stores the frame below the guest's kernel stack pointer and points its registers to the handler. */
static void frame_enter(struct bounce_frame *frame, struct vcpu *vcpu, struct cpu_user_regs *regs,
                        uint64_t handler, bool mask_events, bool from_kernel)
{
    uint64_t sp = from_kernel ? regs->rsp : vcpu->arch.pv.kernel_sp;
    size_t bytes = frame->count * sizeof(frame->word[0]);

    sp = (sp & ~15ull) - bytes;
    if (!from_kernel) {
        pv_toggle_mode(vcpu);
        if (unlikely(vcpu->runstate_due)) {
            vcpu_runstate_publish(vcpu);
        }
    }
    if (guest_copy_to(sp, frame->word, bytes)) {
        domain_crash(vcpu->domain, "kernel stack of vcpu %u at %#lx cannot take a trap frame",
                     vcpu->id, (unsigned long)sp);
        if (!from_kernel) {
            pv_toggle_mode(vcpu); /* registers are the user's still, until the vcpu stops */
        }
        return;
    }
    if (mask_events) {
        WRITE_ONCE(vcpu->info->evtchn_upcall_mask, 1);
    }
    regs->entry_vector = ENTRY_VECTOR_SYSCALL; /* leave by SYSRET: rcx and r11 are in the frame */
    regs->rip = handler;
    regs->cs = SELECTOR_USER_CS64;
    regs->ss = SELECTOR_USER_DS;
    regs->rsp = sp;
    regs->rflags &=
        ~(uint64_t)(X86_EFLAGS_TF | X86_EFLAGS_VM | X86_EFLAGS_RF | X86_EFLAGS_NT | X86_EFLAGS_AC);
}

static void bounce(struct vcpu *vcpu, uint64_t handler, bool mask_events, int error_code)
{
    struct cpu_user_regs *regs = guest_regs();
    bool from_kernel = vcpu->arch.pv.kernel_mode;
    struct bounce_frame frame;

    frame.count = 0;
    frame_add(&frame, regs->rcx);
    frame_add(&frame, regs->r11);
    if (error_code != TRAP_NO_ERROR_CODE) {
        frame_add(&frame, (uint32_t)error_code);
    }
    frame_add_return(&frame, vcpu, regs, from_kernel);
    frame_enter(&frame, vcpu, regs, handler, mask_events, from_kernel);
}

void pv_inject_trap(unsigned int trap, int error_code)
{
    struct vcpu *vcpu = current_vcpu();
    const struct trap_info *handler = &vcpu->arch.pv.traps[trap];

    if (unlikely(!handler->address)) {
        domain_crash(vcpu->domain, "trap %u (error code %#x) at %#lx without a handler", trap,
                     (unsigned int)error_code, (unsigned long)guest_regs()->rip);
        return;
    }
    bounce(vcpu, handler->address, TI_GET_IF(handler), error_code);
}

void pv_inject_page_fault(uint32_t error_code, uint64_t address)
{
    struct vcpu *vcpu = current_vcpu();

    vcpu->info->arch.cr2 = address;
    vcpu->arch.pv.cr2 = address;
    /* The guest's kernel runs in ring 3: the processor's view of "user" is not the guest's. */
    error_code &= ~PF_USER;
    if (!vcpu->arch.pv.kernel_mode) {
        error_code |= PF_USER;
    }
    pv_inject_trap(TRAP_PF, (int)error_code);
}

void pv_inject_software_interrupt(const struct trap_info *handler)
{
    bounce(current_vcpu(), handler->address, TI_GET_IF(handler), TRAP_NO_ERROR_CODE);
}

void pv_inject_syscall(void)
{
    struct vcpu *vcpu = current_vcpu();
    const struct pv_callback *callback = &vcpu->arch.pv.syscall_callback;

    if (unlikely(!callback->address)) {
        guest_regs()->rip -= 2;
        pv_inject_trap(TRAP_UD, TRAP_NO_ERROR_CODE);
        return;
    }
    bounce(vcpu, callback->address, callback->mask_events, TRAP_NO_ERROR_CODE);
}

void pv_inject_compat_syscall(const struct pv_callback *callback, uint16_t cs)
{
    struct cpu_user_regs *regs = guest_regs();

    regs->cs = cs;
    bounce(current_vcpu(), callback->address, callback->mask_events, TRAP_NO_ERROR_CODE);
}

void pv_inject_events(void)
{
    struct vcpu *vcpu = current_vcpu();

    bounce(vcpu, vcpu->arch.pv.event_callback.address, true, TRAP_NO_ERROR_CODE);
}

void pv_inject_nmi(void)
{
    struct vcpu *vcpu = current_vcpu();

    vcpu->arch.pv.nmi_pending = false;
    vcpu->arch.pv.nmi_masked = true;
    pv_inject_trap(TRAP_NMI, TRAP_NO_ERROR_CODE);
}

void pv_inject_failsafe(void)
{
    struct vcpu *vcpu = current_vcpu();
    struct cpu_user_regs *regs = guest_regs();
    const struct pv_callback *callback = &vcpu->arch.pv.failsafe_callback;
    bool from_kernel = vcpu->arch.pv.kernel_mode;
    struct bounce_frame frame;

    if (!callback->address) {
        domain_crash(vcpu->domain, "bad return state at %#lx and no failsafe callback",
                     (unsigned long)regs->rip);
        return;
    }
    frame.count = 0;
    frame_add(&frame, regs->rcx);
    frame_add(&frame, regs->r11);
    frame_add(&frame, regs->ds);
    frame_add(&frame, regs->es);
    frame_add(&frame, regs->fs);
    frame_add(&frame, regs->gs);
    frame_add_return(&frame, vcpu, regs, from_kernel);
    frame_enter(&frame, vcpu, regs, callback->address, callback->mask_events, from_kernel);
}
