/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Copying between frames: each end is a grant, pinned for the time of the copy, or a frame of the
 * caller's own. Theory: grant.c.
 */
#include "grant_private.h"

#include "hypervisor/perf_counter.h"

#include "arch/memory.h"
#include "hypervisor/perf_counter.h"
#include "hypervisor/string.h"

/* One end of a copy, held. */
struct copy_end {
    struct domain *domain;
    struct frame *frame;
    uint32_t ref;
    bool write, pinned;
};

/* Is [offset, offset + bytes) within what the grant allows? */
static bool extent_covers(const struct grant_extent *extent, uint32_t offset, uint32_t bytes)
{
    return offset >= extent->offset && offset + bytes <= (uint32_t)extent->offset + extent->length;
}

static int16_t end_hold_grant(struct domain *caller, const struct gnttab_copy_ptr *ptr,
                              uint32_t bytes, struct copy_end *end)
{
    struct grant_extent extent;
    int16_t status = grant_pin(end->domain, ptr->u.ref, caller, end->write, true, &extent);

    if (status != GNTST_okay) {
        return status;
    }
    end->ref = ptr->u.ref;
    end->pinned = true;
    if (!extent_covers(&extent, ptr->offset, bytes)) {
        return GNTST_bad_copy_arg;
    }
    end->frame = grant_frame_hold(end->domain, extent.gfn, end->write);
    return end->frame == NULL ? GNTST_bad_page : GNTST_okay;
}

static void end_release(struct copy_end *end)
{
    if (end->frame != NULL) {
        grant_frame_release(end->frame, end->write);
    }
    if (end->pinned) {
        grant_unpin(end->domain, end->ref, end->write);
    }
}

/* What was held so far stays in *end for end_release, whatever is returned. */
static int16_t end_hold(struct domain *caller, const struct gnttab_copy_ptr *ptr, bool is_grant,
                        uint32_t bytes, struct grant_peer *peer, struct copy_end *end)
{
    bool own = ptr->domid == DOMID_SELF || ptr->domid == caller->id.value;

    if (is_grant) {
        end->domain = own ? caller : grant_peer_find(peer, ptr->domid);
        return end->domain == NULL ? GNTST_bad_domain : end_hold_grant(caller, ptr, bytes, end);
    }
    if (!own) {
        return GNTST_permission_denied;
    }
    end->frame = grant_frame_hold(caller, GFN(ptr->u.gmfn), end->write);
    return end->frame == NULL ? GNTST_bad_page : GNTST_okay;
}

static char *end_address(const struct copy_end *end, const struct gnttab_copy_ptr *ptr)
{
    return (char *)mfn_to_virt(frame_mfn(end->frame)) + ptr->offset;
}

void grant_copy(struct domain *caller, struct gnttab_copy *op, struct grant_peer peers[2])
{
    struct copy_end from = { .write = false }, to = { .write = true };

    if ((uint32_t)op->source.offset + op->len > PAGE_SIZE ||
        (uint32_t)op->dest.offset + op->len > PAGE_SIZE) {
        op->status = GNTST_bad_copy_arg;
        return;
    }
    if ((op->flags & ~(GNTCOPY_source_gref | GNTCOPY_dest_gref)) != 0) {
        op->status = GNTST_general_error;
        return;
    }
    op->status = end_hold(caller, &op->source, (op->flags & GNTCOPY_source_gref) != 0, op->len,
                          &peers[0], &from);
    if (op->status == GNTST_okay) {
        op->status = end_hold(caller, &op->dest, (op->flags & GNTCOPY_dest_gref) != 0, op->len,
                              &peers[1], &to);
    }
    if (op->status == GNTST_okay) {
        /* Both may be the same frame. */
        perf_count(grant_copies);
        memmove(end_address(&to, &op->dest), end_address(&from, &op->source), op->len);
    }
    end_release(&to);
    end_release(&from);
}
