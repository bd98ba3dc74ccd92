/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Physical maps of translated guests.
 *
 *     root (level 4) --> level 3 --> level 2 --> level 1 --> frame      4 KiB
 *                           |           '---------------------> frames     2 MiB
 *                           '---------------------------------> frames     1 GiB
 *
 *     pool: tables that are not in use, a linked list through their first words
 *
 * The processor walks the tables while they change: a word is replaced as a whole, and a table is
 * filled before it is linked. Readers of the hypervisor take no lock either. A table that was
 * unlinked may be met by readers, and by processors that cached the way to it: it goes to the pool,
 * never back to the allocator before the map dies, and leaves the pool after a TLB flush. A reader
 * that met it in its new life sees that the generation has advanced, and begins again.
 *
 * Invariants
 *  1. Tables in use, but for the root, and in the pool add up to pool_total; no other owner.
 *  2. Entries whose type is held (p2m_type_is_held) are of level 1, and own one reference each.
 *     Entries of RAM own none: the frame's owner takes the entry away before it drops its own.
 *  3. A word is 0, a table's, or a leaf's whose frame is aligned to its order.
 *  4. What an entry allowed and its successor does not is allowed to nobody after p2m_flush.
 *  5. There is no P2M_RAM_CLEAN but while `logging`, or while p2m_log_stop is on its way.
 *  6. `generation` advances between the unlinking of a table and its next use.
 *
 * Locks: LOCK_P2M for changes and the pool. It is held over one level-1 table's work at most, and
 * never while waiting for a TLB flush or allocating memory.
 */
#include "inside.h"

#include "hypervisor/bug.h"
#include "hypervisor/domain.h"
#include "hypervisor/error.h"
#include "hypervisor/frame.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/string.h"

/* ---- the pool ---------------------------------------------------------------------------------- */

static void pool_push(struct p2m *p2m, uint64_t *table)
{
    *(uint64_t **)(void *)table = p2m->pool_first;
    p2m->pool_first = table;
    p2m->pool_free++;
}

static uint64_t *pool_pop(struct p2m *p2m)
{
    uint64_t *table = p2m->pool_first;

    if (table != NULL) {
        p2m->pool_first = *(uint64_t **)(void *)table;
        p2m->pool_free--;
    }
    return table;
}

void p2m_table_free(struct p2m *p2m, uint64_t *table)
{
    (void)atomic_add(&p2m->generation, 1); /* unlinked before, used after */
    pool_push(p2m, table);
    p2m->pool_owes = true;
    p2m->pool_stamp = arch_tlb_clock();
}

static int pool_grow(struct p2m *p2m)
{
    uint64_t *table = frame_alloc_mapped(0, 0);

    if (table == NULL) {
        return -XEN_ENOMEM;
    }
    spin_lock(&p2m->lock);
    pool_push(p2m, table);
    p2m->pool_total++;
    spin_unlock(&p2m->lock);
    return 0;
}

/* The allocator wants to know of the debt: it is paid here, once for the whole pool. */
static void pool_pay(struct p2m *p2m)
{
    uint32_t stamp;
    bool owes;

    spin_lock(&p2m->lock);
    owes = p2m->pool_owes;
    stamp = p2m->pool_stamp;
    spin_unlock(&p2m->lock);
    if (!owes) {
        return;
    }
    arch_tlb_flush_since(stamp);
    spin_lock(&p2m->lock);
    if (p2m->pool_stamp == stamp) {
        p2m->pool_owes = false;
    }
    spin_unlock(&p2m->lock);
}

static int pool_shrink(struct p2m *p2m)
{
    uint64_t *table;

    pool_pay(p2m);
    spin_lock(&p2m->lock);
    table = p2m->pool_owes ? NULL : pool_pop(p2m);
    p2m->pool_total -= table != NULL;
    spin_unlock(&p2m->lock);
    if (table == NULL) {
        return READ_ONCE(p2m->pool_free) == 0 ? -XEN_EBUSY : 0;
    }
    frame_free_mapped(table, 0);
    return 0;
}

