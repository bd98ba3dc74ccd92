/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Handles: what a domain maps of others. Buckets of 128 mappings, grown up to the domain's limit,
 * the free ones in a list. All under the table's map_lock. Theory: grant.c.
 */
#include "grant_private.h"

#include "hypervisor/heap.h"

struct grant_mapping *grant_mapping_of(const struct grant_table *table, uint32_t handle)
{
    if (handle >= atomic_read(&table->handles)) {
        return NULL;
    }
    handle = (uint32_t)index_nospec(handle, table->handles);
    return &table->maps[handle / HANDLES_A_BUCKET][handle % HANDLES_A_BUCKET];
}

static bool bucket_add(struct domain *domain)
{
    struct grant_table *table = domain->grants;
    struct grant_mapping *bucket;
    uint32_t first = table->handles;

    if (!quota_charge(domain, QUOTA_GRANT_MAPPINGS, HANDLES_A_BUCKET)) {
        return false;
    }
    bucket = heap_new_array(struct grant_mapping, HANDLES_A_BUCKET);
    if (bucket == NULL) {
        quota_release(domain, QUOTA_GRANT_MAPPINGS, HANDLES_A_BUCKET);
        return false;
    }
    for (uint32_t i = 0; i < HANDLES_A_BUCKET; i++) {
        bucket[i].ref = i + 1 < HANDLES_A_BUCKET ? first + i + 1 : table->handle_free;
    }
    table->maps[first / HANDLES_A_BUCKET] = bucket;
    table->handle_free = first;
    atomic_write_release(&table->handles, first + HANDLES_A_BUCKET);
    return true;
}

uint32_t grant_handle_alloc(struct domain *domain)
{
    struct grant_table *table = domain->grants;
    struct grant_mapping *mapping;
    uint32_t handle = HANDLE_NONE;

    spin_lock(&table->map_lock);
    if (!grant_domain_dying(domain) && (table->handle_free != HANDLE_NONE || bucket_add(domain))) {
        handle = table->handle_free;
        mapping = grant_mapping_of(table, handle);
        table->handle_free = mapping->ref;
        mapping->flags = MAPPING_BUSY;
        table->handles_used++;
    }
    spin_unlock(&table->map_lock);
    return handle;
}

void grant_handle_publish(struct domain *domain, uint32_t handle,
                          const struct grant_mapping *mapping)
{
    struct grant_table *table = domain->grants;

    ASSERT((mapping->flags & MAPPING_HELD) != 0 && (mapping->flags & MAPPING_BUSY) == 0);
    spin_lock(&table->map_lock);
    *grant_mapping_of(table, handle) = *mapping;
    spin_unlock(&table->map_lock);
}

static void free_locked(struct grant_table *table, uint32_t handle)
{
    struct grant_mapping *mapping = grant_mapping_of(table, handle);

    mapping->granter = NULL;
    mapping->flags = 0;
    mapping->ref = table->handle_free;
    table->handle_free = handle;
    table->handles_used--;
}

void grant_handle_free(struct domain *domain, uint32_t handle)
{
    struct grant_table *table = domain->grants;

    spin_lock(&table->map_lock);
    free_locked(table, handle);
    spin_unlock(&table->map_lock);
}

bool grant_handle_claim(struct domain *domain, uint32_t handle, struct grant_mapping *copy)
{
    struct grant_table *table = domain->grants;
    struct grant_mapping *mapping;
    bool claimed = false;

    spin_lock(&table->map_lock);
    mapping = grant_mapping_of(table, handle);
    if (mapping != NULL && mapping->flags != 0 && (mapping->flags & MAPPING_BUSY) == 0) {
        *copy = *mapping;
        mapping->flags |= MAPPING_BUSY;
        claimed = true;
    }
    spin_unlock(&table->map_lock);
    return claimed;
}

bool grant_handle_unclaim(struct domain *domain, uint32_t handle, uint16_t drops)
{
    struct grant_table *table = domain->grants;
    struct grant_mapping *mapping;
    bool empty;

    spin_lock(&table->map_lock);
    mapping = grant_mapping_of(table, handle);
    ASSERT((mapping->flags & MAPPING_BUSY) != 0);
    mapping->flags &= (uint16_t) ~(drops | MAPPING_BUSY);
    empty = (mapping->flags & MAPPING_HELD) == 0;
    if (empty) {
        free_locked(table, handle);
    }
    spin_unlock(&table->map_lock);
    return empty;
}

void grant_mapping_release(const struct grant_mapping *mapping)
{
    bool write = (mapping->flags & GNTMAP_readonly) == 0;

    grant_frame_release(frame_of(mapping->mfn), write);
    grant_unpin(mapping->granter, mapping->ref, write);
    domain_put(mapping->granter);
}

struct domain *grant_peer_find(struct grant_peer *peer, domid_t id)
{
    if (peer->domain == NULL || peer->domain->id.value != id) {
        grant_peer_put(peer);
        peer->domain = domain_get(DOMAIN_ID(id));
        if (peer->domain != NULL && peer->domain->grants == NULL) {
            grant_peer_put(peer);
        }
    }
    return peer->domain;
}

void grant_peer_put(struct grant_peer *peer)
{
    domain_put(peer->domain);
    peer->domain = NULL;
}
