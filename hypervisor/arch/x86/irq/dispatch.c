/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* From a vector to whoever wants it. Theory: irq.c. */
#include "asm/apic.h"
#include "asm/entry.h"
#include "asm/vectors.h"
#include "hypervisor/atomic.h"
#include "hypervisor/bug.h"
#include "hypervisor/event.h"
#include "hypervisor/perf_counter.h"
#include "hypervisor/printk.h"
#include "hypervisor/trace_event.h"

#include "irq_private.h"

#define SYSTEM_VECTORS   (256 - VECTOR_SYSTEM_FIRST)
#define UNEXPECTED_SHOWN 16

static void (*system_handlers[SYSTEM_VECTORS])(struct cpu_user_regs *regs);
static unsigned int unexpected_count;

struct delivery {
    struct domain *domain;
    uint32_t port, pirq;
};

void interrupt_set_handler(unsigned int vector, void (*fn)(struct cpu_user_regs *regs))
{
    BUG_ON(vector < VECTOR_SYSTEM_FIRST || vector > 255);
    system_handlers[vector - VECTOR_SYSTEM_FIRST] = fn;
}

static void unexpected(unsigned int vector)
{
    unsigned int count = atomic_add(&unexpected_count, 1);

    /* A vector that the local APIC did not deliver (a spurious one) must not be acknowledged. */
    if (lapic_is_serviced(vector)) {
        lapic_eoi();
    }
    if (count <= UNEXPECTED_SHOWN) {
        pr_warning("CPU %u: unexpected interrupt vector %#x%s\n", arch_cpu_id(), vector,
                   count == UNEXPECTED_SHOWN ? " (no more of these are shown)" : "");
    }
}

static void system_interrupt(unsigned int vector, struct cpu_user_regs *regs)
{
    void (*handler)(struct cpu_user_regs *) = system_handlers[vector - VECTOR_SYSTEM_FIRST];

    if (vector == VECTOR_SPURIOUS) {
        return;
    }
    if (handler == NULL) {
        unexpected(vector);
        return;
    }
    lapic_eoi();
    handler(regs);
}

/* Copies who is to be told; for a level-triggered line each owes an EOI from here on. */
static unsigned int gather(struct irq_desc *desc, struct delivery *out)
{
    for (unsigned int i = 0; i < desc->guest_count; i++) {
        struct irq_guest *guest = &desc->guests[i];

        if (desc->level && !guest->eoi_pending) {
            guest->eoi_pending = true;
            desc->eoi_waiting++;
        }
        out[i] = (struct delivery){ guest->domain, guest->port, guest->pirq };
    }
    return desc->guest_count;
}

/* Without the lock: events take locks that stand before it. */
static void deliver(struct irq_desc *desc, const struct delivery *list, unsigned int count)
{
    unsigned int refused = 0;
    unsigned long flags;

    for (unsigned int i = 0; i < count; i++) {
        if (!event_pirq(list[i].domain, list[i].port)) {
            refused |= 1u << i;
        }
    }
    flags = spin_lock_irqsave(&desc->lock);
    for (unsigned int i = 0; i < count; i++) {
        struct irq_guest *guest = irq_guest_find(desc, list[i].domain);

        if (refused >> i & 1 && guest != NULL && guest->port == list[i].port) {
            irq_guest_eoi(desc, guest);
        }
    }
    desc->in_progress--;
    spin_unlock_irqrestore(&desc->lock, flags);
}

static void run_handler(struct irq_desc *desc, void (*handler)(void *data), void *data)
{
    unsigned long flags;

    handler(data);
    flags = spin_lock_irqsave(&desc->lock);
    if (desc->level && desc->handler != NULL) {
        irq_unmask(desc);
    }
    desc->in_progress--;
    spin_unlock_irqrestore(&desc->lock, flags);
}

static void device_interrupt(unsigned int vector, struct irq_desc *desc)
{
    struct delivery list[IRQ_GUESTS_MAX];
    void (*handler)(void *data);
    unsigned int count = 0;
    void *data;
    unsigned long flags = spin_lock_irqsave(&desc->lock);

    trace_event(TRC_HW_IRQ_HANDLED, (uint32_t)desc->irq, vector);
    desc->count++;
    if (desc->level) {
        irq_mask(desc);
    }
    lapic_eoi();
    irq_move_progress(desc, vector);
    handler = desc->handler;
    data = desc->handler_data;
    if (handler == NULL) {
        count = gather(desc, list);
        if (count == 0) {
            desc->unhandled++;
            irq_mask(desc);
            spin_unlock_irqrestore(&desc->lock, flags);
            return;
        }
    }
    desc->in_progress++;
    spin_unlock_irqrestore(&desc->lock, flags);
    if (handler != NULL) {
        run_handler(desc, handler, data);
    } else {
        deliver(desc, list, count);
    }
}

void interrupt_dispatch(unsigned int vector, struct cpu_user_regs *regs)
{
    int irq;

    perf_count(interrupts);
    if (vector >= VECTOR_SYSTEM_FIRST) {
        system_interrupt(vector, regs);
        return;
    }
    irq = vector_irq(arch_cpu_id(), vector);
    if (irq == IRQ_NONE) {
        unexpected(vector);
        return;
    }
    device_interrupt(vector, irq_desc_of(irq));
}