int p2m_pool_resize(struct p2m *p2m, uint64_t frames)
{
    int error = 0;

    for (uint64_t done = 0; error == 0 && READ_ONCE(p2m->pool_total) != frames; done++) {
        if (done != 0 && hypercall_preempt()) {
            return -XEN_ERESTART;
        }
        error = READ_ONCE(p2m->pool_total) < frames ? pool_grow(p2m) : pool_shrink(p2m);
    }
    return error;
}

int p2m_spare_take(struct p2m *p2m, struct p2m_spare *spare, unsigned int count)
{
    while (spare->count < count) {
        uint64_t *table;

        pool_pay(p2m);
        spin_lock(&p2m->lock);
        table = p2m->pool_owes ? NULL : pool_pop(p2m);
        spin_unlock(&p2m->lock);
        if (table == NULL) {
            if (READ_ONCE(p2m->pool_free) == 0) {
                return -XEN_ENOMEM;
            }
            continue; /* one more was freed meanwhile */
        }
        memset(table, 0, PAGE_SIZE);
        *(uint64_t **)(void *)table = spare->first;
        spare->first = table;
        spare->count++;
    }
    return 0;
}

uint64_t *p2m_spare_use(struct p2m_spare *spare)
{
    uint64_t *table = spare->first;

    spare->first = *(uint64_t **)(void *)table;
    spare->count--;
    table[0] = 0;
    return table;
}

void p2m_spare_put(struct p2m *p2m, struct p2m_spare *spare)
{
    if (spare->count == 0) {
        return;
    }
    spin_lock(&p2m->lock);
    while (spare->count != 0) {
        pool_push(p2m, p2m_spare_use(spare)); /* was never linked: owes nothing */
    }
    spin_unlock(&p2m->lock);
}

/* ---- life -------------------------------------------------------------------------------------- */

int p2m_create(struct p2m *p2m, struct domain *domain, const struct p2m_format *format)
{
    ASSERT(format->levels <= P2M_LEVEL_MAX && format->leaf_level_max < format->levels);
    *p2m = (struct p2m){ .domain = domain, .format = format };
    spin_lock_init(&p2m->lock, LOCK_P2M);
    p2m->root = frame_alloc_mapped(0, 0);
    return p2m->root == NULL ? -XEN_ENOMEM : 0;
}

/* Empties a table from its end, the tables below first. False: there is more to do. */
static bool empty_table(struct p2m *p2m, uint64_t *table, unsigned int level)
{
    if (level == 1 && hypercall_preempt()) {
        return false;
    }
    for (unsigned int i = P2M_ENTRIES; i-- > 0;) {
        uint64_t word = READ_ONCE(table[i]);

        if (word == 0) {
            continue;
        }
        if (p2m->format->is_table(word, level) &&
            !empty_table(p2m, p2m_table_of(p2m, word), level - 1)) {
            return false;
        }
        spin_lock(&p2m->lock);
        p2m_write(p2m, &table[i], 0, true);
        if (p2m->format->is_table(word, level)) {
            p2m_table_free(p2m, p2m_table_of(p2m, word));
        }
        spin_unlock(&p2m->lock);
        /* The guest does not run any more; a frame that is freed is flushed before its next use. */
        if (!p2m->format->is_table(word, level) && p2m_type_is_held(p2m->format->type(word))) {
            frame_put(frame_of(p2m->format->mfn(word)));
        }
    }
    return true;
}

int p2m_empty(struct p2m *p2m)
{
    if (p2m->root == NULL) {
        return 0;
    }
    spin_lock(&p2m->lock); /* whoever changes entries at the moment comes to an end */
    p2m->dying = true;
    spin_unlock(&p2m->lock);
    if (!empty_table(p2m, p2m->root, p2m->format->levels)) {
        return -XEN_ERESTART;
    }
    return p2m_pool_resize(p2m, 0);
}

