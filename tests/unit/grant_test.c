/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Grant tables, both versions, by hypercall: dom1 lends to dom0. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/fake_domain.h"

#include "hypervisor/debug_key.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/option.h"

#include "hypervisor/core/grant/grant_private.h"

static struct domain *dom0, *dom1;
static struct grant_entry_v1 *entries; /* dom1's table, version 1 */

static void act_as(struct domain *domain)
{
    host_set_current(0, domain->vcpus[0]);
}

static void *shared_page(struct domain *domain, unsigned int index)
{
    mfn_t mfn;

    assert_int_equal(grants_frame(domain, index, false, &mfn), 0);
    return mfn_to_virt(mfn);
}

static int setup(void **state)
{
    host_setup(1024, 3);
    dom0 = fake_domain_create(0, 2, 0, 0, 0);
    dom1 = fake_domain_create(1, 2, 0, 4, 1);
    entries = shared_page(dom1, 0);
    act_as(dom0);
    return 0;
}

static int teardown(void **state)
{
    assert_true(grants_valid(dom1));
    fake_domain_kill(dom1); /* what dom0 maps of it is released by dom0's death */
    if (dom0 != NULL) {
        assert_true(grants_valid(dom0));
        fake_domain_kill(dom0);
    }
    assert_null(fake_domains[1]);
    host_teardown();
    return 0;
}

static long ops(unsigned int sub_op, void *array, size_t bytes, unsigned int count)
{
    struct hypercall call = { .arg = { sub_op, host_guest_map(array, bytes * count), count } };
    long rc;

    do {
        rc = hypercall_grant_table_op(&call);
    } while (rc == HYPERCALL_CONTINUE);
    host_guest_unmap_all();
    return rc;
}

#define OP(name, argument) ops(GNTTABOP_##name, &(argument), sizeof(argument), 1)
#define OPS(name, array)   ops(GNTTABOP_##name, array, sizeof((array)[0]), ARRAY_SIZE(array))

/* dom1 lends a frame to dom0 by entry `ref`. */
static char *lend(uint32_t ref, uint16_t flags)
{
    char *page = fake_ram(dom1);

    entries[ref].domid = 0;
    entries[ref].frame = (uint32_t)fake_gfn(page);
    entries[ref].flags = GTF_permit_access | flags;
    return page;
}

static uint64_t next_address = 0x10000;

static struct gnttab_map_grant_ref map(uint32_t ref, uint32_t flags)
{
    struct gnttab_map_grant_ref op = { .ref = ref, .dom = 1, .flags = flags, .status = 77 };

    op.host_addr = (flags & GNTMAP_host_map) != 0 ? (next_address += 4096) : 0;
    assert_int_equal(OP(map_grant_ref, op), 0);
    return op;
}

static int16_t unmap(uint64_t host_addr, uint64_t dev_addr, uint32_t handle)
{
    struct gnttab_unmap_grant_ref op = {
        .host_addr = host_addr, .dev_bus_addr = dev_addr, .handle = handle, .status = 77
    };

    assert_int_equal(OP(unmap_grant_ref, op), 0);
    return op.status;
}

static uint16_t use_of(uint32_t ref)
{
    return entries[ref].flags & (GTF_reading | GTF_writing);
}

static void a_frame_is_mapped_and_unmapped(void **state)
{
    struct host_grant_mapping mapping;
    struct gnttab_map_grant_ref op;
    char *page = lend(8, 0);
    uint64_t flushes;

    op = map(8, GNTMAP_host_map);
    assert_int_equal(op.status, GNTST_okay);
    assert_int_equal(op.dev_bus_addr, virt_to_paddr(page));
    assert_true(host_grant_mapping(op.host_addr, &mapping));
    assert_int_equal(mapping.mfn.value, fake_gfn(page));
    assert_int_equal(use_of(8), GTF_reading | GTF_writing);
    assert_int_equal(host_writable_references(), 1);
    flushes = host_tlb_flushes();
    assert_int_equal(unmap(op.host_addr, 0, op.handle), GNTST_okay);
    assert_true(host_tlb_flushes() > flushes);
    assert_int_equal(host_grant_mappings(), 0);
    assert_int_equal(use_of(8), 0);
    assert_int_equal(unmap(op.host_addr, 0, op.handle), GNTST_bad_handle);
}

