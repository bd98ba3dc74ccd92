/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Device interrupts: from a pin of an IO-APIC or a message of a PCI device, over a vector of one
 * CPU, to a handler of the hypervisor or the event ports of guests.
 *
 *     GSI 0..gsi_count-1 ---- IO-APIC pin --.                        .-- handler(data)
 *                                           +-- irq_desc ---- vector |
 *     message gsi_count.. --- MSI, MSI-X ---'   (cpu, vector)        '-- guests[]: domain, port
 *
 *     vector_table[cpu][vector] = irq            one entry, two while a move is under way
 *
 * Edge-triggered and message interrupts are acknowledged at once and raise the event; a guest that
 * does not listen just leaves the event pending. A level-triggered line is masked at its pin before
 * the local APIC gets its EOI, and unmasked when every guest it was delivered to has said
 * PHYSDEVOP_eoi: so nobody's slowness holds back other vectors of the CPU.
 *
 * Moving to another CPU: the new (cpu, vector) is written to the hardware while the old pair stays
 * known, for what is on its way. When the first interrupt came in at the new place, the old CPU
 * forgets the old vector in a task of its own, with interrupts on: by then it took all that was
 * pending there. A level-triggered pin is moved only while it is masked and acknowledged.
 *
 * Invariants
 *  1. desc->handler != NULL excludes guest_count > 0.
 *  2. eoi_waiting is the number of guests with eoi_pending; it is > 0 only for level-triggered ones,
 *     and then the pin is masked.
 *  3. vector != 0 exactly when vector_table[cpu][vector] == irq; the same for the old pair.
 *  4. in_progress > 0 while guests' events are raised without the lock; irq_unbind waits for 0, so
 *     a domain is not used after its binding is gone.
 *
 * Locks: desc->lock (LOCK_IRQ) for a descriptor, then LOCK_IRQ_VECTOR, LOCK_IOAPIC, LOCK_PCI.
 * event_pirq() and handlers run without any. All in interrupt context too.
 */
#include "asm/irq.h"

#include "asm/cpu_features.h"
#include "asm/vectors.h"
#include "hypervisor/acpi.h"
#include "hypervisor/bug.h"
#include "hypervisor/debug_key.h"
#include "hypervisor/domain.h"
#include "hypervisor/error.h"
#include "hypervisor/heap.h"
#include "hypervisor/printk.h"

#include "irq_private.h"

#define MESSAGES_MIN     512u
#define MESSAGES_PER_CPU 32u
#define IRQS_MAX         16384u

unsigned int irq_count;
static struct irq_desc *irq_descs;

struct irq_desc *irq_desc_of(unsigned int irq)
{
    return irq < irq_count ? &irq_descs[irq] : NULL;
}

void irq_init(void)
{
    unsigned int cpus = max(acpi_info.cpu_count, 1u);

    i8259_disable();
    ioapic_init();
    irq_count = min(gsi_count + max(MESSAGES_MIN, MESSAGES_PER_CPU * cpus), IRQS_MAX);
    irq_descs = heap_new_array(struct irq_desc, irq_count);
    if (irq_descs == NULL) {
        panic("no memory for %u interrupt descriptors", irq_count);
    }
    for (unsigned int i = 0; i < irq_count; i++) {
        irq_descs[i].irq = i;
        irq_descs[i].masked = true;
        spin_lock_init(&irq_descs[i].lock, LOCK_IRQ);
        task_init(&irq_descs[i].move_done, irq_move_done, &irq_descs[i]);
    }
    vectors_init();
    ioapic_describe();
    debug_key_register('i', irq_dump, "interrupts");
    pr_info("IRQ: %u GSIs, %u message interrupts\n", gsi_count, irq_count - gsi_count);
}

/* ---- the hypervisor's own -------------------------------------------------------------------- */

void irq_mask(struct irq_desc *desc)
{
    if (!desc->masked) {
        desc->masked = true;
        desc->controller->mask(desc);
    }
}

void irq_unmask(struct irq_desc *desc)
{
    if (desc->masked && desc->vector != 0) {
        desc->masked = false;
        desc->controller->unmask(desc);
    }
}

int irq_start(struct irq_desc *desc, unsigned int cpu)
{
    int rc;

    if (desc->vector == 0) {
        rc = vector_alloc(desc, cpu);
        if (rc != 0) {
            return rc;
        }
        desc->controller->route(desc);
    }
    irq_unmask(desc);
    return 0;
}

void irq_stop(struct irq_desc *desc)
{
    irq_mask(desc);
    if (desc->msi == NULL) {
        vector_free(desc);
    }
}

