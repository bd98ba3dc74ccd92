/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * One entry of a grant table: checking it, marking it in use, counting. Everything here happens
 * under the entry's lock; the entry itself is the granter's memory and changes at any time.
 * Theory: grant.c.
 */
#include "grant_private.h"

#include "arch/memory.h"
#include "hypervisor/string.h"

#define CLAIM_TRIES 8 /* a granter who changes the entry that often while it is looked at */

/* The part that both versions share, as one word for the compare-exchange. */
union header {
    uint32_t word;
    struct grant_entry_header fields;
};

_Static_assert(sizeof(union header) == 4, "flags and domid are 4 bytes");

/* The use count of an entry that exists in this version; NULL otherwise. */
static struct grant_active *active_of(const struct grant_table *table, uint32_t version,
                                      uint32_t ref)
{
    if (ref / grant_entries_a_frame(version) >= atomic_read_acquire(&table->frames)) {
        return NULL;
    }
    return grant_active_of(table, ref);
}

/* A reference that was found to be in the table, bounded. */
static uint32_t bounded(const struct grant_table *table, uint32_t version, uint32_t ref)
{
    uint64_t entries = (uint64_t)atomic_read(&table->frames) * grant_entries_a_frame(version);

    return (uint32_t)index_nospec(ref, entries);
}

void grant_frame_drain(struct grant_table *table, uint32_t frame)
{
    for (uint32_t i = 0; i < V1_A_FRAME; i++) {
        spin_lock(&table->active[frame][i].lock);
        spin_unlock(&table->active[frame][i].lock);
    }
}

static struct grant_entry_v1 *entry_v1(const struct grant_table *table, uint32_t ref)
{
    struct grant_entry_v1 *page = atomic_read(&table->shared[ref / V1_A_FRAME]);

    return page == NULL ? NULL : &page[ref % V1_A_FRAME];
}

static union grant_entry_v2 *entry_v2(const struct grant_table *table, uint32_t ref)
{
    union grant_entry_v2 *page = atomic_read(&table->shared[ref / V2_A_FRAME]);

    return page == NULL ? NULL : &page[ref % V2_A_FRAME];
}

static grant_status_t *status_v2(const struct grant_table *table, uint32_t ref)
{
    return &table->status[ref / STATUS_A_FRAME][ref % STATUS_A_FRAME];
}

/* May `user` have what the entry's header says? */
static int16_t header_check(union header header, const struct domain *user, bool write)
{
    if ((header.fields.flags & GTF_type_mask) != GTF_permit_access ||
        header.fields.domid != user->id.value) {
        return GNTST_bad_gntref;
    }
    if (write && (header.fields.flags & GTF_readonly) != 0) {
        return GNTST_permission_denied;
    }
    return GNTST_okay;
}

static uint16_t use_bits(bool write)
{
    return write ? GTF_reading | GTF_writing : GTF_reading;
}

static int16_t claim_v1(struct grant_table *table, uint32_t ref, const struct domain *user,
                        bool write, struct grant_extent *extent)
{
    struct grant_entry_v1 *entry = entry_v1(table, ref);
    uint32_t *word = (uint32_t *)(void *)entry;
    union header header, marked;
    int16_t status;

    if (entry == NULL) {
        return GNTST_bad_gntref;
    }
    header.word = READ_ONCE(*word);
    for (unsigned int tries = 0; tries < CLAIM_TRIES; tries++) {
        status = header_check(header, user, write);
        if (status != GNTST_okay) {
            return status;
        }
        marked = header;
        marked.fields.flags |= use_bits(write);
        if (atomic_compare_exchange(word, &header.word, marked.word)) {
            extent->gfn = GFN(READ_ONCE(entry->frame));
            extent->offset = 0;
            extent->length = PAGE_SIZE;
            return GNTST_okay;
        }
    }
    return GNTST_eagain;
}

static void extent_v2(const union grant_entry_v2 *entry, union header header,
                      struct grant_extent *extent)
{
    extent->gfn = GFN(READ_ONCE(entry->full_page.frame));
    extent->offset = 0;
    extent->length = PAGE_SIZE;
    if ((header.fields.flags & GTF_sub_page) != 0) {
        extent->offset = READ_ONCE(entry->sub_page.page_off);
        extent->length = READ_ONCE(entry->sub_page.length);
    }
}

