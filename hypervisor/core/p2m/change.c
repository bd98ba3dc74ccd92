/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Changing a physical map: entries are put in, split and joined. Theory: p2m.c.
 *
 * The tables that a change may need are in hand before the lock is taken. Whether they suffice is
 * known under the lock only: when not, it is let go and more are fetched.
 */
#include "inside.h"

#include "hypervisor/bug.h"
#include "hypervisor/error.h"
#include "hypervisor/frame.h"
#include "hypervisor/hypercall.h"

void p2m_write(struct p2m *p2m, uint64_t *entry, uint64_t word, bool restricts)
{
    atomic_write_release(entry, word);
    if (restricts) {
        p2m->debt_stamp = arch_tlb_clock();
        p2m->debt = true;
    }
}

/* ---- splitting --------------------------------------------------------------------------------- */

/* The tables missing on the way to gfn's entry of that level. Locked. */
static unsigned int tables_missing(const struct p2m *p2m, uint64_t gfn, unsigned int level)
{
    unsigned int found;

    (void)p2m_find(p2m, gfn, level, &found);
    return found - level;
}

/* A table of what the word says of each part, in its place. */
static void split(struct p2m *p2m, uint64_t *entry, unsigned int level, uint64_t *table)
{
    const struct p2m_format *format = p2m->format;
    uint64_t word = *entry;
    enum p2m_type type = format->type(word);

    if (type != P2M_NONE) {
        mfn_t mfn = p2m_type_has_frame(type) ? format->mfn(word) : MFN(0);

        for (unsigned int i = 0; i < P2M_ENTRIES; i++) {
            table[i] = format->leaf(mfn_add(mfn, i * p2m_frames(level - 1)), type, level - 1);
        }
    }
    /* Nothing was taken away: what was cached of the large entry stays true. */
    p2m_write(p2m, entry, format->table(virt_to_mfn(table)), false);
}

/* gfn's entry of that level, with the tables above it. Locked; the spare tables suffice. */
static uint64_t *entry_make(struct p2m *p2m, uint64_t gfn, unsigned int level,
                            struct p2m_spare *spare)
{
    unsigned int found;
    uint64_t *entry = p2m_find(p2m, gfn, level, &found);

    for (; found > level; found--) {
        uint64_t *table = p2m_spare_use(spare);

        split(p2m, entry, found, table);
        entry = p2m_entry(table, gfn, found - 1);
    }
    return entry;
}

/* ---- joining ----------------------------------------------------------------------------------- */

/* The leaf that says the same as the whole table of level - 1; 0 when there is none. */
static uint64_t joined(const struct p2m *p2m, const uint64_t *table, unsigned int level)
{
    const struct p2m_format *format = p2m->format;
    enum p2m_type type = format->type(table[0]);
    uint64_t step = p2m_frames(level - 1);
    mfn_t first;

    if (!p2m_type_has_frame(type) || p2m_type_is_held(type) ||
        format->is_table(table[0], level - 1)) {
        return 0;
    }
    first = format->mfn(table[0]);
    if (first.value % p2m_frames(level) != 0) {
        return 0;
    }
    /* From the end: a table that fills up from its start is found out at once. */
    for (unsigned int i = P2M_ENTRIES; i-- > 1;) {
        if (table[i] != format->leaf(mfn_add(first, i * step), type, level - 1)) {
            return 0;
        }
    }
    return format->leaf(first, type, level);
}

void p2m_join(struct p2m *p2m, uint64_t gfn, unsigned int level)
{
    /* A log wants small entries. */
    while (++level <= p2m->format->leaf_level_max && !p2m->logging) {
        unsigned int found;
        uint64_t *entry = p2m_find(p2m, gfn, level, &found), *table, word;

        if (found != level || !p2m->format->is_table(*entry, level)) {
            return;
        }
        table = p2m_table_of(p2m, *entry);
        word = joined(p2m, table, level);
        if (word == 0) {
            return;
        }
        /* The same frames with the same rights; what is owed is the table's alone. */
        p2m_write(p2m, entry, word, false);
        p2m_table_free(p2m, table);
    }
}

/* ---- changing ---------------------------------------------------------------------------------- */

/* May the table go in favour of one entry of that level? */
static bool table_replaceable(const struct p2m *p2m, const uint64_t *table, unsigned int level)
{
    for (unsigned int i = 0; i < P2M_ENTRIES; i++) {
        if (p2m->format->is_table(table[i], level - 1) ||
            p2m_type_is_held(p2m->format->type(table[i]))) {
            return false;
        }
    }
    return true;
}

/* Was something allowed that is not any more? */
static bool restricts(const struct p2m_mapping *from, mfn_t to, enum p2m_type type)
{
    return p2m_type_has_frame(from->type) &&
           (!p2m_type_has_frame(type) || !mfn_equal(from->mfn, to) ||
            (p2m_type_writable(from->type) && !p2m_type_writable(type)));
}

static bool is_expected(const struct p2m_change *change, const struct p2m_mapping *now)
{
    return !change->expected ||
           (mfn_equal(now->mfn, change->expected_mfn) &&
            (change->expected_type == P2M_TYPES || now->type == change->expected_type));
}

