/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * References to frames, and who owns them.
 *
 *                 frame_alloc            frame_assign / frame_share_with
 *        free  ---------------> private ---------------------------------> owned
 *          ^                       |  ^                                    |   |
 *          |       frame_free      |  |              frame_take            |   |
 *          +-----------------------+  +------------------------------------+   |
 *          +-------------------------------------------------------------------+
 *                                the last frame_put
 *
 * Everything happens on the one word frame->count. A reference is won by the compare-exchange that
 * raises a count which is neither zero, nor free, nor private; only after that is the owner looked
 * at (and the reference dropped again when it is the wrong one), because the owner cannot change
 * under a reference. The owner's own reference is marked by FRAME_ALLOCATED, so that exactly one
 * party gets to drop it.
 *
 * Invariants
 *  1. Not private, not free: references > 0 and owner != DOMID_INVALID, or the last frame_put is
 *     under way. FRAME_ALLOCATED implies references > 0.
 *  2. An owned frame without FRAME_HYPERVISOR is in its owner's list, once. d->frames_total is the
 *     length of that list, and frames taken with keep_count. d->frames_hypervisor is the number of
 *     owned frames with FRAME_HYPERVISOR.
 *  3. A domain with frames_total + frames_hypervisor > 0 is kept alive by one reference to it.
 *
 * Lock: d->frame_lock (LOCK_PAGE_LIST) for the list, the counts and the claim. The references need
 * none. All operations order fully, so what a holder did to a frame is seen by whoever frees it.
 */
#include "hypervisor/atomic.h"
#include "hypervisor/bug.h"
#include "hypervisor/domain.h"
#include "hypervisor/error.h"
#include "hypervisor/frame.h"
#include "hypervisor/lock.h"
#include "arch/memory.h"
#include "pool.h"

#define NOT_FOR_GUESTS (FRAME_FREE | FRAME_BROKEN | FRAME_PRIVATE)

/* ---- references -------------------------------------------------------------------------------- */

bool frame_get(struct frame *frame, const struct domain *owner)
{
    uint64_t count = atomic_read(&frame->count);

    do {
        /* No reference, or as many as the field holds. */
        if (unlikely((count & NOT_FOR_GUESTS) || ((count + 1) & FRAME_COUNT_MASK) <= 1)) {
            return false;
        }
    } while (!atomic_compare_exchange(&frame->count, &count, count + 1));
    if (likely(owner == NULL || frame->owner == owner->id.value)) {
        return true;
    }
    frame_put(frame);
    return false;
}

void frame_get_again(struct frame *frame)
{
    uint64_t count = atomic_add(&frame->count, 1) & FRAME_COUNT_MASK;

    BUG_ON(count <= 1);
}

static void list_append_frame(struct domain *domain, struct frame *frame)
{
    uint32_t index = frame_index(frame);

    frame->next = FRAME_NO_LINK;
    frame->prev = domain->frame_list_last;
    if (frame->prev == FRAME_NO_LINK) {
        domain->frame_list_first = index;
    } else {
        frame_table[frame->prev].next = index;
    }
    domain->frame_list_last = index;
}

static void list_remove_frame(struct domain *domain, struct frame *frame)
{
    if (frame->prev == FRAME_NO_LINK) {
        domain->frame_list_first = frame->next;
    } else {
        frame_table[frame->prev].next = frame->next;
    }
    if (frame->next == FRAME_NO_LINK) {
        domain->frame_list_last = frame->prev;
    } else {
        frame_table[frame->next].prev = frame->prev;
    }
    frame->next = frame->prev = FRAME_NO_LINK;
}

static bool owns_nothing(const struct domain *domain)
{
    return domain->frames_total + domain->frames_hypervisor == 0;
}

/* Nobody has a reference any more, and nobody can get one: the frame is ours alone. */
static __noinline void frame_last_put(struct frame *frame, uint64_t flags)
{
    struct domain *owner = frame_owner(frame);
    bool forget_owner;

    BUG_ON(owner == NULL || (flags & (FRAME_ALLOCATED | FRAME_PRIVATE | FRAME_FREE)));
    arch_m2p_set(frame_mfn(frame), M2P_INVALID);
    spin_lock(&owner->frame_lock);
    if (flags & FRAME_HYPERVISOR) {
        owner->frames_hypervisor--;
    } else {
        list_remove_frame(owner, frame);
        owner->frames_total--;
    }
    forget_owner = owns_nothing(owner);
    spin_unlock(&owner->frame_lock);
    pool_free(frame, 0, true);
    if (forget_owner) {
        domain_put(owner);
    }
}

void frame_put(struct frame *frame)
{
    uint64_t count = atomic_sub(&frame->count, 1);

    ASSERT((count & FRAME_COUNT_MASK) != FRAME_COUNT_MASK);
    if (unlikely((count & FRAME_COUNT_MASK) == 0)) {
        frame_last_put(frame, count & ~FRAME_COUNT_MASK);
    }
}

struct domain *frame_owner(const struct frame *frame)
{
    return frame->owner == DOMID_INVALID ? NULL : domain_of_owner(frame->owner);
}

