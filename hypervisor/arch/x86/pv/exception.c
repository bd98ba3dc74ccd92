/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Exceptions: first who caused it, then what it means.
 *
 * From a guest: either the hypervisor has work with it (privileged instructions, page-table writes,
 * LDT pages that come in by fault, int n), or the guest gets it bounced. From the hypervisor itself:
 * an access to guest memory that was expected to fault goes on at its fixup; anything else is our bug.
 */
#include "asm/cpu_features.h"
#include "asm/current.h"
#include "asm/entry.h"
#include "asm/extable.h"
#include "asm/fpu.h"
#include "asm/msr.h"
#include "asm/pv.h"
#include "hypervisor/domain.h"
#include "hypervisor/nospec.h"
#include "hypervisor/perf_counter.h"
#include "hypervisor/printk.h"
#include "hypervisor/trace_event.h"

/* Error code of #GP, #TS, #NP, #SS: bit 1 says that the IDT was looked at, bit 0 an external event. */
#define ERROR_CODE_EXTERNAL 1u
#define ERROR_CODE_IDT      2u

/* Offset into the current vcpu's LDT when the address lies in its per-domain mapping. */
static bool ldt_offset(const struct vcpu *vcpu, uint64_t address, uint64_t *offset)
{
    uint64_t ldt;

    if (!vcpu || vcpu_is_idle(vcpu)) { /* none before the scheduler stands */
        return false;
    }
    ldt = PV_LDT_ADDRESS(vcpu->id);
    if (address < ldt || address >= ldt + PV_LDT_FRAMES * PAGE_SIZE) {
        return false;
    }
    *offset = address - ldt;
    return true;
}

/* The reserved value of DR6 is what the next trap starts from: the processor only changes bits. */
static void debug_status_reset(void)
{
    __asm__ volatile("mov %0, %%db6" : : "r"(0xffff0ff0ul));
}

/*
 * A guest's breakpoint on memory that the hypervisor reads or writes for it, or its single step over
 * SYSENTER: not worth telling, and no fault of ours.
 */
static void hypervisor_debug(struct cpu_user_regs *regs)
{
    regs->rflags &= ~(uint64_t)X86_EFLAGS_TF;
    debug_status_reset();
}

static void hypervisor_exception(unsigned int vector, struct cpu_user_regs *regs)
{
    uint64_t offset, fixup;

    /* A selector of the guest's LDT was loaded on the way out and its page is not in yet. */
    if (vector == TRAP_PF && ldt_offset(current_vcpu(), cr2_read_raw(), &offset) &&
        pv_fault_in_ldt_page(current_vcpu(), offset)) {
        return;
    }
    if (vector == TRAP_DB) {
        hypervisor_debug(regs);
        return;
    }
    fixup = extable_find(regs->rip);
    if (!fixup) {
        exception_fatal(vector, regs);
    }
    regs->rip = fixup;
}

static void guest_page_fault(struct cpu_user_regs *regs, uint64_t address)
{
    struct vcpu *vcpu = current_vcpu();
    uint32_t error_code = regs->error_code;
    uint64_t offset;

    perf_count(page_faults);
    trace_event(TRC_PV_PAGE_FAULT | TRC_64_FLAG, TRACE_U64(regs->rip), TRACE_U64(address),
                error_code);
    if (ldt_offset(vcpu, address, &offset)) {
        if (pv_fault_in_ldt_page(vcpu, offset)) {
            return;
        }
        /* As the guest knows it: its LDT lies where it said. */
        pv_inject_page_fault(error_code & ~PF_PRESENT, vcpu->arch.pv.ldt_base + offset);
        return;
    }
    if (vcpu->arch.pv.kernel_mode &&
        (error_code & (PF_PRESENT | PF_WRITE | PF_RESERVED | PF_FETCH)) ==
            (PF_PRESENT | PF_WRITE) &&
        (address < HYPERVISOR_START || address >= HYPERVISOR_END) &&
        pv_emulate_pte_write(regs, address)) {
        return;
    }
    pv_inject_page_fault(error_code, address);
}

