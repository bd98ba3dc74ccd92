/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Page tables: validation (taking the references of all entries) and dismantling (giving them
 * back).
 *
 *   none --table_get--> PARTIAL --all entries--> VALIDATED --last table_put--> DISMANTLING --> none
 *                          |  ^                                                   ^
 *                preempted +--+            an entry is refused, or abandoned      |
 *                          +------------------------------------------------------+
 *
 * Both are preemptible from L2 upwards; frame->validated counts the entries that hold references,
 * so that either can go on. A preempted validation is gone on with by whoever asks for the table
 * next (the hypercall that was preempted does). A preempted dismantling goes to the domain's
 * backlog, which whoever takes mmu_lock to change tables finishes first. To its former users the
 * table is gone already: a table above it may be dismantled before it or after.
 *
 * Recursion is bounded by the four levels.
 */
#include "internal.h"

#include "arch/memory.h"
#include "asm/paging.h"
#include "hypervisor/atomic.h"
#include "hypervisor/bug.h"
#include "hypervisor/error.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/string.h"

static enum pagetype type_of_level(unsigned int level)
{
    return (enum pagetype)level;
}

static unsigned int level_of_frame(const struct frame *frame)
{
    return (unsigned int)pagetype_of_word(READ_ONCE(frame->type));
}

static uint64_t *table_entries(const struct frame *frame)
{
    return mfn_to_virt(frame_mfn(frame));
}

/* ---- dismantling ----------------------------------------------------------------------------- */

bool table_has_backlog(const struct domain *domain)
{
    return domain->arch.backlog != 0;
}

/* A list linked through the stamps, which say nothing before the end of the dismantling. */
static void backlog_add(struct domain *domain, struct frame *frame)
{
    frame->tlb_stamp = domain->arch.backlog;
    domain->arch.backlog = (uint32_t)(frame_mfn(frame).value + 1);
}

static struct frame *backlog_take(struct domain *domain)
{
    struct frame *frame = &frame_table[domain->arch.backlog - 1];

    domain->arch.backlog = frame->tlb_stamp;
    return frame;
}

/* All references are given back: the frame is no table any more. */
static void dismantle_end(struct frame *frame, unsigned int level)
{
    if (level == PAGE_TABLE_LEVELS) {
        memset(&table_entries(frame)[SLOT_FIRST], 0, (SLOT_END - SLOT_FIRST) * sizeof(uint64_t));
    }
    WRITE_ONCE(frame->tlb_stamp, arch_tlb_clock());
    type_finish(frame, type_of_level(level), 0, 0);
    frame_put(frame);
}

/*
 * Goes on giving back [0, validated) from the end. When it is preempted, or a table below was, it
 * goes to the backlog: false.
 */
static bool dismantle(struct domain *domain, struct frame *frame, unsigned int level)
{
    uint64_t *entries = table_entries(frame);
    uint32_t backlog = domain->arch.backlog;
    bool progress = false;

    while (frame->validated > 0) {
        unsigned int index = frame->validated - 1u;
        uint64_t pte = READ_ONCE(entries[index]);

        if (!(pte & PTE_PRESENT)) {
            frame->validated = (uint16_t)index;
            continue;
        }
        if (level > 1 && (domain->arch.backlog != backlog || (progress && hypercall_preempt()))) {
            backlog_add(domain, frame);
            return false;
        }
        progress = true;
        frame->validated = (uint16_t)index;
        if (!entry_is_hypervisors(level, index)) {
            entry_put(domain, level, pte);
        }
    }
    dismantle_end(frame, level);
    return true;
}

int table_finish_backlog(struct domain *domain)
{
    while (table_has_backlog(domain)) {
        struct frame *frame = backlog_take(domain);

        if (!dismantle(domain, frame, level_of_frame(frame))) {
            return -XEN_ERESTART;
        }
    }
    return 0;
}

void table_abandon(struct domain *domain, struct frame *frame)
{
    unsigned int level = level_of_frame(frame);

    type_finish(frame, type_of_level(level), PAGETYPE_DISMANTLING, 1);
    (void)dismantle(domain, frame, level);
}

/* ---- validation ------------------------------------------------------------------------------ */

/*
 * Goes on taking references from entry `validated` on. On an error other than -XEN_ERESTART the
 * table is being dismantled already and the caller's references are gone with it.
 */
