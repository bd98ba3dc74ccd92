/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Registers that a PV kernel sets by hypercall: segment bases, CR0.TS, debug registers.
 */
#include "asm/cpu_features.h"
#include "asm/extable.h"
#include "asm/fpu.h"
#include "asm/msr.h"
#include "asm/page.h"
#include "asm/pv.h"
#include "asm/pv_switch.h"
#include "hypervisor/error.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/nospec.h"

/* DR7: bits that read as written; 10 is always 1; 11, 12, 14, 15 must be 0 (AMD APM 2, 13.1.1.4). */
#define DR7_FIXED_ONES       0x400ull
#define DR7_RESERVED         0xffffffff0000d800ull
#define DR7_GENERAL_DETECT   (1ull << 13)
#define DR6_FIXED_ONES       0xffff0ff0ull
#define DR7_ENABLES          0xffull
#define DR7_TYPE_IO          2u
#define CR4_DEBUG_EXTENSIONS (1ull << 3)

/*
 * The user's GS selector: loaded where the user's GS base is, that is on the other side of swapgs.
 * A selector that does not load becomes 0.
 */
static void load_user_gs(uint16_t selector)
{
    __asm__ volatile("swapgs\n"
                     "1: mov %k0, %%gs\n"
                     "2: swapgs\n"
                     ".pushsection .text.fixup, \"ax\"\n"
                     "3: xor %k0, %k0\n"
                     "   jmp 1b\n"
                     ".popsection\n" EXTABLE("1b", "3b")
                     : "+r"(selector)
                     :
                     : "memory");
}

/* arg[0]: SEGBASE_*, arg[1]: the base, or a selector in its low 16 bits for SEGBASE_GS_USER_SEL. */
long hypercall_set_segment_base(struct hypercall *call)
{
    unsigned long base = call->arg[1];

    if (call->arg[0] != SEGBASE_GS_USER_SEL && !address_is_canonical(base)) {
        return -XEN_EINVAL;
    }
    switch (call->arg[0]) {
    case SEGBASE_FS:
        msr_write(MSR_FS_BASE, base);
        return 0;
    case SEGBASE_GS_USER:
        msr_write(MSR_KERNEL_GS_BASE, base);
        return 0;
    case SEGBASE_GS_KERNEL:
        msr_write(MSR_GS_BASE, base);
        return 0;
    case SEGBASE_GS_USER_SEL:
        load_user_gs(pv_fix_selector((uint16_t)base));
        return 0;
    default:
        return -XEN_EINVAL;
    }
}

/* arg[0]: CR0.TS, so that the guest's next FPU instruction gives it a #NM. */
long hypercall_fpu_taskswitch(struct hypercall *call)
{
    fpu_set_task_switched(current_vcpu(), call->arg[0] != 0);
    return 0;
}

static void debug_address_load(unsigned int reg, uint64_t value)
{
    switch (reg) {
    case 0:
        __asm__ volatile("mov %0, %%db0" : : "r"(value));
        break;
    case 1:
        __asm__ volatile("mov %0, %%db1" : : "r"(value));
        break;
    case 2:
        __asm__ volatile("mov %0, %%db2" : : "r"(value));
        break;
    case 3:
        __asm__ volatile("mov %0, %%db3" : : "r"(value));
        break;
    }
}

/* Breakpoints on I/O need CR4.DE, which a guest that did not set it cannot have meant. */
static bool dr7_acceptable(uint64_t value)
{
    for (unsigned int i = 0; i < 4; i++) {
        unsigned int type = value >> (16 + 4 * i) & 3, length = value >> (18 + 4 * i) & 3;

        if (!(value & 3ull << 2 * i)) {
            continue;
        }
        if (type == DR7_TYPE_IO || (type == 0 && length != 0)) {
            return false;
        }
    }
    return true;
}

/* Values of a vcpu that comes to run, or leaves, with breakpoints in use. */
void pv_load_debug_registers(const struct vcpu *vcpu)
{
    for (unsigned int i = 0; i < 4; i++) {
        debug_address_load(i, vcpu->arch.pv.debug_regs[i]);
    }
    __asm__ volatile("mov %0, %%db7" : : "r"(vcpu->arch.pv.debug_regs[7]));
}

int pv_set_debug_register(struct vcpu *vcpu, unsigned int reg, uint64_t value)
{
    uint64_t *regs = vcpu->arch.pv.debug_regs;
    bool loaded = vcpu == current_vcpu();

    switch (reg) {
    case 0 ... 3:
        /* A breakpoint on the hypervisor's own addresses would fire in the hypervisor. */
        if (!address_is_canonical(value) || (value >= HYPERVISOR_START && value < HYPERVISOR_END)) {
            return -XEN_EPERM;
        }
        if (loaded) {
            debug_address_load(reg, value);
        }
        break;
    case 4:
    case 6:
        reg = 6;
        value = (value & 0xe00full) | DR6_FIXED_ONES;
        break;
    case 5:
    case 7:
        reg = 7;
        value = (value & ~(DR7_RESERVED | DR7_GENERAL_DETECT)) | DR7_FIXED_ONES;
        if (!dr7_acceptable(value)) {
            return -XEN_EPERM;
        }
        if (loaded && ((value | regs[7]) & DR7_ENABLES)) {
            /* The addresses may be another vcpu's: only a vcpu that uses breakpoints gets its own back. */
            regs[7] = value;
            pv_load_debug_registers(vcpu);
        }
        break;
    default:
        return -XEN_ENODEV;
    }
    regs[reg] = value;
    return 0;
}

/* arg[0]: register 0..7, arg[1]: value. */
long hypercall_set_debugreg(struct hypercall *call)
{
    if (call->arg[0] > 7) {
        return -XEN_ENODEV;
    }
    return pv_set_debug_register(current_vcpu(), (unsigned int)call->arg[0], call->arg[1]);
}

/* arg[0]: register; the value, or a negative error for one that is not there. */
long hypercall_get_debugreg(struct hypercall *call)
{
    unsigned long reg = call->arg[0];

    if (reg > 7) {
        return -XEN_ENODEV;
    }
    reg = index_nospec(reg, 8);
    if (reg == 4 || reg == 5) {
        reg += 2;
    }
    return (long)current_vcpu()->arch.pv.debug_regs[reg];
}