static void readers_and_writers_are_counted(void **state)
{
    struct gnttab_map_grant_ref reader, writer;

    lend(9, 0);
    reader = map(9, GNTMAP_host_map | GNTMAP_readonly);
    assert_int_equal(use_of(9), GTF_reading);
    assert_int_equal(host_writable_references(), 0);
    writer = map(9, GNTMAP_host_map);
    assert_int_equal(use_of(9), GTF_reading | GTF_writing);
    assert_int_equal(unmap(writer.host_addr, 0, writer.handle), GNTST_okay);
    assert_int_equal(use_of(9), GTF_reading);
    assert_int_equal(unmap(reader.host_addr, 0, reader.handle), GNTST_okay);
    assert_int_equal(use_of(9), 0);
}

static void what_is_not_granted_is_refused(void **state)
{
    struct gnttab_map_grant_ref op = { .ref = 10, .dom = 5, .flags = GNTMAP_host_map };

    lend(10, GTF_readonly);
    assert_int_equal(map(10, GNTMAP_host_map).status, GNTST_permission_denied);
    assert_int_equal(use_of(10), 0);
    entries[10].domid = 3;
    assert_int_equal(map(10, GNTMAP_host_map | GNTMAP_readonly).status, GNTST_bad_gntref);
    entries[10].domid = 0;
    entries[10].flags = GTF_accept_transfer;
    assert_int_equal(map(10, GNTMAP_host_map).status, GNTST_bad_gntref);
    entries[10].flags = GTF_transitive;
    assert_int_equal(map(10, GNTMAP_host_map).status, GNTST_bad_gntref);
    entries[10].flags = GTF_permit_access;
    entries[10].frame = UINT32_MAX;
    assert_int_equal(map(10, GNTMAP_host_map).status, GNTST_bad_page);
    entries[10].frame = (uint32_t)fake_gfn(fake_ram(dom0)); /* not his to lend */
    assert_int_equal(map(10, GNTMAP_host_map).status, GNTST_bad_page);
    assert_int_equal(use_of(10), 0);
    assert_int_equal(map(512, GNTMAP_host_map).status, GNTST_bad_gntref);
    assert_int_equal(map(UINT32_MAX, GNTMAP_host_map).status, GNTST_bad_gntref);
    assert_int_equal(map(10, 0).status, GNTST_general_error);
    assert_int_equal(OP(map_grant_ref, op), 0);
    assert_int_equal(op.status, GNTST_bad_domain);
    assert_int_equal(host_writable_references(), 0);
}

static void frames_that_cannot_be_written_are_kept(void **state)
{
    struct frame *frame = frame_of(virt_to_mfn(lend(10, 0)));
    uint64_t count = frame->count;

    host_never_writable(frame);
    assert_int_equal(map(10, GNTMAP_host_map).status, GNTST_bad_page);
    host_never_writable(NULL);
    assert_int_equal(frame->count, count);
    assert_int_equal(use_of(10), 0);
}

static void host_and_device_maps_go_separately(void **state)
{
    struct gnttab_map_grant_ref op;

    lend(11, 0);
    op = map(11, GNTMAP_host_map | GNTMAP_device_map);
    assert_int_equal(op.status, GNTST_okay);
    assert_int_equal(unmap(0, op.dev_bus_addr + 4096, op.handle), GNTST_bad_dev_addr);
    assert_int_equal(unmap(op.host_addr + 4096, 0, op.handle), GNTST_general_error);
    assert_int_equal(unmap(op.host_addr, 0, op.handle), GNTST_okay);
    assert_int_equal(use_of(11), GTF_reading | GTF_writing);
    assert_int_equal(unmap(op.host_addr, 0, op.handle), GNTST_bad_virt_addr);
    assert_int_equal(unmap(0, op.dev_bus_addr, op.handle), GNTST_okay);
    assert_int_equal(use_of(11), 0);
    assert_int_equal(unmap(0, op.dev_bus_addr, op.handle), GNTST_bad_handle);
    assert_int_equal(unmap(0, 0, 99999), GNTST_bad_handle);
}

