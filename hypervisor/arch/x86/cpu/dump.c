/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Registers and stacks in words. Used when things are broken: takes no locks, allocates nothing, and
 * reads only memory of this CPU's own stack, whose bounds it checks at each step.
 */
#include "dump.h"

#include "arch/cpu.h"
#include "arch/time.h"
#include "asm/apic.h"
#include "asm/cpu_features.h"
#include "asm/current.h"
#include "asm/domain.h"
#include "asm/entry.h"
#include "asm/layout.h"
#include "asm/msr.h"
#include "asm/smp.h"
#include "hypervisor/atomic.h"
#include "hypervisor/cpu.h"
#include "hypervisor/debug_key.h"
#include "hypervisor/domain.h"
#include "hypervisor/printk.h"
#include "hypervisor/symbol.h"

#define CALLS_MAX 32
#define WORDS_MAX 24

#define LL(x) ((unsigned long long)(x))

/* A return address may lie behind the last instruction of a function that calls and never returns. */
static void print_place(const char *what, uint64_t address, bool is_return)
{
    uint64_t offset;
    const char *name = symbol_find(address - is_return, &offset);

    if (name != NULL) {
        pr_error("%s%016llx %s+0x%llx\n", what, LL(address), name, LL(offset + is_return));
    } else {
        pr_error("%s%016llx\n", what, LL(address));
    }
}

static void dump_general(const struct cpu_user_regs *regs)
{
    pr_error("rflags %016llx  cs %04x ss %04x  error code %04x vector %u\n", LL(regs->rflags),
             regs->cs, regs->ss, regs->error_code, regs->entry_vector);
    pr_error("rax %016llx  rbx %016llx  rcx %016llx\n", LL(regs->rax), LL(regs->rbx),
             LL(regs->rcx));
    pr_error("rdx %016llx  rsi %016llx  rdi %016llx\n", LL(regs->rdx), LL(regs->rsi),
             LL(regs->rdi));
    pr_error("rbp %016llx  rsp %016llx  r8  %016llx\n", LL(regs->rbp), LL(regs->rsp), LL(regs->r8));
    pr_error("r9  %016llx  r10 %016llx  r11 %016llx\n", LL(regs->r9), LL(regs->r10), LL(regs->r11));
    pr_error("r12 %016llx  r13 %016llx  r14 %016llx\n", LL(regs->r12), LL(regs->r13),
             LL(regs->r14));
    pr_error("r15 %016llx\n", LL(regs->r15));
}

void dump_registers(const struct cpu_user_regs *regs)
{
    print_place("rip ", regs->rip, false);
    dump_general(regs);
    pr_error("cr0 %08llx  cr2 %016llx  cr3 %016llx  cr4 %08llx\n", LL(cr0_read_raw()),
             LL(cr2_read_raw()), LL(cr3_read_raw()), LL(cr4_read_raw()));
}

/* In the same stack as where we are: 8-byte word at `address`, never the guard page. */
static bool stack_word(uint64_t address, uint64_t *word)
{
    uint64_t base = (uint64_t)cpu_stack_top() & ~(uint64_t)(STACK_BYTES - 1);

    if (address < base || address > base + STACK_BYTES - 8 || address % 8 != 0 ||
        (address >= base + 3 * PAGE_SIZE && address < base + 4 * PAGE_SIZE)) {
        return false;
    }
    *word = *(const uint64_t *)address;
    return true;
}

void dump_calls(uint64_t rbp, uint64_t rsp, uint64_t rip)
{
    uint64_t word, next;
    unsigned int i;

    if (rsp != 0) {
        pr_error("stack from %016llx:\n", LL(rsp));
        for (i = 0; i < WORDS_MAX && stack_word(rsp + 8 * i, &word); i += 2) {
            next = 0;
            (void)stack_word(rsp + 8 * i + 8, &next);
            pr_error("   %016llx %016llx\n", LL(word), LL(next));
        }
    }
    pr_error("call trace:\n");
    if (rip != 0) {
        print_place("   ", rip, false);
    }
    for (i = 0; i < CALLS_MAX; i++) {
        if (!stack_word(rbp, &next) || !stack_word(rbp + 8, &word) || word == 0) {
            return;
        }
        print_place("   ", word, true);
        if (next <= rbp) {
            return;
        }
        rbp = next;
    }
}

void arch_dump_stack(void)
{
    dump_calls((uint64_t)__builtin_frame_address(0), 0, 0);
}

static void dump_guest(const struct vcpu *vcpu, const struct cpu_user_regs *regs)
{
    pr_error("d%uv%u on CPU %u, %s mode, guest cr3 %016llx:\n", vcpu->domain->id.value, vcpu->id,
             vcpu->processor, vcpu->arch.pv.kernel_mode ? "kernel" : "user", LL(vcpu->arch.cr3));
    pr_error("rip %016llx\n", LL(regs->rip));
    dump_general(regs);
    pr_error("ds %04x es %04x fs %04x gs %04x  fs base %016llx  gs base %016llx user %016llx\n",
             regs->ds, regs->es, regs->fs, regs->gs, LL(vcpu->arch.pv.fs_base),
             LL(vcpu->arch.pv.gs_base_kernel), LL(vcpu->arch.pv.gs_base_user));
}

void arch_dump_vcpu(struct vcpu *vcpu)
{
    if (vcpu == NULL) {
        arch_dump_stack();
    } else if (vcpu == arch_current_vcpu() && !vcpu_is_idle(vcpu)) {
        dump_guest(vcpu, guest_regs());
    } else {
        dump_guest(vcpu, &vcpu->arch.user_regs);
    }
}

/* CPU that is asked for a dump + 1; it clears that when the dump is out. */
static uint32_t dump_asked;

bool cpu_dump_nmi(const struct cpu_user_regs *regs)
{
    if (atomic_read_acquire(&dump_asked) != arch_cpu_id() + 1) {
        return false;
    }
    dump_registers(regs);
    if (!regs_from_guest(regs)) {
        dump_calls(regs->rbp, regs->rsp, regs->rip);
    }
    atomic_write_release(&dump_asked, 0u);
    return true;
}

bool arch_cpu_dump(unsigned int cpu)
{
    int64_t end = arch_time_now() + (int64_t)NS_PER_SECOND;

    atomic_write_release(&dump_asked, cpu + 1);
    lapic_send_nmi(cpu_apic_id[cpu]);
    while (atomic_read_acquire(&dump_asked) != 0) {
        if (arch_time_now() > end) {
            return false;
        }
        arch_cpu_relax();
    }
    return true;
}

static void dump_this_cpu(void *data)
{
    struct vcpu *vcpu = arch_current_vcpu();

    pr_info("CPU %u runs %s:\n", arch_cpu_id(),
            vcpu == NULL || vcpu_is_idle(vcpu) ? "no guest" : "a guest");
    arch_dump_stack();
    if (vcpu != NULL && !vcpu_is_idle(vcpu)) {
        arch_dump_vcpu(vcpu);
    }
}

static void dump_all_cpus(char key)
{
    unsigned int cpu;

    cpu_for_each_online(cpu)
    {
        struct cpu_mask one = { { 0 } };

        cpu_mask_set(&one, cpu);
        cpu_call(&one, dump_this_cpu, NULL);
    }
}

void cpu_dump_init(void)
{
    debug_key_register('d', dump_all_cpus, "registers and stacks of all CPUs");
}
