/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The frame table: one struct frame per 4 KiB of RAM; the buddy allocator that hands frames out;
 * references and ownership. What a *type* of an in-use frame means is the architecture's
 * (arch/x86/pagetype for PV); the count and the owner are here.
 *
 * count word:  63 allocated-to-owner (the owner's own reference, dropped once by decrease or
 *              teardown) | 62 hypervisor's own (never the guest's to free) | 61 broken | 60 free |
 *              59 static (not from the allocator: modules, image) | 58 private | 57 tainted |
 *              55..0 references
 *
 * A private frame has no owner and exactly one holder, who may use the words type, next, prev and
 * validated as it likes: frame_get refuses it, so that no guest's guess of its number ever touches
 * its count. Giving it to a domain (frame_assign, frame_share_with) ends that.
 */
#ifndef HYPERVISOR_FRAME_H
#define HYPERVISOR_FRAME_H

#include "hypervisor/types.h"

struct domain;

#define FRAME_ALLOCATED  (1ull << 63)
#define FRAME_HYPERVISOR (1ull << 62)
#define FRAME_BROKEN     (1ull << 61)
#define FRAME_FREE       (1ull << 60)
#define FRAME_STATIC     (1ull << 59)
#define FRAME_PRIVATE    (1ull << 58)
#define FRAME_TAINTED    (1ull << 57) /* private: a domain's mappings or data may be left in it */
#define FRAME_COUNT_MASK ((1ull << 56) - 1)

#define FRAME_NO_LINK UINT32_MAX

struct frame {
    uint64_t count; /* flags and references, atomic */
    uint64_t type;  /* in use: the architecture's type word, atomic; free: buddy order */
    uint32_t next;  /* links in the owner's list or a free list: indices into the table */
    uint32_t prev;
    uint16_t owner;     /* domain id; DOMID_INVALID when nobody's */
    uint16_t validated; /* architecture: entries validated so far of a partial page table */
    uint32_t tlb_stamp; /* TLB clock when the last mapping that may be cached went away */
};

_Static_assert(sizeof(struct frame) == 32, "the frame table costs 32 bytes a frame");

extern struct frame *frame_table; /* indexed by mfn; holes of the machine are not backed */
extern uint64_t frame_table_end;  /* first mfn beyond the table */

/* True for RAM that has an entry in the table. Lock-free. */
bool frame_valid(mfn_t mfn);

static inline struct frame *frame_of(mfn_t mfn)
{
    return &frame_table[mfn.value];
}

static inline mfn_t frame_mfn(const struct frame *frame)
{
    return MFN((uint64_t)(frame - frame_table));
}

/* ---- allocation ------------------------------------------------------------------------------ */

#define FRAME_ORDER_MAX 18 /* 1 GiB */

#define ALLOC_NODE_ANY 0xffu
enum alloc_flags {
    ALLOC_ZERO = 1 << 0,       /* contents cleared */
    ALLOC_EXACT_NODE = 1 << 1, /* fail rather than take another node */
    ALLOC_BELOW_4G = 1 << 2,   /* machine address below 4 GiB */
    ALLOC_NO_SCRUB = 1 << 3,   /* caller overwrites all of it at once */
};

/*
 * 2^order contiguous, aligned frames; NULL when there are none (frames others claimed do not count).
 * The frames are private: one reference and no owner. TLB debts of their past are paid before
 * return. May take LOCK_FRAME_POOL; not from interrupt context. The contents are zero unless
 * ALLOC_NO_SCRUB says that the caller overwrites them.
 */
struct frame *frame_alloc(unsigned int order, unsigned int node, unsigned int flags) __must_check;

/* Like frame_alloc, with machine addresses below 2^bits. */
struct frame *frame_alloc_bits(unsigned int order, unsigned int node, unsigned int flags,
                               unsigned int bits) __must_check;

/* Like frame_alloc_bits, for frames the domain is to own: what it claimed may be used, and is used up. */
struct frame *frame_alloc_for(struct domain *domain, unsigned int order, unsigned int node,
                              unsigned int flags, unsigned int bits) __must_check;

/*
 * Claims memory for a domain without choosing it (XENMEM_claim_pages): the domain is to reach
 * `frames` in all. 0 drops the claim. -XEN_EINVAL: a claim exists, or frames is not above what the
 * domain has or beyond frames_max; -XEN_ENOMEM: not that much is left unclaimed.
 */
int frame_claim(struct domain *domain, uint64_t frames) __must_check;

/* Gives 2^order frames back; their reference counts must be 1 or 0. */
void frame_free(struct frame *frame, unsigned int order);

/* For the hypervisor's own use: direct-map address, count flag FRAME_HYPERVISOR set. */
void *frame_alloc_mapped(unsigned int order, unsigned int flags) __must_check;
void frame_free_mapped(void *address, unsigned int order);