/* Where an entry's marks are; NULL when they are given back. */
static uint16_t *marks_of(const struct grant_table *table, uint32_t version, uint32_t ref)
{
    struct grant_entry_v1 *entry;

    if (version == 2) {
        return entry_v2(table, ref) != NULL ? status_v2(table, ref) : NULL;
    }
    entry = entry_v1(table, ref);
    return entry != NULL ? &entry->flags : NULL;
}

/* Bits of the status that no pin needs any more. */
static void unmark(struct grant_table *table, uint32_t version, uint32_t ref,
                   const struct grant_active *active)
{
    uint16_t *marks = marks_of(table, version, ref);
    uint16_t idle = 0;

    if (active->writers == 0) {
        idle |= GTF_writing;
    }
    if (active->writers + active->readers == 0) {
        idle |= GTF_reading;
    }
    if (marks != NULL) {
        (void)atomic_and(marks, (uint16_t)~idle);
    }
}

void grant_remark(struct grant_table *table, uint32_t ref)
{
    struct grant_active *active = grant_active_of(table, ref);
    uint16_t *marks;

    spin_lock(&active->lock);
    marks = marks_of(table, table->version, ref);
    if (marks != NULL && active->readers + active->writers != 0) {
        (void)atomic_or(marks, use_bits(active->writers != 0));
    }
    unmark(table, table->version, ref, active);
    spin_unlock(&active->lock);
}

/* The status words are apart from the header: mark, then see whether the header still says so. */
static int16_t claim_v2(struct grant_table *table, uint32_t ref, const struct domain *user,
                        bool write, bool partial, struct grant_extent *extent)
{
    union grant_entry_v2 *entry = entry_v2(table, ref);
    union header header;
    int16_t status;

    if (entry == NULL) {
        return GNTST_bad_gntref;
    }
    header.word = READ_ONCE(*(uint32_t *)(void *)entry);
    status = header_check(header, user, write);
    if (status != GNTST_okay) {
        return status;
    }
    (void)atomic_or(status_v2(table, ref), use_bits(write));
    header.word = READ_ONCE(*(uint32_t *)(void *)entry);
    status = header_check(header, user, write);
    if (status == GNTST_okay && (header.fields.flags & GTF_sub_page) != 0 && !partial) {
        status = GNTST_bad_gntref;
    }
    if (status == GNTST_okay) {
        extent_v2(entry, header, extent);
    }
    return status;
}

int16_t grant_pin(struct domain *granter, uint32_t ref, const struct domain *user, bool write,
                  bool partial, struct grant_extent *extent)
{
    struct grant_table *table = granter->grants;
    uint32_t version = atomic_read(&table->version);
    struct grant_active *active = active_of(table, version, ref);
    int16_t status;

    if (active == NULL) {
        return GNTST_bad_gntref;
    }
    ref = bounded(table, version, ref);
    spin_lock(&active->lock);
    if (grant_domain_dying(granter)) {
        status = GNTST_bad_domain;
    } else if (atomic_read(&table->version_changing) || version != atomic_read(&table->version)) {
        status = GNTST_eagain;
    } else if (active->readers >= GRANT_PINS_MAX || active->writers >= GRANT_PINS_MAX) {
        status = GNTST_no_space;
    } else if (version == 2) {
        status = claim_v2(table, ref, user, write, partial, extent);
        if (status != GNTST_okay) {
            unmark(table, version, ref, active);
        }
    } else {
        status = claim_v1(table, ref, user, write, extent);
    }
    if (status == GNTST_okay) {
        active->writers += write;
        active->readers += !write;
    }
    spin_unlock(&active->lock);
    return status;
}

void grant_unpin(struct domain *granter, uint32_t ref, bool write)
{
    struct grant_table *table = granter->grants;
    struct grant_active *active = grant_active_of(table, ref);

    spin_lock(&active->lock);
    ASSERT(write ? active->writers > 0 : active->readers > 0);
    active->writers -= write;
    active->readers -= !write;
    if (!grant_reserved(ref) || !atomic_read(&table->version_changing)) {
        unmark(table, atomic_read(&table->version), ref, active);
    }
    spin_unlock(&active->lock);
}

struct frame *grant_frame_hold(struct domain *owner, gfn_t gfn, bool write)
{
    struct frame *frame = arch_gfn_get_frame(owner, gfn);