/* `int n` (CD n): the processor refused it by the IDT's DPL; the guest's own table decides. */
static bool guest_software_interrupt(struct cpu_user_regs *regs)
{
    struct vcpu *vcpu = current_vcpu();
    unsigned int number = regs->error_code >> 3;
    const struct trap_info *handler;

    if ((regs->error_code & (ERROR_CODE_IDT | ERROR_CODE_EXTERNAL)) != ERROR_CODE_IDT ||
        number > 255) {
        return false;
    }
    handler = &vcpu->arch.pv.traps[index_nospec(number, 256)];
    if (!handler->address || TI_GET_DPL(handler) < (vcpu->arch.pv.kernel_mode ? 1 : 3)) {
        return false;
    }
    regs->rip += 2;
    pv_inject_software_interrupt(handler);
    return true;
}

static void guest_general_protection(struct cpu_user_regs *regs)
{
    if (guest_software_interrupt(regs)) {
        return;
    }
    if (!regs->error_code && pv_emulate_privileged(regs)) {
        return;
    }
    pv_inject_trap(TRAP_GP, (int)regs->error_code);
}

static void guest_debug(void)
{
    struct vcpu *vcpu = current_vcpu();
    uint64_t dr6;

    __asm__ volatile("mov %%db6, %0" : "=r"(dr6));
    vcpu->arch.pv.debug_regs[6] = (vcpu->arch.pv.debug_regs[6] & ~0xfull) | dr6;
    debug_status_reset();
    pv_inject_trap(TRAP_DB, TRAP_NO_ERROR_CODE);
}

/* Only the guest's own wish (fpu_taskswitch) makes the FPU unavailable. */
static void guest_device_not_available(void)
{
    if (fpu_device_not_available(current_vcpu())) {
        pv_inject_trap(TRAP_NM, TRAP_NO_ERROR_CODE);
    }
}

/* SYSENTER and 32-bit SYSCALL of a guest's user. */
static void guest_compat_entry(struct cpu_user_regs *regs)
{
    struct vcpu *vcpu = current_vcpu();
    struct pv_vcpu *pv = &vcpu->arch.pv;
    bool sysenter = regs->entry_vector == ENTRY_VECTOR_SYSENTER;
    const struct pv_callback *callback =
        sysenter ? &pv->sysenter_callback : &pv->syscall32_callback;

    if (pv->kernel_mode || !callback->address) {
        pv_inject_trap(TRAP_GP, 0);
        return;
    }
    pv_inject_compat_syscall(callback, sysenter ? 3 : (uint16_t)SELECTOR_USER_CS32);
}

static void guest_exception(unsigned int vector, struct cpu_user_regs *regs)
{
    perf_count_at(exceptions, vector);
    trace_event(TRC_PV_TRAP | TRC_64_FLAG, TRACE_U64(regs->rip),
                vector | (regs->error_code != 0 ? 1u << 15 : 0) | regs->error_code << 16);
    switch (vector) {
    case TRAP_GP:
        guest_general_protection(regs);
        break;
    case TRAP_UD:
        if (!pv_emulate_forced(regs)) {
            pv_inject_trap(TRAP_UD, TRAP_NO_ERROR_CODE);
        }
        break;
    case TRAP_NM:
        guest_device_not_available();
        break;
    case TRAP_DB:
        guest_debug();
        break;
    case TRAP_DE:
    case TRAP_BP:
    case TRAP_OF:
    case TRAP_BR:
    case TRAP_MF:
    case TRAP_XM:
        pv_inject_trap(vector, TRAP_NO_ERROR_CODE);
        break;
    case TRAP_TS:
    case TRAP_NP:
    case TRAP_SS:
    case TRAP_AC:
        pv_inject_trap(vector, (int)regs->error_code);
        break;
    case ENTRY_VECTOR_SYSCALL32:
    case ENTRY_VECTOR_SYSENTER:
        guest_compat_entry(regs);
        break;
    case TRAP_DF:
        exception_fatal(vector, regs);
    default:
        domain_crash(current_domain(), "exception %u is not one a guest can have", vector);
    }
}

void exception_dispatch(struct cpu_user_regs *regs)
{
    unsigned int vector = regs->entry_vector;
    uint64_t address;

    if (!regs_from_guest(regs)) {
        hypervisor_exception(vector, regs);
        return;
    }
    if (likely(vector == TRAP_PF)) {
        address = cr2_read_raw();
        arch_irq_enable();
        guest_page_fault(regs, address);
        return;
    }
    arch_irq_enable();
    guest_exception(vector, regs);
}
