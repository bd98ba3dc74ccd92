/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Privileged instructions of a PV guest's kernel: they fault with #GP in ring 3 and are done here on
 * the guest's behalf, with the guest's own permissions. One table row an opcode of the 0F map; port
 * instructions are in emulate_io.c.
 *
 * An emulation either completes (rip moves on), or ends in a trap for the guest, or is refused: then
 * the guest gets the #GP that the processor raised.
 */
#include "asm/cpu_features.h"
#include "asm/msr.h"
#include "asm/current.h"
#include "asm/emulate_io.h"
#include "asm/extable.h"
#include "asm/fpu.h"
#include "asm/instruction.h"
#include "asm/page.h"
#include "asm/pagetype.h"
#include "asm/pv.h"
#include "hypervisor/error.h"
#include "hypervisor/guest.h"
#include "hypervisor/perf_counter.h"
#include "hypervisor/printk.h"
#include "hypervisor/security.h"
#include "hypervisor/trace_event.h"

enum outcome {
    REFUSED, /* #GP stands */
    DONE,    /* rip goes to the next instruction */
    TRAPPED, /* something was injected: leave rip */
};

static bool privileged_has_modrm(uint8_t opcode, uint8_t map)
{
    return map == MAP_0F && (opcode == 0x01 || (opcode >= 0x20 && opcode <= 0x23));
}

static enum outcome emulate_clts(struct cpu_user_regs *regs, const struct instruction *in)
{
    (void)regs;
    (void)in;
    fpu_set_task_switched(current_vcpu(), false);
    return DONE;
}

/* A guest that owns no device memory has nothing to write back. */
static enum outcome emulate_wbinvd(struct cpu_user_regs *regs, const struct instruction *in)
{
    (void)regs;
    (void)in;
    if (!security_check(current_domain(), current_domain(), SECURITY_CACHE_FLUSH)) {
        __asm__ volatile("wbinvd" ::: "memory");
    }
    return DONE;
}

static enum outcome emulate_read_cr(struct cpu_user_regs *regs, const struct instruction *in)
{
    struct vcpu *vcpu = current_vcpu();
    uint64_t *to = instruction_register(regs, instruction_rm(in));

    switch (instruction_reg(in)) {
    case 0:
        *to = (cr0_read_raw() & ~(uint64_t)CR0_TS) | (vcpu->arch.task_switched ? CR0_TS : 0);
        return DONE;
    case 2:
        *to = vcpu->info->arch.cr2;
        return DONE;
    case 3:
        *to = mfn_to_paddr(vcpu->arch.kernel_root);
        return DONE;
    case 4:
        *to = vcpu->arch.pv.cr4;
        return DONE;
    default:
        return REFUSED;
    }
}

static enum outcome emulate_write_cr(struct cpu_user_regs *regs, const struct instruction *in)
{
    struct vcpu *vcpu = current_vcpu();
    uint64_t value = *instruction_register(regs, instruction_rm(in));
    const uint64_t own = CR4_TSD | CR4_DE; /* what a guest may change for itself */
    unsigned long flags;
    int error;

    switch (instruction_reg(in)) {
    case 0:
        /* Only TS is the guest's. */
        if ((value ^ cr0_read_raw()) & ~(uint64_t)CR0_TS) {
            return REFUSED;
        }
        fpu_set_task_switched(vcpu, value & CR0_TS);
        return DONE;
    case 2:
        vcpu->info->arch.cr2 = value;
        return DONE;
    case 3:
        error = root_set_kernel(vcpu, paddr_to_mfn(value));
        return error == 0 ? DONE : error == -XEN_ERESTART ? TRAPPED : REFUSED;
    case 4:
        vcpu->arch.pv.cr4 = (vcpu->arch.pv.cr4 & ~own) | (value & own);
        flags = arch_irq_save();
        pv_tsc_load_trap(vcpu);
        arch_irq_restore(flags);
        return DONE;
    default:
        return REFUSED;
    }
}

