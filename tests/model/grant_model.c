/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Random grant operations of three domains beside a naive model: each status must be the same, and
 * the bits GTF_reading and GTF_writing must say exactly what the model's mappings say.
 */
#include "support/fake_domain.h"

#include <stdio.h>

#define DOMAINS 3u
#define REFS    12u
#define PAGES   6u
#define MAPS    400u
#define STEPS   60000u

/* ---- the model ------------------------------------------------------------------------------- */

struct model_entry {
    bool granted, readonly;
    uint32_t to, owner, page; /* the page named, which the granter may not own */
};

struct model_map {
    bool used, host, device, write;
    uint32_t user, granter, ref, handle;
    uint64_t address, mfn;
};

static struct model_entry model[DOMAINS][REFS];
static struct model_map maps[MAPS];
static uint64_t pages[DOMAINS][PAGES]; /* mfns */
static uint32_t version[DOMAINS];
static uint64_t next_address = 1ull << 20;

static int16_t model_access(uint32_t user, uint32_t granter, uint32_t ref, bool write)
{
    const struct model_entry *entry = &model[granter][ref];

    if (ref >= REFS || !entry->granted || entry->to != user) {
        return GNTST_bad_gntref;
    }
    if (write && entry->readonly) {
        return GNTST_permission_denied;
    }
    return entry->owner == granter ? GNTST_okay : GNTST_bad_page;
}

/* GTF_reading and GTF_writing of an entry. */
static uint16_t model_use(uint32_t granter, uint32_t ref)
{
    uint16_t use = 0;

    for (unsigned int i = 0; i < MAPS; i++) {
        if (maps[i].used && maps[i].granter == granter && maps[i].ref == ref) {
            use |= maps[i].write ? GTF_reading | GTF_writing : GTF_reading;
        }
    }
    return use;
}

static bool model_any_use(uint32_t granter)
{
    for (uint32_t ref = GNTTAB_NR_RESERVED_ENTRIES; ref < REFS; ref++) {
        if (model_use(granter, ref) != 0) {
            return true;
        }
    }
    return false;
}

/* ---- the real thing -------------------------------------------------------------------------- */

static struct domain *domains[DOMAINS];

static void *table_page(uint32_t d, bool status)
{
    mfn_t mfn;

    BUG_ON(grants_frame(domains[d], 0, status, &mfn) != 0);
    return mfn_to_virt(mfn);
}

static void create(uint32_t d)
{
    domains[d] = fake_domain_create((uint16_t)d, 1, 0, 2, 1);
    version[d] = 1;
    for (uint32_t i = 0; i < PAGES; i++) {
        pages[d][i] = fake_gfn(fake_ram(domains[d]));
    }
    for (uint32_t i = 0; i < REFS; i++) {
        model[d][i].granted = false;
    }
}

static uint32_t below(uint32_t limit)
{
    return (uint32_t)host_random_below(limit);
}

/* The guest writes an entry, as long as it is not in use. */
static void step_grant(uint32_t d, uint32_t ref)
{
    struct model_entry *entry = &model[d][ref];
    struct grant_entry_v1 *v1 = table_page(d, false);
    union grant_entry_v2 *v2 = table_page(d, false);
    uint16_t flags;

    if (model_use(d, ref) != 0) {
        return;
    }
    *entry = (struct model_entry){ .granted = below(4) != 0,
                                   .readonly = below(3) == 0,
                                   .to = below(DOMAINS),
                                   .owner = below(8) == 0 ? below(DOMAINS) : d,
                                   .page = below(PAGES) };
    flags =
        (entry->granted ? GTF_permit_access : GTF_invalid) | (entry->readonly ? GTF_readonly : 0);
    if (version[d] == 2) {
        v2[ref].full_page.frame = pages[entry->owner][entry->page];
        v2[ref].hdr.domid = (domid_t)entry->to;
        v2[ref].hdr.flags = flags;
    } else {
        v1[ref].frame = (uint32_t)pages[entry->owner][entry->page];
        v1[ref].domid = (domid_t)entry->to;
        v1[ref].flags = flags;
    }
}

static void step_map(uint32_t user, uint32_t granter, uint32_t ref)
{
    struct gnttab_map_grant_ref op = { .ref = ref, .dom = (domid_t)granter };
    struct grant_peer peer = { NULL };
    struct model_map *map = NULL;
    int16_t expected;

    op.flags = (below(4) != 0 ? GNTMAP_host_map : 0) | (below(4) == 0 ? GNTMAP_device_map : 0) |
               (below(2) != 0 ? GNTMAP_readonly : 0);
    op.host_addr = (op.flags & GNTMAP_host_map) != 0 ? (next_address += 4096) : 0;
    for (unsigned int i = 0; i < MAPS && map == NULL; i++) {
        map = maps[i].used ? NULL : &maps[i];
    }
    if (map == NULL) {
        return;
    }
    expected = model_access(user, granter, ref, (op.flags & GNTMAP_readonly) == 0);
    if ((op.flags & (GNTMAP_host_map | GNTMAP_device_map)) == 0) {
        expected = GNTST_general_error;
    }
    grant_map(domains[user], &op, &peer);
    grant_peer_put(&peer);
    if (op.status == GNTST_no_space) {
        return; /* handles or the fake page tables are full */
    }
    BUG_ON(op.status != expected);
    if (expected != GNTST_okay) {
        return;
    }
    *map = (struct model_map){ .used = true,
                               .host = (op.flags & GNTMAP_host_map) != 0,
                               .device = (op.flags & GNTMAP_device_map) != 0,
                               .write = (op.flags & GNTMAP_readonly) == 0,
                               .user = user,
                               .granter = granter,
                               .ref = ref,
                               .handle = op.handle,
                               .address = op.host_addr,
                               .mfn = pages[granter][model[granter][ref].page] };
    BUG_ON(op.dev_bus_addr != map->mfn << 12);
}

