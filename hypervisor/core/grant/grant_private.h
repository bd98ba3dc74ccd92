/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* What the files of core/grant share. The theory is at the top of grant.c. */
#ifndef CORE_GRANT_PRIVATE_H
#define CORE_GRANT_PRIVATE_H

#include "hypervisor/atomic.h"
#include "hypervisor/bug.h"
#include "hypervisor/error.h"
#include "hypervisor/frame.h"
#include "hypervisor/grant.h"
#include "hypervisor/nospec.h"

/* Use of one entry by other domains. */
struct grant_active {
    struct spinlock lock; /* LOCK_GRANT_ACTIVE */
    uint32_t readers;     /* pins that only read */
    uint32_t writers;     /* pins that write */
};

#define GRANT_PINS_MAX (UINT32_MAX / 2)

/* One thing this domain maps of another. */
struct grant_mapping {
    struct domain *granter; /* referenced; NULL while free */
    mfn_t mfn;              /* referenced; typed writable unless GNTMAP_readonly */
    uint32_t ref;           /* free: the next free handle */
    uint16_t flags;         /* GNTMAP_*, MAPPING_BUSY */
};

#define MAPPING_FLAGS                                                                 \
    (GNTMAP_host_map | GNTMAP_device_map | GNTMAP_readonly | GNTMAP_application_map | \
     GNTMAP_contains_pte)
#define MAPPING_HELD (GNTMAP_host_map | GNTMAP_device_map)
#define MAPPING_BUSY (1u << 15) /* somebody is setting it up or taking it away */

#define HANDLE_NONE      UINT32_MAX
#define HANDLES_A_BUCKET 128u
#define HANDLES_A_FRAME  256u /* of the quota maptrack_frames_max */

#define V1_A_FRAME     ((uint32_t)(PAGE_SIZE / sizeof(struct grant_entry_v1)))
#define V2_A_FRAME     ((uint32_t)(PAGE_SIZE / sizeof(union grant_entry_v2)))
#define STATUS_A_FRAME ((uint32_t)(PAGE_SIZE / sizeof(grant_status_t)))

struct grant_table {
    struct spinlock lock;  /* LOCK_GRANT: growth and version */
    uint32_t version;      /* 1, 2; changes only while no entry is in use but reserved ones */
    bool version_changing; /* no new pins meanwhile; reserved entries are not to be touched */
    uint32_t change_step;  /* how far: version.c */
    uint32_t change_frames;
    uint32_t version_max;
    uint32_t frames, frames_max;  /* only grows; published after the frame's pointers */
    uint32_t status_frames;       /* version 2; likewise */
    uint32_t retire_next;         /* frames below are given back; teardown only */
    void **shared;                /* frames_max pages of entries; NULL once given back */
    struct grant_active **active; /* V1_A_FRAME for each frame, whatever the version */
    grant_status_t **status;

    struct spinlock map_lock; /* LOCK_GRANT_MAP: all below */
    struct grant_mapping **maps;
    uint32_t handles, handles_max; /* whole buckets */
    uint32_t handles_used;
    uint32_t handle_free; /* first of the free list, HANDLE_NONE */
    uint32_t release_next;
};

static inline uint32_t grant_entries_a_frame(uint32_t version)
{
    return version == 2 ? V2_A_FRAME : V1_A_FRAME;
}

static inline uint32_t grant_status_frames_for(uint32_t frames)
{
    return DIV_ROUND_UP(frames * V2_A_FRAME, STATUS_A_FRAME);
}

/* Entries that outlive a change of version, in use or not. */
static inline bool grant_reserved(uint32_t ref)
{
    return ref < GNTTAB_NR_RESERVED_ENTRIES;
}

static inline bool grant_domain_dying(const struct domain *domain)
{
    return atomic_read(&domain->dying) != DOMAIN_ALIVE;
}

/* ---- entries (entry.c) ----------------------------------------------------------------------- */

/* What a pinned entry gives access to. */
struct grant_extent {
    gfn_t gfn;
    uint16_t offset, length; /* PAGE_SIZE is 0, 4096 */
};

/*
 * Pins an entry for `user`: checks it, marks it in use for the granter to see, counts. Sub-page
 * grants only when `partial`. GNTST_okay, or why not.
 */
int16_t grant_pin(struct domain *granter, uint32_t ref, const struct domain *user, bool write,
                  bool partial, struct grant_extent *extent) __must_check;
void grant_unpin(struct domain *granter, uint32_t ref, bool write);

/* Makes the marks of an entry those of its counts. */
void grant_remark(struct grant_table *table, uint32_t ref);

/*
 * Does the entry accept a frame from the giver? *header is then what grant_accept_commit asks the
 * entry still to be; it says false when it is not, else the receiver sees the frame's number and
 * that the transfer is complete. Both with the table's and the entry's lock held.
 */
int16_t grant_accept_check(struct domain *receiver, uint32_t ref, const struct domain *giver,
                           mfn_t mfn, uint32_t *header) __must_check;
bool grant_accept_commit(struct domain *receiver, uint32_t ref, uint32_t header,
                         mfn_t mfn) __must_check;

/* The use count of an entry, at the same place whatever the version; NULL beyond the frames. */
static inline struct grant_active *grant_active_of(const struct grant_table *table, uint32_t ref)
{
    if (ref / V1_A_FRAME >= atomic_read_acquire(&table->frames)) {
        return NULL;
    }
    return &table->active[index_nospec(ref / V1_A_FRAME, table->frames)][ref % V1_A_FRAME];
}

/* Waits until every CPU that looked before has left the entries of a frame. */
void grant_frame_drain(struct grant_table *table, uint32_t frame);

/*
 * A frame of an extent, referenced and, for writing, typed. NULL when it is not (any more) RAM of
 * that kind.
 */
struct frame *grant_frame_hold(struct domain *owner, gfn_t gfn, bool write) __must_check;
void grant_frame_release(struct frame *frame, bool write);

/*
 * Status words for that many frames of version 2 entries. Under table->lock. -XEN_ENOMEM, -XEN_EINVAL,
 * -XEN_ERESTART.
 */
int grants_grow_status(struct domain *domain, uint32_t frames) __must_check;

/* ---- handles (maptrack.c) -------------------------------------------------------------------- */

/* A free handle, MAPPING_BUSY. HANDLE_NONE over the limit, out of memory, or dying. */
uint32_t grant_handle_alloc(struct domain *domain) __must_check;

/* Its mapping is there: not busy any more. */
void grant_handle_publish(struct domain *domain, uint32_t handle,
                          const struct grant_mapping *mapping);
void grant_handle_free(struct domain *domain, uint32_t handle);

/* Makes a mapping in use busy and copies it. False when there is none or it is busy already. */
bool grant_handle_claim(struct domain *domain, uint32_t handle,
                        struct grant_mapping *copy) __must_check;

/* Ends a claim; `drops` of GNTMAP_host_map and GNTMAP_device_map are gone. True when nothing is
 * left: the handle is free, and the caller gives back what the mapping held. */
bool grant_handle_unclaim(struct domain *domain, uint32_t handle, uint16_t drops) __must_check;

struct grant_mapping *grant_mapping_of(const struct grant_table *table, uint32_t handle);

/* Unpins and puts what a mapping held. TLBs are clean of it. */
void grant_mapping_release(const struct grant_mapping *mapping);

/* The domain of that id, through the batch's cache; NULL when there is none with grants. */
struct domain *grant_peer_find(struct grant_peer *peer, domid_t id);

#endif