int irq_request(unsigned int gsi, const char *name, void (*fn)(void *data), void *data)
{
    struct irq_desc *desc = gsi < gsi_count ? irq_desc_of(gsi) : NULL;
    unsigned long flags;
    int rc = -XEN_EBUSY;

    if (desc == NULL || desc->controller == NULL) {
        return -XEN_EINVAL;
    }
    flags = spin_lock_irqsave(&desc->lock);
    if (desc->handler == NULL && desc->guest_count == 0) {
        desc->handler = fn;
        desc->handler_data = data;
        desc->owner_name = name;
        rc = irq_start(desc, 0);
        if (rc != 0) {
            desc->handler = NULL;
        }
    }
    spin_unlock_irqrestore(&desc->lock, flags);
    return rc;
}

void irq_release(unsigned int gsi)
{
    struct irq_desc *desc = irq_desc_of(gsi);
    unsigned long flags;

    if (desc == NULL) {
        return;
    }
    flags = spin_lock_irqsave(&desc->lock);
    if (desc->handler != NULL) {
        desc->handler = NULL;
        desc->owner_name = NULL;
        irq_stop(desc);
    }
    spin_unlock_irqrestore(&desc->lock, flags);
}

/* ---- configuration of pins ------------------------------------------------------------------- */

bool gsi_exists(unsigned int gsi)
{
    return gsi < gsi_count && irq_descs[gsi].controller != NULL;
}

int gsi_configure(unsigned int gsi, bool level, bool active_low)
{
    struct irq_desc *desc = irq_desc_of(gsi);
    unsigned long flags;
    bool same;
    int rc = 0;

    if (!gsi_exists(gsi)) {
        return -XEN_EINVAL;
    }
    flags = spin_lock_irqsave(&desc->lock);
    same = desc->level == level && desc->active_low == active_low;
    if (desc->configured && same) {
        rc = -XEN_EEXIST;
    } else if (desc->vector != 0 && !same) {
        rc = -XEN_EBUSY;
    } else {
        desc->level = level;
        desc->active_low = active_low;
        desc->configured = true;
    }
    spin_unlock_irqrestore(&desc->lock, flags);
    return rc;
}

/* ---- invariants ------------------------------------------------------------------------------ */

static bool desc_valid(const struct irq_desc *desc)
{
    unsigned int waiting = 0;

    for (unsigned int i = 0; i < desc->guest_count; i++) {
        waiting += desc->guests[i].eoi_pending;
    }
    if ((desc->handler != NULL && desc->guest_count > 0) || waiting != desc->eoi_waiting ||
        (waiting > 0 && (!desc->level || !desc->masked))) {
        return false;
    }
    if ((desc->vector != 0 && vector_irq(desc->cpu, desc->vector) != (int)desc->irq) ||
        (desc->old_vector != 0 &&
         (desc->vector == 0 || vector_irq(desc->old_cpu, desc->old_vector) != (int)desc->irq))) {
        return false;
    }
    return desc->controller != NULL || (desc->vector == 0 && desc->guest_count == 0);
}

bool irqs_valid(void)
{
    bool valid = true;

    for (unsigned int i = 0; i < irq_count && valid; i++) {
        struct irq_desc *desc = &irq_descs[i];
        unsigned long flags = spin_lock_irqsave(&desc->lock);

        valid = desc_valid(desc);
        spin_unlock_irqrestore(&desc->lock, flags);
    }
    return valid && vectors_valid();
}

/* ---- debug key 'i' --------------------------------------------------------------------------- */

static void desc_print(const struct irq_desc *desc)
{
    pr_info("  irq %u %s %s%s: CPU %u vector %#x%s%s%s, %llu came, %llu unhandled, %u EOIs due\n",
            desc->irq, desc->controller->name, desc->level ? "level" : "edge",
            desc->active_low ? " low" : "", desc->cpu, desc->vector, desc->masked ? ", masked" : "",
            desc->handler != NULL ? ", for " : "", desc->handler != NULL ? desc->owner_name : "",
            (unsigned long long)desc->count, (unsigned long long)desc->unhandled,
            desc->eoi_waiting);
    for (unsigned int i = 0; i < desc->guest_count; i++) {
        pr_info("    d%u pirq %u port %u%s\n", desc->guests[i].domain->id.value,
                desc->guests[i].pirq, desc->guests[i].port,
                desc->guests[i].eoi_pending ? ", EOI due" : "");
    }
}

void irq_dump(char key)
{
    pr_info("interrupts in use:\n");
    for (unsigned int i = 0; i < irq_count; i++) {
        if (irq_descs[i].controller != NULL &&
            (irq_descs[i].vector != 0 || irq_descs[i].count != 0)) {
            desc_print(&irq_descs[i]);
        }
    }
}