static void a_changed_entry_does_not_confuse_unmapping(void **state)
{
    struct gnttab_map_grant_ref first, second;

    lend(12, 0);
    first = map(12, GNTMAP_host_map);
    entries[12].frame = (uint32_t)fake_gfn(fake_ram(dom1));
    second = map(12, GNTMAP_host_map);
    assert_int_equal(second.status, GNTST_okay);
    assert_true(first.dev_bus_addr != second.dev_bus_addr);
    entries[12].flags = 0;
    assert_int_equal(unmap(first.host_addr, 0, first.handle), GNTST_okay);
    assert_int_equal(unmap(second.host_addr, 0, second.handle), GNTST_okay);
    assert_int_equal(host_writable_references(), 0);
}

static void batches_are_continued_and_flushed_once(void **state)
{
    struct gnttab_map_grant_ref maps[100];
    struct gnttab_unmap_grant_ref unmaps[100];
    uint64_t flushes;

    lend(20, 0);
    for (unsigned int i = 0; i < 100; i++) {
        maps[i] = (struct gnttab_map_grant_ref){
            .host_addr = 0x100000 + i * 4096, .ref = 20, .dom = 1, .flags = GNTMAP_host_map
        };
    }
    assert_int_equal(OPS(map_grant_ref, maps), 0);
    for (unsigned int i = 0; i < 100; i++) {
        assert_int_equal(maps[i].status, GNTST_okay);
        unmaps[i] = (struct gnttab_unmap_grant_ref){ .host_addr = maps[i].host_addr,
                                                     .handle = maps[i].handle,
                                                     .status = 77 };
    }
    unmaps[50].handle = unmaps[49].handle; /* one that fails in the middle */
    flushes = host_tlb_flushes();
    assert_int_equal(OPS(unmap_grant_ref, unmaps), 0);
    assert_true(host_tlb_flushes() - flushes <= 4 * 3);
    for (unsigned int i = 0; i < 100; i++) {
        assert_int_equal(unmaps[i].status, i == 50 ? GNTST_bad_handle : GNTST_okay);
    }
    assert_int_equal(use_of(20), GTF_reading | GTF_writing);
    assert_int_equal(unmap(maps[50].host_addr, 0, maps[50].handle), GNTST_okay);
    assert_int_equal(use_of(20), 0);
}

static void a_faulting_array_leaves_nothing_half_done(void **state)
{
    struct gnttab_map_grant_ref op;
    struct gnttab_unmap_grant_ref unmaps[3] = { 0 };
    struct hypercall call = { .arg = { GNTTABOP_unmap_grant_ref, 0, 3 } };

    lend(21, 0);
    op = map(21, GNTMAP_host_map);
    unmaps[0].host_addr = op.host_addr;
    unmaps[0].handle = op.handle;
    call.arg[1] = host_guest_map(unmaps, sizeof(unmaps[0]) + 4);
    assert_int_equal(hypercall_grant_table_op(&call), -XEN_EFAULT);
    assert_int_equal(use_of(21), 0);
    assert_int_equal(host_grant_mappings(), 0);
}

static void handles_are_limited(void **state)
{
    struct gnttab_map_grant_ref op;
    char *page = fake_ram(dom0);
    struct grant_entry_v1 *own = shared_page(dom0, 0);

    own[8] = (struct grant_entry_v1){ .flags = GTF_permit_access, .domid = 1, .frame = 0 };
    own[8].frame = (uint32_t)fake_gfn(page);
    act_as(dom1); /* one frame of maptrack: 256 handles */
    for (unsigned int i = 0; i <= 256; i++) {
        op = (struct gnttab_map_grant_ref){ .ref = 8, .dom = 0, .flags = GNTMAP_device_map };
        assert_int_equal(OP(map_grant_ref, op), 0);
        assert_int_equal(op.status, i < 256 ? GNTST_okay : GNTST_no_space);
    }
    /* dom1's death gives them back. */
}

