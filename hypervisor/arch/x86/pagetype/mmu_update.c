/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * HYPERVISOR_mmu_update(reqs, count, pdone, foreigndom), xen/xen.h.
 *
 * Requests are copied in small batches, each of which is worked off under one hold of the table
 * owner's mmu_lock. A request for a frame that is no table is a plain write, for which the frame
 * must be able to be writable: guests write tables that are not pinned yet this way.
 *
 * A continuation has MMU_UPDATE_PREEMPTED in count, reqs moved on, and what was done so far in
 * *pdone.
 */
#include "internal.h"

#include "arch/memory.h"
#include "hypervisor/atomic.h"
#include "hypervisor/error.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/perf_counter.h"
#include "hypervisor/trace.h"

#define BATCH 32u

struct batch {
    struct mmu_update requests[BATCH];
    unsigned int count, done;
    struct domain *tables; /* owner of page tables: PFD */
    struct domain *frames; /* owner of what L1 entries map: FD */
};

/* A write to a frame that is no table; the frame is held. */
static int write_plain(struct frame *frame, unsigned int index, uint64_t value, bool keep_ad)
{
    uint64_t *place = (uint64_t *)mfn_to_virt(frame_mfn(frame)) + index;
    int rc = type_get_simple(frame, PAGETYPE_WRITABLE);

    if (rc == 0) {
        if (keep_ad) {
            value |= atomic_read(place) & (PTE_ACCESSED | PTE_DIRTY);
        }
        atomic_write_release(place, value);
        type_put_simple(frame, PAGETYPE_WRITABLE);
    }
    return rc;
}

static int update_entry(const struct batch *batch, const struct mmu_update *request, bool keep_ad)
{
    paddr_t address = request->ptr & ~3ull;
    unsigned int index = (address & ~PAGE_MASK) / sizeof(uint64_t);
    mfn_t mfn = paddr_to_mfn(address);
    struct frame *frame;
    int rc;

    if (address % sizeof(uint64_t) || !frame_valid(mfn) ||
        !frame_get(frame_of(mfn), batch->tables)) {
        return -XEN_EINVAL;
    }
    frame = frame_of(mfn);
    if (table_is_live(frame)) {
        rc = table_update(batch->tables, frame, index, request->val, batch->frames,
                          keep_ad ? UPDATE_KEEP_AD : UPDATE_PLAIN, 0);
    } else {
        rc = write_plain(frame, index, request->val, keep_ad);
    }
    frame_put(frame);
    return rc;
}

static int update_m2p(const struct batch *batch, const struct mmu_update *request)
{
    mfn_t mfn = paddr_to_mfn(request->ptr);

    if (batch->frames->kind == DOMAIN_KIND_SYSTEM || !frame_valid(mfn) ||
        !frame_get(frame_of(mfn), batch->frames)) {
        return -XEN_EINVAL;
    }
    arch_m2p_set(mfn, request->val);
    frame_put(frame_of(mfn));
    return 0;
}

static int update_one(const struct batch *batch, const struct mmu_update *request)
{
    switch (request->ptr & 3) {
    case MMU_MACHPHYS_UPDATE:
        return update_m2p(batch, request);
    case MMU_PT_UPDATE_PRESERVE_AD:
        return update_entry(batch, request, true);
    default: /* MMU_NORMAL_PT_UPDATE, MMU_PT_UPDATE_NO_TRANSLATE: nothing is translated for PV */
        return update_entry(batch, request, false);
    }
}

/* Works off the batch; what was done is in batch->done even on an error. */
static int run_batch(struct batch *batch)
{
    struct domain *tables = batch->tables;
    int rc;

    batch->done = 0;
    spin_lock(&tables->arch.mmu_lock);
    rc = table_finish_backlog(tables);
    while (rc == 0 && batch->done < batch->count) {
        rc = update_one(batch, &batch->requests[batch->done]);
        perf_count(mmu_updates);
        if (rc == 0) {
            batch->done++;
            rc = table_finish_backlog(tables);
        }
    }
    spin_unlock(&tables->arch.mmu_lock);
    return rc;
}

/* FD in bits 15..0; PFD + 1 in bits 31..16, 0 meaning the caller. */
static int batch_begin(struct batch *batch, uint32_t foreign)
{
    uint16_t tables = (uint16_t)(foreign >> 16);
    int error = 0;

    batch->frames = foreign_domain_get((uint16_t)foreign, &error);
    if (!batch->frames) {
        return error;
    }
    batch->tables = foreign_domain_get(tables ? (uint16_t)(tables - 1) : DOMID_SELF, &error);
    if (batch->tables && batch->tables->kind == DOMAIN_KIND_PV) {
        return 0;
    }
    domain_put(batch->tables);
    domain_put(batch->frames);
    return error ? error : -XEN_EINVAL;
}

static void batch_end(struct batch *batch)
{
    domain_put(batch->tables);
    domain_put(batch->frames);
}

/* Runs from requests[*done] on. Error of the first request that failed, or -XEN_ERESTART. */
static int run(struct batch *batch, uint64_t requests, unsigned int count, unsigned int *done)
{
    int rc = 0;

    /* At least once, so that a backlog is finished by an empty call. */
    do {
        batch->count = min(count - *done, BATCH);
        if (batch->count &&
            guest_copy_from(batch->requests, guest_array_at(requests, struct mmu_update, *done),
                            batch->count * sizeof(struct mmu_update))) {
            return -XEN_EFAULT;
        }
        rc = run_batch(batch);
        *done += batch->done;
        if (rc == -XEN_ERESTART || (rc == 0 && *done < count && hypercall_preempt())) {
            return -XEN_ERESTART;
        }
        if (rc) {
            const struct mmu_update *request = &batch->requests[batch->done];

            trace_refuse(__HYPERVISOR_mmu_update, request->ptr & 3, 0, rc, request->ptr, 0, 0);
            trace_refuse(__HYPERVISOR_mmu_update, request->ptr & 3, 1, rc, request->val, 0, 0);
        }
    } while (rc == 0 && *done < count);
    return rc;
}

long hypercall_mmu_update(struct hypercall *call)
{
    uint64_t requests = call->arg[0];
    uint32_t count = (uint32_t)call->arg[1];
    uint64_t pdone = call->arg[2];
    uint32_t before = 0;
    unsigned int done = 0;
    struct batch batch;
    int rc;

    if (count & MMU_UPDATE_PREEMPTED) {
        count &= ~MMU_UPDATE_PREEMPTED;
        if (pdone && guest_read(before, pdone)) {
            return -XEN_EFAULT;
        }
    }
    rc = batch_begin(&batch, (uint32_t)call->arg[3]);
    if (rc) {
        return rc;
    }
    rc = run(&batch, requests, count, &done);
    batch_end(&batch);
    before += done;
    if (pdone && guest_write(pdone, before)) {
        return -XEN_EFAULT;
    }
    if (rc == -XEN_ERESTART) {
        call->arg[0] = guest_array_at(requests, struct mmu_update, done);
        call->arg[1] = (count - done) | MMU_UPDATE_PREEMPTED;
        return HYPERCALL_CONTINUE;
    }
    return rc;
}
