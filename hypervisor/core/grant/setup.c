/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The shared frames: growing the table, finding its frames. Theory: grant.c. */
#include "grant_private.h"

#include "arch/memory.h"
#include "hypervisor/heap.h"
#include "hypervisor/hypercall.h"

static void *shared_page_alloc(struct domain *domain)
{
    void *page = frame_alloc_mapped(0, ALLOC_ZERO);

    if (page != NULL) {
        frame_share_with(domain, page, FRAME_SHARE_WRITABLE);
    }
    return page;
}

int grants_grow_status(struct domain *domain, uint32_t frames)
{
    struct grant_table *table = domain->grants;
    uint32_t before = table->status_frames;

    while (table->status_frames < grant_status_frames_for(frames)) {
        void *page;

        if (table->status_frames != before && hypercall_preempt()) {
            return -XEN_ERESTART;
        }
        if (!quota_charge(domain, QUOTA_GRANT_STATUS, 1)) {
            return -XEN_EINVAL;
        }
        page = shared_page_alloc(domain);
        if (page == NULL) {
            quota_release(domain, QUOTA_GRANT_STATUS, 1);
            return -XEN_ENOMEM;
        }
        table->status[table->status_frames] = page;
        atomic_write_release(&table->status_frames, table->status_frames + 1);
    }
    return 0;
}

static int add_frame(struct domain *domain)
{
    struct grant_table *table = domain->grants;
    struct grant_active *active;
    void *page;

    if (!quota_charge(domain, QUOTA_GRANT_FRAMES, 1)) {
        return -XEN_EINVAL;
    }
    active = heap_new_array(struct grant_active, V1_A_FRAME);
    page = active != NULL ? shared_page_alloc(domain) : NULL;
    if (page == NULL) {
        heap_free(active);
        quota_release(domain, QUOTA_GRANT_FRAMES, 1);
        return -XEN_ENOMEM;
    }
    for (uint32_t i = 0; i < V1_A_FRAME; i++) {
        spin_lock_init(&active[i].lock, LOCK_GRANT_ACTIVE);
    }
    table->active[table->frames] = active;
    table->shared[table->frames] = page;
    atomic_write_release(&table->frames, table->frames + 1);
    return 0;
}

/* Under table->lock. */
static int grow_locked(struct domain *domain, unsigned int frames)
{
    struct grant_table *table = domain->grants;
    uint32_t before = table->frames;
    int rc = 0;

    if (grant_domain_dying(domain) || frames > table->frames_max) {
        return -XEN_EINVAL;
    }
    if (table->version == 2) {
        rc = grants_grow_status(domain, frames);
    }
    while (rc == 0 && table->frames < frames) {
        rc = table->frames != before && hypercall_preempt() ? -XEN_ERESTART : add_frame(domain);
    }
    return rc;
}

int grants_grow(struct domain *domain, unsigned int frames)
{
    struct grant_table *table = domain->grants;
    int rc;

    spin_lock(&table->lock);
    rc = grow_locked(domain, frames);
    spin_unlock(&table->lock);
    return rc;
}

/* A status frame is there when the entries it is for are. Under table->lock. */
static int find_frame(struct domain *domain, unsigned int index, bool status, const void **page)
{
    struct grant_table *table = domain->grants;
    uint64_t frames = index + 1ull;
    int rc;

    if (status) {
        if (table->version != 2) {
            return -XEN_EINVAL;
        }
        frames = (uint64_t)index * STATUS_A_FRAME / V2_A_FRAME + 1;
    }
    if (frames > table->frames_max) {
        return -XEN_EINVAL;
    }
    rc = grow_locked(domain, max((uint32_t)frames, table->frames));
    if (rc == 0) {
        *page = status ? (const void *)table->status[index] : table->shared[index];
    }
    return rc;
}

int grants_frame(struct domain *domain, unsigned int index, bool status, mfn_t *out)
{
    struct grant_table *table = domain->grants;
    const void *page;
    int rc;

    if (table == NULL) {
        return -XEN_EINVAL;
    }
    spin_lock(&table->lock);
    rc = find_frame(domain, index, status, &page);
    if (rc == 0) {
        *out = virt_to_mfn(page);
    }
    spin_unlock(&table->lock);
    return rc;
}

void grants_query(struct domain *domain, struct grants_size *size)
{
    struct grant_table *table = domain->grants;

    spin_lock(&table->lock);
    size->frames = table->frames;
    size->frames_max = table->frames_max;
    size->version = table->version;
    size->status_frames = table->version == 2 ? table->status_frames : 0;
    spin_unlock(&table->lock);
}