static void copies_check_both_ends(void **state)
{
    char *theirs = lend(30, GTF_readonly), *ours = fake_ram(dom0);
    struct gnttab_copy op = { .flags = GNTCOPY_source_gref, .len = 100 };

    memcpy(theirs + 50, "granted", 8);
    op.source.u.ref = 30;
    op.source.domid = 1;
    op.source.offset = 50;
    op.dest.u.gmfn = fake_gfn(ours);
    op.dest.domid = DOMID_SELF;
    op.dest.offset = 3996;
    assert_int_equal(OP(copy, op), 0);
    assert_int_equal(op.status, GNTST_okay);
    assert_string_equal(ours + 3996, "granted");
    op.dest.offset = 3997;
    assert_int_equal(OP(copy, op), 0);
    assert_int_equal(op.status, GNTST_bad_copy_arg);
    op.dest.offset = 0;
    op.dest.domid = 1;
    assert_int_equal(OP(copy, op), 0);
    assert_int_equal(op.status, GNTST_permission_denied);
    op.flags = GNTCOPY_dest_gref;
    op.dest.u.ref = 30;
    op.source.u.gmfn = fake_gfn(ours);
    op.source.domid = DOMID_SELF;
    assert_int_equal(OP(copy, op), 0);
    assert_int_equal(op.status, GNTST_permission_denied); /* read-only */
    op.dest.u.ref = 31;
    assert_int_equal(OP(copy, op), 0);
    assert_int_equal(op.status, GNTST_bad_gntref);
    op.source.u.gmfn = fake_gfn(theirs);
    assert_int_equal(OP(copy, op), 0);
    assert_int_equal(op.status, GNTST_bad_page);
    assert_int_equal(use_of(30), 0);
    assert_int_equal(host_writable_references(), 0);
}

static void tables_grow_to_their_limit(void **state)
{
    uint64_t frames[8] = { 0 };
    struct gnttab_setup_table op = { .dom = DOMID_SELF, .nr_frames = 4 };
    struct gnttab_query_size size = { .dom = DOMID_SELF };
    struct hypercall call = { .arg = { GNTTABOP_setup_table, 0, 1 } };
    unsigned int preempted = 0;

    act_as(dom1);
    op.frame_list.p = (void *)(uintptr_t)host_guest_map(frames, sizeof(frames));
    call.arg[1] = host_guest_map(&op, sizeof(op));
    host_set_preempt_odds(1); /* whenever it looks */
    while (hypercall_grant_table_op(&call) == HYPERCALL_CONTINUE) {
        preempted++;
    }
    assert_int_equal(preempted, 2);
    assert_int_equal(op.status, GNTST_okay);
    assert_int_equal(dom1->quotas[QUOTA_GRANT_FRAMES].used, 4);
    assert_int_equal(frames[0], fake_gfn(entries));
    assert_int_equal(frames[3], fake_gfn(shared_page(dom1, 3)));
    assert_int_equal(frames[4], 0);
    op.nr_frames = 5;
    assert_int_equal(hypercall_grant_table_op(&call), 0);
    assert_int_equal(op.status, GNTST_general_error);
    op.dom = 0;
    assert_int_equal(hypercall_grant_table_op(&call), 0);
    assert_int_equal(op.status, GNTST_permission_denied);
    assert_int_equal(OP(query_size, size), 0);
    assert_int_equal(size.nr_frames, 4);
    assert_int_equal(size.max_nr_frames, 4);
    call.arg[2] = 2;
    assert_int_equal(hypercall_grant_table_op(&call), -XEN_EINVAL);
    host_guest_unmap_all();
}

static void set_version(uint32_t version, long expected)
{
    struct gnttab_set_version op = { .version = version };

    assert_int_equal(OP(set_version, op), expected);
}

