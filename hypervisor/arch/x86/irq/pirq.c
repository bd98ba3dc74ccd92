/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * A domain's own numbering of interrupts.
 *
 *     struct pirq_table { irqs[pirq] = irq | FREE | RESERVED }
 *
 * The hardware domain starts with every GSI mapped to itself; message interrupts get pirqs from
 * gsi_count up. Other domains start empty.
 *
 * Invariants
 *  1. An irq is in the table at most once.
 *  2. A slot changes under table->lock (LOCK_IRQ_MAP) only; it is read without, and what is read is
 *     checked again under the descriptor's lock (guest.c).
 *  3. The shared EOI map's frame is held, with a writable type, from its registration until the
 *     domain gives its memory back: a frame held for longer would keep the domain from being freed.
 */
#include "arch/irq.h"
#include "arch/memory.h"
#include "asm/irq.h"
#include "hypervisor/atomic.h"
#include "hypervisor/bitmap.h"
#include "hypervisor/domain.h"
#include "hypervisor/error.h"
#include "hypervisor/frame.h"
#include "hypervisor/heap.h"
#include "hypervisor/nospec.h"
#include "hypervisor/pci.h"

#include "irq_private.h"

#define SLOT_FREE     (-1)
#define SLOT_RESERVED (-2)
#define GUEST_PIRQS   256u
#define EOI_MAP_BITS  ((unsigned int)PAGE_SIZE * 8)

struct pirq_table {
    struct spinlock lock;
    unsigned int count, first_free; /* searches begin at first_free: above the GSIs */
    bool auto_unmask;
    unsigned long *eoi_map; /* the guest's page, NULL when not registered */
    struct frame *eoi_frame;
    int16_t irqs[];
};

int arch_pirqs_create(struct domain *domain)
{
    unsigned int count = domain->is_hardware ? irq_count : GUEST_PIRQS;
    struct pirq_table *table = heap_zalloc(sizeof(*table) + count * sizeof(table->irqs[0]));

    if (table == NULL) {
        return -XEN_ENOMEM;
    }
    spin_lock_init(&table->lock, LOCK_IRQ_MAP);
    table->count = count;
    for (unsigned int i = 0; i < count; i++) {
        table->irqs[i] = domain->is_hardware && gsi_exists(i) ? (int16_t)i : SLOT_FREE;
    }
    table->first_free = domain->is_hardware ? gsi_count : 0;
    domain->pirqs = table;
    return 0;
}

void pirq_eoi_map_release(struct domain *domain)
{
    struct pirq_table *table = domain->pirqs;
    struct frame *frame = NULL;

    if (table == NULL) {
        return;
    }
    spin_lock(&table->lock);
    if (table->eoi_map != NULL) {
        frame = table->eoi_frame;
        table->eoi_frame = NULL;
        WRITE_ONCE(table->eoi_map, NULL);
    }
    spin_unlock(&table->lock);
    if (frame != NULL) {
        arch_frame_put_writable(frame);
        frame_put(frame);
    }
}

/* Frees the slot, whatever it held, and lets go of the interrupt. Returns what it held. */
static int slot_clear(struct domain *domain, unsigned int pirq)
{
    struct pirq_table *table = domain->pirqs;
    int irq;

    spin_lock(&table->lock);
    irq = table->irqs[pirq];
    WRITE_ONCE(table->irqs[pirq], SLOT_FREE);
    if (irq >= 0 && table->eoi_map != NULL && pirq < EOI_MAP_BITS) {
        (void)bit_test_and_clear(table->eoi_map, pirq);
    }
    spin_unlock(&table->lock);
    if (irq >= 0) {
        irq_unbind(irq_desc_of((unsigned int)irq), domain);
    }
    if (irq >= (int)gsi_count) {
        pci_devices_lock();
        msi_disable((unsigned int)irq);
        pci_devices_unlock();
    }
    return irq;
}

void arch_pirqs_destroy(struct domain *domain)
{
    struct pirq_table *table = domain->pirqs;

    if (table == NULL) {
        return;
    }
    for (unsigned int pirq = 0; pirq < table->count; pirq++) {
        slot_clear(domain, pirq);
    }
    pirq_eoi_map_release(domain);
    domain->pirqs = NULL;
    heap_free(table);
}

int pirq_to_irq(const struct domain *domain, unsigned int pirq)
{
    const struct pirq_table *table = domain->pirqs;
    int irq = table != NULL && pirq < table->count
                  ? READ_ONCE(table->irqs[index_nospec(pirq, table->count)])
                  : SLOT_FREE;

    return irq >= 0 ? irq : IRQ_NONE;
}

/* First of `count` free slots, -XEN_ENOSPC when there are none. Under the lock. */
static int find_free(const struct pirq_table *table, unsigned int count)
{
    unsigned int run = 0;

    for (unsigned int i = table->first_free; i < table->count; i++) {
        run = table->irqs[i] == SLOT_FREE ? run + 1 : 0;
        if (run == count) {
            return (int)(i + 1 - count);
        }
    }
    return -XEN_ENOSPC;
}

static int find_irq(const struct pirq_table *table, unsigned int irq)
{
    for (unsigned int i = 0; i < table->count; i++) {
        if (table->irqs[i] == (int)irq) {
            return (int)i;
        }
    }
    return -1;
}

