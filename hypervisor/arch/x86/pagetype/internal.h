/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Between the files of arch/x86/pagetype. "Locked" means: the domain's mmu_lock is held. */
#ifndef PAGETYPE_INTERNAL_H
#define PAGETYPE_INTERNAL_H

#include "asm/page.h"
#include "asm/pagetype.h"
#include "hypervisor/domain.h"
#include "hypervisor/frame.h"

#define PAGE_TABLE_LEVELS 4

/* ---- type.c: the type word ------------------------------------------------------------------- */

/* The word, once nobody holds PAGETYPE_LOCKED in it. */
uint64_t type_read_unlocked(const struct frame *frame);

/*
 * Count 0 -> 1 of another type: wins the word `was` by compare-exchange, leaves it LOCKED (with
 * `flags`), then pays TLB and cache debts. False: the word was not `was` any more. End with
 * type_finish.
 */
bool type_begin(struct frame *frame, uint64_t was, enum pagetype type, uint64_t flags);

/* Writes the whole word; the caller excludes all other writers. */
void type_finish(struct frame *frame, enum pagetype type, uint64_t flags, uint32_t count);

/* WRITABLE and DESCRIPTOR: 0, -XEN_EINVAL (another type), -XEN_EBUSY (count at its limit). */
int type_get_simple(struct frame *frame, enum pagetype type) __must_check;
void type_put_simple(struct frame *frame, enum pagetype type);

/* One more reference of a type that is validated and in use; else false, nothing changed. */
bool type_get_validated(struct frame *frame, enum pagetype type) __must_check;
/* Drops a reference unless it is the last one. */
bool type_put_not_last(struct frame *frame) __must_check;

/*
 * The frame, of which the caller holds a WRITABLE reference, is going to be mapped writable with a
 * memory type other than write-back. What is cached from before leaves the caches.
 */
void type_mark_noncoherent(struct frame *frame);

/* ---- descriptor.c ---------------------------------------------------------------------------- */

bool descriptors_validate(uint64_t *descriptors) __must_check;

/* ---- entry.c: what an entry may be, and what it holds ---------------------------------------- */

/*
 * Takes the references that a new entry of a table of `domain` needs and adjusts its flags: L1
 * entries refer to frames of `owner`. Not present: none, but it is checked. Locked. 0, -XEN_EINVAL, -XEN_EPERM,
 * -XEN_EBUSY, -XEN_ERESTART (level > 2).
 */
int entry_get(struct domain *domain, unsigned int level, uint64_t *pte,
              struct domain *owner) __must_check;
/* An entry that is not present may be in a table in use: it is harmless, or need not be. */
bool entry_absent_is_safe(const struct domain *domain, uint64_t pte);

static inline bool entry_absent_is_fine(const struct domain *domain, uint64_t pte)
{
    return likely(!domain->arch.check_absent) || pte == 0 || entry_absent_is_safe(domain, pte);
}

/* Gives them back. May leave work in the domain's backlog. Locked. */
void entry_put(struct domain *domain, unsigned int level, uint64_t pte);

/* Device memory: no RAM the table knows, or firmware's RAM that DOMID_IO owns. */
bool mfn_is_device(mfn_t mfn);

/*
 * The new entry needs exactly the references the old one has; then *pte is adjusted. False also
 * when the new one is not acceptable.
 */
bool entry_same_references(unsigned int level, uint64_t old, uint64_t *pte);

/* Slots 256..271 of an L4. */
static inline bool entry_is_hypervisors(unsigned int level, unsigned int index)
{
    return level == PAGE_TABLE_LEVELS && index >= SLOT_FIRST && index < SLOT_END;
}

/* ---- table.c: page tables, validation and dismantling ---------------------------------------- */

/*
 * A plain and a type reference to frame `mfn` of the domain as a level-n table, validating it when
 * it is none yet. Locked. 0; -XEN_EINVAL; -XEN_EBUSY; -XEN_ERESTART: preempted, call again.
 */
int table_get(struct domain *domain, mfn_t mfn, unsigned int level) __must_check;
/* The same without the lock, for a table that is validated: false when the lock is needed. */
bool table_get_quick(struct domain *domain, mfn_t mfn, unsigned int level) __must_check;

/* Drops both. What cannot be dismantled at once is the backlog's. Locked. */
void table_put(struct domain *domain, mfn_t mfn, unsigned int level);
bool table_put_quick(mfn_t mfn) __must_check;

/* 0, or -XEN_ERESTART while the domain has tables to dismantle. Locked. */
int table_finish_backlog(struct domain *domain) __must_check;
bool table_has_backlog(const struct domain *domain);

/* A validated table of any level; stays one as long as the owner's mmu_lock is held. Locked. */
bool table_is_live(const struct frame *frame);

/* An incomplete (PARTIAL) table will not be completed any more: to the backlog. Locked. */
void table_abandon(struct domain *domain, struct frame *frame);

/* ---- update.c -------------------------------------------------------------------------------- */

enum update_kind {
    UPDATE_PLAIN,
    UPDATE_KEEP_AD, /* accessed and dirty bits of the old entry stay */
    UPDATE_COMPARE, /* only when it is still `expected`, else -XEN_EAGAIN */
};

/*
 * Writes one entry of a VALIDATED table. Locked; the backlog must be empty, and the caller must
 * call table_finish_backlog() afterwards. Errors as entry_get's.
 */
int table_update(struct domain *domain, struct frame *frame, unsigned int index, uint64_t value,
                 struct domain *owner, enum update_kind kind, uint64_t expected) __must_check;

/* ---- pin.c ----------------------------------------------------------------------------------- */

int table_pin(struct domain *domain, mfn_t mfn, unsigned int level) __must_check; /* locked */
int table_unpin(struct domain *domain, mfn_t mfn) __must_check;                   /* locked */

/* In the count of mmu_update and mmuext_op: a continuation, what was done before is in *pdone. */
#define MMU_UPDATE_PREEMPTED (1u << 31)

/* ---- grant_map.c: arch_grant_map_host and arch_grant_unmap_host of arch/memory.h ------------- */

int grant_entry_map(struct vcpu *vcpu, uint64_t host_address, mfn_t mfn, uint32_t flags,
                    uint64_t pte_flags);
int grant_entry_unmap(struct vcpu *vcpu, uint64_t host_address, mfn_t mfn, uint64_t new_address,
                      uint32_t flags);

/* ---- foreign.c ------------------------------------------------------------------------------- */

/*
 * The domain a hypercall's foreigndom means, with a reference; NULL and *error: -XEN_ESRCH,
 * -XEN_EPERM. DOMID_IO is anyone's.
 */
struct domain *foreign_domain_get(uint16_t id, int *error) __must_check;

/* ---- flush.c: TLB flushes that a guest asks for ---------------------------------------------- */

struct cpu_mask;

/* CPUs that may hold the domain's translations. */
void flush_mask_domain(const struct domain *domain, struct cpu_mask *mask);
/* The same for the vcpus of a bitmap in guest memory. -XEN_EFAULT. No lock held. */
int flush_mask_guest(const struct domain *domain, uint64_t bitmap,
                     struct cpu_mask *mask) __must_check;

#endif