static void version_2_has_status_words_and_parts_of_pages(void **state)
{
    union grant_entry_v2 *v2 = (void *)entries;
    struct gnttab_map_grant_ref op;
    char *page = fake_ram(dom1), *ours = fake_ram(dom0);
    struct gnttab_copy copy = { .flags = GNTCOPY_source_gref, .len = 16 };
    grant_status_t *status;
    mfn_t mfn;

    lend(1, 0);
    lend(8, 0);
    act_as(dom1);
    set_version(3, -XEN_EINVAL);
    set_version(2, 0);
    assert_int_equal(v2[1].hdr.flags, GTF_permit_access); /* a reserved entry stays */
    assert_int_equal(v2[8].hdr.flags, 0);
    assert_int_equal(grants_frame(dom1, 0, true, &mfn), 0);
    status = mfn_to_virt(mfn);
    v2[9].full_page.frame = fake_gfn(page);
    v2[9].hdr.flags = GTF_permit_access;
    act_as(dom0);
    op = map(9, GNTMAP_host_map);
    assert_int_equal(op.status, GNTST_okay);
    assert_int_equal(status[9], GTF_reading | GTF_writing);
    assert_int_equal(v2[9].hdr.flags, GTF_permit_access);
    act_as(dom1);
    set_version(1, -XEN_EBUSY);
    act_as(dom0);
    assert_int_equal(unmap(op.host_addr, 0, op.handle), GNTST_okay);
    assert_int_equal(status[9], 0);
    v2[9].sub_page.page_off = 64;
    v2[9].sub_page.length = 32;
    v2[9].hdr.flags = GTF_permit_access | GTF_sub_page | GTF_readonly;
    assert_int_equal(map(9, GNTMAP_host_map | GNTMAP_readonly).status, GNTST_bad_gntref);
    copy.source.u.ref = 9;
    copy.source.domid = 1;
    copy.source.offset = 80;
    copy.dest.u.gmfn = fake_gfn(ours);
    copy.dest.domid = DOMID_SELF;
    assert_int_equal(OP(copy, copy), 0);
    assert_int_equal(copy.status, GNTST_okay);
    copy.source.offset = 81;
    assert_int_equal(OP(copy, copy), 0);
    assert_int_equal(copy.status, GNTST_bad_copy_arg);
    assert_int_equal(status[9], 0);
    assert_int_equal(map(256, GNTMAP_host_map).status, GNTST_bad_gntref); /* beyond the frame */
    act_as(dom1);
    set_version(1, 0);
    assert_int_equal(entries[1].flags, GTF_permit_access);
    assert_int_equal(entries[9].flags, 0);
}

/* The console's ring is mapped before the guest chooses a version. */
static void reserved_entries_keep_their_users(void **state)
{
    union grant_entry_v2 *v2 = (void *)entries;
    char *console = lend(GNTTAB_RESERVED_CONSOLE, 0), *store = lend(GNTTAB_RESERVED_XENSTORE, 0);
    struct gnttab_map_grant_ref op = map(GNTTAB_RESERVED_CONSOLE, GNTMAP_host_map);
    struct gnttab_map_grant_ref other =
        map(GNTTAB_RESERVED_XENSTORE, GNTMAP_host_map | GNTMAP_readonly);
    grant_status_t *status;
    mfn_t mfn;

    act_as(dom1);
    set_version(2, 0);
    assert_int_equal(grants_frame(dom1, 0, true, &mfn), 0);
    status = mfn_to_virt(mfn);
    assert_int_equal(v2[0].hdr.flags, GTF_permit_access);
    assert_int_equal(v2[0].full_page.frame, fake_gfn(console));
    assert_int_equal(v2[1].full_page.frame, fake_gfn(store));
    assert_int_equal(status[0], GTF_reading | GTF_writing);
    assert_int_equal(status[1], GTF_reading);
    assert_int_equal(status[2], 0);
    act_as(dom0);
    assert_int_equal(unmap(op.host_addr, 0, op.handle), GNTST_okay);
    assert_int_equal(status[0], 0);
    act_as(dom1);
    set_version(1, 0);
    assert_int_equal(use_of(0), 0);
    assert_int_equal(use_of(1), GTF_reading);
    assert_int_equal(entries[1].frame, fake_gfn(store));
    act_as(dom0);
    assert_int_equal(unmap(other.host_addr, 0, other.handle), GNTST_okay);
    assert_int_equal(use_of(1), 0);
}

