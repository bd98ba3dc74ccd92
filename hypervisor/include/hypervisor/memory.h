/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * A domain's memory as a whole: its reservation grows, shrinks, is exchanged and given back.
 * xen/memory.h is the interface; the frames themselves are hypervisor/frame.h. Theory and lock
 * rules: core/memory/reservation.c.
 */
#ifndef HYPERVISOR_MEMORY_H
#define HYPERVISOR_MEMORY_H

#include "hypervisor/types.h"

#include <xen/memory.h>

struct domain;
struct frame;

/* ---- life of a domain ------------------------------------------------------------------------ */

/* On creation: lock, empty list, no limit. Cannot fail. */
void domain_memory_init(struct domain *domain);

/*
 * A dying domain gives up its frames: each loses the owner's reference, and goes to the allocator
 * when nobody else refers to it. arch_domain_relinquish comes before (page types). Preemptible:
 * -XEN_ERESTART wants to be called again. Idempotent.
 */
int domain_memory_relinquish(struct domain *domain) __must_check;

/* With the struct's last reference: what is left is not frames but small objects. */
void domain_memory_free(struct domain *domain);

/* ---- reservation ------------------------------------------------------------------------------- */

/* Where new frames are to come from: decoded XENMEMF_* flags. */
struct memory_placement {
    unsigned int node;        /* ALLOC_NODE_ANY */
    unsigned int alloc_flags; /* enum alloc_flags */
    unsigned int bits;        /* machine addresses below 2^bits */
};

/* From mem_flags of the interface; false when no memory can be like that. */
bool memory_placement_decode(uint32_t mem_flags, struct memory_placement *to) __must_check;

/* Largest extent order a caller may ask for. */
unsigned int memory_order_max(const struct domain *caller);

#define MEMORY_NO_PFN (~0ull)

/*
 * One more extent of 2^order frames for the domain; *mfn is its first. The guest calls it pfn
 * (MEMORY_NO_PFN: not yet anything), which goes into the machine-to-phys table. -XEN_ENOMEM,
 * -XEN_EINVAL (dying).
 */
int memory_populate(struct domain *domain, uint64_t pfn, unsigned int order,
                    const struct memory_placement *placement, mfn_t *mfn) __must_check;

/*
 * Takes one frame out of the domain's reservation. The frame goes when the last reference does.
 * -XEN_EINVAL: not the domain's own, the hypervisor's, or released already.
 */
int memory_release(struct domain *domain, mfn_t mfn) __must_check;

/* Undoes memory_populate for an extent that nobody was told of. */
void memory_unpopulate(struct domain *domain, mfn_t mfn, unsigned int order);

/*
 * Frames on their way of an exchange, linked by frame->next; private to one hypercall.
 * memory_exchange_* below.
 */
struct memory_exchange {
    struct domain *domain;
    uint32_t in_first;  /* taken from the domain */
    uint32_t out_first; /* allocated: first frame of each extent; its type word holds the pfn */
    uint32_t out_last;
    uint64_t in_frames;
    unsigned int out_order;
};

void memory_exchange_begin(struct memory_exchange *exchange, struct domain *domain,
                           unsigned int out_order);
/* Takes one frame: -XEN_EINVAL when it is not the domain's, or is referred to (mapped, granted). */
int memory_exchange_take(struct memory_exchange *exchange, mfn_t mfn) __must_check;
/* Allocates one extent, to be called pfn: -XEN_ENOMEM. */
int memory_exchange_give(struct memory_exchange *exchange, uint64_t pfn,
                         const struct memory_placement *placement) __must_check;
/* First frames of the extents allocated, in order: NULL starts, MFN_INVALID ends. */
mfn_t memory_exchange_next(const struct memory_exchange *exchange, const mfn_t *before);
/* All or nothing: the domain owns the new frames and the old ones are free. -XEN_EINVAL: dying. */
int memory_exchange_commit(struct memory_exchange *exchange) __must_check;
/* As if nothing had happened. */
void memory_exchange_cancel(struct memory_exchange *exchange);

/* ---- memory map -------------------------------------------------------------------------------- */

/* As E820 of the PC has it, and XENMEM_memory_map. */
struct memory_map_entry {
    uint64_t start, bytes;
    uint32_t type;
} __packed;

#define MEMORY_MAP_ENTRIES_MAX 1024u

/* What the domain is told of its memory, set by the toolstack. On the heap. */
struct memory_map {
    unsigned int count;
    struct memory_map_entry entries[];
};

/* Takes over `map` (from heap_alloc); the one before is freed. */
void memory_map_set(struct domain *domain, struct memory_map *map);

/* Entry i; false when there is none. *count is how many there are. */
bool memory_map_read(struct domain *domain, unsigned int i, struct memory_map_entry *entry,
                     unsigned int *count) __must_check;

/* ---- for people -------------------------------------------------------------------------------- */

void memory_init_debug_keys(void); /* 'm' */
void memory_dump(char key);

#endif
