/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The IDT, made from the stubs of entry.S, and the MSRs of SYSCALL and SYSENTER.
 *
 * One IDT serves all CPUs: gates name stubs, and stubs name nothing of a CPU. A guest may enter by
 * int 3 and into (DPL 3); every other `int n` of a guest faults with #GP and is looked up in the
 * guest's own trap table (arch/x86/pv/exception.c).
 */
#include "asm/current.h"
#include "asm/entry.h"
#include "asm/layout.h"
#include "asm/msr.h"
#include "asm/pv.h"
#include "hypervisor/cpu.h"

#define STUB_BYTES     16
#define GATE_PRESENT   0x80
#define GATE_INTERRUPT 0x0e

struct idt_gate {
    uint16_t offset_low;
    uint16_t selector;
    uint8_t ist;
    uint8_t type;
    uint16_t offset_middle;
    uint32_t offset_high;
    uint32_t reserved;
};

extern const char entry_stubs[];
extern const char syscall_landing_pads[];
extern const char syscall32_landing_pads[];
extern const char entry_sysenter[];

static struct idt_gate idt[256] __aligned(16);
struct syscall_landing syscall_landings[CONFIG_MAX_CPUS] __aligned(64);
uint8_t entry_smap_enabled;

static void gate_set(unsigned int vector, unsigned int ist, unsigned int dpl)
{
    uintptr_t stub = (uintptr_t)entry_stubs + vector * STUB_BYTES;

    idt[vector] = (struct idt_gate){
        .offset_low = (uint16_t)stub,
        .selector = SELECTOR_HYPERVISOR_CS,
        .ist = (uint8_t)ist,
        .type = (uint8_t)(GATE_PRESENT | dpl << 5 | GATE_INTERRUPT),
        .offset_middle = (uint16_t)(stub >> 16),
        .offset_high = (uint32_t)(stub >> 32),
    };
}

void idt_init(void)
{
    for (unsigned int vector = 0; vector < ARRAY_SIZE(idt); vector++) {
        gate_set(vector, IST_NONE, 0);
    }
    gate_set(TRAP_DB, IST_DEBUG, 0);
    gate_set(TRAP_BP, IST_NONE, 3);
    gate_set(TRAP_OF, IST_NONE, 3);
    gate_set(TRAP_NMI, IST_NMI, 0);
    gate_set(TRAP_DF, IST_DOUBLE_FAULT, 0);
    gate_set(TRAP_MC, IST_MACHINE_CHECK, 0);
}

void idt_load(void)
{
    struct {
        uint16_t limit;
        uint64_t base;
    } __packed pointer = { sizeof(idt) - 1, (uint64_t)(uintptr_t)idt };

    __asm__ volatile("lidt %0" : : "m"(pointer));
}

void syscall_init_cpu(void)
{
    unsigned int cpu = arch_cpu_id();
    uint64_t frame_end = (uint64_t)(uintptr_t)&guest_regs()->es;

    syscall_landings[cpu].stack = frame_end;
    msr_write(MSR_STAR,
              (uint64_t)SELECTOR_USER_CS32 << 48 | (uint64_t)SELECTOR_HYPERVISOR_CS << 32);
    msr_write(MSR_LSTAR, (uint64_t)(uintptr_t)syscall_landing_pads + cpu * 64);
    msr_write(MSR_CSTAR, (uint64_t)(uintptr_t)syscall32_landing_pads + cpu * 64);
    msr_write(MSR_FMASK, X86_EFLAGS_VM | X86_EFLAGS_RF | X86_EFLAGS_NT | X86_EFLAGS_DF |
                             X86_EFLAGS_IF | X86_EFLAGS_TF | X86_EFLAGS_AC | X86_EFLAGS_IOPL);
    /* Every processor with long mode has them; AMD's take SYSENTER in legacy mode only. */
    msr_write(MSR_SYSENTER_CS, SELECTOR_HYPERVISOR_CS);
    msr_write(MSR_SYSENTER_ESP, frame_end);
    msr_write(MSR_SYSENTER_EIP, (uint64_t)(uintptr_t)entry_sysenter);
}