/* Frame by frame, with others in between: nobody gets a pin, and a use ends it. */
static void a_change_of_version_can_be_interrupted(void **state)
{
    struct grant_table *table = dom1->grants;
    struct gnttab_map_grant_ref op, held;
    mfn_t mfn;

    while (grants_frame(dom1, 3, false, &mfn) == -XEN_ERESTART) {
    }
    assert_int_equal(table->frames, 4);
    lend(1, 0);
    lend(8, 0);
    held = map(8, GNTMAP_host_map);
    host_set_preempt_odds(1);
    assert_int_equal(grants_set_version(dom1, 2), -XEN_EBUSY); /* the first frame is looked at */
    assert_false(table->version_changing);
    assert_int_equal(unmap(held.host_addr, 0, held.handle), GNTST_okay);

    lend(8, 0);
    assert_int_equal(grants_set_version(dom1, 2), -XEN_ERESTART);
    op = map(8, GNTMAP_host_map);
    assert_int_equal(op.status, GNTST_eagain);
    assert_int_equal(grants_set_version(dom1, 1), 0); /* it still is */
    for (unsigned int steps = 2; steps < 2 * 4 - 1; steps++) {
        assert_int_equal(grants_set_version(dom1, 2), -XEN_ERESTART);
        assert_int_equal(table->version, 1);
    }
    assert_int_equal(grants_set_version(dom1, 2), 0);
    assert_int_equal(table->version, 2);
    assert_int_equal(((union grant_entry_v2 *)(void *)entries)[1].hdr.flags, GTF_permit_access);
    assert_int_equal(((union grant_entry_v2 *)(void *)entries)[8].hdr.flags, 0);
    assert_true(grants_valid(dom1));
}

static void a_limit_of_nothing_is_one(void **state)
{
    struct grant_limits limits = { .frames = 64, .maptrack_frames = 0, .version = 1 };
    struct domain *domain = heap_new(struct domain);

    domain->id = DOMAIN_ID(5);
    spin_lock_init(&domain->frame_lock, LOCK_PAGE_LIST);
    domain->refs = 1;
    fake_domains[5] = domain;
    assert_int_equal(grants_create(domain, &limits), 0);
    assert_int_equal(grant_handle_alloc(domain), HANDLE_NONE);
    assert_int_equal(grants_set_version(domain, 2), -XEN_EOPNOTSUPP);
    assert_int_equal(grants_grow(domain, 65), -XEN_EINVAL);
    atomic_write(&domain->dying, DOMAIN_DYING);
    while (grants_release_mappings(domain) == -XEN_ERESTART) {
    }
    grants_free(domain);
    assert_true(quota_settled(domain));
    domain_put(domain);
}

static void limits_beyond_the_options_are_refused(void **state)
{
    static const struct grant_limits bad[] = {
        { 0, 1, 2 }, { 65, 1, 2 }, { 1, 1025, 2 }, { 1, 1, 0 }, { 1, 1, 3 },
    };
    struct grant_limits most = { -1, -1, 2 };

    for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
        struct grant_limits limits = bad[i];

        assert_int_equal(grants_limits_decide(&limits), -XEN_EINVAL);
    }
    assert_int_equal(grants_limits_decide(&most), 0);
    assert_int_equal(most.frames, 64);
    assert_int_equal(most.maptrack_frames, 1024);
    options_parse("gnttab_max_frames=100 gnttab=max-ver:1,transitive=no gnttab=no-transfer");
    most = (struct grant_limits){ 100, -1, 2 };
    assert_int_equal(grants_limits_decide(&most), 0);
    assert_int_equal(most.version, 1);
    options_parse("gnttab_max_frames=64 gnttab=max-ver:2 gnttab=max-ver:3 gnttab=transitive");
    most = (struct grant_limits){ 64, -1, 2 };
    assert_int_equal(grants_limits_decide(&most), 0);
    assert_int_equal(most.version, 2);
}

