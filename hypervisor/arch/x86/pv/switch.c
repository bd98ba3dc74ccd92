/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Switching vcpus, the idle loop, and guest state that lingers.
 *
 * A CPU that goes idle keeps the state of the vcpu it ran: registers in guest_regs(), segment
 * registers and bases, CR3, descriptor tables, FPU. `loaded` says whose it is. If the same vcpu
 * comes back, nothing is loaded; if another one comes, or the vcpu is to run on another CPU, or
 * somebody wants to read its registers, the state is saved first (arch_vcpu_sync_state).
 *
 *   invariants
 *   1. loaded[cpu] is NULL or a vcpu whose newest register state is on that CPU.
 *   2. A vcpu is loaded on at most one CPU; only that CPU changes its entry.
 *   3. current is a guest's vcpu  =>  it is loaded here.
 *
 * The vcpu may be picked up by another CPU as soon as sched_context_saved() was called, while its state
 * is still loaded here: the other CPU asks by a cross-CPU call before it touches it.
 */
#include "arch/sched.h"
#include "arch/time.h"
#include "asm/cpu_features.h"
#include "asm/current.h"
#include "asm/entry.h"
#include "asm/extable.h"
#include "asm/fpu.h"
#include "asm/gdt.h"
#include "asm/msr.h"
#include "asm/paging.h"
#include "asm/pv.h"
#include "asm/pv_switch.h"
#include "asm/speculation.h"
#include "asm/tlb.h"
#include "hypervisor/atomic.h"
#include "hypervisor/bug.h"
#include "hypervisor/frame.h"
#include "hypervisor/sched.h"
#include "hypervisor/work.h"

static DEFINE_PER_CPU(struct vcpu *, loaded);
static DEFINE_PER_CPU(bool, tsc_traps); /* CR4.TSD is set */

#define SEGMENT_READ(name, to) __asm__ volatile("mov %%" #name ", %0" : "=r"(to))

/* Loads a guest's selector; one that does not load becomes null and the answer is false. */
#define SEGMENT_LOAD(name, selector, ok)                  \
    __asm__ volatile("1: mov %k2, %%" #name "\n"          \
                     "2:\n"                               \
                     ".pushsection .text.fixup, \"ax\"\n" \
                     "3: xor %k0, %k0\n"                  \
                     "   mov %k0, %%" #name "\n"          \
                     "   jmp 2b\n"                        \
                     ".popsection\n" EXTABLE("1b", "3b")  \
                     : "=&r"(ok)                          \
                     : "0"(1), "r"((uint32_t)(selector))  \
                     : "memory")

static void save_segments(struct vcpu *vcpu)
{
    struct cpu_user_regs *regs = &vcpu->arch.user_regs;
    struct pv_vcpu *pv = &vcpu->arch.pv;
    uint64_t active = msr_read(MSR_GS_BASE), other = msr_read(MSR_KERNEL_GS_BASE);

    SEGMENT_READ(ds, regs->ds);
    SEGMENT_READ(es, regs->es);
    SEGMENT_READ(fs, regs->fs);
    SEGMENT_READ(gs, regs->gs);
    pv->fs_base = msr_read(MSR_FS_BASE);
    pv->gs_base_kernel = pv->kernel_mode ? active : other;
    pv->gs_base_user = pv->kernel_mode ? other : active;
}

/* False when a selector was not the guest's descriptor tables' any more: the failsafe callback's case. */
static bool load_segments(const struct vcpu *vcpu)
{
    const struct cpu_user_regs *regs = &vcpu->arch.user_regs;
    const struct pv_vcpu *pv = &vcpu->arch.pv;
    uint32_t ds = 1, es = 1, fs = 1, gs = 1;

    SEGMENT_LOAD(ds, regs->ds, ds);
    SEGMENT_LOAD(es, regs->es, es);
    SEGMENT_LOAD(fs, regs->fs, fs);
    SEGMENT_LOAD(gs, regs->gs, gs);
    msr_write(MSR_FS_BASE, pv->fs_base);
    msr_write(MSR_GS_BASE, pv->kernel_mode ? pv->gs_base_kernel : pv->gs_base_user);
    msr_write(MSR_KERNEL_GS_BASE, pv->kernel_mode ? pv->gs_base_user : pv->gs_base_kernel);
    return ds && es && fs && gs;
}

