/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Transfers: a domain gives a frame away to one that said, in an entry of its table, that it accepts
 * one from it. The giver takes its hands off first: nobody may refer to the frame but its owner.
 *
 *   giver's RAM --frame_take--> private --frame_assign--> receiver's RAM --> entry: frame, completed
 *                                  |                                |
 *                                  +--- any refusal: freed ---------+
 *
 * The receiver hears of the frame last, and the entry is only committed once it owns it. What the
 * interface says of failure holds: unless the status is GNTST_bad_page, the frame is not the giver's
 * any more.
 */
#include "grant_private.h"

#include "arch/memory.h"
#include "hypervisor/memory.h"

/* The giver's frame, private; NULL when it is not his alone. No CPU has it in its TLB. */
static struct frame *take(struct domain *giver, mfn_t mfn)
{
    struct frame *frame;

    if (!frame_valid(mfn) || !frame_get(frame_of(mfn), giver)) {
        return NULL;
    }
    frame = frame_of(mfn);
    if (!frame_take(giver, frame, false)) {
        frame_put(frame);
        return NULL;
    }
    arch_tlb_flush_since(arch_tlb_clock());
    arch_m2p_set(mfn, M2P_INVALID);
    return frame;
}

/* With the receiver's table and entry locked: what was looked at is what is committed to. */
static int16_t give_locked(struct domain *receiver, const struct domain *giver, uint32_t ref,
                           struct frame *frame)
{
    uint32_t header;
    int16_t status = grant_accept_check(receiver, ref, giver, frame_mfn(frame), &header);
    int rc;

    if (status != GNTST_okay) {
        frame_free(frame, 0);
        return status;
    }
    rc = frame_assign(receiver, frame, 0, 0);
    if (rc != 0) {
        frame_free(frame, 0);
        return rc == -XEN_ENOMEM ? GNTST_no_space : GNTST_bad_domain;
    }
    if (!grant_accept_commit(receiver, ref, header, frame_mfn(frame))) {
        /* He may have guessed its number and released it himself. */
        (void)!memory_release(receiver, frame_mfn(frame));
        return GNTST_bad_gntref;
    }
    return GNTST_okay;
}

static int16_t give(struct domain *receiver, const struct domain *giver, uint32_t ref,
                    struct frame *frame)
{
    struct grant_table *table = receiver->grants;
    struct grant_active *active;
    int16_t status;

    spin_lock(&table->lock); /* neither version nor size change */
    active = ref / grant_entries_a_frame(table->version) < table->frames
                 ? grant_active_of(table, ref)
                 : NULL;
    if (active == NULL) {
        frame_free(frame, 0);
        status = GNTST_bad_gntref;
    } else {
        spin_lock(&active->lock);
        status = give_locked(receiver, giver, ref, frame);
        spin_unlock(&active->lock);
    }
    spin_unlock(&table->lock);
    return status;
}

void grant_transfer(struct domain *caller, struct gnttab_transfer *op, struct grant_peer *peer)
{
    struct frame *frame = take(caller, MFN(op->mfn));
    struct domain *receiver;

    if (frame == NULL) {
        op->status = GNTST_bad_page;
        return;
    }
    receiver = grant_peer_find(peer, op->domid);
    if (receiver == NULL) {
        frame_free(frame, 0);
        op->status = GNTST_bad_domain;
        return;
    }
    op->status = give(receiver, caller, op->ref, frame);
}