    if (frame != NULL && write && !arch_frame_get_writable(frame)) {
        frame_put(frame);
        frame = NULL;
    }
    return frame;
}

void grant_frame_release(struct frame *frame, bool write)
{
    if (write) {
        arch_frame_put_writable(frame);
    }
    frame_put(frame);
}

/* ---- accepting a transfer -------------------------------------------------------------------- */

/* The entry's header as one word; NULL when the frame of entries is given back. */
static uint32_t *header_of(const struct grant_table *table, uint32_t ref)
{
    return table->version == 2 ? (uint32_t *)(void *)entry_v2(table, ref)
                               : (uint32_t *)(void *)entry_v1(table, ref);
}

int16_t grant_accept_check(struct domain *receiver, uint32_t ref, const struct domain *giver,
                           mfn_t mfn, uint32_t *word)
{
    const uint16_t decisive = GTF_type_mask | GTF_transfer_committed | GTF_transfer_completed;
    const uint32_t *entry = header_of(receiver->grants, ref);
    union header header;

    if (grant_domain_dying(receiver)) {
        return GNTST_bad_domain;
    }
    if (entry == NULL) {
        return GNTST_bad_gntref;
    }
    header.word = READ_ONCE(*entry);
    if ((header.fields.flags & decisive) != GTF_accept_transfer ||
        header.fields.domid != giver->id.value) {
        return GNTST_bad_gntref;
    }
    if (receiver->grants->version == 1 && mfn.value > UINT32_MAX) {
        return GNTST_address_too_big;
    }
    *word = header.word;
    return GNTST_okay;
}

bool grant_accept_commit(struct domain *receiver, uint32_t ref, uint32_t word, mfn_t mfn)
{
    struct grant_table *table = receiver->grants;
    uint32_t *entry = header_of(table, ref);
    union header header = { .word = word };

    header.fields.flags |= GTF_transfer_committed;
    if (!atomic_compare_exchange(entry, &word, header.word)) {
        return false;
    }
    if (table->version == 2) {
        WRITE_ONCE(entry_v2(table, ref)->full_page.frame, mfn.value);
    } else {
        WRITE_ONCE(entry_v1(table, ref)->frame, (uint32_t)mfn.value);
    }
    header.word = 0;
    header.fields.flags = GTF_transfer_completed;
    (void)atomic_or(entry, header.word); /* a full barrier: the frame is there before */
    return true;
}

/* ---- swapping -------------------------------------------------------------------------------- */

static void swap_bytes(void *a, void *b, size_t bytes)
{
    uint8_t kept[sizeof(union grant_entry_v2)];

    memcpy(kept, a, bytes);
    memcpy(a, b, bytes);
    memcpy(b, kept, bytes);
}

/* Both entries' locks are held, neither is in use. */
static int16_t swap_locked(struct grant_table *table, uint32_t version, uint32_t ref_a,
                           uint32_t ref_b)
{
    void *a = version == 2 ? (void *)entry_v2(table, ref_a) : (void *)entry_v1(table, ref_a);
    void *b = version == 2 ? (void *)entry_v2(table, ref_b) : (void *)entry_v1(table, ref_b);

    if (a == NULL || b == NULL) {
        return GNTST_bad_gntref;
    }
    if (ref_a != ref_b) {
        swap_bytes(a, b,
                   version == 2 ? sizeof(union grant_entry_v2) : sizeof(struct grant_entry_v1));
    }
    return GNTST_okay;
}

int16_t grant_swap(struct domain *caller, uint32_t ref_a, uint32_t ref_b)
{
    struct grant_table *table = caller->grants;
    uint32_t version = atomic_read(&table->version);
    struct grant_active *a = active_of(table, version, ref_a);
    struct grant_active *b = active_of(table, version, ref_b);
    int16_t status = GNTST_eagain;

    if (a == NULL || b == NULL) {
        return GNTST_bad_gntref;
    }
    ref_a = bounded(table, version, ref_a);
    ref_b = bounded(table, version, ref_b);
    spin_lock_pair(&a->lock, &b->lock);
    if (!atomic_read(&table->version_changing) && version == atomic_read(&table->version) &&
        a->readers + a->writers + b->readers + b->writers == 0) {
        status = swap_locked(table, version, ref_a, ref_b);
    }
    spin_unlock_pair(&a->lock, &b->lock);
    return status;
}
