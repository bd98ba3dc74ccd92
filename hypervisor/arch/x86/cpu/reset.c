/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The ways to make the machine start again, most polite first: ACPI's reset register, the keyboard
 * controller, port 0xcf9, and an exception without handlers. Callable in any context.
 */
#include "arch/cpu.h"
#include "asm/apic.h"
#include "asm/current.h"
#include "asm/gdt.h"
#include "asm/msr.h"
#include "asm/smp.h"
#include "hypervisor/acpi.h"
#include "hypervisor/printk.h"

#define PORT_KEYBOARD_STATUS 0x64
#define KEYBOARD_INPUT_FULL  0x02
#define KEYBOARD_PULSE_RESET 0xfe
#define PORT_RESET_CONTROL   0xcf9
#define RESET_FULL           0x0e
#define WAIT_TSC             (1ull << 27)

static void pause_a_while(void)
{
    uint64_t start = tsc_read();

    while (tsc_read() - start < WAIT_TSC) {
        arch_cpu_relax();
    }
}

static void reset_by_keyboard(void)
{
    unsigned int i, tries = 0x10000;

    for (i = 0; i < 4; i++) {
        while (tries > 0 && (io_read8(PORT_KEYBOARD_STATUS) & KEYBOARD_INPUT_FULL)) {
            tries--;
        }
        io_write8(PORT_KEYBOARD_STATUS, KEYBOARD_PULSE_RESET);
        pause_a_while();
    }
}

static void reset_by_triple_fault(void)
{
    struct descriptor_pointer nothing = { 0, 0 };

    __asm__ volatile("lidt %0; int3" : : "m"(nothing));
}

void arch_machine_restart(void)
{
    static bool tried_acpi;

    arch_irq_disable();
    smp_stop_others();
    if (!tried_acpi) {
        tried_acpi = true; /* not again if it faults */
        acpi_reset();
        pause_a_while();
    }
    reset_by_keyboard();
    io_write8(PORT_RESET_CONTROL, RESET_FULL);
    pause_a_while();
    reset_by_triple_fault();
    arch_machine_halt();
}

void arch_machine_halt(void)
{
    arch_irq_disable();
    smp_stop_others();
    for (;;) {
        __asm__ volatile("cli; hlt");
    }
}

void arch_machine_power_off(void)
{
    pr_info("The machine may be switched off now.\n");
    arch_machine_halt();
}
