/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Grant tables: a domain lends frames to another. xen/grant_table.h is the interface. Theory,
 * invariants and lock rules: core/grant/grant.c.
 */
#ifndef HYPERVISOR_GRANT_H
#define HYPERVISOR_GRANT_H

#include "hypervisor/domain.h"

#include <xen/grant_table.h>

/* Once, at boot: debug key 'g'. */
void grants_init(void);

/* What a domain may have. Below 0: as much as the options allow. A frame of maptrack is 256 handles. */
struct grant_limits {
    int frames, maptrack_frames;
    unsigned int version; /* 1 or 2; the option may lower it */
};

/* Puts numbers for what is below 0. -XEN_EINVAL: no frame, or more than the options allow. */
int grants_limits_decide(struct grant_limits *limits) __must_check;

/* Life of a domain's grants. -XEN_EINVAL as above, -XEN_ENOMEM. */
int grants_create(struct domain *domain, const struct grant_limits *asked) __must_check;

/*
 * Of a dying domain whose page tables are gone: gives up what it maps of others, then its shared
 * frames. Preemptible: -XEN_ERESTART. What others map of it they keep, with a reference to it.
 */
int grants_release_mappings(struct domain *domain) __must_check;
void grants_free(struct domain *domain); /* the last reference is gone */

/*
 * Frame `index` of the shared table (or of the status table, version 2), growing it when the
 * domain's limit allows; for XENMAPSPACE_grant_table and acquire_resource. Errors of grants_grow.
 */
int grants_frame(struct domain *domain, unsigned int index, bool status, mfn_t *out) __must_check;

/*
 * The table has at least that many frames: -XEN_EINVAL over the limit or dying, -XEN_ENOMEM.
 * Preemptible: -XEN_ERESTART, some were added.
 */
int grants_grow(struct domain *domain, unsigned int frames) __must_check;

struct grants_size {
    unsigned int frames, frames_max, status_frames, version;
};
void grants_query(struct domain *domain, struct grants_size *size);

/*
 * Changes the version of the table; its first GNTTAB_NR_RESERVED_ENTRIES entries are kept, the
 * others become invalid. -XEN_EINVAL for a version unknown, -XEN_EOPNOTSUPP for one the domain may
 * not have, -XEN_EBUSY while another grant is in use, -XEN_ENOMEM. Preemptible: -XEN_ERESTART; until it is
 * finished, nobody can use a grant anew (GNTST_eagain).
 */
int grants_set_version(struct domain *domain, unsigned int version) __must_check;

/* Prints the table's grants in use to the console. */
void grants_dump(struct domain *domain);

/* The last domain a batch looked up, referenced: { NULL } before, grant_peer_put after the batch. */
struct grant_peer {
    struct domain *domain;
};
void grant_peer_put(struct grant_peer *peer);

/* One operation each, of the current domain; the result is in op->status. No lock held. */
void grant_map(struct domain *caller, struct gnttab_map_grant_ref *op, struct grant_peer *peer);
void grant_copy(struct domain *caller, struct gnttab_copy *op, struct grant_peer peers[2]);
void grant_transfer(struct domain *caller, struct gnttab_transfer *op, struct grant_peer *peer);
int16_t grant_swap(struct domain *caller, uint32_t ref_a, uint32_t ref_b);

/*
 * Unmapping in batches: begin takes the mappings away one by one, finish flushes TLBs once and gives
 * the frames back. Every operation begun must be finished, failed ones included.
 */
struct grant_unmap {
    uint64_t host_address, device_address; /* 0: leave that one */
    uint64_t new_address;                  /* where the replacement's PTE is taken from */
    uint32_t handle;
    bool replace;
    int16_t status; /* GNTST_* */
    uint16_t drops; /* for finish: GNTMAP_host_map, GNTMAP_device_map */
};
void grant_unmap_begin(struct domain *caller, struct grant_unmap *op);
void grant_unmap_finish(struct domain *caller, struct grant_unmap *ops, unsigned int count);

/* The invariants of core/grant/grant.c, when nothing changes meanwhile. */
bool grants_valid(const struct domain *domain);

#endif
