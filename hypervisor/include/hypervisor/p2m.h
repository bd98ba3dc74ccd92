/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The physical map of a translated guest (HVM, PVH): what stands behind each guest frame number, in
 * tables that the processor itself walks. One walker serves every format of such tables; a format
 * is a descriptor (struct p2m_format) of the architecture's. PV guests have no physical map.
 */
#ifndef HYPERVISOR_P2M_H
#define HYPERVISOR_P2M_H

#include "hypervisor/lock.h"
#include "hypervisor/types.h"

struct domain;
struct frame;

enum p2m_type {
    P2M_NONE,           /* nothing: what the guest touches there is emulated or refused */
    P2M_RAM,            /* the domain's own frame */
    P2M_RAM_CLEAN,      /* the same while writes are logged: not written since the log was read */
    P2M_RAM_READONLY,   /* the domain's own frame; the guest's writes are dropped */
    P2M_GRANT,          /* another domain's frame by a grant */
    P2M_GRANT_READONLY, /* the same, not to be written */
    P2M_FOREIGN,        /* another domain's frame, mapped by its toolstack */
    P2M_DEVICE,         /* device memory it may use */
    P2M_PAGED,          /* reserved for frames that were paged out */
    P2M_TYPES,
};

/* Entries of order 0, 9 and 18: 4 KiB, 2 MiB and 1 GiB, where the format has them. */
#define P2M_LEVEL_BITS   9u
#define P2M_LEVEL_MAX    4u /* of a root; a 4 KiB entry is of level 1 */
#define P2M_ENTRIES      (1u << P2M_LEVEL_BITS)
#define P2M_ORDER(level) (((level)-1) * P2M_LEVEL_BITS)

struct p2m_mapping {
    mfn_t mfn; /* of the gfn asked for; MFN_INVALID where the type has no frame */
    enum p2m_type type;
    unsigned int order; /* of the entry it is part of; of the hole, when there is none */
};

/*
 * A format of tables. Words are read and written as a whole. 0 has to read as P2M_NONE at every
 * level, and a leaf word tells its type and frame.
 */
struct p2m_format {
    const char *name;
    unsigned int levels;         /* of the root, at most P2M_LEVEL_MAX */
    unsigned int leaf_level_max; /* the highest level whose entries may be leaves */
    uint64_t (*leaf)(mfn_t mfn, enum p2m_type type, unsigned int level);
    uint64_t (*table)(mfn_t mfn);
    bool (*is_table)(uint64_t word, unsigned int level);
    enum p2m_type (*type)(uint64_t word);
    mfn_t (*mfn)(uint64_t word);
};

struct p2m {
    struct domain *domain;
    const struct p2m_format *format;
    uint64_t *root;
    struct spinlock lock; /* LOCK_P2M: whoever changes entries, and the pool */
    uint32_t generation;  /* atomic: advances before a table that was in use is used again */
    bool logging;
    bool dying;
    /* Tables that are not in use, linked through their first words. */
    uint64_t *pool_first;
    uint64_t pool_free, pool_total;
    uint32_t pool_stamp;  /* TLB clock: what the tables of the pool owe */
    uint32_t debt_stamp;  /* TLB clock: what p2m_flush has to pay */
    bool pool_owes, debt; /* under the lock */
    uint64_t gfn_end;     /* beyond the highest gfn that ever had an entry */
    uint64_t cursor;      /* where a preempted walk over everything goes on */
};

/*
 * An empty map with a root and no pool. -XEN_ENOMEM. p2m_free wants an emptied map (p2m_empty); a map
 * that was never created (all zero) is fine.
 */
int p2m_create(struct p2m *p2m, struct domain *domain,
               const struct p2m_format *format) __must_check;
void p2m_free(struct p2m *p2m);

/*
 * Makes the pool of tables that large, those in use included (XEN_DOMCTL_set_paging_mempool_size).
 * Preemptible: -XEN_ERESTART. -XEN_ENOMEM; -XEN_EBUSY: more than that many are in use.
 */
int p2m_pool_resize(struct p2m *p2m, uint64_t frames) __must_check;

