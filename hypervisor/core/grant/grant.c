/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Grant tables: one domain (the granter) lends frames to another (the user), which maps them or has
 * them copied.
 *
 *   granter's struct grant_table                        user's struct grant_table
 *     shared[f] -> page of entries, the guest's too       maps[b] -> 128 struct grant_mapping
 *     active[f] -> struct grant_active, ours                {granter, ref, mfn, flags}  <- handle
 *     status[f] -> version 2: page of status words
 *                      ^
 *        pins: one for each mapping with this {granter, ref}, and for a copy while it lasts
 *
 * The entry says what the granter allows; it is his memory, read once under the entry's lock. Our
 * side of it are the bits GTF_reading and GTF_writing, which tell the granter that the entry is in
 * use; they are set by a compare-exchange with the whole header, so that what was checked is what
 * was in force at that instant (version 2: set first, then the header is read once more).
 * Which frame a mapping got is kept in the mapping, not in the entry: a granter who changes the entry
 * under a user's feet has lent two frames, each with its own reference.
 *
 * Invariants (grants_valid):
 *  1. active.readers + active.writers is the number of mappings of that {granter, ref} in all
 *     domains plus copies in flight; while it is not 0 the entry has GTF_reading (unless the guest
 *     itself cleared it), and GTF_writing while writers is not 0.
 *  2. A mapping in use holds a reference to the granter, one to the frame, and unless read-only one
 *     to the frame's writable type. The host mapping's page-table entry holds its own (arch code).
 *  3. handles_used mappings are in use or busy, the others are in the list from handle_free.
 *  4. frames never shrinks while the domain lives, nor does handles.
 *
 * Unmapping clears page-table entries first, flushes TLBs once a batch, and only then drops pins and
 * references. A mapping in between is busy: a second unmap of the same handle is refused.
 *
 * Locks: table->lock (LOCK_GRANT) for growth and versions; table->map_lock (LOCK_GRANT_MAP) for
 * handles; one small lock an entry (LOCK_GRANT_ACTIVE). The entry's lock is all that a map or copy
 * takes of the granter's: the version is read under it, and who changes the version (or takes the
 * shared frames away) announces it first and then passes through every entry's lock. None is held
 * while page tables change, frames get their types, or memory is copied.
 *
 * Transfers (transfer.c) use an entry once, to say whose frame is welcome.
 *
 * Not supported: transitive grants (refused), grants of device memory.
 */
#include "grant_private.h"

#include "arch/memory.h"
#include "hypervisor/debug_key.h"
#include "hypervisor/heap.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/option.h"
#include "hypervisor/printk.h"
#include "hypervisor/string.h"

#define FRAMES_LIMIT       16384
#define MAPTRACK_LIMIT     65536
#define VERSION_LIMIT      2
#define RELEASE_BATCH      32
#define RELEASE_LOOKS      1024
#define DUMP_ENTRIES_LIMIT 64

/* ---- limits ---------------------------------------------------------------------------------- */

static uint32_t option_frames = 64, option_maptrack = 1024, option_version = VERSION_LIMIT;
OPTION_UINT("gnttab_max_frames", option_frames, "most grant-table frames of a domain");
OPTION_UINT("gnttab_max_maptrack_frames", option_maptrack,
            "most of what a domain maps by grants, in frames of 256 mappings");

/* "max-ver:1" or "max-ver:2"; transitive grants and transfers, which are not there, can be "no". */
static int parse_gnttab(const char *value)
{
    static const struct {
        const char *word;
        uint32_t version;
    } words[] = { { "max-ver:1", 1 },     { "max-ver:2", 2 },   { "no-transitive", 0 },
                  { "transitive=no", 0 }, { "no-transfer", 0 }, { "transfer=no", 0 } };
    const char *end;

    for (; *value != '\0'; value = *end == ',' ? end + 1 : end) {
        unsigned int i = 0;

        end = strchr(value, ',');
        end = end != NULL ? end : value + strlen(value);
        while (i < ARRAY_SIZE(words) && (strlen(words[i].word) != (size_t)(end - value) ||
                                         strncmp(value, words[i].word, (size_t)(end - value)))) {
            i++;
        }
        if (i == ARRAY_SIZE(words)) {
            return -XEN_EINVAL;
        }
        option_version = words[i].version != 0 ? words[i].version : option_version;
    }
    return 0;
}
OPTION_CUSTOM("gnttab", parse_gnttab, "max-ver:1 or max-ver:2, transitive=no, transfer=no");