void p2m_free(struct p2m *p2m)
{
    if (p2m->root != NULL) {
        BUG_ON(p2m->pool_total != 0);
        frame_free_mapped(p2m->root, 0);
        p2m->root = NULL;
    }
}

/* ---- reading ----------------------------------------------------------------------------------- */

uint64_t *p2m_find(const struct p2m *p2m, uint64_t gfn, unsigned int lowest, unsigned int *level)
{
    uint64_t *table = p2m->root, *entry;

    for (*level = p2m->format->levels;; (*level)--) {
        uint64_t word;

        entry = p2m_entry(table, gfn, *level);
        word = atomic_read_acquire(entry);
        if (*level == lowest || !p2m->format->is_table(word, *level)) {
            return entry;
        }
        table = p2m_table_of(p2m, word);
    }
}

struct p2m_mapping p2m_decode(const struct p2m *p2m, uint64_t gfn, uint64_t word,
                              unsigned int level)
{
    struct p2m_mapping mapping = { .mfn = MFN_INVALID,
                                   .type = p2m->format->type(word),
                                   .order = P2M_ORDER(level) };

    if (p2m_type_has_frame(mapping.type)) {
        mapping.mfn = mfn_add(p2m->format->mfn(word), gfn & (p2m_frames(level) - 1));
    }
    return mapping;
}

struct p2m_mapping p2m_lookup(struct p2m *p2m, gfn_t gfn)
{
    struct p2m_mapping mapping = { MFN_INVALID, P2M_NONE, P2M_ORDER(p2m->format->levels) };
    uint32_t generation;
    unsigned int level;
    uint64_t word;

    if (!p2m_reaches(p2m, gfn.value)) {
        return mapping;
    }
    do {
        generation = atomic_read_acquire(&p2m->generation);
        word = atomic_read_acquire(p2m_find(p2m, gfn.value, 1, &level));
        read_barrier();
        /* The entry may have become a table's between the two reads. */
    } while (generation != atomic_read(&p2m->generation) ||
             (level > 1 && p2m->format->is_table(word, level)));
    return p2m_decode(p2m, gfn.value, word, level);
}

/* A reference of the frame, if the type has one that can be taken. */
static struct frame *mapping_get(struct p2m *p2m, const struct p2m_mapping *mapping)
{
    const struct domain *owner = p2m_type_is_ram(mapping->type) ? p2m->domain : NULL;

    if ((owner == NULL && !p2m_type_is_held(mapping->type)) || !frame_valid(mapping->mfn) ||
        !frame_get(frame_of(mapping->mfn), owner)) {
        return NULL;
    }
    return frame_of(mapping->mfn);
}

struct frame *p2m_get_frame(struct p2m *p2m, gfn_t gfn, bool write, enum p2m_type *type)
{
    for (;;) {
        struct p2m_mapping mapping = p2m_lookup(p2m, gfn), again;
        struct frame *frame;

        if (type != NULL) {
            *type = mapping.type;
        }
        if (write && mapping.type == P2M_RAM_CLEAN) {
            (void)p2m_log_write(p2m, gfn);
            continue;
        }
        if (write && !p2m_type_writable(mapping.type)) {
            return NULL;
        }
        frame = mapping_get(p2m, &mapping);
        /* It may have lost its place, and its owner, before the reference was taken. */
        again = p2m_lookup(p2m, gfn);
        if (mfn_equal(again.mfn, mapping.mfn) && again.type == mapping.type) {
            return frame;
        }
        if (frame != NULL) {
            frame_put(frame);
        }
    }
}

void p2m_flush(struct p2m *p2m)
{
    uint32_t stamp;
    bool debt;

    spin_lock(&p2m->lock);
    debt = p2m->debt;
    stamp = p2m->debt_stamp;
    spin_unlock(&p2m->lock);
    if (!debt) {
        return;
    }
    arch_tlb_flush_since(stamp);
    spin_lock(&p2m->lock);
    if (p2m->debt_stamp == stamp) {
        p2m->debt = false;
    }
    spin_unlock(&p2m->lock);
}