/*
 * Boot: give a RAM range [from, to) to the allocator of a node. The table must back it already. Also
 * for (part of) a static range that is not needed any more, which stays on node 0. Frame 0 is kept.
 */
void frame_pool_add(mfn_t from, mfn_t to, unsigned int node);

/*
 * Boot, before other CPUs run: RAM in use that a later frame_pool_add will give, with other CPUs
 * running. Until then its frames are static.
 */
void frame_pool_announce(mfn_t from, mfn_t to, unsigned int node);

/*
 * Boot: RAM that has entries in the table but is in use by something that did not come from the
 * allocator (image, modules). Private, count flag FRAME_STATIC; may be assigned to a domain, or given
 * to the allocator later with frame_pool_add or frame_free. Not for firmware memory that dom0 maps
 * as device memory (ACPI tables): leave that out.
 */
void frame_static_add(mfn_t from, mfn_t to);

/*
 * Lets the idle loop clear free memory, or not: not at first. Boot wants it once dom0 has its frames, which
 * it gets as they are (ALLOC_NO_SCRUB): to clear those would be work for nothing.
 */
void frame_scrub_enable(bool enable);

/* Idle loop: clears some free memory; false when there is nothing (left) to clear. ~10 us a call. */
bool frame_scrub_some(void);

uint64_t frame_count_free(void);
uint64_t frame_count_free_node(unsigned int node);
uint64_t frame_count_total(void);
uint64_t frame_count_total_node(unsigned int node);
uint64_t frame_count_claimed(void); /* frames claimed by domains and not taken yet */
unsigned int frame_node(mfn_t mfn); /* of a valid frame */

/*
 * From now on VIRQ_ENOMEM tells dom0 when free memory that nobody claimed falls below the limit of
 * the option low_mem_virq_limit. Once, after softwork stands and dom0 has its memory.
 */
void low_memory_init(void);

/* ---- references and ownership ---------------------------------------------------------------- */

/*
 * Takes a reference when the frame is in use and `owner` owns it (NULL: whoever does); false and no
 * change otherwise. Saturating: a count near overflow refuses.
 */
bool frame_get(struct frame *frame, const struct domain *owner) __must_check;

/* Takes one more where the caller already holds one. */
void frame_get_again(struct frame *frame);

/* Drops one; the last one frees the frame (owner's accounting included). */
void frame_put(struct frame *frame);

/* The owner, or NULL. Stable only while the caller holds a reference. */
struct domain *frame_owner(const struct frame *frame);

/*
 * Gives private (freshly allocated) frames to a domain: owner, list and count (2^order frames); the
 * caller's reference becomes the FRAME_ALLOCATED one. -XEN_E2BIG-like errors: -XEN_ENOMEM over
 * d->frames_max, -XEN_EINVAL when the domain is dying; then they stay the caller's. `flags`:
 * FRAME_ASSIGN_UNCOUNTED for hypervisor pages shared with the guest; FRAME_ASSIGN_PRECOUNTED for
 * frames that stand for ones taken by frame_take(.., true): the count includes them already.
 */
#define FRAME_ASSIGN_UNCOUNTED  1u
#define FRAME_ASSIGN_PRECOUNTED 2u
int frame_assign(struct domain *domain, struct frame *frame, unsigned int order,
                 unsigned int flags) __must_check;

/*
 * Takes away the owner's own reference (FRAME_ALLOCATED) when still there: true when it was, and
 * then the caller drops a reference of its own to let the frame go.
 */
bool frame_clear_allocated(struct frame *frame) __must_check;

/*
 * Takes a frame away from its owner when there is no reference but the owner's own and the one the
 * caller holds (no mapping, no type, no grant): then it is private and the caller's. False and no
 * change otherwise. keep_count: the domain's count stays as if it still had it, until frame_assign
 * with FRAME_ASSIGN_PRECOUNTED or frame_uncount.
 */
bool frame_take(struct domain *domain, struct frame *frame, bool keep_count) __must_check;

/* Lowers the count of a domain by frames taken with keep_count that nothing will replace. */
void frame_uncount(struct domain *domain, uint64_t frames);

/*
 * A hypervisor page shared with a guest (shared info, grant frames): owned by the domain, readable
 * or writable, freed by the hypervisor only after the last reference is gone.
 */
enum frame_share { FRAME_SHARE_READONLY, FRAME_SHARE_WRITABLE };
void frame_share_with(struct domain *domain, void *address, enum frame_share how);

/* Takes shares back; the frame is freed once nobody refers to it any more. */
void frame_unshare(void *address);

/* All invariants of the allocator (slow); for debug keys and tests. */
bool frame_pool_valid(void);

#endif