/* What stands at gfn: without a lock; true at some moment between call and return. */
struct p2m_mapping p2m_lookup(struct p2m *p2m, gfn_t gfn);

/*
 * The frame at gfn with a reference, NULL when there is none of such a type; *type when not NULL is
 * what stands there. `write`: the caller is going to write, on behalf of the guest: read-only types
 * give NULL, and a logged page counts as written.
 */
struct frame *p2m_get_frame(struct p2m *p2m, gfn_t gfn, bool write,
                            enum p2m_type *type) __must_check;

/*
 * Puts 2^order frames from mfn on at gfn (both aligned to the order), in place of what is there.
 * Splits a larger entry, and joins a full table of equal neighbours to one entry. With type P2M_NONE
 * or P2M_PAGED mfn does not matter. *old (may be NULL) is what stood at gfn.
 *
 * P2M_FOREIGN and P2M_GRANT* are of order 0, and the caller's reference of the frame goes with the
 * entry: whoever takes the entry away (old->type says so) drops it, after p2m_flush.
 *
 * -XEN_EINVAL: order or alignment the format does not have, or a gfn beyond it; -XEN_EBUSY: order
 * above 0 and an entry below that holds a reference; -XEN_ENOMEM: the pool is used up; -XEN_ESRCH: the
 * map is being emptied. Nothing changed then. May wait for a TLB flush; no lock may be held.
 */
int p2m_set(struct p2m *p2m, gfn_t gfn, mfn_t mfn, unsigned int order, enum p2m_type type,
            struct p2m_mapping *old) __must_check;

/*
 * Takes the one page away again if it still is that frame: -XEN_ENOENT when not (or the errors of
 * p2m_set). *type is what it was.
 */
int p2m_remove(struct p2m *p2m, gfn_t gfn, mfn_t mfn, enum p2m_type *type) __must_check;

/* Returns when no processor can use what was taken away, or restricted, before the call. */
void p2m_flush(struct p2m *p2m);

/*
 * Takes everything away, dropping references; from then on the map stays empty. Preemptible:
 * -XEN_ERESTART, 0 when done.
 */
int p2m_empty(struct p2m *p2m) __must_check;

/* ---- the log of written pages ---------------------------------------------------------------- */

/*
 * P2M_RAM becomes P2M_RAM_CLEAN, and back at the first write: the log is in the map itself. Start and
 * stop visit every entry: preemptible, -XEN_ERESTART. Pages that come while logging count as written.
 */
int p2m_log_start(struct p2m *p2m) __must_check;
int p2m_log_stop(struct p2m *p2m) __must_check;

/* A write to gfn faulted: true when it may be tried again, for it was only logged. */
bool p2m_log_write(struct p2m *p2m, gfn_t gfn);

/*
 * Sets bit i of bitmap where gfn first + i was written (count <= P2M_LOG_COUNT_MAX), clears the others;
 * with `clear` they count as not written from then on: call p2m_flush before the bitmap is used.
 * How many were. Pages of larger entries are written or not as one until a write splits them.
 */
#define P2M_LOG_COUNT_MAX 32768u
unsigned int p2m_log_read(struct p2m *p2m, gfn_t first, unsigned int count, unsigned long *bitmap,
                          bool clear);

/* The map's invariants (slow); for debug builds and tests. */
bool p2m_valid(struct p2m *p2m);

static inline bool p2m_type_has_frame(enum p2m_type type)
{
    return type != P2M_NONE && type != P2M_PAGED;
}

static inline bool p2m_type_is_ram(enum p2m_type type)
{
    return type == P2M_RAM || type == P2M_RAM_CLEAN || type == P2M_RAM_READONLY;
}

/* The entry holds a reference of its own on the frame. */
static inline bool p2m_type_is_held(enum p2m_type type)
{
    return type == P2M_GRANT || type == P2M_GRANT_READONLY || type == P2M_FOREIGN;
}

static inline bool p2m_type_writable(enum p2m_type type)
{
    return type == P2M_RAM || type == P2M_GRANT || type == P2M_FOREIGN || type == P2M_DEVICE;
}

#endif
