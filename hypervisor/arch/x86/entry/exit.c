/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The last look before a guest runs again, and what SYSCALL leads to.
 *
 * The order matters: deferred work first (it may switch to another vcpu and not return), then what the
 * guest is to see. The check runs with interrupts off and they stay off until the guest's flags are
 * loaded, so that an interrupt that comes after the check is taken at once in the guest.
 */
#include "arch/domain.h"
#include "asm/current.h"
#include "asm/entry.h"
#include "asm/pv.h"
#include "hypervisor/bug.h"
#include "hypervisor/event.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/lock.h"
#include "hypervisor/perf_counter.h"
#include "hypervisor/work.h"

/* True when the guest has to see something now: an upcall it does not mask, or an NMI. */
static bool deliver_pending(struct vcpu *vcpu)
{
    struct pv_vcpu *pv = &vcpu->arch.pv;

    if (unlikely(pv->nmi_pending) && arch_vcpu_nmi_pending(vcpu)) {
        pv_inject_nmi();
        return true;
    }
    if (event_pending(vcpu) && !READ_ONCE(vcpu->info->evtchn_upcall_mask) &&
        pv->event_callback.address) {
        pv_inject_events();
        return true;
    }
    return false;
}

void entry_prepare_exit(void)
{
    ASSERT(lock_none_held());
    for (;;) {
        arch_irq_disable();
        if (unlikely(softwork_pending())) {
            arch_irq_enable();
            softwork_run();
            continue;
        }
        if (!deliver_pending(current_vcpu())) {
            return;
        }
    }
}

void interrupt_entry(struct cpu_user_regs *regs)
{
    interrupt_dispatch(regs->entry_vector, regs);
}

void entry_iret_failed(struct cpu_user_regs *regs)
{
    /* The frame pushed here ends before them; the callback tells the guest what they are. */
    __asm__ volatile("mov %%ds, %0" : "=r"(regs->ds));
    __asm__ volatile("mov %%es, %0" : "=r"(regs->es));
    __asm__ volatile("mov %%fs, %0" : "=r"(regs->fs));
    __asm__ volatile("mov %%gs, %0" : "=r"(regs->gs));
    arch_irq_enable();
    pv_inject_failsafe();
}

bool hypercall_preempt(void)
{
    const struct vcpu *vcpu = current_vcpu();

    return softwork_pending() ||
           (event_pending(vcpu) && !READ_ONCE(vcpu->info->evtchn_upcall_mask));
}

/* A hypercall: arguments in rdi, rsi, rdx, r10, r8, r9 (xen/arch-x86/xen-x86_64.h). */
static void hypercall_from_guest(struct cpu_user_regs *regs)
{
    struct hypercall call = {
        .op = (unsigned int)regs->rax,
        .arg = { regs->rdi, regs->rsi, regs->rdx, regs->r10, regs->r8, regs->r9 },
    };
    long result;

    result = hypercall_dispatch(&call);
    if (unlikely(result == HYPERCALL_CONTINUE)) {
        perf_count(continuations);
        /* The guest issues it again, with what is left, after softwork and events had their turn. */
        regs->rip -= 2;
        regs->rax = call.op;
        regs->rdi = call.arg[0];
        regs->rsi = call.arg[1];
        regs->rdx = call.arg[2];
        regs->r10 = call.arg[3];
        regs->r8 = call.arg[4];
        regs->r9 = call.arg[5];
        return;
    }
    regs->rax = (uint64_t)result;
}

void syscall_dispatch(struct cpu_user_regs *regs)
{
    struct vcpu *vcpu = current_vcpu();

    arch_irq_enable();
    if (likely(vcpu->arch.pv.kernel_mode)) {
        hypercall_from_guest(regs);
    } else {
        pv_inject_syscall();
    }
}
