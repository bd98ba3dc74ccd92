/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The local APIC (Intel SDM vol. 3, chapter 10), reached either way:
 *
 *   xAPIC    a page of registers, 16 bytes apart; destinations of 8 bits; the interrupt command is two
 *            writes, so interrupts are off between them
 *   x2APIC   MSRs 0x800 + register / 16; destinations of 32 bits; the command is one write
 *
 * x2APIC is used when the firmware turned it on (it cannot be left while ids above 254 exist) or the
 * option x2apic asks for it.
 *
 * Invariants:
 *   L1  all local vectors but timer, error and the NMI pin are masked;
 *   L2  the task priority is 0: every vector is taken when interrupts are on;
 *   L3  physical destinations, fixed delivery, edge.
 *
 * No locks: each CPU has its own.
 */
#include "asm/apic.h"

#include "asm/cpu_features.h"
#include "asm/current.h"
#include "asm/irq.h"
#include "asm/msr.h"
#include "asm/paging.h"
#include "asm/vectors.h"
#include "hypervisor/acpi.h"
#include "hypervisor/bug.h"
#include "hypervisor/cpu.h"
#include "hypervisor/option.h"
#include "hypervisor/printk.h"

static bool opt_x2apic;
OPTION_BOOL("x2apic", opt_x2apic, "use the local APIC by MSRs when the processor can");

#define REG_ID            0x020
#define REG_VERSION       0x030
#define REG_TASK_PRIORITY 0x080
#define REG_EOI           0x0b0
#define REG_LOGICAL       0x0d0
#define REG_FORMAT        0x0e0
#define REG_SPURIOUS      0x0f0
#define REG_IN_SERVICE    0x100
#define REG_REQUESTED     0x200
#define REG_ERROR_STATUS  0x280
#define REG_LVT_CMCI      0x2f0
#define REG_COMMAND       0x300
#define REG_COMMAND_HIGH  0x310
#define REG_LVT_TIMER     0x320
#define REG_LVT_THERMAL   0x330
#define REG_LVT_COUNTERS  0x340
#define REG_LVT_LINT0     0x350
#define REG_LVT_LINT1     0x360
#define REG_LVT_ERROR     0x370
#define REG_TIMER_INITIAL 0x380
#define REG_TIMER_CURRENT 0x390
#define REG_TIMER_DIVIDE  0x3e0

#define SPURIOUS_ENABLED   0x100
#define LVT_MASKED         0x10000
#define LVT_NMI            0x400
#define LVT_TIMER_DEADLINE 0x40000
#define TIMER_DIVIDE_BY_16 0x3

#define COMMAND_NMI     0x400
#define COMMAND_INIT    0x500
#define COMMAND_STARTUP 0x600
#define COMMAND_PENDING 0x1000
#define COMMAND_ASSERT  0x4000

static bool x2apic;
static bool deadline;
static volatile uint8_t *registers;

static uint32_t lapic_read(unsigned int reg)
{
    if (x2apic) {
        return (uint32_t)msr_read(MSR_X2APIC_BASE + reg / 16);
    }
    return *(volatile uint32_t *)(registers + reg);
}

static void lapic_write(unsigned int reg, uint32_t value)
{
    if (x2apic) {
        msr_write(MSR_X2APIC_BASE + reg / 16, value);
    } else {
        *(volatile uint32_t *)(registers + reg) = value;
    }
}

bool lapic_is_x2apic(void)
{
    return x2apic;
}

uint32_t lapic_id(void)
{
    uint32_t id = lapic_read(REG_ID);

    return x2apic ? id : id >> 24;
}

void lapic_eoi(void)
{
    lapic_write(REG_EOI, 0);
}

static void command_wait(void)
{
    while (lapic_read(REG_COMMAND) & COMMAND_PENDING) {
        arch_cpu_relax();
    }
}

static void lapic_command(uint32_t apic_id, uint32_t command)
{
    unsigned long flags;

    if (x2apic) {
        /* MSR writes of x2APIC do not order earlier stores; others must see them first. */
        __asm__ volatile("mfence; lfence" ::: "memory");
        msr_write(MSR_X2APIC_BASE + REG_COMMAND / 16, (uint64_t)apic_id << 32 | command);
        return;
    }
    flags = arch_irq_save();
    command_wait();
    lapic_write(REG_COMMAND_HIGH, apic_id << 24);
    lapic_write(REG_COMMAND, command);
    arch_irq_restore(flags);
}

void lapic_send_ipi(uint32_t apic_id, unsigned int vector)
{
    lapic_command(apic_id, COMMAND_ASSERT | vector);
}

void lapic_send_nmi(uint32_t apic_id)
{
    lapic_command(apic_id, COMMAND_ASSERT | COMMAND_NMI);
}

void lapic_send_init(uint32_t apic_id)
{
    lapic_command(apic_id, COMMAND_ASSERT | COMMAND_INIT);
}

void lapic_send_startup(uint32_t apic_id, unsigned int page)
{
    lapic_command(apic_id, COMMAND_ASSERT | COMMAND_STARTUP | page);
}

static bool bit_of(unsigned int base, unsigned int vector)
{
    return lapic_read(base + vector / 32 * 16) >> (vector % 32) & 1;
}

bool lapic_is_serviced(unsigned int vector)
{
    return bit_of(REG_IN_SERVICE, vector);
}

bool lapic_is_requested(unsigned int vector)
{
    return bit_of(REG_REQUESTED, vector);
}

/* ---- the timer ------------------------------------------------------------------------------- */

bool lapic_timer_has_deadline(void)
{
    return deadline;
}

void lapic_timer_arm_deadline(uint64_t tsc)
{
    msr_write(MSR_TSC_DEADLINE, tsc);
}

