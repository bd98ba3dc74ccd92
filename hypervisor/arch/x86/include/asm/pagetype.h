/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Typed, counted frames: what makes it safe that a PV guest's page tables are the hardware's.
 * Theory, invariants and lock rules: arch/x86/pagetype/type.c.
 *
 * frame->type of a frame in use:
 *   63..60 enum pagetype  59 pinned  58 validated  57 partial  56 dismantling  55 locked
 *   54 noncoherent  30..0 type references
 * A count of 0 leaves the type behind as a memory of what the frame was last: TLBs may still know.
 * A frame fresh from the allocator has 0 here.
 */
#ifndef ASM_PAGETYPE_H
#define ASM_PAGETYPE_H

#include "hypervisor/frame.h"

struct domain;
struct vcpu;

enum pagetype {
    PAGETYPE_NONE,
    PAGETYPE_L1, /* page tables: L1 is the leaf level; value == level */
    PAGETYPE_L2,
    PAGETYPE_L3,
    PAGETYPE_L4,
    PAGETYPE_WRITABLE,   /* mapped writable somewhere, or written by the hypervisor for a guest */
    PAGETYPE_DESCRIPTOR, /* part of a GDT or LDT */
    PAGETYPE_READONLY,   /* the hypervisor's own page, lent to be read: never any other type */
};

#define PAGETYPE_SHIFT       60
#define PAGETYPE_PINNED      (1ull << 59) /* one of the references is the guest's pin */
#define PAGETYPE_VALIDATED   (1ull << 58) /* entries hold references, the type can be relied on */
#define PAGETYPE_PARTIAL     (1ull << 57) /* table: entries [0, frame->validated) hold references */
#define PAGETYPE_DISMANTLING (1ull << 56) /* table: likewise, and they are being given up */
#define PAGETYPE_LOCKED      (1ull << 55) /* one CPU is changing the type: others wait */
#define PAGETYPE_NONCOHERENT (1ull << 54) /* was mapped with a memory type other than write-back */
#define PAGETYPE_COUNT_MASK  0x7fffffffull

static inline enum pagetype pagetype_of_word(uint64_t word)
{
    return (enum pagetype)(word >> PAGETYPE_SHIFT);
}

static inline uint32_t pagetype_count_of_word(uint64_t word)
{
    return (uint32_t)(word & PAGETYPE_COUNT_MASK);
}

/* The type in force, PAGETYPE_NONE while nothing refers to the frame by its type. */
static inline enum pagetype pagetype_of(const struct frame *frame)
{
    uint64_t word = READ_ONCE(frame->type);

    return pagetype_count_of_word(word) ? pagetype_of_word(word) : PAGETYPE_NONE;
}

/* First: from arch_domain_create, for PV domains. */
void pagetype_domain_init(struct domain *domain);

/* ---- roots ----------------------------------------------------------------------------------- */

/*
 * Makes a validated L4 of the vcpu's domain its kernel (user) root and drops the one before; user
 * root 0: none. Updates vcpu->arch.cr3, and the hardware's CR3 when the vcpu is current. For
 * another vcpu than the current one: it must be paused and off its CPU. -XEN_EINVAL when the frame
 * cannot be an L4, -XEN_ERESTART when validation needs to go on: call again. Interrupts on, no lock
 * held.
 */
int root_set_kernel(struct vcpu *vcpu, mfn_t mfn) __must_check;
int root_set_user(struct vcpu *vcpu, mfn_t mfn) __must_check;

/* Drops both roots: never fails, what it leaves to do is done by the domain's next operations. */
void root_drop(struct vcpu *vcpu);

/*
 * Tables that were written as raw frames of a domain become a pinned, validated L4. The frames of
 * tables must be mapped read-only wherever these tables map them. Not preempted. For domain
 * builders within the hypervisor.
 */
int pagetype_adopt_root(struct domain *domain, mfn_t l4) __must_check;

/*
 * Part of arch_domain_relinquish: all vcpus of the dying domain are off their CPUs. Unpins and
 * invalidates everything; afterwards no frame of the domain is a page table. -XEN_ERESTART: call
 * again.
 */
int pagetype_relinquish(struct domain *domain) __must_check;

/* ---- page-table entries ---------------------------------------------------------------------- */

/* Where the entry of a virtual address stands. */
struct pte_place {
    mfn_t table; /* the L1 frame */
    unsigned int index;
    uint64_t value; /* as read */
};

/*
 * Finds the L1 entry (present or not) that maps `va` in the vcpu's kernel root. False when there is
 * none or the address is the hypervisor's or not canonical. Without the domain's mmu_lock the
 * answer is a hint: pagetype_write_pte checks again.
 */
bool pagetype_find_pte(const struct vcpu *vcpu, uint64_t va, struct pte_place *place) __must_check;

/*
 * Writes entry `index` of an L1 table of the domain with all checks, on behalf of a write fault.
 * compare: only when the entry is still `expected` (accessed and dirty bits included), else
 * -XEN_EAGAIN; -XEN_EAGAIN also when the frame is no L1 table (any more): repeat the instruction.
 * -XEN_EINVAL, -XEN_EPERM: the value may not be written. Current context, no lock held.
 */
int pagetype_write_pte(struct domain *domain, mfn_t table, unsigned int index, uint64_t expected,
                       uint64_t value, bool compare) __must_check;

/* ---- descriptor tables ----------------------------------------------------------------------- */

/*
 * May a guest have this (8-byte) descriptor in a GDT or LDT? Not present: always. Code and data:
 * yes, and *raw is changed: DPL 3, accessed. System segments and gates: no.
 */
bool descriptor_acceptable(uint64_t *raw) __must_check;

/*
 * Takes a reference and a descriptor-type reference of a frame of the domain: all its 512
 * descriptors are checked (and changed) first. -XEN_EINVAL. Any lock above LOCK_CALL may be held.
 */
int pagetype_get_descriptor_frame(struct domain *domain, mfn_t mfn) __must_check;
void pagetype_put_descriptor_frame(mfn_t mfn);

/* ---- checks ---------------------------------------------------------------------------------- */

/* Counts all references of the domain's tables again and compares (slow, domain paused). */
bool pagetypes_valid(struct domain *domain);

#endif
