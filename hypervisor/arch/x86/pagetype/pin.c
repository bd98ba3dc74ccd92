/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Pins: the guest's own references to tables, so that they stay validated while nothing uses them.
 * And what a domain's end does with pins, incomplete tables and the backlog.
 */
#include "internal.h"

#include "hypervisor/atomic.h"
#include "hypervisor/bug.h"
#include "hypervisor/error.h"
#include "hypervisor/hypercall.h"

int table_pin(struct domain *domain, mfn_t mfn, unsigned int level)
{
    int rc = table_get(domain, mfn, level);

    if (rc) {
        return rc;
    }
    if (atomic_or(&frame_of(mfn)->type, PAGETYPE_PINNED) & PAGETYPE_PINNED) {
        table_put(domain, mfn, level);
        return -XEN_EINVAL;
    }
    return 0;
}

/* The pin goes, with its two references; a plain reference of the caller's stays. */
static bool pin_drop(struct domain *domain, struct frame *frame)
{
    uint64_t word = atomic_and(&frame->type, ~PAGETYPE_PINNED);

    if (!(word & PAGETYPE_PINNED)) {
        return false;
    }
    table_put(domain, frame_mfn(frame), (unsigned int)pagetype_of_word(word));
    return true;
}

int table_unpin(struct domain *domain, mfn_t mfn)
{
    bool was_pinned;

    if (!frame_valid(mfn) || !frame_get(frame_of(mfn), domain)) {
        return -XEN_EINVAL;
    }
    was_pinned = pin_drop(domain, frame_of(mfn));
    frame_put(frame_of(mfn));
    return was_pinned ? 0 : -XEN_EINVAL;
}

int pagetype_adopt_root(struct domain *domain, mfn_t l4)
{
    int rc;

    spin_lock(&domain->arch.mmu_lock);
    do {
        rc = table_finish_backlog(domain);
        if (rc == 0) {
            rc = table_pin(domain, l4, PAGE_TABLE_LEVELS);
        }
    } while (rc == -XEN_ERESTART);
    spin_unlock(&domain->arch.mmu_lock);
    return rc;
}

/* ---- the end of a domain --------------------------------------------------------------------- */

#define SWEEP_LOOK 256u

/* Pinned or incomplete. */
static bool holds_by_itself(const struct frame *frame)
{
    return atomic_read(&frame->type) & (PAGETYPE_PINNED | PAGETYPE_PARTIAL);
}

/*
 * The next frame of the domain's list that holds references by itself, or the SWEEP_LOOK-th one; with
 * a reference; NULL at the end. `frame` (NULL: start) is held by the caller, hence still in the list.
 */
static struct frame *next_frame(struct domain *domain, const struct frame *frame)
{
    unsigned int looked = 0;
    struct frame *next = NULL;
    uint32_t index;

    spin_lock(&domain->frame_lock);
    index = frame ? frame->next : domain->frame_list_first;
    while (index != FRAME_NO_LINK) {
        next = &frame_table[index];
        if ((holds_by_itself(next) || ++looked >= SWEEP_LOOK) && frame_get(next, domain)) {
            break;
        }
        index = next->next; /* holds nothing, or is on its way out */
        next = NULL;
    }
    spin_unlock(&domain->frame_lock);
    return next;
}

/* Takes from one frame what makes it a table other than references of other tables. */
static int relinquish_frame(struct domain *domain, struct frame *frame)
{
    int rc;

    spin_lock(&domain->arch.mmu_lock);
    rc = table_finish_backlog(domain);
    if (rc == 0) {
        (void)pin_drop(domain, frame);
        rc = table_finish_backlog(domain);
    }
    if (rc == 0 && (atomic_read(&frame->type) & PAGETYPE_PARTIAL)) {
        table_abandon(domain, frame);
        rc = table_finish_backlog(domain);
    }
    spin_unlock(&domain->arch.mmu_lock);
    return rc;
}

static int sweep(struct domain *domain)
{
    uint32_t cursor = domain->arch.relinquish_cursor;
    struct frame *frame;

    /* Who was about to pin or to validate has done so; who comes now sees that the domain dies. */
    spin_lock(&domain->arch.mmu_lock);
    spin_unlock(&domain->arch.mmu_lock);
    frame = cursor ? &frame_table[cursor - 1] : next_frame(domain, NULL);
    while (frame) {
        struct frame *next;
        int rc = relinquish_frame(domain, frame);

        if (rc) {
            domain->arch.relinquish_cursor = (uint32_t)(frame_mfn(frame).value + 1);
            return rc;
        }
        next = next_frame(domain, frame);
        frame_put(frame);
        frame = next;
        if (frame && hypercall_preempt()) {
            domain->arch.relinquish_cursor = (uint32_t)(frame_mfn(frame).value + 1);
            return -XEN_ERESTART;
        }
    }
    domain->arch.relinquish_cursor = 0;
    return 0;
}

int pagetype_relinquish(struct domain *domain)
{
    struct vcpu *vcpu;
    unsigned int i;
    int rc;

    BUG_ON(READ_ONCE(domain->dying) == DOMAIN_ALIVE);
    if (domain->arch.relinquish_swept) {
        return 0;
    }
    domain_for_each_vcpu(domain, i, vcpu)
    {
        root_drop(vcpu);
        spin_lock(&domain->arch.mmu_lock);
        rc = table_finish_backlog(domain);
        spin_unlock(&domain->arch.mmu_lock);
        if (rc) {
            return rc;
        }
    }
    rc = sweep(domain);
    domain->arch.relinquish_swept = rc == 0;
    return rc;
}
