/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Domains by id, and references to them. Theory: domain.c.
 *
 * Looking up takes no lock: between reading the table and taking a reference interrupts are off, and
 * domain_table_remove() makes every CPU answer an interrupt before the struct may be freed. A
 * reference is taken only while there is one.
 */
#include "domain_private.h"

#include "hypervisor/cpu.h"
#include "hypervisor/nospec.h"

#define TABLE_ENTRIES (DOMID_IDLE + 1u)
#define REFS_MAX      0x7fffffffu

static struct domain *table[TABLE_ENTRIES];
static unsigned int table_end; /* ids of ordinary domains are below; under the lock, only grows */
static struct spinlock table_lock = SPINLOCK_INIT(LOCK_DOMAIN_LIST);

static bool reference_try(struct domain *domain)
{
    uint32_t refs = atomic_read(&domain->refs);

    while (refs != 0 && refs < REFS_MAX) {
        if (atomic_compare_exchange(&domain->refs, &refs, refs + 1)) {
            return true;
        }
    }
    return false;
}

struct domain *domain_get_remains(domain_id_t id)
{
    struct domain *domain;
    unsigned long flags;

    if (id.value >= DOMID_FIRST_RESERVED) {
        return NULL;
    }
    id.value = (uint16_t)index_nospec(id.value, DOMID_FIRST_RESERVED);
    flags = arch_irq_save();
    domain = atomic_read_acquire(&table[id.value]);
    if (domain != NULL && (!atomic_read_acquire(&domain->created) || !reference_try(domain))) {
        domain = NULL;
    }
    arch_irq_restore(flags);
    return domain;
}

struct domain *domain_get(domain_id_t id)
{
    struct domain *domain = domain_get_remains(id);

    if (domain != NULL && atomic_read(&domain->dying) == DOMAIN_DEAD) {
        domain_put(domain);
        domain = NULL;
    }
    return domain;
}

struct domain *domain_get_or_self(domain_id_t id)
{
    struct domain *self = current_domain();

    if (id.value == DOMID_SELF || id.value == self->id.value) {
        domain_get_again(self);
        return self;
    }
    return domain_get(id);
}

void domain_get_again(struct domain *domain)
{
    uint32_t refs = atomic_add(&domain->refs, 1);

    BUG_ON(refs <= 1 || refs >= REFS_MAX);
}

void domain_put(struct domain *domain)
{
    if (domain != NULL && atomic_sub(&domain->refs, 1) == 0) {
        task_queue(&domain->free_task, arch_cpu_id());
    }
}

struct domain *domain_of_owner(uint16_t id)
{
    return id < TABLE_ENTRIES ? atomic_read_acquire(&table[id]) : NULL;
}

void domain_for_each(bool (*fn)(struct domain *domain, void *data), void *data)
{
    unsigned int end = atomic_read(&table_end), id;

    for (id = 0; id < end; id++) {
        struct domain *domain =
            READ_ONCE(table[id]) ? domain_get_remains(DOMAIN_ID((uint16_t)id)) : NULL;
        bool more;

        if (domain == NULL) {
            continue;
        }
        more = fn(domain, data);
        domain_put(domain);
        if (!more) {
            return;
        }
    }
}

int domain_table_insert(struct domain *domain)
{
    unsigned int id = domain->id.value;
    int result = -XEN_EEXIST;

    spin_lock(&table_lock);
    if (table[id] == NULL) {
        atomic_write_release(&table[id], domain);
        if (id < DOMID_FIRST_RESERVED && id >= table_end) {
            atomic_write(&table_end, id + 1);
        }
        result = 0;
    }
    spin_unlock(&table_lock);
    return result;
}

static void look_away(void *data)
{
    (void)data;
}

void domain_table_remove(struct domain *domain)
{
    spin_lock(&table_lock);
    BUG_ON(table[domain->id.value] != domain);
    atomic_write(&table[domain->id.value], NULL);
    spin_unlock(&table_lock);
    cpu_call(&cpu_online_mask, look_away, NULL);
}
