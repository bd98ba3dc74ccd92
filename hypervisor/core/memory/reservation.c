/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * A domain's memory as a whole.
 *
 *      allocator --- memory_populate ---> the domain's list --- memory_release ---> allocator
 *          ^                                |          ^            (with the last reference)
 *          |                  exchange_take |          | exchange_commit
 *          |                                v          |
 *          +------- exchange_commit ----- in list   out list <--- exchange_give --- allocator
 *
 * An exchange first takes and allocates everything, into lists nobody else sees; until the commit it
 * can be cancelled without a trace. The frames taken stay in the domain's count meanwhile, so that
 * a concurrent growth cannot use up the room they will need again.
 *
 * Invariants
 *  1. d->frames_total <= d->frames_max after every growth (frame_assign); exchanges do not change it.
 *  2. Frames in the lists of an exchange are private; a frame in the out list keeps its pfn in its
 *     type word, which is 0 again before the domain owns it.
 *  3. The machine-to-phys entry of a frame is set before the domain owns it, and is M2P_INVALID once
 *     it is free.
 *
 * Locks: none of its own; frame.c's. What a guest can ask for in one piece is bounded by
 * memory_order_max(); what is longer is the caller's loop, which is preemptible.
 */
#include "hypervisor/atomic.h"
#include "hypervisor/bug.h"
#include "hypervisor/debug_key.h"
#include "hypervisor/domain.h"
#include "hypervisor/error.h"
#include "hypervisor/frame.h"
#include "hypervisor/heap.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/memory.h"
#include "hypervisor/printk.h"
#include "arch/memory.h"
#include "pool.h"

#define ORDER_MAX_PRIVILEGED 12
#define ORDER_MAX_GUEST      9

/* ---- life of a domain -------------------------------------------------------------------------- */

void domain_memory_init(struct domain *domain)
{
    spin_lock_init(&domain->frame_lock, LOCK_PAGE_LIST);
    domain->frame_list_first = domain->frame_list_last = FRAME_NO_LINK;
    domain->frames_total = domain->frames_hypervisor = domain->frames_claimed = 0;
    domain->frames_max = UINT64_MAX;
    domain->frames_relinquishing = false;
    domain->memory_map = NULL;
}

int domain_memory_relinquish(struct domain *domain)
{
    if (!domain->frames_relinquishing) {
        int unclaimed = frame_claim(domain, 0);

        BUG_ON(unclaimed != 0);
        spin_lock(&domain->frame_lock); /* after this nobody adds a frame any more */
        domain->frames_unvisited = domain->frames_total;
        spin_unlock(&domain->frame_lock);
        domain->frames_relinquishing = true;
    }
    while (domain->frames_unvisited != 0) {
        uint64_t visited = frame_release_some(domain, domain->frames_unvisited);

        domain->frames_unvisited -= visited == 0 ? domain->frames_unvisited : visited;
        if (domain->frames_unvisited != 0 && hypercall_preempt()) {
            return -XEN_ERESTART;
        }
    }
    return 0;
}

void domain_memory_free(struct domain *domain)
{
    ASSERT(domain->frames_total == 0 && domain->frames_hypervisor == 0);
    heap_free(domain->memory_map);
    domain->memory_map = NULL;
}

/* ---- growing and shrinking --------------------------------------------------------------------- */

bool memory_placement_decode(uint32_t mem_flags, struct memory_placement *to)
{
    unsigned int bits = XENMEMF_get_address_bits(mem_flags);
    unsigned int node = XENMEMF_get_node(mem_flags);

    *to = (struct memory_placement){ .node = ALLOC_NODE_ANY, .bits = bits == 0 ? 64 : bits };
    /* A virtual node of a guest without virtual NUMA is no wish. */
    if (!(mem_flags & XENMEMF_vnode) && node != 0xff) {
        to->node = node;
        if (mem_flags & XENMEMF_exact_node_request) {
            to->alloc_flags |= ALLOC_EXACT_NODE;
        }
    }
    return to->bits > PAGE_SHIFT && !(mem_flags & XENMEMF_populate_on_demand);
}

unsigned int memory_order_max(const struct domain *caller)
{
    return caller->is_privileged || caller->is_hardware ? ORDER_MAX_PRIVILEGED : ORDER_MAX_GUEST;
}

