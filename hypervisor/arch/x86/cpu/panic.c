/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The end: one CPU speaks, the others are stopped by NMI, then the machine restarts or halts. A panic
 * inside a panic restarts at once; one on another CPU meanwhile waits to be stopped.
 */
#include "dump.h"

#include "arch/cpu.h"
#include "asm/current.h"
#include "asm/entry.h"
#include "asm/smp.h"
#include "hypervisor/atomic.h"
#include "hypervisor/bug.h"
#include "hypervisor/console.h"
#include "hypervisor/domain.h"
#include "hypervisor/printk.h"
#include "hypervisor/string.h"
#include "hypervisor/trace.h"

#define NOBODY (~0u)

static unsigned int panicking = NOBODY;
static unsigned int nesting;

/* Up to here one CPU comes, once or when it breaks down meanwhile. */
static void begin(void)
{
    unsigned int found = NOBODY;

    arch_irq_disable();
    if (!atomic_compare_exchange(&panicking, &found, arch_cpu_id()) && found != arch_cpu_id()) {
        for (;;) {
            __asm__ volatile("hlt");
        }
    }
    nesting++;
    if (nesting > 2) {
        arch_machine_restart();
    }
    smp_stop_others();
    console_force();
}

static void say(const char *format, va_list args)
{
    static char message[512];

    vsnprintf(message, sizeof(message), format, args);
    pr_error("\n****************************************\n");
    pr_error("Panic on CPU %u: %s\n", arch_cpu_id(), message);
}

void panic_start(const char *format, ...)
{
    va_list args;

    begin();
    va_start(args, format);
    say(format, args);
    va_end(args);
}

void panic_finish(const struct cpu_user_regs *regs)
{
    struct vcpu *vcpu = arch_current_vcpu();

    if (nesting == 1) {
        if (regs != NULL && !regs_from_guest(regs)) {
            dump_registers(regs);
            dump_calls(regs->rbp, regs->rsp, regs->rip);
        } else {
            dump_calls((uint64_t)__builtin_frame_address(0), 0, 0);
        }
        if (vcpu != NULL && !vcpu_is_idle(vcpu)) {
            arch_dump_vcpu(vcpu);
        }
        trace_dump();
    }
    pr_error("****************************************\n");
    if (opt_noreboot) {
        pr_error("Halted: restart by hand (noreboot).\n");
        arch_machine_halt();
    }
    pr_error("Restarting.\n");
    arch_machine_restart();
}

void panic(const char *format, ...)
{
    va_list args;

    begin();
    va_start(args, format);
    say(format, args);
    va_end(args);
    panic_finish(NULL);
}

void warn(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vprintk(LOG_WARNING, format, args);
    va_end(args);
    arch_dump_stack();
}
