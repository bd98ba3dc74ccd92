/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Mapping and unmapping. Up: handle, pin, frame reference, page-table entry; down in the reverse
 * order, with the TLB flush after the page-table entries. Theory: grant.c.
 */
#include "grant_private.h"

#include "arch/memory.h"
#include "hypervisor/perf_counter.h"
#include "hypervisor/trace_event.h"

/* Bits that the guest asks to have in its page-table entry: x86 keeps bits 9..11 for software. */
static uint64_t available_bits(uint32_t flags)
{
    return (uint64_t)((flags >> _GNTMAP_guest_avail0) & 7) << 9;
}

/* The frame behind a pinned entry, and the caller's page-table entry for it when asked for. */
static int16_t map_pinned(struct domain *granter, const struct gnttab_map_grant_ref *op, gfn_t gfn,
                          mfn_t *mfn)
{
    bool write = (op->flags & GNTMAP_readonly) == 0;
    struct frame *frame = grant_frame_hold(granter, gfn, write);
    int status = GNTST_okay;

    if (frame == NULL) {
        return GNTST_bad_page;
    }
    *mfn = frame_mfn(frame);
    if ((op->flags & GNTMAP_host_map) != 0) {
        status = arch_grant_map_host(op->host_addr, *mfn, op->flags, available_bits(op->flags));
    }
    if (status != GNTST_okay) {
        grant_frame_release(frame, write);
    }
    return (int16_t)status;
}

static int16_t map_with_handle(struct domain *caller, struct domain *granter, uint32_t handle,
                               struct gnttab_map_grant_ref *op)
{
    bool write = (op->flags & GNTMAP_readonly) == 0;
    struct grant_mapping mapping = {
        .granter = granter,
        .ref = op->ref,
        .flags = (uint16_t)(op->flags & MAPPING_FLAGS),
    };
    struct grant_extent extent;
    int16_t status = grant_pin(granter, op->ref, caller, write, false, &extent);

    if (status != GNTST_okay) {
        return status;
    }
    status = map_pinned(granter, op, extent.gfn, &mapping.mfn);
    if (status != GNTST_okay) {
        grant_unpin(granter, op->ref, write);
        return status;
    }
    domain_get_again(granter);
    grant_handle_publish(caller, handle, &mapping);
    op->handle = handle;
    op->dev_bus_addr = mfn_to_paddr(mapping.mfn);
    return GNTST_okay;
}

void grant_map(struct domain *caller, struct gnttab_map_grant_ref *op, struct grant_peer *peer)
{
    struct domain *granter;
    uint32_t handle;

    if ((op->flags & MAPPING_HELD) == 0) {
        op->status = GNTST_general_error;
        return;
    }
    granter = grant_peer_find(peer, op->dom);
    if (granter == NULL) {
        op->status = GNTST_bad_domain;
        return;
    }
    handle = grant_handle_alloc(caller);
    if (handle == HANDLE_NONE) {
        op->status = GNTST_no_space;
        return;
    }
    op->status = map_with_handle(caller, granter, handle, op);
    if (op->status != GNTST_okay) {
        grant_handle_free(caller, handle);
        return;
    }
    perf_count(grant_maps);
    trace_event(TRC_MEM_PAGE_GRANT_MAP, op->dom);
}

/* ---- unmapping ------------------------------------------------------------------------------- */

/* Takes away what the operation names of a claimed mapping. */
static int16_t unmap_claimed(struct grant_unmap *op, const struct grant_mapping *mapping)
{
    bool host = op->replace || op->host_address != 0;
    int status = GNTST_okay;

    if (op->device_address != 0) {
        if ((mapping->flags & GNTMAP_device_map) == 0 ||
            op->device_address != mfn_to_paddr(mapping->mfn)) {
            return GNTST_bad_dev_addr;
        }
    }
    if (host) {
        if ((mapping->flags & GNTMAP_host_map) == 0) {
            return GNTST_bad_virt_addr;
        }
        status = arch_grant_unmap_host(op->host_address, mapping->mfn,
                                       op->replace ? op->new_address : 0, mapping->flags);
        if (status != GNTST_okay) {
            return (int16_t)status;
        }
        op->drops |= GNTMAP_host_map;
    }
    if (op->device_address != 0) {
        op->drops |= GNTMAP_device_map;
    }
    return GNTST_okay;
}

void grant_unmap_begin(struct domain *caller, struct grant_unmap *op)
{
    struct grant_mapping mapping;

    op->drops = 0;
    if (!grant_handle_claim(caller, op->handle, &mapping)) {
        op->status = GNTST_bad_handle;
        return;
    }
    op->status = unmap_claimed(op, &mapping);
    if (op->drops == 0) {
        bool empty = grant_handle_unclaim(caller, op->handle, 0);

        ASSERT(!empty); /* it held something before and still does */
        return;
    }
    perf_count(grant_unmaps);
    trace_event(TRC_MEM_PAGE_GRANT_UNMAP, mapping.granter->id.value);
}

void grant_unmap_finish(struct domain *caller, struct grant_unmap *ops, unsigned int count)
{
    struct grant_mapping mapping;
    bool flush = false;

    for (unsigned int i = 0; i < count; i++) {
        flush |= (ops[i].drops & GNTMAP_host_map) != 0;
    }
    if (flush) {
        arch_tlb_flush_since(arch_tlb_clock());
    }
    for (unsigned int i = 0; i < count; i++) {
        if (ops[i].drops == 0) {
            continue;
        }
        mapping = *grant_mapping_of(caller->grants, ops[i].handle); /* busy: ours */
        if (grant_handle_unclaim(caller, ops[i].handle, ops[i].drops)) {
            grant_mapping_release(&mapping);
        }
        ops[i].drops = 0;
    }
}
