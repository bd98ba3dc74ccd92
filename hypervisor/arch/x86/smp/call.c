/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Between processors: kicks, calls, stops.
 *
 * One call is under way at a time. Its caller holds call_busy, publishes function and data, counts the
 * CPUs it waits for in call_left, then raises their call_wanted flags and sends VECTOR_CALL.
 *
 * Invariants:
 *   C1  call_fn, call_data are stable while any call_wanted is raised;
 *   C2  a CPU that takes its flag down runs the function once, then lowers call_left;
 *   C3  a CPU that waits, for call_busy or call_left, serves calls and TLB flushes to itself, so CPUs
 *       that wait for each other with interrupts off do not hang.
 */
#include "arch/cpu.h"
#include "asm/apic.h"
#include "asm/current.h"
#include "asm/irq.h"
#include "asm/msr.h"
#include "asm/smp.h"
#include "asm/tlb.h"
#include "asm/vectors.h"
#include "asm/speculation.h"
#include "hypervisor/atomic.h"
#include "hypervisor/cpu.h"
#include "hypervisor/work.h"
#include "smp_private.h"

static uint32_t call_busy, call_left;
static void (*call_fn)(void *data);
static void *call_data;
static DEFINE_PER_CPU(uint32_t, call_wanted);

static void call_poll(void)
{
    unsigned long flags = arch_irq_save();

    if (atomic_read(&this_cpu(call_wanted)) && atomic_exchange(&this_cpu(call_wanted), 0)) {
        call_fn(call_data);
        (void)atomic_sub(&call_left, 1);
    }
    arch_irq_restore(flags);
}

static void call_interrupt(struct cpu_user_regs *regs)
{
    call_poll();
}

/* Nothing to do: whoever was kicked looks at its softwork on the way back. */
static void kick_interrupt(struct cpu_user_regs *regs)
{
}

void smp_call_init(void)
{
    interrupt_set_handler(VECTOR_CALL, call_interrupt);
    interrupt_set_handler(VECTOR_KICK, kick_interrupt);
}

void arch_cpu_call(const struct cpu_mask *mask, void (*fn)(void *data), void *data)
{
    unsigned int cpu, self = arch_cpu_id();
    struct cpu_mask others = { { 0 } };
    uint32_t count = 0;
    unsigned long flags;

    while (atomic_exchange(&call_busy, 1)) {
        call_poll();
        tlb_poll();
        arch_cpu_relax();
    }
    call_fn = fn;
    call_data = data;
    cpu_for_each(cpu, mask)
    {
        if (cpu != self && cpu_is_online(cpu)) {
            cpu_mask_set(&others, cpu);
            count++;
        }
    }
    atomic_write_release(&call_left, count);
    cpu_for_each(cpu, &others)
    {
        atomic_write_release(&per_cpu(call_wanted, cpu), 1);
        lapic_send_ipi(cpu_apic_id[cpu], VECTOR_CALL);
    }
    if (cpu_mask_test(mask, self)) {
        flags = arch_irq_save();
        fn(data);
        arch_irq_restore(flags);
    }
    while (atomic_read_acquire(&call_left) != 0) {
        tlb_poll();
        arch_cpu_relax();
    }
    atomic_write_release(&call_busy, 0);
}

void cpu_call(const struct cpu_mask *mask, void (*fn)(void *data), void *data)
{
    arch_cpu_call(mask, fn, data);
}

void arch_cpu_kick(unsigned int cpu)
{
    lapic_send_ipi(cpu_apic_id[cpu], VECTOR_KICK);
}

/* STI takes effect after the next instruction: an interrupt that comes in between ends the HLT. */
void arch_cpu_idle(void)
{
    arch_irq_disable();
    if (softwork_pending()) {
        arch_irq_enable();
    } else {
        speculation_before_idle();
        __asm__ volatile("sti; hlt" ::: "memory");
    }
}

/* ---- stopping for good ----------------------------------------------------------------------- */

#define STOP_WAIT_TSC (1ull << 30)

static uint32_t stopping; /* CPU that stops the others + 1 */

void smp_stop_others(void)
{
    unsigned int cpu, self = arch_cpu_id();
    uint64_t start = tsc_read();
    uint32_t nobody = 0;

    if (!atomic_compare_exchange(&stopping, &nobody, self + 1)) {
        return;
    }
    cpu_for_each_online(cpu)
    {
        if (cpu != self) {
            lapic_send_nmi(cpu_apic_id[cpu]);
        }
    }
    cpu_for_each_online(cpu)
    {
        while (cpu != self && cpu_is_online(cpu) && tsc_read() - start < STOP_WAIT_TSC) {
            arch_cpu_relax();
        }
    }
}

void smp_nmi(void)
{
    uint32_t by = atomic_read_acquire(&stopping);

    if (by == 0 || by == arch_cpu_id() + 1) {
        return;
    }
    cpu_mask_clear(&cpu_online_mask, arch_cpu_id());
    for (;;) {
        __asm__ volatile("cli; hlt");
    }
}
