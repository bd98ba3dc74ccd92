/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Exceptions nobody expected, NMIs, machine checks.
 *
 * NMI and machine-check handlers may come between any two instructions: they take no locks (printk
 * copes), touch no guest memory, and leave what can wait to softwork.
 */
#include "dump.h"

#include "arch/cpu.h"
#include "asm/cpu_features.h"
#include "asm/entry.h"
#include "asm/msr.h"
#include "asm/smp.h"
#include "hypervisor/bug.h"
#include "hypervisor/cpu.h"
#include "hypervisor/option.h"
#include "hypervisor/printk.h"

#define LL(x) ((unsigned long long)(x))

static const char *const exception_names[] = {
    "divide error",
    "debug",
    "NMI",
    "breakpoint",
    "overflow",
    "bound range",
    "invalid opcode",
    "device not available",
    "double fault",
    "coprocessor segment",
    "invalid TSS",
    "segment not present",
    "stack fault",
    "general protection",
    "page fault",
    "reserved",
    "x87 error",
    "alignment check",
    "machine check",
    "SIMD error",
    "virtualisation",
    "control protection",
};

void exception_fatal(unsigned int vector, struct cpu_user_regs *regs)
{
    uint64_t cr2 = cr2_read_raw();

    panic_start("unexpected exception %u (%s), error code 0x%x", vector,
                vector < ARRAY_SIZE(exception_names) ? exception_names[vector] : "?",
                regs->error_code);
    if (vector == 14) {
        pr_error("faulting address %016llx\n", LL(cr2));
    }
    if (vector == 8) {
        pr_error("most likely a stack overflow: rsp %016llx\n", LL(regs->rsp));
    }
    panic_finish(regs);
}

/* Bits of port 0x61: memory parity and I/O channel errors raise NMIs on old chipsets. */
#define PORT_SYSTEM_CONTROL 0x61
#define SYSTEM_PARITY       0x80
#define SYSTEM_IO_CHECK     0x40

static bool opt_nmi_ignore = true;
OPTION_BOOL("nmi-ignore", opt_nmi_ignore, "carry on after an NMI of unknown origin");

void nmi_handle(struct cpu_user_regs *regs)
{
    uint8_t reason;

    smp_nmi();
    if (cpu_dump_nmi(regs)) {
        return;
    }
    reason = io_read8(PORT_SYSTEM_CONTROL);
    if (reason & (SYSTEM_PARITY | SYSTEM_IO_CHECK)) {
        panic_start("NMI: %s error", reason & SYSTEM_PARITY ? "memory parity" : "I/O channel");
        panic_finish(regs);
    }
    pr_warning("NMI of unknown origin on CPU %u, rip %016llx\n", arch_cpu_id(), LL(regs->rip));
    if (!opt_nmi_ignore) {
        panic_start("NMI of unknown origin");
        panic_finish(regs);
    }
}

#define MCG_BANKS(cap)   ((unsigned int)(cap)&0xff)
#define MC_STATUS_VALID  (1ull << 63)
#define MC_STATUS_ADDR   (1ull << 58)
#define MC_STATUS_BROKEN (1ull << 57) /* processor context corrupt */
#define MC_STATUS_UC     (1ull << 61)

/* Prints the banks with errors; true when one of them cannot be lived with. */
static bool machine_check_banks(void)
{
    uint64_t cap, status, address;
    unsigned int bank;
    bool fatal = false;

    if (!msr_read_safe(MSR_MCG_CAP, &cap)) {
        return true;
    }
    for (bank = 0; bank < MCG_BANKS(cap); bank++) {
        if (!msr_read_safe(MSR_MC0_CTL + 4 * bank + 1, &status) || !(status & MC_STATUS_VALID)) {
            continue;
        }
        address = 0;
        if ((status & MC_STATUS_ADDR) && !msr_read_safe(MSR_MC0_CTL + 4 * bank + 2, &address)) {
            address = 0;
        }
        pr_error("machine check: CPU %u bank %u status %016llx address %016llx\n", arch_cpu_id(),
                 bank, LL(status), LL(address));
        fatal |= (status & (MC_STATUS_UC | MC_STATUS_BROKEN)) != 0;
        (void)msr_write_safe(MSR_MC0_CTL + 4 * bank + 1, 0);
    }
    return fatal;
}

void machine_check_handle(struct cpu_user_regs *regs)
{
    uint64_t status = 0;
    bool restartable = msr_read_safe(MSR_MCG_STATUS, &status) && (status & 1);

    if (machine_check_banks() || !restartable) {
        panic_start("machine check that cannot be survived, MCG_STATUS %llx", LL(status));
        panic_finish(regs);
    }
    (void)msr_write_safe(MSR_MCG_STATUS, 0);
}

void machine_check_init_cpu(void)
{
    uint64_t cap;
    unsigned int bank;

    if (!cpu_has(CPU_MCA) || !msr_read_safe(MSR_MCG_CAP, &cap)) {
        return;
    }
    if (cap & 0x100) {
        (void)msr_write_safe(MSR_MCG_CTL, ~0ull);
    }
    for (bank = 0; bank < MCG_BANKS(cap); bank++) {
        (void)msr_write_safe(MSR_MC0_CTL + 4 * bank, ~0ull);
        (void)msr_write_safe(MSR_MC0_CTL + 4 * bank + 1, 0);
    }
}