static void idle_entries_are_swapped(void **state)
{
    struct gnttab_swap_grant_ref op = { .ref_a = 40, .ref_b = 41 };
    struct gnttab_map_grant_ref mapping;
    uint32_t frame;

    lend(40, 0);
    frame = entries[40].frame;
    act_as(dom1);
    assert_int_equal(OP(swap_grant_ref, op), 0);
    assert_int_equal(op.status, GNTST_okay);
    assert_int_equal(entries[41].frame, frame);
    assert_int_equal(entries[40].flags, 0);
    act_as(dom0);
    mapping = map(41, GNTMAP_device_map);
    act_as(dom1);
    assert_int_equal(OP(swap_grant_ref, op), 0);
    assert_int_equal(op.status, GNTST_eagain);
    op.ref_b = 100000;
    assert_int_equal(OP(swap_grant_ref, op), 0);
    assert_int_equal(op.status, GNTST_bad_gntref);
    act_as(dom0);
    assert_int_equal(unmap(0, mapping.dev_bus_addr, mapping.handle), GNTST_okay);
}

static void a_dead_granter_is_kept_by_its_mappings(void **state)
{
    struct gnttab_map_grant_ref op;

    lend(50, 0);
    op = map(50, GNTMAP_host_map);
    assert_int_equal(op.status, GNTST_okay);
    fake_domain_kill(dom1);
    assert_int_equal(map(50, GNTMAP_host_map).status, GNTST_bad_domain);
    assert_non_null(fake_domains[1]);
    assert_int_equal(unmap(op.host_addr, 0, op.handle), GNTST_okay);
    assert_null(fake_domains[1]);
    dom1 = fake_domain_create(1, 2, 0, 4, 1); /* for the teardown */
}

static void the_dump_shows_grants_in_use(void **state)
{
    struct gnttab_dump_table op = { .dom = 1, .status = 77 };
    struct gnttab_map_grant_ref mapping;

    lend(45, 0);
    mapping = map(45, GNTMAP_device_map);
    assert_int_equal(OP(dump_table, op), 0);
    assert_int_equal(op.status, GNTST_okay);
    grants_init();
    debug_key_run('g');
    assert_int_equal(unmap(0, mapping.dev_bus_addr, mapping.handle), GNTST_okay);
}

static void the_dump_is_not_a_guests_to_make(void **state)
{
    struct gnttab_dump_table op = { .dom = DOMID_SELF, .status = 77 };

    act_as(dom1);
    assert_int_equal(OP(dump_table, op), 0);
    assert_int_equal(op.status, GNTST_permission_denied);
}

static void what_is_not_offered_is_refused(void **state)
{
    struct gnttab_cache_flush flush = { .op = GNTTAB_CACHE_CLEAN };
    struct hypercall call = { .arg = { 99, 0, 1 } };

    assert_int_equal(OP(cache_flush, flush), -XEN_EOPNOTSUPP);
    assert_int_equal(hypercall_grant_table_op(&call), -XEN_ENOSYS);
    call.arg[0] = GNTTABOP_copy;
    call.arg[2] = 1ul << 31;
    assert_int_equal(hypercall_grant_table_op(&call), -XEN_EINVAL);
}

/* ---- races ----------------------------------------------------------------------------------- */

static unsigned int race_users;

/* Does dom0 map the frame? Its two users have one address each. */
static bool race_mapped(uint64_t mfn)
{
    struct host_grant_mapping mapping;

    for (uint64_t address = 0x100000; address < 0x120000; address += 0x10000) {
        if (host_grant_mapping(address, &mapping) && mapping.mfn.value == mfn) {
            return true;
        }
    }
    return false;
}

static void race_user(void *data)
{
    struct grant_peer peer = { NULL };
    uint64_t address = 0x100000 + arch_cpu_id() * 0x10000;

    for (unsigned int i = 0; i < 300; i++) {
        struct gnttab_map_grant_ref op = { .host_addr = address,
                                           .ref = 60 + (uint32_t)host_random_below(3),
                                           .dom = 1,
                                           .flags = GNTMAP_host_map };
        struct grant_unmap unmap_op = { .host_address = address };

        grant_map(dom0, &op, &peer);
        if (op.status == GNTST_okay) {
            unmap_op.handle = op.handle;
            grant_unmap_begin(dom0, &unmap_op);
            assert_int_equal(unmap_op.status, GNTST_okay);
            grant_unmap_finish(dom0, &unmap_op, 1);
        }
    }
    grant_peer_put(&peer);
    race_users--;
}

