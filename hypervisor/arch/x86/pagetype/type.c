/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Typed, counted frames.
 *
 * A PV guest's page tables are the hardware's. What keeps the guest in its own memory is that every
 * entry was looked at before it could be used, and that the guest cannot write what was looked at.
 * Both follow from counting, for each frame, the references that need it to be one kind of thing:
 *
 *      vcpu root, pin                     GDT, LDT slot      grant map, hypervisor's writes
 *           |                                   |                       |
 *         L4 frame --entry--> L3 --> L2 --> L1 --writable entry--> WRITABLE frame
 *                                            \--read-only entry--> any frame (plain reference)
 *
 * Each arrow to a page table, a descriptor frame or a writable frame is one type reference and one
 * plain reference (frame->count); a read-only arrow is a plain reference alone.
 *
 * Invariants
 *  1. A frame has one type at a time while its type count is above 0.
 *  2. Hence no page table or descriptor frame is mapped writable by any guest: writable entries
 *     hold a WRITABLE reference.
 *  3. Entries of a VALIDATED L(n), n > 1, refer to VALIDATED L(n-1) frames of the same domain only.
 *     There are no linear (self-referring) tables; so there are no cycles.
 *  4. Entries of a VALIDATED L1 refer to frames whose reference they hold, or to device memory that
 *     the domain was allowed when the entry was made.
 *  5. Every present entry of a guest's table has PTE_USER (guest kernels run in ring 3) and lacks
 *     PTE_GLOBAL (a CR3 load flushes all a guest put in a TLB), PTE_HUGE and reserved bits.
 *  6. Slots 256..271 of a VALIDATED L4 are the hypervisor's.
 *  7. A PARTIAL or DISMANTLING table has count 1, and holds the references of entries
 *     [0, frame->validated) only. That one reference belongs to whoever completes the validation
 *     (PARTIAL) or to the domain's backlog (DISMANTLING).
 *  8. Before a frame gets a type other than the one it had last, every CPU that may hold
 *     translations from that time has flushed: frame->tlb_stamp is the TLB clock at the moment the
 *     count went to
 *     0, taken after the last mapping went away.
 *  9. Memory that was mapped with another memory type than write-back is flushed from the caches
 *     before it becomes a table (what the CPU walks is what was validated).
 *
 * Locks and ordering
 *  L1..L4 types go from and to count 0, PARTIAL, DISMANTLING and PINNED change, and entries are
 *  written, under the owner's mmu_lock only. References to a VALIDATED table with a count above 0
 *  are taken and dropped (but the last) without it, by compare-exchange. WRITABLE and DESCRIPTOR
 *  are taken and dropped without any lock: who makes the count leave 0 for another type, or drops
 *  the last one, holds PAGETYPE_LOCKED in the word meanwhile; others spin, and flush when asked (an
 *  LDT page comes in by fault on the way out to the guest, with interrupts off). Stamps are written
 *  while LOCKED (or DISMANTLING) excludes everybody else: otherwise a reference taken and dropped
 *  in between would be older than the stamp says.
 *
 *  One deviation from the design's rule: a TLB flush is waited for with mmu_lock held, because a
 *  type change in the midst of a validation cannot be taken apart. Nobody takes mmu_lock with
 *  interrupts off, so the flushed CPUs answer.
 *
 * Not guaranteed: non-present entries may hold any bits (L1TF needs its own answer).
 */
#include "internal.h"

#include "arch/cpu.h"
#include "arch/memory.h"
#include "asm/cache.h"
#include "asm/tlb.h"
#include "hypervisor/atomic.h"
#include "hypervisor/bug.h"
#include "hypervisor/error.h"

void pagetype_domain_init(struct domain *domain)
{
    spin_lock_init(&domain->arch.mmu_lock, LOCK_MMU);
}

static uint64_t type_word(enum pagetype type, uint64_t flags, uint32_t count)
{
    return (uint64_t)type << PAGETYPE_SHIFT | flags | count;
}

uint64_t type_read_unlocked(const struct frame *frame)
{
    uint64_t word;

    while ((word = atomic_read_acquire(&frame->type)) & PAGETYPE_LOCKED) {
        tlb_poll(); /* interrupts may be off here, and the holder wait for this CPU's flush */
        arch_cpu_relax();
    }
    return word;
}

/* Pays what the frame owes before it can have another type. The caller holds PAGETYPE_LOCKED. */
static void pay_debts(struct frame *frame, uint64_t was, enum pagetype type)
{
    if (pagetype_of_word(was) != PAGETYPE_NONE && pagetype_of_word(was) != type) {
        arch_tlb_flush_since(READ_ONCE(frame->tlb_stamp));
    }
    if (was & PAGETYPE_NONCOHERENT) {
        cache_flush_range(mfn_to_virt(frame_mfn(frame)), PAGE_SIZE);
    }
}

bool type_begin(struct frame *frame, uint64_t was, enum pagetype type, uint64_t flags)
{
    uint64_t expected = was;

    if (!atomic_compare_exchange(&frame->type, &expected,
                                 type_word(type, PAGETYPE_LOCKED | flags, 1))) {
        return false;
    }
    pay_debts(frame, was, type);
    return true;
}

void type_finish(struct frame *frame, enum pagetype type, uint64_t flags, uint32_t count)
{
    atomic_write_release(&frame->type, type_word(type, flags, count));
}