static enum outcome emulate_read_dr(struct cpu_user_regs *regs, const struct instruction *in)
{
    unsigned int reg = instruction_reg(in);

    if (reg > 7) {
        return REFUSED;
    }
    reg = reg == 4 || reg == 5 ? reg + 2 : reg;
    *instruction_register(regs, instruction_rm(in)) = current_vcpu()->arch.pv.debug_regs[reg];
    return DONE;
}

static enum outcome emulate_write_dr(struct cpu_user_regs *regs, const struct instruction *in)
{
    uint64_t value = *instruction_register(regs, instruction_rm(in));

    return pv_set_debug_register(current_vcpu(), instruction_reg(in), value) ? REFUSED : DONE;
}

static enum outcome emulate_rdmsr(struct cpu_user_regs *regs, const struct instruction *in)
{
    struct vcpu *vcpu = current_vcpu();
    uint64_t value;

    (void)in;
    if (!pv_msr_read(vcpu, (uint32_t)regs->rcx, &value)) {
        /* Before the guest has a handler for #GP it reads 0 (xen/arch-x86/xen.h, trap_info). */
        if (vcpu->arch.pv.traps[TRAP_GP].address) {
            return REFUSED;
        }
        value = 0;
    }
    regs->rax = (uint32_t)value;
    regs->rdx = value >> 32;
    return DONE;
}

static enum outcome emulate_wrmsr(struct cpu_user_regs *regs, const struct instruction *in)
{
    uint64_t value = (uint32_t)regs->rax | regs->rdx << 32;

    (void)in;
    return pv_msr_write(current_vcpu(), (uint32_t)regs->rcx, value) ? DONE : REFUSED;
}

/* The guest's own CR4.TSD is for its user space. */
static enum outcome emulate_rdtsc(struct cpu_user_regs *regs, const struct instruction *in)
{
    struct vcpu *vcpu = current_vcpu();
    uint64_t count;

    (void)in;
    if (!vcpu->arch.pv.kernel_mode && (vcpu->arch.pv.cr4 & CR4_TSD)) {
        return REFUSED;
    }
    count = pv_tsc_read(vcpu);
    regs->rax = (uint32_t)count;
    regs->rdx = count >> 32;
    return DONE;
}

static enum outcome emulate_cpuid(struct cpu_user_regs *regs, const struct instruction *in)
{
    uint32_t out[4];

    (void)in;
    pv_cpuid(current_vcpu(), (uint32_t)regs->rax, (uint32_t)regs->rcx, out);
    regs->rax = out[0];
    regs->rbx = out[1];
    regs->rcx = out[2];
    regs->rdx = out[3];
    return DONE;
}

/* No CPU's TSC_AUX is ever written. */
static enum outcome emulate_rdtscp(struct cpu_user_regs *regs, const struct instruction *in)
{
    enum outcome outcome = cpu_has(CPU_RDTSCP) ? emulate_rdtsc(regs, in) : REFUSED;

    if (outcome == DONE) {
        regs->rcx = 0;
    }
    return outcome;
}

/* 0F 01: RDTSCP, and XSETBV; LGDT, LIDT and LMSW are the hypervisor's and have hypercalls. */
static enum outcome emulate_group7(struct cpu_user_regs *regs, const struct instruction *in)
{
    uint64_t value = (uint32_t)regs->rax | regs->rdx << 32;

    if (in->modrm == 0xf9) {
        return emulate_rdtscp(regs, in);
    }
    if (in->modrm != 0xd1 || (uint32_t)regs->rcx != 0 || !current_vcpu()->arch.pv.kernel_mode) {
        return REFUSED;
    }
    return fpu_set_xcr0(current_vcpu(), value) ? REFUSED : DONE;
}