bool frame_clear_allocated(struct frame *frame)
{
    return atomic_and(&frame->count, ~FRAME_ALLOCATED) & FRAME_ALLOCATED;
}

/* ---- ownership --------------------------------------------------------------------------------- */

static int assign_admit(const struct domain *domain, uint64_t frames, unsigned int flags)
{
    if (READ_ONCE(domain->dying) != DOMAIN_ALIVE) {
        return -XEN_EINVAL;
    }
    if (flags & (FRAME_ASSIGN_UNCOUNTED | FRAME_ASSIGN_PRECOUNTED)) {
        return 0;
    }
    if (domain->frames_total > domain->frames_max ||
        frames > domain->frames_max - domain->frames_total) {
        return -XEN_ENOMEM;
    }
    return 0;
}

int frame_assign(struct domain *domain, struct frame *frame, unsigned int order, unsigned int flags)
{
    uint64_t frames = 1ull << order;
    bool uncounted = flags & FRAME_ASSIGN_UNCOUNTED;
    int result;

    spin_lock(&domain->frame_lock);
    result = assign_admit(domain, frames, flags);
    if (result != 0) {
        goto out;
    }
    if (owns_nothing(domain)) {
        domain_get_again(domain);
    }
    if (uncounted) {
        domain->frames_hypervisor += frames;
    } else if (!(flags & FRAME_ASSIGN_PRECOUNTED)) {
        domain->frames_total += frames;
    }
    for (uint64_t i = 0; i < frames; i++) {
        uint64_t count = atomic_read(&frame[i].count);

        BUG_ON(!(count & FRAME_PRIVATE));
        frame[i].owner = domain->id.value;
        if (!uncounted) {
            list_append_frame(domain, &frame[i]);
        }
        atomic_write_release(&frame[i].count, (count & FRAME_STATIC) | FRAME_ALLOCATED | 1 |
                                                  (uncounted ? FRAME_HYPERVISOR : 0));
    }
out:
    spin_unlock(&domain->frame_lock);
    return result;
}

bool frame_take(struct domain *domain, struct frame *frame, bool keep_count)
{
    uint64_t count = atomic_read(&frame->count);
    bool taken = false, forget_owner = false;

    if ((count & ~FRAME_STATIC) != (FRAME_ALLOCATED | 2) || frame->owner != domain->id.value) {
        return false;
    }
    spin_lock(&domain->frame_lock);
    if (atomic_compare_exchange(&frame->count, &count,
                                (count & FRAME_STATIC) | FRAME_PRIVATE | FRAME_TAINTED | 1)) {
        taken = true;
        list_remove_frame(domain, frame);
        frame->owner = DOMID_INVALID;
        domain->frames_total -= keep_count ? 0 : 1;
        forget_owner = owns_nothing(domain);
    }
    spin_unlock(&domain->frame_lock);
    if (forget_owner) {
        domain_put(domain);
    }
    return taken;
}

void frame_uncount(struct domain *domain, uint64_t frames)
{
    bool forget_owner;

    spin_lock(&domain->frame_lock);
    domain->frames_total -= frames;
    forget_owner = frames != 0 && owns_nothing(domain);
    spin_unlock(&domain->frame_lock);
    if (forget_owner) {
        domain_put(domain);
    }
}

void frame_share_with(struct domain *domain, void *address, enum frame_share how)
{
    struct frame *frame = frame_of(virt_to_mfn(address));
    uint64_t count = atomic_read(&frame->count);

    BUG_ON((count & ~FRAME_TAINTED) != (FRAME_PRIVATE | FRAME_HYPERVISOR | 1));
    arch_frame_share(frame, how == FRAME_SHARE_WRITABLE);
    spin_lock(&domain->frame_lock);
    if (owns_nothing(domain)) {
        domain_get_again(domain);
    }
    domain->frames_hypervisor++;
    frame->owner = domain->id.value;
    spin_unlock(&domain->frame_lock);
    atomic_write_release(&frame->count, FRAME_HYPERVISOR | FRAME_ALLOCATED | 1);
}

void frame_unshare(void *address)
{
    struct frame *frame = frame_of(virt_to_mfn(address));

    if (atomic_read(&frame->count) & FRAME_PRIVATE) {
        frame_free(frame, 0);
    } else if (frame_clear_allocated(frame)) {
        frame_put(frame);
    }
}

/* ---- release in bulk ----------------------------------------------------------------------------- */

#define RELEASE_BATCH 64u

/* What one hold of the lock takes off a domain's list. */
struct release {
    unsigned int visited;
    unsigned int count; /* frames[0 .. count - 1] are private now, in the order of the list */
    unsigned int kept;  /* from the end down, with a reference each: those that others refer to */
    struct frame *frames[RELEASE_BATCH];
};