static int change_locked(struct p2m *p2m, const struct p2m_change *change, struct p2m_spare *spare,
                         struct p2m_mapping *old)
{
    const struct p2m_format *format = p2m->format;
    uint64_t *entry, *table = NULL, word;
    unsigned int level;

    word = *p2m_find(p2m, change->gfn, 1, &level);
    *old = p2m_decode(p2m, change->gfn, word, level);
    if (!is_expected(change, old)) {
        return -XEN_ENOENT;
    }
    entry = p2m_find(p2m, change->gfn, change->level, &level);
    if (level == change->level && format->is_table(*entry, level)) {
        table = p2m_table_of(p2m, *entry);
        if (!table_replaceable(p2m, table, level)) {
            return -XEN_EBUSY;
        }
    }
    if (level > change->level) {
        entry = entry_make(p2m, change->gfn, change->level, spare);
    }
    word = change->type == P2M_NONE ? 0 : format->leaf(change->mfn, change->type, change->level);
    p2m_write(p2m, entry, word, table != NULL || restricts(old, change->mfn, change->type));
    if (table != NULL) {
        p2m_table_free(p2m, table);
    }
    p2m->gfn_end = max(p2m->gfn_end, change->gfn + p2m_frames(change->level));
    p2m_join(p2m, change->gfn, change->level);
    return 0;
}

int p2m_change(struct p2m *p2m, const struct p2m_change *change, struct p2m_mapping *old)
{
    struct p2m_spare spare = { .count = 0 };
    unsigned int missing;
    int error;

    for (;;) {
        spin_lock(&p2m->lock);
        error = p2m->dying ? -XEN_ESRCH : 0;
        missing = tables_missing(p2m, change->gfn, change->level);
        if (error == 0 && missing <= spare.count) {
            break;
        }
        spin_unlock(&p2m->lock);
        if (error == 0) {
            error = p2m_spare_take(p2m, &spare, missing);
        }
        if (error != 0) {
            p2m_spare_put(p2m, &spare);
            return error;
        }
    }
    error = change_locked(p2m, change, &spare, old);
    spin_unlock(&p2m->lock);
    p2m_spare_put(p2m, &spare);
    return error;
}

/* The level of the entries of that order; 0 when the format has none. */
static unsigned int level_of_order(const struct p2m *p2m, unsigned int order)
{
    unsigned int level = order / P2M_LEVEL_BITS + 1;

    return order % P2M_LEVEL_BITS == 0 && level <= p2m->format->leaf_level_max ? level : 0;
}

int p2m_set(struct p2m *p2m, gfn_t gfn, mfn_t mfn, unsigned int order, enum p2m_type type,
            struct p2m_mapping *old)
{
    struct p2m_mapping unwanted;
    bool framed = p2m_type_has_frame(type);
    struct p2m_change change = {
        .gfn = gfn.value,
        .mfn = framed ? mfn : MFN_INVALID,
        .level = level_of_order(p2m, order),
        .type = type,
    };

    if (change.level == 0 || !p2m_reaches(p2m, gfn.value) ||
        (gfn.value & (p2m_frames(change.level) - 1)) != 0 ||
        (framed && (mfn.value & (p2m_frames(change.level) - 1)) != 0) ||
        (p2m_type_is_held(type) && order != 0)) {
        return -XEN_EINVAL;
    }
    return p2m_change(p2m, &change, old == NULL ? &unwanted : old);
}

int p2m_remove(struct p2m *p2m, gfn_t gfn, mfn_t mfn, enum p2m_type *type)
{
    const struct p2m_change change = {
        .gfn = gfn.value,
        .mfn = MFN_INVALID,
        .level = 1,
        .type = P2M_NONE,
        .expected = true,
        .expected_mfn = mfn,
        .expected_type = P2M_TYPES,
    };
    struct p2m_mapping old = { .type = P2M_NONE };
    int error = p2m_reaches(p2m, gfn.value) ? p2m_change(p2m, &change, &old) : -XEN_ENOENT;

    *type = old.type;
    return error;
}

/* ---- visiting everything ----------------------------------------------------------------------- */

/* The level-1 table, or the larger leaf, at the cursor. Locked. */
static void visit_one(struct p2m *p2m, p2m_visit_t visit)
{
    unsigned int level;
    uint64_t *entry = p2m_find(p2m, p2m->cursor, 1, &level);
    uint64_t frames = p2m_frames(max(level, 2u));
    uint64_t gfn = p2m->cursor & ~(frames - 1);

    if (level > 1) {
        visit(p2m, entry, gfn, level);
    } else {
        entry -= p2m->cursor & (P2M_ENTRIES - 1);
        for (unsigned int i = 0; i < P2M_ENTRIES; i++) {
            visit(p2m, &entry[i], gfn + i, 1);
        }
        p2m_join(p2m, gfn, 1);
    }
    p2m->cursor = gfn + frames;
}

int p2m_visit(struct p2m *p2m, p2m_visit_t visit)
{
    while (p2m->cursor < READ_ONCE(p2m->gfn_end)) {
        spin_lock(&p2m->lock);
        visit_one(p2m, visit);
        spin_unlock(&p2m->lock);
        if (hypercall_preempt()) {
            return -XEN_ERESTART;
        }
    }
    p2m->cursor = 0;
    return 0;
}