static int map_locked(struct pirq_table *table, int wanted, unsigned int irq, unsigned int count)
{
    int known = find_irq(table, irq);

    if (known >= 0) {
        return wanted < 0 || wanted == known ? known : -XEN_EEXIST;
    }
    if (wanted < 0) {
        wanted = find_free(table, count);
        if (wanted < 0) {
            return wanted;
        }
    }
    if ((unsigned int)wanted >= table->count || table->count - (unsigned int)wanted < count) {
        return -XEN_EINVAL;
    }
    for (unsigned int i = 0; i < count; i++) {
        if (table->irqs[(unsigned int)wanted + i] >= 0) {
            return -XEN_EEXIST;
        }
    }
    for (unsigned int i = 0; i < count; i++) {
        WRITE_ONCE(table->irqs[(unsigned int)wanted + i], (int16_t)(irq + i));
    }
    return wanted;
}

int pirq_map_range(struct domain *domain, int wanted, unsigned int irq, unsigned int count)
{
    struct pirq_table *table = domain->pirqs;
    int rc;

    if (table == NULL || irq >= irq_count || irq_count - irq < count || count == 0) {
        return -XEN_EINVAL;
    }
    spin_lock(&table->lock);
    rc = map_locked(table, wanted, irq, count);
    spin_unlock(&table->lock);
    for (unsigned int i = 0; rc >= 0 && i < count; i++) {
        pirq_eoi_map_update(domain, (unsigned int)rc + i);
    }
    return rc;
}

int pirq_map(struct domain *domain, int wanted, unsigned int irq)
{
    return pirq_map_range(domain, wanted, irq, 1);
}

int pirq_reserve(struct domain *domain)
{
    struct pirq_table *table = domain->pirqs;
    int rc = -XEN_EINVAL;

    if (table != NULL) {
        spin_lock(&table->lock);
        rc = find_free(table, 1);
        if (rc >= 0) {
            table->irqs[rc] = SLOT_RESERVED;
        }
        spin_unlock(&table->lock);
    }
    return rc;
}

int pirq_unmap(struct domain *domain, unsigned int pirq)
{
    if (domain->pirqs == NULL || pirq >= domain->pirqs->count) {
        return -XEN_EINVAL;
    }
    return slot_clear(domain, pirq) == SLOT_FREE ? -XEN_EINVAL : 0;
}

/* ---- EOI ------------------------------------------------------------------------------------- */

bool pirq_needs_eoi(const struct domain *domain, unsigned int pirq)
{
    int irq = pirq_to_irq(domain, pirq);

    return irq != IRQ_NONE && READ_ONCE(irq_desc_of((unsigned int)irq)->level);
}

bool pirq_is_shared(const struct domain *domain, unsigned int pirq)
{
    int irq = pirq_to_irq(domain, pirq);

    return irq != IRQ_NONE && READ_ONCE(irq_desc_of((unsigned int)irq)->guest_count) > 1;
}

uint32_t pirq_port(const struct domain *domain, unsigned int pirq)
{
    int irq = pirq_to_irq(domain, pirq);
    struct irq_desc *desc = irq != IRQ_NONE ? irq_desc_of((unsigned int)irq) : NULL;
    struct irq_guest *guest;
    unsigned long flags;
    uint32_t port;

    if (desc == NULL) {
        return 0;
    }
    flags = spin_lock_irqsave(&desc->lock);
    guest = irq_guest_find(desc, domain);
    port = guest != NULL ? guest->port : 0;
    spin_unlock_irqrestore(&desc->lock, flags);
    return port;
}

bool pirq_auto_unmask(const struct domain *domain)
{
    return domain->pirqs != NULL && domain->pirqs->auto_unmask;
}

void pirq_eoi_map_update(struct domain *domain, unsigned int pirq)
{
    struct pirq_table *table = domain->pirqs;
    unsigned long *map;

    if (table == NULL || READ_ONCE(table->eoi_map) == NULL || pirq >= EOI_MAP_BITS) {
        return;
    }
    spin_lock(&table->lock);
    map = table->eoi_map;
    if (map != NULL && pirq_needs_eoi(domain, pirq)) {
        (void)bit_test_and_set(map, pirq);
    } else if (map != NULL) {
        (void)bit_test_and_clear(map, pirq);
    }
    spin_unlock(&table->lock);
}

int pirq_eoi_map_register(struct domain *domain, uint64_t gmfn, bool auto_unmask)
{
    struct pirq_table *table = domain->pirqs;
    struct frame *frame;
    int rc = -XEN_EBUSY;

    if (table == NULL) {
        return -XEN_EINVAL;
    }
    frame = arch_gfn_get_frame(domain, GFN(gmfn));
    if (frame == NULL) {
        return -XEN_EINVAL;
    }
    if (!arch_frame_get_writable(frame)) {
        frame_put(frame);
        return -XEN_EINVAL;
    }
    spin_lock(&table->lock);
    if (table->eoi_map == NULL && READ_ONCE(domain->dying) == DOMAIN_ALIVE) {
        table->eoi_frame = frame;
        table->auto_unmask = auto_unmask;
        atomic_write_release(&table->eoi_map, (unsigned long *)mfn_to_virt(frame_mfn(frame)));
        rc = 0;
    }
    spin_unlock(&table->lock);
    if (rc != 0) {
        arch_frame_put_writable(frame);
        frame_put(frame);
        return rc;
    }
    for (unsigned int pirq = 0; pirq < table->count; pirq++) {
        pirq_eoi_map_update(domain, pirq);
    }
    return 0;
}

bool pirqs_valid(const struct domain *domain)
{
    const struct pirq_table *table = domain->pirqs;

    if (table == NULL) {
        return true;
    }
    for (unsigned int i = 0; i < table->count; i++) {
        if (table->irqs[i] >= (int)irq_count || table->irqs[i] < SLOT_RESERVED) {
            return false;
        }
        for (unsigned int j = 0; j < i; j++) {
            if (table->irqs[i] >= 0 && table->irqs[i] == table->irqs[j]) {
                return false;
            }
        }
    }
    return true;
}