static void name_frames(mfn_t mfn, unsigned int order, uint64_t pfn)
{
    for (uint64_t i = 0; i < 1ull << order; i++) {
        arch_m2p_set(mfn_add(mfn, i), pfn == MEMORY_NO_PFN ? M2P_INVALID : pfn + i);
    }
}

/* The lowest node of the domain's affinity, when the caller does not mind; others come after it. */
static unsigned int preferred_node(const struct domain *domain, unsigned int node)
{
    uint64_t nodes = READ_ONCE(domain->node_affinity);

    if (node != ALLOC_NODE_ANY || nodes == 0) {
        return node;
    }
    return (unsigned int)__builtin_ctzll(nodes);
}

int memory_populate(struct domain *domain, uint64_t pfn, unsigned int order,
                    const struct memory_placement *placement, mfn_t *mfn)
{
    struct frame *frame = frame_alloc_for(domain, order, preferred_node(domain, placement->node),
                                          placement->alloc_flags, placement->bits);
    int result;

    if (frame == NULL) {
        return -XEN_ENOMEM;
    }
    *mfn = frame_mfn(frame);
    name_frames(*mfn, order, pfn);
    result = frame_assign(domain, frame, order, 0);
    if (result != 0) {
        name_frames(*mfn, order, MEMORY_NO_PFN);
        frame_free(frame, order);
    }
    return result;
}

int memory_release(struct domain *domain, mfn_t mfn)
{
    struct frame *frame;
    int result = -XEN_EINVAL;

    if (!frame_valid(mfn) || !frame_get(frame_of(mfn), domain)) {
        return -XEN_EINVAL;
    }
    frame = frame_of(mfn);
    if (!(atomic_read(&frame->count) & FRAME_HYPERVISOR) && frame_clear_allocated(frame)) {
        frame_put(frame);
        result = 0;
    }
    frame_put(frame);
    return result;
}

void memory_unpopulate(struct domain *domain, mfn_t mfn, unsigned int order)
{
    for (uint64_t i = 0; i < 1ull << order; i++) {
        if (memory_release(domain, mfn_add(mfn, i)) != 0) {
            break; /* the guest guessed the number, and gave the frame away itself */
        }
    }
}

/* ---- exchange ---------------------------------------------------------------------------------- */

void memory_exchange_begin(struct memory_exchange *exchange, struct domain *domain,
                           unsigned int out_order)
{
    *exchange = (struct memory_exchange){
        .domain = domain,
        .in_first = FRAME_NO_LINK,
        .out_first = FRAME_NO_LINK,
        .out_last = FRAME_NO_LINK,
        .out_order = out_order,
    };
}

int memory_exchange_take(struct memory_exchange *exchange, mfn_t mfn)
{
    struct frame *frame;

    if (!frame_valid(mfn) || !frame_get(frame_of(mfn), exchange->domain)) {
        return -XEN_EINVAL;
    }
    frame = frame_of(mfn);
    if (!frame_take(exchange->domain, frame, true)) {
        frame_put(frame);
        return -XEN_EINVAL;
    }
    frame->next = exchange->in_first;
    exchange->in_first = frame_index(frame);
    exchange->in_frames++;
    return 0;
}

int memory_exchange_give(struct memory_exchange *exchange, uint64_t pfn,
                         const struct memory_placement *placement)
{
    struct frame *frame = frame_alloc_bits(exchange->out_order, placement->node,
                                           placement->alloc_flags, placement->bits);

    if (frame == NULL) {
        return -XEN_ENOMEM;
    }
    frame->type = pfn;
    if (exchange->out_last == FRAME_NO_LINK) {
        exchange->out_first = frame_index(frame);
    } else {
        frame_table[exchange->out_last].next = frame_index(frame);
    }
    exchange->out_last = frame_index(frame);
    return 0;
}

mfn_t memory_exchange_next(const struct memory_exchange *exchange, const mfn_t *before)
{
    uint32_t index = before == NULL ? exchange->out_first : frame_of(*before)->next;

    return index == FRAME_NO_LINK ? MFN_INVALID : MFN(index);
}