void lapic_timer_arm_ticks(uint32_t ticks)
{
    lapic_write(REG_TIMER_INITIAL, ticks);
}

uint32_t lapic_timer_count(void)
{
    return lapic_read(REG_TIMER_CURRENT);
}

static void timer_init(void)
{
    if (deadline) {
        lapic_write(REG_LVT_TIMER, LVT_TIMER_DEADLINE | VECTOR_TIMER);
        /* The mode must be in force before the deadline is written; xAPIC's write is no MSR's. */
        __asm__ volatile("mfence" ::: "memory");
        msr_write(MSR_TSC_DEADLINE, 0);
    } else {
        lapic_write(REG_TIMER_DIVIDE, TIMER_DIVIDE_BY_16);
        lapic_write(REG_LVT_TIMER, VECTOR_TIMER);
        lapic_write(REG_TIMER_INITIAL, 0);
    }
}

/* ---- set-up ---------------------------------------------------------------------------------- */

static uint32_t lvt_count(void)
{
    return (lapic_read(REG_VERSION) >> 16 & 0xff) + 1;
}

static void mask_all(void)
{
    uint32_t count = lvt_count();

    lapic_write(REG_LVT_TIMER, LVT_MASKED | VECTOR_TIMER);
    lapic_write(REG_LVT_LINT0, LVT_MASKED);
    lapic_write(REG_LVT_LINT1, LVT_MASKED);
    lapic_write(REG_LVT_ERROR, LVT_MASKED | VECTOR_ERROR);
    if (count > 4) {
        lapic_write(REG_LVT_COUNTERS, LVT_MASKED);
    }
    if (count > 5) {
        lapic_write(REG_LVT_THERMAL, LVT_MASKED);
    }
    if (count > 6) {
        lapic_write(REG_LVT_CMCI, LVT_MASKED);
    }
}

/* What the firmware, or a hypervisor before us, left in service would block lower vectors. */
static void finish_leftovers(void)
{
    unsigned int i, word;

    for (i = 0; i < 256; i++) {
        uint32_t any = 0;

        for (word = 0; word < 8; word++) {
            any |= lapic_read(REG_IN_SERVICE + word * 16);
        }
        if (any == 0) {
            return;
        }
        lapic_eoi();
    }
}

static void set_mode(void)
{
    uint64_t base = msr_read(MSR_APIC_BASE);

    if (!(base & APIC_BASE_ENABLED)) {
        base |= APIC_BASE_ENABLED;
        msr_write(MSR_APIC_BASE, base);
    }
    if (x2apic && !(base & APIC_BASE_X2APIC)) {
        msr_write(MSR_APIC_BASE, base | APIC_BASE_X2APIC);
    }
}

void lapic_init_cpu(void)
{
    unsigned int nmi_pin = acpi_info.nmi_lint;

    set_mode();
    lapic_write(REG_SPURIOUS, SPURIOUS_ENABLED | VECTOR_SPURIOUS);
    mask_all();
    if (!x2apic) {
        lapic_write(REG_FORMAT, ~0u);
    }
    lapic_write(REG_TASK_PRIORITY, 0);
    finish_leftovers();
    if (nmi_pin <= 1) {
        lapic_write(nmi_pin == 0 ? REG_LVT_LINT0 : REG_LVT_LINT1, LVT_NMI);
    }
    lapic_write(REG_ERROR_STATUS, 0);
    lapic_write(REG_LVT_ERROR, VECTOR_ERROR);
    timer_init();
}

static void lapic_error_interrupt(struct cpu_user_regs *regs)
{
    lapic_write(REG_ERROR_STATUS, 0);
    pr_warning("local APIC of CPU %u reports errors 0x%x\n", arch_cpu_id(),
               lapic_read(REG_ERROR_STATUS));
}

/* No EOI belongs to it, and dispatch asks the in-service bits before it sends one. */
static void lapic_spurious_interrupt(struct cpu_user_regs *regs)
{
}

void lapic_init(void)
{
    uint64_t base = msr_read(MSR_APIC_BASE);
    paddr_t address = base & PTE_ADDRESS_MASK;

    x2apic = cpu_has(CPU_X2APIC) && ((base & APIC_BASE_X2APIC) || opt_x2apic);
    deadline = cpu_has(CPU_TSC_DEADLINE);
    if (!x2apic) {
        registers = ioremap(address, PAGE_SIZE);
        if (registers == NULL) {
            panic("no room to map the local APIC");
        }
    }
    interrupt_set_handler(VECTOR_ERROR, lapic_error_interrupt);
    interrupt_set_handler(VECTOR_SPURIOUS, lapic_spurious_interrupt);
    lapic_init_cpu();
    pr_info("local APIC: %s, id %u, version 0x%x, timer %s\n", x2apic ? "x2APIC" : "xAPIC",
            lapic_id(), lapic_read(REG_VERSION) & 0xff, deadline ? "TSC deadline" : "one-shot");
}

void lapic_disable(void)
{
    if (!x2apic && registers == NULL) {
        return;
    }
    mask_all();
    lapic_write(REG_SPURIOUS, VECTOR_SPURIOUS);
}

void lapic_dump(void)
{
    unsigned int word;

    pr_info("local APIC of CPU %u: id %x, spurious %x, timer %x, priority %x\n", arch_cpu_id(),
            lapic_id(), lapic_read(REG_SPURIOUS), lapic_read(REG_LVT_TIMER),
            lapic_read(REG_TASK_PRIORITY));
    for (word = 0; word < 8; word++) {
        pr_info("  vectors %02x..: requested %08x, in service %08x\n", word * 32,
                lapic_read(REG_REQUESTED + word * 16), lapic_read(REG_IN_SERVICE + word * 16));
    }
}
