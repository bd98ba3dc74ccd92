/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Changing the version of a table. It is announced, every entry's lock is passed through so that no
 * pin is in the making, and it goes on only when no entry is in use but the reserved ones: those the
 * toolstack filled in, and the console's daemon maps its ring from before the guest runs. Who unpins
 * one of them meanwhile leaves the entry alone (grant_unpin); their marks are made anew from the
 * counts when the version stands. Theory: grant.c.
 */
#include "grant_private.h"

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

static bool table_in_use(struct grant_table *table)
{
    for (uint32_t frame = 0; frame < table->frames; frame++) {
        if (frame_in_use(table, frame)) {
            return true;
        }
    }
    return false;
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

static void write_entries(struct grant_table *table, const struct kept_entry *kept,
                          uint32_t version)
{
    struct grant_entry_v1 *v1 = table->shared[0];
    union grant_entry_v2 *v2 = table->shared[0];

    for (uint32_t frame = 0; frame < table->frames; frame++) {
        memset(table->shared[frame], 0, PAGE_SIZE);
    }
    for (uint32_t frame = 0; frame < table->status_frames; frame++) {
        memset(table->status[frame], 0, PAGE_SIZE);
    }
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

/* Under table->lock. */
static int change_version(struct grant_table *table, uint32_t version)
{
    struct kept_entry kept[GNTTAB_NR_RESERVED_ENTRIES];
    int rc = 0;

    atomic_write(&table->version_changing, true);
    memory_barrier();
    if (table_in_use(table)) {
        rc = -XEN_EBUSY;
    } else {
        keep_entries(table, kept);
        write_entries(table, kept, version);
        atomic_write_release(&table->version, version);
    }
    atomic_write_release(&table->version_changing, false);
    for (uint32_t ref = 0; ref < GNTTAB_NR_RESERVED_ENTRIES; ref++) {
        grant_remark(table, ref);
    }
    return rc;
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