static void step_unmap(struct model_map *map)
{
    struct grant_unmap op = { .handle = map->handle };

    if (!map->used) {
        return;
    }
    if (map->host && below(4) != 0) {
        op.host_address = map->address;
        map->host = false;
    }
    if (map->device && below(4) != 0) {
        op.device_address = map->mfn << 12;
        map->device = false;
    }
    host_set_current(0, domains[map->user]->vcpus[0]);
    grant_unmap_begin(domains[map->user], &op);
    grant_unmap_finish(domains[map->user], &op, 1);
    BUG_ON(op.status != GNTST_okay);
    map->used = map->host || map->device;
    if (!map->used) {
        grant_unmap_begin(domains[map->user], &op);
        grant_unmap_finish(domains[map->user], &op, 1);
        BUG_ON(op.status != GNTST_bad_handle);
    }
}

static void step_copy(uint32_t user, uint32_t from, uint32_t to, uint32_t from_ref, uint32_t to_ref)
{
    struct grant_peer peers[2] = { { NULL }, { NULL } };
    struct gnttab_copy op = { .flags = GNTCOPY_source_gref | GNTCOPY_dest_gref };
    int16_t expected = model_access(user, from, from_ref, false);

    if (expected == GNTST_okay) {
        expected = model_access(user, to, to_ref, true);
    }
    op.source.u.ref = from_ref;
    op.source.domid = (domid_t)from;
    op.source.offset = (uint16_t)below(4096);
    op.dest.u.ref = to_ref;
    op.dest.domid = (domid_t)to;
    op.len = (uint16_t)below(4096u - op.source.offset);
    grant_copy(domains[user], &op, peers);
    grant_peer_put(&peers[0]);
    grant_peer_put(&peers[1]);
    BUG_ON(op.status != expected);
}

static void step_version(uint32_t d)
{
    uint32_t wanted = 1 + below(2);
    int expected = wanted != version[d] && model_any_use(d) ? -XEN_EBUSY : 0, rc;

    do {
        rc = grants_set_version(domains[d], wanted);
    } while (rc == -XEN_ERESTART);
    BUG_ON(rc != expected);
    if (expected == 0 && wanted != version[d]) {
        version[d] = wanted;
        for (uint32_t ref = GNTTAB_NR_RESERVED_ENTRIES; ref < REFS; ref++) {
            model[d][ref].granted = false;
        }
    }
}

static void step_kill(uint32_t d)
{
    for (unsigned int i = 0; i < MAPS; i++) {
        while (maps[i].used && maps[i].granter == d && maps[i].user != d) {
            step_unmap(&maps[i]); /* or it would live on */
        }
    }
    for (unsigned int i = 0; i < MAPS; i++) {
        if (maps[i].used && maps[i].user == d) {
            if (maps[i].host) { /* its page tables go before its grants */
                BUG_ON(arch_grant_unmap_host(maps[i].address, MFN(maps[i].mfn), 0, 0) != 0);
            }
            maps[i].used = false;
        }
    }
    fake_domain_kill(domains[d]);
    BUG_ON(fake_domains[d] != NULL);
    create(d);
}

static void compare(uint32_t d)
{
    const struct grant_entry_v1 *v1 = table_page(d, false);
    uint16_t use;

    for (uint32_t ref = 0; ref < REFS; ref++) {
        if (version[d] == 2) {
            use = ((grant_status_t *)table_page(d, true))[ref];
        } else {
            use = v1[ref].flags & (GTF_reading | GTF_writing);
        }
        BUG_ON(use != model_use(d, ref));
    }
    BUG_ON(!grants_valid(domains[d]));
}

static void step(void)
{
    uint32_t d = below(DOMAINS), other = below(DOMAINS), ref = below(REFS);

    host_set_current(0, domains[d]->vcpus[0]);
    switch (below(20)) {
    case 0 ... 3:
        step_grant(d, ref);
        break;
    case 4 ... 8:
        step_map(d, other, ref);
        break;
    case 9 ... 14:
        step_unmap(&maps[below(MAPS)]);
        break;
    case 15 ... 17:
        step_copy(d, other, below(DOMAINS), ref, below(REFS));
        break;
    case 18:
        step_version(d);
        break;
    default:
        if (below(100) == 0) {
            step_kill(d);
        }
        break;
    }
}

int main(void)
{
    host_setup(1024, 1);
    for (uint32_t d = 0; d < DOMAINS; d++) {
        create(d);
    }
    for (unsigned int i = 0; i < STEPS; i++) {
        step();
        compare(below(DOMAINS));
    }
    for (unsigned int i = 0; i < MAPS; i++) {
        while (maps[i].used) {
            step_unmap(&maps[i]);
        }
    }
    for (uint32_t d = 0; d < DOMAINS; d++) {
        fake_domain_kill(domains[d]);
        BUG_ON(fake_domains[d] != NULL);
    }
    host_teardown();
    printf("%u steps, as the model\n", STEPS);
    return 0;
}