static const struct {
    uint8_t opcode;
    enum outcome (*emulate)(struct cpu_user_regs *regs, const struct instruction *in);
} privileged_instructions[] = {
    { 0x01, emulate_group7 },   { 0x06, emulate_clts },     { 0x08, emulate_wbinvd },
    { 0x09, emulate_wbinvd },   { 0x20, emulate_read_cr },  { 0x21, emulate_read_dr },
    { 0x22, emulate_write_cr }, { 0x23, emulate_write_dr }, { 0x30, emulate_wrmsr },
    { 0x31, emulate_rdtsc },    { 0x32, emulate_rdmsr },    { 0xa2, emulate_cpuid },
};

static enum outcome emulate_0f(struct cpu_user_regs *regs, const struct instruction *in)
{
    /* What user space may do it does itself; the rest of the map is the kernel's. */
    if (!current_vcpu()->arch.pv.kernel_mode && in->opcode != 0x31 && in->opcode != 0xa2 &&
        in->opcode != 0x01) {
        return REFUSED;
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(privileged_instructions); i++) {
        if (privileged_instructions[i].opcode == in->opcode) {
            return privileged_instructions[i].emulate(regs, in);
        }
    }
    return REFUSED;
}

/* CLI, STI, HLT: no interrupt flag of the guest is touched by these; its mask is in vcpu_info. */
static enum outcome emulate_interrupt_flag(const struct vcpu *vcpu)
{
    return vcpu->arch.pv.iopl >= (vcpu->arch.pv.kernel_mode ? 1 : 3) ? DONE : REFUSED;
}

/* Does the selector name a 64-bit code segment (L, and not D)? */
static bool is_long_mode_code(uint16_t selector)
{
    uint32_t rights = 0;

    if (selector == SELECTOR_USER_CS64) {
        return true;
    }
    /* The descriptor may be in a page that another vcpu took out of the LDT meanwhile. */
    __asm__ volatile("1: lar %1, %0\n2:\n" EXTABLE("1b", "2b")
                     : "=r"(rights)
                     : "r"((uint32_t)selector), "0"(0)
                     : "cc", "memory");
    return (rights & (1u << 21 | 1u << 22)) == 1u << 21;
}

bool pv_emulate_privileged(struct cpu_user_regs *regs)
{
    uint8_t bytes[INSTRUCTION_BYTES_MAX];
    unsigned int count;
    struct instruction in;
    enum outcome outcome;

    if (!is_long_mode_code(regs->cs)) {
        return false;
    }
    count = instruction_fetch(regs, bytes);
    if (!instruction_decode(&in, bytes, count, privileged_has_modrm) || in.lock) {
        return false;
    }
    if (in.map == MAP_0F) {
        outcome = emulate_0f(regs, &in);
    } else if (in.opcode == 0xfa || in.opcode == 0xfb) {
        outcome = emulate_interrupt_flag(current_vcpu());
    } else {
        return pv_emulate_io(regs, &in, bytes, count);
    }
    if (outcome != REFUSED) {
        perf_count(privileged);
        trace_event(TRC_PV_EMULATE_PRIVOP | TRC_64_FLAG, TRACE_U64(regs->rip));
    }
    if (outcome == DONE) {
        regs->rip += in.length;
        regs->rflags &= ~(uint64_t)X86_EFLAGS_RF;
    }
    return outcome != REFUSED;
}

/* The forced-emulation prefix of Xen's ABI: ud2a, then the letters x e n, then the instruction. */
bool pv_emulate_forced(struct cpu_user_regs *regs)
{
    static const uint8_t signature[] = { 0x0f, 0x0b, 'x', 'e', 'n', 0x0f, 0xa2 };
    uint8_t bytes[sizeof(signature)];

    if (guest_copy_from(bytes, regs->rip, sizeof(bytes))) {
        return false;
    }
    for (unsigned int i = 0; i < sizeof(signature); i++) {
        if (bytes[i] != signature[i]) {
            return false;
        }
    }
    (void)emulate_cpuid(regs, NULL);
    regs->rip += sizeof(signature);
    return true;
}