/* The granter takes grants back as the interface says, and never one that is in use. */
static void race_granter(void *data)
{
    while (race_users > 0) {
        struct grant_entry_v1 *entry = &entries[60 + host_random_below(3)];
        uint16_t flags = READ_ONCE(entry->flags);

        HOST_SWITCH_POINT();
        if ((flags & (GTF_reading | GTF_writing)) == 0 &&
            __atomic_compare_exchange_n(&entry->flags, &flags, 0, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST)) {
            HOST_SWITCH_POINT();
            assert_false(race_mapped(entry->frame));
            HOST_SWITCH_POINT();
            __atomic_store_n(&entry->flags, GTF_permit_access, __ATOMIC_SEQ_CST);
        }
        (void)!grants_set_version(dom1, 1);
        arch_cpu_relax();
    }
}

static void revoking_races_with_mapping(void **state)
{
    for (uint32_t ref = 60; ref < 63; ref++) {
        lend(ref, 0);
    }
    race_users = 2;
    host_spawn(0, race_user, NULL);
    host_spawn(1, race_user, NULL);
    host_spawn(2, race_granter, NULL);
    host_run();
    for (uint32_t ref = 60; ref < 63; ref++) {
        assert_int_equal(use_of(ref), 0);
    }
    assert_int_equal(host_writable_references(), 0);
}

static void race_mapper(void *data)
{
    struct grant_peer peer = { NULL };

    for (unsigned int i = 0; i < 300; i++) {
        struct gnttab_map_grant_ref op = {
            .host_addr = 0x100000, .ref = 1, .dom = 1, .flags = GNTMAP_host_map
        };
        struct grant_unmap unmap_op = { .host_address = 0x100000 };

        grant_map(dom0, &op, &peer);
        assert_true(op.status == GNTST_okay || op.status == GNTST_eagain);
        HOST_SWITCH_POINT();
        if (op.status == GNTST_okay) {
            unmap_op.handle = op.handle;
            grant_unmap_begin(dom0, &unmap_op);
            grant_unmap_finish(dom0, &unmap_op, 1);
            assert_int_equal(unmap_op.status, GNTST_okay);
        }
    }
    grant_peer_put(&peer);
    race_users--;
}

static void race_versions(void *data)
{
    while (race_users > 0) {
        assert_int_equal(grants_set_version(dom1, 1 + (uint32_t)host_random_below(2)), 0);
        arch_cpu_relax();
    }
}

static void changing_versions_races_with_reserved_entries(void **state)
{
    char *page = lend(1, 0), *idle = lend(0, 0);

    race_users = 1;
    host_spawn(0, race_mapper, NULL);
    host_spawn(1, race_versions, NULL);
    host_run();
    assert_int_equal(grants_set_version(dom1, 1), 0);
    assert_int_equal(entries[0].frame, fake_gfn(idle));
    assert_int_equal(entries[0].flags, GTF_permit_access);
    assert_int_equal(entries[1].frame, fake_gfn(page));
    assert_int_equal(entries[1].flags, GTF_permit_access);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_frame_is_mapped_and_unmapped),
        TEST(readers_and_writers_are_counted),
        TEST(what_is_not_granted_is_refused),
        TEST(frames_that_cannot_be_written_are_kept),
        TEST(host_and_device_maps_go_separately),
        TEST(a_changed_entry_does_not_confuse_unmapping),
        TEST(batches_are_continued_and_flushed_once),
        TEST(a_faulting_array_leaves_nothing_half_done),
        TEST(handles_are_limited),
        TEST(copies_check_both_ends),
        TEST(tables_grow_to_their_limit),
        TEST(version_2_has_status_words_and_parts_of_pages),
        TEST(reserved_entries_keep_their_users),
        TEST(a_change_of_version_can_be_interrupted),
        TEST(a_limit_of_nothing_is_one),
        TEST(limits_beyond_the_options_are_refused),
        TEST(idle_entries_are_swapped),
        TEST(a_dead_granter_is_kept_by_its_mappings),
        TEST(the_dump_shows_grants_in_use),
        TEST(the_dump_is_not_a_guests_to_make),
        TEST(what_is_not_offered_is_refused),
        TEST(revoking_races_with_mapping),
        TEST(changing_versions_races_with_reserved_entries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