/* Like frame_take, for the first of the list. Under the lock. */
static bool take_unreferenced(struct domain *domain, struct frame *frame)
{
    uint64_t count = atomic_read(&frame->count);

    if ((count & ~FRAME_STATIC) != (FRAME_ALLOCATED | 1) ||
        !atomic_compare_exchange(&frame->count, &count,
                                 (count & FRAME_STATIC) | FRAME_PRIVATE | FRAME_TAINTED | 1)) {
        return false;
    }
    list_remove_frame(domain, frame);
    frame->owner = DOMID_INVALID;
    domain->frames_total--;
    return true;
}

/* True when the domain owns nothing any more: its frames' reference to it is the caller's. */
static bool release_collect(struct domain *domain, struct release *release, uint64_t frames)
{
    bool forget_owner;

    spin_lock(&domain->frame_lock);
    while (release->visited < min(frames, (uint64_t)RELEASE_BATCH) &&
           domain->frame_list_first != FRAME_NO_LINK) {
        struct frame *first = &frame_table[domain->frame_list_first];

        release->visited++;
        if (likely(take_unreferenced(domain, first))) {
            release->frames[release->count++] = first;
            continue;
        }
        list_remove_frame(domain, first);
        list_append_frame(domain, first);
        if (frame_get(first, domain)) {
            release->frames[RELEASE_BATCH - ++release->kept] = first;
        }
    }
    forget_owner = release->count != 0 && owns_nothing(domain);
    spin_unlock(&domain->frame_lock);
    return forget_owner;
}

/* Frees a run of neighbours in the largest blocks it is made of. */
static void free_run(struct frame *frame, unsigned int count)
{
    while (count != 0) {
        unsigned int order = (unsigned int)__builtin_ctzll(frame_mfn(frame).value | 1ull << 31);

        while ((1u << order) > count ||
               frame_node(frame_mfn(frame)) != frame_node(frame_mfn(&frame[(1u << order) - 1]))) {
            order--;
        }
        frame_free(frame, order);
        frame += 1u << order;
        count -= 1u << order;
    }
}

uint64_t frame_release_some(struct domain *domain, uint64_t frames)
{
    struct release release;
    unsigned int run = 0;
    bool forget_owner;

    release.visited = release.count = release.kept = 0;
    forget_owner = release_collect(domain, &release, frames);

    for (unsigned int i = 0; i < release.count; i++) {
        arch_m2p_set(frame_mfn(release.frames[i]), M2P_INVALID);
        if (i + 1 == release.count || release.frames[i + 1] != release.frames[i] + 1) {
            free_run(release.frames[run], i + 1 - run);
            run = i + 1;
        }
    }
    for (unsigned int i = 1; i <= release.kept; i++) {
        struct frame *frame = release.frames[RELEASE_BATCH - i];

        if (frame_clear_allocated(frame)) {
            frame_put(frame);
        }
        frame_put(frame);
    }
    if (forget_owner) {
        domain_put(domain);
    }
    return release.visited;
}

/* ---- claims ------------------------------------------------------------------------------------ */

int frame_claim(struct domain *domain, uint64_t frames)
{
    int result = 0;

    spin_lock(&domain->frame_lock);
    if (frames == 0) {
        pool_unreserve(domain->frames_claimed);
        domain->frames_claimed = 0;
    } else if (domain->frames_claimed != 0 || frames <= domain->frames_total ||
               frames > domain->frames_max || READ_ONCE(domain->dying) != DOMAIN_ALIVE) {
        result = -XEN_EINVAL;
    } else if (!pool_reserve(frames - domain->frames_total)) {
        result = -XEN_ENOMEM;
    } else {
        domain->frames_claimed = frames - domain->frames_total;
    }
    spin_unlock(&domain->frame_lock);
    return result;
}

/* Uses up to `frames` of the domain's claim; returns how many. */
static uint64_t claim_use(struct domain *domain, uint64_t frames)
{
    uint64_t used;

    if (READ_ONCE(domain->frames_claimed) == 0) {
        return 0;
    }
    spin_lock(&domain->frame_lock);
    used = min(frames, domain->frames_claimed);
    domain->frames_claimed -= used;
    spin_unlock(&domain->frame_lock);
    return used;
}

static void claim_return(struct domain *domain, uint64_t frames)
{
    if (frames == 0) {
        return;
    }
    spin_lock(&domain->frame_lock);
    if (READ_ONCE(domain->dying) != DOMAIN_ALIVE) {
        pool_unreserve(frames);
    } else {
        domain->frames_claimed += frames;
    }
    spin_unlock(&domain->frame_lock);
}

struct frame *frame_alloc_for(struct domain *domain, unsigned int order, unsigned int node,
                              unsigned int flags, unsigned int bits)
{
    uint64_t claimed, reserved;
    struct frame *frame = NULL;

    if (order > FRAME_ORDER_MAX) {
        return NULL;
    }
    claimed = claim_use(domain, 1ull << order);
    reserved = (1ull << order) - claimed;
    if (reserved == 0 || pool_reserve(reserved)) {
        frame = pool_alloc_reserved(order, node, flags, bits);
        if (frame == NULL) {
            pool_unreserve(reserved);
        }
    }
    if (frame == NULL) {
        claim_return(domain, claimed);
    }
    return frame;
}