/* The count leaves 0 for WRITABLE. False: somebody else was faster. */
static bool writable_first(struct frame *frame, uint64_t was)
{
    uint64_t noncoherent = was & PAGETYPE_NONCOHERENT;
    uint64_t expected = was;

    if (pagetype_of_word(was) == PAGETYPE_WRITABLE || pagetype_of_word(was) == PAGETYPE_NONE) {
        return atomic_compare_exchange(
            &frame->type, &expected,
            type_word(PAGETYPE_WRITABLE, PAGETYPE_VALIDATED | noncoherent, 1));
    }
    if (!type_begin(frame, was, PAGETYPE_WRITABLE, 0)) {
        return false;
    }
    type_finish(frame, PAGETYPE_WRITABLE, PAGETYPE_VALIDATED, 1);
    return true;
}

/* The count leaves 0 for DESCRIPTOR: 1 when done, 0 when somebody was faster, or -XEN_EINVAL. */
static int descriptor_first(struct frame *frame, uint64_t was)
{
    if (!type_begin(frame, was, PAGETYPE_DESCRIPTOR, 0)) {
        return 0;
    }
    if (!descriptors_validate(mfn_to_virt(frame_mfn(frame)))) {
        /* Nothing referred to it by this type, so nothing is owed. */
        type_finish(frame, PAGETYPE_NONE, 0, 0);
        return -XEN_EINVAL;
    }
    type_finish(frame, PAGETYPE_DESCRIPTOR, PAGETYPE_VALIDATED, 1);
    return 1;
}

int type_get_simple(struct frame *frame, enum pagetype type)
{
    ASSERT(type == PAGETYPE_WRITABLE || type == PAGETYPE_DESCRIPTOR);
    for (;;) {
        uint64_t word = type_read_unlocked(frame);

        if (pagetype_count_of_word(word) == 0) {
            int rc = type == PAGETYPE_WRITABLE ? writable_first(frame, word)
                                               : descriptor_first(frame, word);
            if (rc != 0) {
                return rc < 0 ? rc : 0;
            }
            continue;
        }
        if (pagetype_of_word(word) != type) {
            return -XEN_EINVAL;
        }
        if (pagetype_count_of_word(word) == PAGETYPE_COUNT_MASK) {
            return -XEN_EBUSY;
        }
        if (atomic_compare_exchange(&frame->type, &word, word + 1)) {
            return 0;
        }
    }
}

void type_put_simple(struct frame *frame, enum pagetype type)
{
    for (;;) {
        uint64_t word = type_read_unlocked(frame);

        BUG_ON(pagetype_of_word(word) != type || pagetype_count_of_word(word) == 0);
        if (pagetype_count_of_word(word) > 1) {
            if (atomic_compare_exchange(&frame->type, &word, word - 1)) {
                return;
            }
        } else if (atomic_compare_exchange(&frame->type, &word, word | PAGETYPE_LOCKED)) {
            WRITE_ONCE(frame->tlb_stamp, arch_tlb_clock());
            type_finish(frame, type, word & PAGETYPE_NONCOHERENT, 0);
            return;
        }
    }
}

bool type_get_validated(struct frame *frame, enum pagetype type)
{
    uint64_t word = atomic_read_acquire(&frame->type);

    while (pagetype_of_word(word) == type && (word & PAGETYPE_VALIDATED) &&
           pagetype_count_of_word(word) > 0 && pagetype_count_of_word(word) < PAGETYPE_COUNT_MASK &&
           !(word & PAGETYPE_LOCKED)) {
        if (atomic_compare_exchange(&frame->type, &word, word + 1)) {
            return true;
        }
    }
    return false;
}

bool type_put_not_last(struct frame *frame)
{
    uint64_t word = atomic_read_acquire(&frame->type);

    while (pagetype_count_of_word(word) > 1 && !(word & PAGETYPE_LOCKED)) {
        if (atomic_compare_exchange(&frame->type, &word, word - 1)) {
            return true;
        }
    }
    return false;
}

void type_mark_noncoherent(struct frame *frame)
{
    if (!(atomic_read(&frame->type) & PAGETYPE_NONCOHERENT)) {
        uint64_t word = type_read_unlocked(frame);

        BUG_ON(pagetype_of_word(word) != PAGETYPE_WRITABLE);
        while (!atomic_compare_exchange(&frame->type, &word, word | PAGETYPE_NONCOHERENT)) {
            word = type_read_unlocked(frame);
        }
        cache_flush_range(mfn_to_virt(frame_mfn(frame)), PAGE_SIZE);
    }
}

/* ---- the architecture contract --------------------------------------------------------------- */

bool arch_frame_get_writable(struct frame *frame)
{
    return type_get_simple(frame, PAGETYPE_WRITABLE) == 0;
}

void arch_frame_put_writable(struct frame *frame)
{
    type_put_simple(frame, PAGETYPE_WRITABLE);
}

void arch_frame_share(struct frame *frame, bool writable)
{
    BUG_ON(pagetype_of(frame) != PAGETYPE_NONE);
    type_finish(frame, writable ? PAGETYPE_WRITABLE : PAGETYPE_READONLY, PAGETYPE_VALIDATED, 1);
}

void arch_frame_unshare(struct frame *frame)
{
    type_put_simple(frame, pagetype_of(frame));
}

struct frame *arch_gfn_get_frame(struct domain *domain, gfn_t gfn)
{
    mfn_t mfn = MFN(gfn.value);

    if (!frame_valid(mfn) || !frame_get(frame_of(mfn), domain)) {
        return NULL;
    }
    return frame_of(mfn);
}

int arch_grant_map_host(uint64_t host_address, mfn_t mfn, uint32_t flags, uint64_t pte_flags)
{
    return grant_entry_map(current_vcpu(), host_address, mfn, flags, pte_flags);
}

int arch_grant_unmap_host(uint64_t host_address, mfn_t mfn, uint64_t new_address, uint32_t flags)
{
    return grant_entry_unmap(current_vcpu(), host_address, mfn, new_address, flags);
}
