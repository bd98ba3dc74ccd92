/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * TLB flushes here and elsewhere, and the clock by which debts are paid.
 *
 *   clock           64 bits; a stamp takes its value and moves it on by one
 *   flushed[cpu]    the clock as that CPU read it just before its latest flush
 *
 *   remove the entry; stamp = clock++              flush: t = clock; flush; flushed[cpu] = t
 *
 * Invariants:
 *   T1  flushed[cpu] > stamp: that CPU read the clock after the stamp was taken, so its flush came
 *       after the entry was removed, and nothing older is cached there;
 *   T2  a stamp is 32 bits of the clock. It is read back as the latest clock value with those bits,
 *       which is never earlier than the truth: at worst a flush too many;
 *   T3  flushed_all[cpu] is the same for flushes that drop global entries too; flushed >= flushed_all.
 *
 *   T4  has_guest[cpu] is 0 only while the hypervisor's own root is loaded; it goes up before the clock
 *       is read and CR3 loaded. So a CPU seen without a guest after the stamp was taken holds none of
 *       a guest's entries, and what it loads later is newer than the stamp.
 *
 *   T5  flushed[cpu] never goes back: reading the clock, flushing and noting it is one step to this CPU's
 *       interrupts. Else a CPU that waits for the later value, having asked already, waits for ever.
 *
 * Loads of CR3 move flushed[], as guests' entries are never global (paging.c P4); flushes of a single
 * address move neither.
 *
 * To flush other CPUs: take a stamp, raise their wanted flags, send the IPI, wait until their clocks
 * are beyond the stamp. No locks. A CPU that waits serves its own flag meanwhile, so CPUs with
 * interrupts off that flush each other do not hang; a CPU that spins with interrupts off on a lock
 * held by one that flushes would, hence "no lock is held across a flush wait".
 */
#include "asm/tlb.h"

#include "arch/memory.h"
#include "asm/apic.h"
#include "asm/irq.h"
#include "asm/msr.h"
#include "asm/paging.h"
#include "asm/smp.h"
#include "asm/vectors.h"
#include "hypervisor/atomic.h"
#include "hypervisor/cpu.h"

static uint64_t tlb_clock = 1;

enum flush_scope { FLUSH_GUEST, FLUSH_EVERYTHING };
#define WANTED_EVERYTHING (1u << FLUSH_EVERYTHING)

struct tlb_cpu {
    uint64_t flushed, flushed_all;
    uint32_t wanted;    /* bits 1 << enum flush_scope */
    uint32_t has_guest; /* a guest's root is loaded */
} __aligned(64);

static DEFINE_PER_CPU(struct tlb_cpu, tlb_cpus);

static uint64_t clock_stamp(void)
{
    return atomic_add(&tlb_clock, 1) - 1;
}

uint32_t arch_tlb_clock(void)
{
    return (uint32_t)clock_stamp();
}

uint64_t cr3_read(void)
{
    return cr3_read_raw();
}

void cr3_load(uint64_t cr3)
{
    struct tlb_cpu *own = &this_cpu(tlb_cpus);
    bool is_guest = cr3 != hypervisor_root_cr3;
    unsigned long flags = arch_irq_save(); /* a flush in between must not be unsaid: see T5 */
    uint64_t now;

    if (is_guest && !own->has_guest) {
        (void)atomic_exchange(&own->has_guest, 1);
    }
    now = atomic_read_acquire(&tlb_clock);
    cr3_write_raw(cr3);
    atomic_write_release(&own->flushed, now);
    if (!is_guest) {
        atomic_write_release(&own->has_guest, 0);
    }
    arch_irq_restore(flags);
}

void tlb_flush_local(void)
{
    unsigned long flags = arch_irq_save(); /* an interrupt may take a lingering guest's root away */

    cr3_load(cr3_read_raw());
    arch_irq_restore(flags);
}

static void flush_everything(void)
{
    unsigned long flags = arch_irq_save();
    uint64_t now = atomic_read_acquire(&tlb_clock);
    uint64_t cr4 = cr4_read_raw();

    if (cr4 & CR4_PGE) {
        cr4_write_raw(cr4 & ~(uint64_t)CR4_PGE);
        cr4_write_raw(cr4);
    } else {
        cr3_write_raw(cr3_read_raw());
    }
    atomic_write_release(&this_cpu(tlb_cpus).flushed, now);
    atomic_write_release(&this_cpu(tlb_cpus).flushed_all, now);
    arch_irq_restore(flags);
}

void tlb_flush_local_va(uint64_t va)
{
    __asm__ volatile("invlpg %0" : : "m"(*(const char *)va) : "memory");
}

void tlb_poll(void)
{
    uint32_t *wanted = &this_cpu(tlb_cpus).wanted;

    if (atomic_read(wanted) == 0) {
        return;
    }
    if (atomic_exchange(wanted, 0) & WANTED_EVERYTHING) {
        flush_everything();
    } else {
        tlb_flush_local();
    }
}

static void tlb_interrupt(struct cpu_user_regs *regs)
{
    tlb_poll();
}

void tlb_init(void)
{
    interrupt_set_handler(VECTOR_TLB, tlb_interrupt);
}

static bool needs_flush(unsigned int cpu, uint64_t stamp, enum flush_scope scope)
{
    struct tlb_cpu *other = &per_cpu(tlb_cpus, cpu);

    if (scope == FLUSH_EVERYTHING) {
        return atomic_read_acquire(&other->flushed_all) <= stamp;
    }
    return atomic_read_acquire(&other->has_guest) && atomic_read_acquire(&other->flushed) <= stamp;
}

/*
 * Until the clocks of all online CPUs of the mask are beyond the stamp. This CPU stays this CPU:
 * nothing here switches contexts.
 */
static void flush_beyond(const struct cpu_mask *mask, uint64_t stamp, enum flush_scope scope)
{
    unsigned int cpu, self = arch_cpu_id();

    memory_barrier();
    cpu_for_each(cpu, mask)
    {
        if (cpu != self && cpu_is_online(cpu) && needs_flush(cpu, stamp, scope) &&
            !(atomic_or(&per_cpu(tlb_cpus, cpu).wanted, 1u << scope) & 1u << scope)) {
            lapic_send_ipi(cpu_apic_id[cpu], VECTOR_TLB);
        }
    }
    if (cpu_mask_test(mask, self) && needs_flush(self, stamp, scope)) {
        if (scope == FLUSH_EVERYTHING) {
            flush_everything();
        } else {
            tlb_flush_local();
        }
    }
    cpu_for_each(cpu, mask)
    {
        while (cpu != self && cpu_is_online(cpu) && needs_flush(cpu, stamp, scope)) {
            tlb_poll();
            arch_cpu_relax();
        }
    }
}

void arch_tlb_flush_since(uint32_t stamp)
{
    uint64_t now = atomic_read_acquire(&tlb_clock);

    flush_beyond(&cpu_online_mask, now - (uint32_t)((uint32_t)now - stamp), FLUSH_GUEST);
}

void tlb_flush_mask(const struct cpu_mask *mask)
{
    flush_beyond(mask, clock_stamp(), FLUSH_GUEST);
}

void tlb_flush_mask_va(const struct cpu_mask *mask, uint64_t va)
{
    unsigned int self = arch_cpu_id();
    struct cpu_mask others = *mask;

    if (cpu_mask_test(mask, self)) {
        cpu_mask_clear(&others, self);
        tlb_flush_local_va(va);
    }
    tlb_flush_mask(&others);
}

void tlb_flush_all(void)
{
    flush_beyond(&cpu_online_mask, clock_stamp(), FLUSH_EVERYTHING);
}