int grants_limits_decide(struct grant_limits *limits)
{
    int frames_most = (int)min(option_frames, (uint32_t)FRAMES_LIMIT);
    int maptrack_most = (int)min(option_maptrack, (uint32_t)MAPTRACK_LIMIT);

    limits->frames = limits->frames < 0 ? frames_most : limits->frames;
    limits->maptrack_frames = limits->maptrack_frames < 0 ? maptrack_most : limits->maptrack_frames;
    if (limits->frames == 0 || limits->frames > frames_most ||
        limits->maptrack_frames > maptrack_most || limits->version == 0 ||
        limits->version > VERSION_LIMIT) {
        return -XEN_EINVAL;
    }
    limits->version = min(limits->version, option_version);
    return 0;
}

/* ---- life ------------------------------------------------------------------------------------ */

int grants_create(struct domain *domain, const struct grant_limits *asked)
{
    struct grant_limits limits = *asked;
    struct grant_table *table;
    int rc = grants_limits_decide(&limits);

    if (rc != 0) {
        return rc;
    }
    table = heap_new(struct grant_table);
    if (table == NULL) {
        return -XEN_ENOMEM;
    }
    rc = -XEN_ENOMEM;
    spin_lock_init(&table->lock, LOCK_GRANT);
    spin_lock_init(&table->map_lock, LOCK_GRANT_MAP);
    table->version = 1;
    table->version_max = limits.version;
    table->frames_max = (uint32_t)limits.frames;
    table->handles_max = (uint32_t)limits.maptrack_frames * HANDLES_A_FRAME;
    quota_limit(domain, QUOTA_GRANT_FRAMES, table->frames_max);
    quota_limit(domain, QUOTA_GRANT_STATUS, grant_status_frames_for(table->frames_max));
    quota_limit(domain, QUOTA_GRANT_MAPPINGS, table->handles_max);
    table->handle_free = HANDLE_NONE;
    table->shared = heap_new_array(void *, table->frames_max);
    table->active = heap_new_array(struct grant_active *, table->frames_max);
    table->status = heap_new_array(grant_status_t *, grant_status_frames_for(table->frames_max));
    table->maps = heap_new_array(struct grant_mapping *, table->handles_max / HANDLES_A_BUCKET + 1);
    domain->grants = table;
    if (table->shared != NULL && table->active != NULL && table->status != NULL &&
        table->maps != NULL) {
        rc = grants_grow(domain, 1);
    }
    if (rc != 0) {
        grants_free(domain);
    }
    return rc;
}

void grants_free(struct domain *domain)
{
    struct grant_table *table = domain->grants;

    if (table == NULL) {
        return;
    }
    ASSERT(table->handles_used == 0);
    domain->grants = NULL;
    for (uint32_t i = 0; i < table->frames; i++) {
        if (table->shared[i] != NULL) {
            frame_unshare(table->shared[i]);
        }
        heap_free(table->active[i]);
        quota_release(domain, QUOTA_GRANT_FRAMES, 1);
    }
    for (uint32_t i = 0; i < table->status_frames; i++) {
        if (table->status[i] != NULL) {
            frame_unshare(table->status[i]);
        }
        quota_release(domain, QUOTA_GRANT_STATUS, 1);
    }
    for (uint32_t i = 0; i < table->handles / HANDLES_A_BUCKET; i++) {
        heap_free(table->maps[i]);
        quota_release(domain, QUOTA_GRANT_MAPPINGS, HANDLES_A_BUCKET);
    }
    heap_free(table->shared);
    heap_free(table->active);
    heap_free(table->status);
    heap_free(table->maps);
    heap_free(table);
}

/* ---- teardown -------------------------------------------------------------------------------- */

/* The next mappings in use, from release_next on, made busy. */
static unsigned int claim_some(struct domain *domain, struct grant_mapping *mappings,
                               uint32_t *handles)
{
    struct grant_table *table = domain->grants;
    unsigned int count = 0;

    for (unsigned int looked = 0;
         looked < RELEASE_LOOKS && count < RELEASE_BATCH && table->release_next < table->handles;
         looked++) {
        handles[count] = table->release_next++;
        if (grant_handle_claim(domain, handles[count], &mappings[count])) {
            count++;
        }
    }
    return count;
}

