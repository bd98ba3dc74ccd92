/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* What the files of core/p2m share. */
#ifndef P2M_INSIDE_H
#define P2M_INSIDE_H

#include "hypervisor/p2m.h"

#include "arch/memory.h"
#include "hypervisor/atomic.h"

/* Tables in hand while entries change: taken from the pool before the lock is. */
struct p2m_spare {
    uint64_t *first;
    unsigned int count;
};

static inline uint64_t *p2m_entry(uint64_t *table, uint64_t gfn, unsigned int level)
{
    return &table[gfn >> P2M_ORDER(level) & (P2M_ENTRIES - 1)];
}

static inline uint64_t *p2m_table_of(const struct p2m *p2m, uint64_t word)
{
    return mfn_to_virt(p2m->format->mfn(word));
}

/* The frames an entry of that level stands for. */
static inline uint64_t p2m_frames(unsigned int level)
{
    return 1ull << P2M_ORDER(level);
}

/* Does the format reach that far? */
static inline bool p2m_reaches(const struct p2m *p2m, uint64_t gfn)
{
    return gfn >> (p2m->format->levels * P2M_LEVEL_BITS) == 0;
}

/* The place of the entry that decides about gfn, at `lowest` or above; *level is where. */
uint64_t *p2m_find(const struct p2m *p2m, uint64_t gfn, unsigned int lowest, unsigned int *level);

/* What a leaf or hole of that level says about gfn. */
struct p2m_mapping p2m_decode(const struct p2m *p2m, uint64_t gfn, uint64_t word,
                              unsigned int level);

/*
 * Tables for the pool's spare stock until it has `count`. -XEN_ENOMEM. The lock is not held: may
 * wait for a TLB flush. p2m_spare_put gives back what is left; the lock is not held either.
 */
int p2m_spare_take(struct p2m *p2m, struct p2m_spare *spare, unsigned int count) __must_check;
void p2m_spare_put(struct p2m *p2m, struct p2m_spare *spare);
uint64_t *p2m_spare_use(struct p2m_spare *spare);

/* A table that no entry refers to any more goes to the pool. Locked. */
void p2m_table_free(struct p2m *p2m, uint64_t *table);

/* Replaces a word, and notes the debt when a processor may have used what was there. Locked. */
void p2m_write(struct p2m *p2m, uint64_t *entry, uint64_t word, bool restricts);

/* One entry after the other from p2m->cursor on, a level-1 table at a time, locked. */
typedef void (*p2m_visit_t)(struct p2m *p2m, uint64_t *entry, uint64_t gfn, unsigned int level);
int p2m_visit(struct p2m *p2m, p2m_visit_t visit) __must_check;

/* How p2m_change is to change an entry. */
struct p2m_change {
    uint64_t gfn;
    mfn_t mfn;
    unsigned int level;
    enum p2m_type type;
    bool expected; /* only if the mapping is these two at the moment, else -XEN_ENOENT */
    mfn_t expected_mfn;
    enum p2m_type expected_type; /* P2M_TYPES: any */
};

int p2m_change(struct p2m *p2m, const struct p2m_change *change,
               struct p2m_mapping *old) __must_check;

/* Makes the level-1 table around gfn, and what is above it, one entry if it can be. Locked. */
void p2m_join(struct p2m *p2m, uint64_t gfn, unsigned int level);

#endif