static bool uses_breakpoints(const struct vcpu *vcpu)
{
    return vcpu->arch.pv.debug_regs[7] & 0xff;
}

/* Interrupts off. Afterwards this CPU holds nothing of any guest. */
static void state_save(void)
{
    struct vcpu *vcpu = this_cpu(loaded);

    if (!vcpu) {
        return;
    }
    vcpu->arch.user_regs = *guest_regs();
    save_segments(vcpu);
    if (uses_breakpoints(vcpu)) {
        __asm__ volatile("mov %0, %%db7" : : "r"(0x400ul));
    }
    fpu_switch_out(vcpu);
    this_cpu(loaded) = NULL;
    atomic_write_release(&vcpu->arch.loaded_on, CPU_NOT_LOADED);
}

void pv_tsc_load_trap(const struct vcpu *vcpu)
{
    bool trap = vcpu->domain->arch.tsc.emulated || (vcpu->arch.pv.cr4 & CR4_TSD);

    if (trap != this_cpu(tsc_traps)) {
        this_cpu(tsc_traps) = trap;
        cr4_write_raw(hypervisor_cr4 | (trap ? CR4_TSD : 0));
    }
}

uint64_t pv_tsc_read(struct vcpu *vcpu)
{
    struct guest_tsc *tsc = &vcpu->domain->arch.tsc;

    return tsc->emulated ? guest_tsc_count(tsc, time_now()) : tsc_read_ordered();
}

static bool state_load(struct vcpu *vcpu)
{
    this_cpu(loaded) = vcpu;
    vcpu->arch.loaded_on = arch_cpu_id();
    *guest_regs() = vcpu->arch.user_regs;
    gdt_load_own(); /* an NMI must find descriptors, and the ones in use may not be in the next CR3 */
    speculation_switch_to(vcpu);
    cr3_load(vcpu->arch.cr3);
    pv_load_descriptor_tables(vcpu);
    fpu_switch_in(vcpu);
    if (uses_breakpoints(vcpu)) {
        pv_load_debug_registers(vcpu);
    }
    pv_tsc_load_trap(vcpu);
    return load_segments(vcpu);
}

/* Runs on the CPU where the state is, interrupts off. */
static void state_save_and_unload(void *data)
{
    struct vcpu *vcpu = data;

    if (this_cpu(loaded) != vcpu || current_vcpu() == vcpu) {
        return;
    }
    state_save();
    gdt_load_own();
    cr3_load(hypervisor_root_cr3);
}

void arch_vcpu_sync_state(struct vcpu *vcpu)
{
    uint32_t cpu = atomic_read_acquire(&vcpu->arch.loaded_on);
    struct cpu_mask mask = { { 0 } };
    unsigned long flags;

    if (cpu == CPU_NOT_LOADED) {
        return;
    }
    if (cpu == arch_cpu_id()) {
        flags = arch_irq_save();
        state_save_and_unload(vcpu);
        arch_irq_restore(flags);
        return;
    }
    cpu_mask_set(&mask, cpu);
    cpu_call(&mask, state_save_and_unload, vcpu);
}

void arch_continue_running(struct vcpu *vcpu)
{
    (void)vcpu;
}

void arch_context_switch(struct vcpu *prev, struct vcpu *next)
{
    bool segments_good = true;

    if (vcpu_is_idle(next)) {
        arch_set_current_vcpu(next);
        sched_context_saved(prev);
        entry_resume_idle();
    }
    if (this_cpu(loaded) != next) {
        if (atomic_read_acquire(&next->arch.loaded_on) != CPU_NOT_LOADED) {
            /* The other CPU answers with interrupts on only; so must we, it may be asking us. */
            arch_irq_enable();
            arch_vcpu_sync_state(next);
            arch_irq_disable();
        }
        state_save();
        arch_set_current_vcpu(next);
        segments_good = state_load(next);
    } else {
        arch_set_current_vcpu(next);
    }
    sched_context_saved(prev);
    arch_irq_enable();
    arch_vcpu_time_update(next, false);
    vcpu_runstate_publish(next);
    if (!segments_good) {
        pv_inject_failsafe();
    }
    arch_irq_disable();
    entry_resume_guest();
}

void idle_loop(void)
{
    for (;;) {
        softwork_run();
        if (frame_scrub_some()) {
            continue;
        }
        arch_cpu_idle();
    }
}