static int release_all(struct domain *domain)
{
    struct grant_mapping mappings[RELEASE_BATCH];
    uint32_t handles[RELEASE_BATCH];
    unsigned int count;

    while (domain->grants->release_next < domain->grants->handles) {
        count = claim_some(domain, mappings, handles);
        if (count != 0) {
            arch_tlb_flush_since(arch_tlb_clock());
        }
        for (unsigned int i = 0; i < count; i++) {
            if (grant_handle_unclaim(domain, handles[i], MAPPING_HELD)) {
                grant_mapping_release(&mappings[i]);
            }
        }
        if (hypercall_preempt()) {
            return -XEN_ERESTART;
        }
    }
    return 0;
}

/* Nobody uses the shared frame any more once its entries have been drained. */
static void retire_frame(struct grant_table *table, uint32_t frame)
{
    void *shared = table->shared[frame];

    atomic_write_release(&table->shared[frame], (void *)NULL);
    grant_frame_drain(table, frame);
    /* The locks of version 2 entries: a frame has half as many of them. */
    grant_frame_drain(table, frame / (V1_A_FRAME / V2_A_FRAME));
    frame_unshare(shared);
}

static int retire_all(struct grant_table *table)
{
    while (table->retire_next < table->frames) {
        retire_frame(table, table->retire_next++);
        if (hypercall_preempt()) {
            return -XEN_ERESTART;
        }
    }
    for (uint32_t i = 0; i < table->status_frames; i++) {
        if (table->status[i] != NULL) {
            frame_unshare(table->status[i]);
            table->status[i] = NULL;
        }
    }
    return 0;
}

int grants_release_mappings(struct domain *domain)
{
    struct grant_table *table = domain->grants;
    int rc;

    if (table == NULL) {
        return 0;
    }
    ASSERT(grant_domain_dying(domain));
    /* A grower who looked before the domain was dying has finished. */
    spin_lock(&table->lock);
    spin_unlock(&table->lock);
    rc = release_all(domain);
    return rc != 0 ? rc : retire_all(table);
}

/* ---- looking at it --------------------------------------------------------------------------- */

void grants_dump(struct domain *domain)
{
    struct grant_table *table = domain->grants;
    struct grants_size size;
    unsigned int shown = 0;

    grants_query(domain, &size);
    pr_info("d%u grant table: version %u, %u of %u frames, %u mappings\n", domain->id.value,
            size.version, size.frames, size.frames_max, atomic_read(&table->handles_used));
    for (uint32_t ref = 0; ref < size.frames * grant_entries_a_frame(size.version); ref++) {
        const struct grant_active *active = grant_active_of(table, ref);
        uint32_t readers = atomic_read(&active->readers), writers = atomic_read(&active->writers);

        if (readers + writers == 0) {
            continue;
        }
        if (++shown > DUMP_ENTRIES_LIMIT) {
            pr_info("  and more\n");
            return;
        }
        pr_info("  ref %u: %u readers, %u writers\n", ref, readers, writers);
    }
}

static bool dump_domain(struct domain *domain, void *data)
{
    if (domain->grants != NULL) {
        grants_dump(domain);
    }
    return true;
}

static void dump_all(char key)
{
    domain_for_each(dump_domain, NULL);
}

void grants_init(void)
{
    debug_key_register('g', dump_all, "grant tables");
}

static bool handles_valid(const struct grant_table *table)
{
    uint32_t free = 0, used = 0;

    for (uint32_t handle = 0; handle < table->handles; handle++) {
        const struct grant_mapping *mapping = grant_mapping_of(table, handle);

        if (mapping->flags != 0) {
            used++;
        } else if (mapping->granter != NULL) {
            return false;
        }
    }
    for (uint32_t handle = table->handle_free; handle != HANDLE_NONE;
         handle = grant_mapping_of(table, handle)->ref) {
        if (handle >= table->handles || ++free > table->handles) {
            return false;
        }
    }
    return used == table->handles_used && free + used == table->handles &&
           table->handles <= table->handles_max;
}

bool grants_valid(const struct domain *domain)
{
    const struct grant_table *table = domain->grants;

    for (uint32_t i = 0; i < table->frames; i++) {
        if (table->active[i] == NULL) {
            return false;
        }
    }
    return table->frames <= table->frames_max && table->version <= table->version_max &&
           (table->version != 2 ||
            table->status_frames >= grant_status_frames_for(table->frames)) &&
           handles_valid(table);
}