static int validate(struct domain *domain, struct frame *frame, unsigned int level)
{
    uint64_t *entries = table_entries(frame);
    bool progress = false;

    for (unsigned int i = frame->validated; i < PTES_PER_TABLE; i++) {
        uint64_t raw, pte;
        int rc;

        raw = pte = READ_ONCE(entries[i]);
        if (entry_is_hypervisors(level, i) ||
            (!(pte & PTE_PRESENT) && entry_absent_is_fine(domain, pte))) {
            continue;
        }
        frame->validated = (uint16_t)i;
        if (level > 1 && progress && hypercall_preempt()) {
            return -XEN_ERESTART;
        }
        rc = entry_get(domain, level, &pte, domain);
        if (rc) {
            if (rc != -XEN_ERESTART) {
                table_abandon(domain, frame);
            }
            return rc;
        }
        progress = true;
        if (pte != raw) {
            WRITE_ONCE(entries[i], pte);
        }
    }
    frame->validated = PTES_PER_TABLE;
    if (level == PAGE_TABLE_LEVELS) {
        paging_init_root(entries, domain);
    }
    type_finish(frame, type_of_level(level), PAGETYPE_VALIDATED, 1);
    return 0;
}

bool table_is_live(const struct frame *frame)
{
    uint64_t word = atomic_read_acquire(&frame->type);

    return (word & PAGETYPE_VALIDATED) && pagetype_count_of_word(word) > 0 &&
           pagetype_of_word(word) >= PAGETYPE_L1 && pagetype_of_word(word) <= PAGETYPE_L4;
}

/* ---- references ------------------------------------------------------------------------------ */

bool table_get_quick(struct domain *domain, mfn_t mfn, unsigned int level)
{
    struct frame *frame;

    if (!frame_valid(mfn)) {
        return false;
    }
    frame = frame_of(mfn);
    if (!frame_get(frame, domain)) {
        return false;
    }
    if (!type_get_validated(frame, type_of_level(level))) {
        frame_put(frame);
        return false;
    }
    return true;
}

/* The frame's plain reference is the caller's; it goes to the table, or back. */
static int table_get_slow(struct domain *domain, struct frame *frame, unsigned int level)
{
    enum pagetype type = type_of_level(level);

    for (;;) {
        uint64_t word = type_read_unlocked(frame);

        if (pagetype_count_of_word(word) == 0) {
            if (!type_begin(frame, word, type, PAGETYPE_PARTIAL)) {
                continue;
            }
            frame->validated = 0;
            type_finish(frame, type, PAGETYPE_PARTIAL, 1);
            return validate(domain, frame, level);
        }
        if (pagetype_of_word(word) == type && (word & PAGETYPE_PARTIAL)) {
            frame_put(frame); /* an incomplete table has its own */
            return validate(domain, frame, level);
        }
        if (pagetype_of_word(word) == type && (word & PAGETYPE_VALIDATED) &&
            type_get_validated(frame, type)) {
            return 0;
        }
        frame_put(frame);
        return pagetype_of_word(word) == type ? -XEN_EBUSY : -XEN_EINVAL;
    }
}

int table_get(struct domain *domain, mfn_t mfn, unsigned int level)
{
    struct frame *frame;

    ASSERT(spin_is_held(&domain->arch.mmu_lock));
    /* Frame 0 stands for no root. */
    if (mfn.value == 0 || !frame_valid(mfn) || READ_ONCE(domain->dying) != DOMAIN_ALIVE) {
        return -XEN_EINVAL;
    }
    frame = frame_of(mfn);
    if (!frame_get(frame, domain)) {
        return -XEN_EINVAL;
    }
    if (type_get_validated(frame, type_of_level(level))) {
        return 0;
    }
    return table_get_slow(domain, frame, level);
}

bool table_put_quick(mfn_t mfn)
{
    struct frame *frame = frame_of(mfn);

    if (!type_put_not_last(frame)) {
        return false;
    }
    frame_put(frame);
    return true;
}

void table_put(struct domain *domain, mfn_t mfn, unsigned int level)
{
    struct frame *frame = frame_of(mfn);

    for (;;) {
        uint64_t word;

        if (table_put_quick(mfn)) {
            return;
        }
        ASSERT(spin_is_held(&domain->arch.mmu_lock));
        word = atomic_read(&frame->type);
        BUG_ON(pagetype_of_word(word) != type_of_level(level) || !(word & PAGETYPE_VALIDATED) ||
               (word & PAGETYPE_PINNED));
        /* From here on nobody takes another reference without the lock. */
        if (pagetype_count_of_word(word) == 1 &&
            atomic_compare_exchange(&frame->type, &word,
                                    (word & ~PAGETYPE_VALIDATED) | PAGETYPE_DISMANTLING)) {
            break;
        }
    }
    frame->validated = PTES_PER_TABLE;
    (void)dismantle(domain, frame, level);
}
