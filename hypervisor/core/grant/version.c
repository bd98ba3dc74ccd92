/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Changing the version of a table. It is announced, every entry's lock is passed through so that no
 * pin is in the making, and it goes on only when no entry is in use but the reserved ones: those the
 * toolstack filled in, and the console's daemon maps its ring from before the guest runs. Who unpins
 * one of them meanwhile leaves the entry alone (grant_unpin); their marks are made anew from the
 * counts when the version stands. It is done frame by frame and may stop between two of them; until it
 * is finished nobody gets a pin, which is all that a guest loses who does not come back. Theory:
 * grant.c.
 */
#include "grant_private.h"

#include "hypervisor/hypercall.h"
#include "hypervisor/string.h"

/* The reserved entries, which survive, as both versions can say them. */
struct kept_entry {
    uint16_t flags, domid;
    uint64_t frame;
};

static bool frame_in_use(struct grant_table *table, uint32_t frame)
{
    bool used = false;

    for (uint32_t i = 0; i < V1_A_FRAME && !used; i++) {
        struct grant_active *active = &table->active[frame][i];

        spin_lock(&active->lock);
        used = !grant_reserved(frame * V1_A_FRAME + i) && active->readers + active->writers != 0;
        spin_unlock(&active->lock);
    }
    return used;
}

static void keep_entries(const struct grant_table *table, struct kept_entry *kept)
{
    const struct grant_entry_v1 *v1 = table->shared[0];
    const union grant_entry_v2 *v2 = table->shared[0];

    for (unsigned int i = 0; i < GNTTAB_NR_RESERVED_ENTRIES; i++) {
        if (table->version == 1) {
            kept[i].flags = READ_ONCE(v1[i].flags);
            kept[i].domid = READ_ONCE(v1[i].domid);
            kept[i].frame = READ_ONCE(v1[i].frame);
        } else {
            kept[i].flags = READ_ONCE(v2[i].hdr.flags);
            kept[i].domid = READ_ONCE(v2[i].hdr.domid);
            kept[i].frame = READ_ONCE(v2[i].full_page.frame);
        }
    }
}

/* What the other version cannot say becomes invalid. */
static bool kept_expressible(const struct kept_entry *kept, uint32_t version)
{
    return (kept->flags & GTF_type_mask) == GTF_permit_access &&
           (kept->flags & GTF_sub_page) == 0 && (version == 2 || kept->frame <= UINT32_MAX);
}

/* Clears a frame of entries, and one of the status words. */
static void clear_frame(struct grant_table *table, uint32_t frame)
{
    memset(table->shared[frame], 0, PAGE_SIZE);
    if (frame < table->status_frames) {
        memset(table->status[frame], 0, PAGE_SIZE);
    }
}

/* The first frame: what it keeps is written in the other version. */
static void rewrite_first(struct grant_table *table, uint32_t version)
{
    struct kept_entry kept[GNTTAB_NR_RESERVED_ENTRIES];
    struct grant_entry_v1 *v1 = table->shared[0];
    union grant_entry_v2 *v2 = table->shared[0];

    keep_entries(table, kept);
    clear_frame(table, 0);
    for (unsigned int i = 0; i < GNTTAB_NR_RESERVED_ENTRIES; i++) {
        if (!kept_expressible(&kept[i], version)) {
            continue;
        }
        if (version == 1) {
            v1[i].domid = kept[i].domid;
            v1[i].frame = (uint32_t)kept[i].frame;
            v1[i].flags = kept[i].flags & (GTF_type_mask | GTF_readonly);
        } else {
            v2[i].hdr.domid = kept[i].domid;
            v2[i].full_page.frame = kept[i].frame;
            v2[i].hdr.flags = kept[i].flags & (GTF_type_mask | GTF_readonly);
        }
    }
}

static void change_begin(struct grant_table *table)
{
    if (!table->version_changing) {
        table->change_step = 0;
        table->change_frames = table->frames;
        atomic_write(&table->version_changing, true);
        memory_barrier();
    }
}

static void change_end(struct grant_table *table)
{
    atomic_write_release(&table->version_changing, false);
    for (uint32_t ref = 0; ref < GNTTAB_NR_RESERVED_ENTRIES; ref++) {
        grant_remark(table, ref);
    }
}

/*
 * Goes on where an earlier call stopped: steps 0 .. n-1 see that no entry of frame i is in use, which
 * stays so; steps n .. 2n-2 clear frames 1 .. n-1. Frames that were added meanwhile are clear. Under
 * table->lock.
 */
static int change_version(struct grant_table *table, uint32_t version)
{
    uint32_t frames;

    change_begin(table);
    frames = table->change_frames;
    for (uint32_t done = 0; table->change_step < 2 * frames - 1; done++) {
        if (done != 0 && hypercall_preempt()) {
            return -XEN_ERESTART;
        }
        if (table->change_step >= frames) {
            clear_frame(table, table->change_step - frames + 1);
        } else if (frame_in_use(table, table->change_step)) {
            change_end(table);
            return -XEN_EBUSY;
        }
        table->change_step++;
    }
    rewrite_first(table, version);
    atomic_write_release(&table->version, version);
    change_end(table);
    return 0;
}

int grants_set_version(struct domain *domain, unsigned int version)
{
    struct grant_table *table = domain->grants;
    int rc = 0;

    if (version != 1 && version != 2) {
        return -XEN_EINVAL;
    }
    if (version > table->version_max) {
        return -XEN_EOPNOTSUPP;
    }
    spin_lock(&table->lock);
    if (grant_domain_dying(domain)) {
        rc = -XEN_EINVAL;
    } else if (table->version != version) {
        rc = version == 2 ? grants_grow_status(domain, table->frames) : 0;
        rc = rc == 0 ? change_version(table, version) : rc;
    }
    spin_unlock(&table->lock);
    return rc;
}