/* Unlinks the first frame of one of the lists; NULL when it is empty. */
static struct frame *exchange_pop(uint32_t *first)
{
    struct frame *frame;

    if (*first == FRAME_NO_LINK) {
        return NULL;
    }
    frame = &frame_table[*first];
    *first = frame->next;
    frame->next = FRAME_NO_LINK;
    return frame;
}

static void exchange_free_out(struct memory_exchange *exchange)
{
    struct frame *frame;

    while ((frame = exchange_pop(&exchange->out_first)) != NULL) {
        frame_free(frame, exchange->out_order);
    }
}

int memory_exchange_commit(struct memory_exchange *exchange)
{
    uint64_t missing = exchange->in_frames;
    struct frame *frame;
    int result = 0;

    while (result == 0 && (frame = exchange_pop(&exchange->out_first)) != NULL) {
        uint64_t pfn = frame->type;

        frame->type = 0;
        name_frames(frame_mfn(frame), exchange->out_order, pfn);
        result =
            frame_assign(exchange->domain, frame, exchange->out_order, FRAME_ASSIGN_PRECOUNTED);
        if (result != 0) {
            name_frames(frame_mfn(frame), exchange->out_order, MEMORY_NO_PFN);
            frame_free(frame, exchange->out_order);
        } else {
            missing -= 1ull << exchange->out_order;
        }
    }
    exchange_free_out(exchange);
    while ((frame = exchange_pop(&exchange->in_first)) != NULL) {
        name_frames(frame_mfn(frame), 0, MEMORY_NO_PFN);
        frame_free(frame, 0);
    }
    frame_uncount(exchange->domain, missing);
    return result;
}

void memory_exchange_cancel(struct memory_exchange *exchange)
{
    struct frame *frame;
    uint64_t missing = 0;

    exchange_free_out(exchange);
    while ((frame = exchange_pop(&exchange->in_first)) != NULL) {
        if (frame_assign(exchange->domain, frame, 0, FRAME_ASSIGN_PRECOUNTED) != 0) {
            name_frames(frame_mfn(frame), 0, MEMORY_NO_PFN);
            frame_free(frame, 0);
            missing++;
        }
    }
    frame_uncount(exchange->domain, missing);
}

/* ---- memory map -------------------------------------------------------------------------------- */

void memory_map_set(struct domain *domain, struct memory_map *map)
{
    struct memory_map *before;

    spin_lock(&domain->frame_lock);
    before = domain->memory_map;
    domain->memory_map = map;
    spin_unlock(&domain->frame_lock);
    heap_free(before);
}

bool memory_map_read(struct domain *domain, unsigned int i, struct memory_map_entry *entry,
                     unsigned int *count)
{
    bool found = false;

    *count = 0;
    spin_lock(&domain->frame_lock);
    if (domain->memory_map != NULL) {
        *count = domain->memory_map->count;
        found = i < *count;
        if (found) {
            *entry = domain->memory_map->entries[i];
        }
    }
    spin_unlock(&domain->frame_lock);
    return found;
}

/* ---- for people -------------------------------------------------------------------------------- */

static bool dump_domain(struct domain *domain, void *data)
{
    pr_info("d%u: %lu KiB of %lu KiB, %lu hypervisor frames, %lu claimed\n", domain->id.value,
            (unsigned long)(domain->frames_total << 2),
            (unsigned long)(domain->frames_max == UINT64_MAX ? 0 : domain->frames_max << 2),
            (unsigned long)domain->frames_hypervisor, (unsigned long)domain->frames_claimed);
    return true;
}

void memory_dump(char key)
{
    for (unsigned int node = 0; node < CONFIG_MAX_NUMA_NODES; node++) {
        if (frame_count_total_node(node) != 0) {
            pr_info("node %u: %lu of %lu frames free\n", node,
                    (unsigned long)frame_count_free_node(node),
                    (unsigned long)frame_count_total_node(node));
        }
    }
    pr_info("claimed: %lu frames; heap: %lu bytes in use\n", (unsigned long)frame_count_claimed(),
            (unsigned long)heap_bytes_in_use());
    domain_for_each(dump_domain, NULL);
}

void memory_init_debug_keys(void)
{
    debug_key_register('m', memory_dump, "memory: nodes, heap, domains");
}
