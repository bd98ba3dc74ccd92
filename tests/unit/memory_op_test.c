/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* memory_op: what Linux does with it, its errors, preemption, and that counts stay exact. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "arch/memory.h"
#include "hypervisor/heap.h"
#include "support/memory_calls.h"

#define FRAMES 8192u
#define LIST   600u

static struct domain *const dom0 = &test_domains[0], *const guest = &test_domains[1];
static uint64_t list[LIST], list2[LIST];
static uint64_t free_at_start;

static int setup(void **state)
{
    host_setup(FRAMES, 1);
    host_set_preempt_odds(3);
    test_domains_setup();
    test_run_as(0);
    /* The heap keeps an empty page: that of the memory maps below. */
    heap_free(heap_alloc(sizeof(struct memory_map) + 2 * sizeof(struct memory_map_entry)));
    free_at_start = frame_count_free();
    host_guest_map(list, sizeof(list));
    host_guest_map(list2, sizeof(list2));
    return 0;
}

static int teardown(void **state)
{
    test_domains_relinquish();
    assert_true(test_memory_valid());
    assert_int_equal(frame_count_free(), free_at_start);
    host_teardown();
    return 0;
}

static struct xen_memory_reservation reservation(uint64_t *extents, uint64_t count,
                                                 unsigned int order, domid_t domid)
{
    struct xen_memory_reservation r = { .nr_extents = count,
                                        .extent_order = order,
                                        .domid = domid };

    r.extent_start.p = extents;
    return r;
}

static void populate(uint64_t *extents, uint64_t count, unsigned int order, uint64_t pfn)
{
    struct xen_memory_reservation r = reservation(extents, count, order, DOMID_SELF);

    for (uint64_t i = 0; i < count; i++) {
        extents[i] = pfn + (i << order);
    }
    assert_int_equal(memory_call(XENMEM_populate_physmap, r), count);
}

static void populates_and_decreases(void **state)
{
    struct xen_memory_reservation r = reservation(list, LIST, 0, DOMID_SELF);
    uint64_t first;

    populate(list, LIST, 0, 0x100);
    assert_int_equal(dom0->frames_total, LIST);
    for (unsigned int i = 0; i < LIST; i++) {
        assert_true(frame_owner(frame_of(MFN(list[i]))) == dom0);
        assert_int_equal(arch_m2p_get(MFN(list[i])), 0x100 + i);
    }
    assert_true(test_memory_valid());
    first = list[0];
    assert_int_equal(memory_call(XENMEM_decrease_reservation, r), LIST);
    assert_int_equal(dom0->frames_total, 0);
    assert_int_equal(arch_m2p_get(MFN(first)), M2P_INVALID);
    assert_int_equal(memory_call(XENMEM_decrease_reservation, r), 0); /* not its own any more */
}

static void increases(void **state)
{
    struct xen_memory_reservation r = reservation(list, 10, 2, DOMID_SELF);

    assert_int_equal(memory_call(XENMEM_increase_reservation, r), 10);
    assert_int_equal(dom0->frames_total, 40);
    assert_int_equal(arch_m2p_get(MFN(list[3])), M2P_INVALID);
    assert_int_equal(list[3] % 4, 0);
    r.extent_start.p = NULL; /* does not want to know which */
    assert_int_equal(memory_call(XENMEM_increase_reservation, r), 10);
    assert_int_equal(dom0->frames_total, 80);
    assert_int_equal(memory_call(XENMEM_populate_physmap, r), 0);
    assert_int_equal(memory_call(XENMEM_decrease_reservation, r), 0);
    r = reservation(list, 10, 0, DOMID_SELF);
    r.mem_flags = XENMEMF_address_bits(22);
    assert_int_equal(memory_call(XENMEM_increase_reservation, r), 10);
    for (unsigned int i = 0; i < 10; i++) {
        assert_true(list[i] < 1024);
    }
}

static void stops_at_the_first_that_fails(void **state)
{
    struct xen_memory_reservation r = reservation(list, 20, 0, DOMID_SELF);
    uint64_t keep;

    dom0->frames_max = 12;
    memset(list, 0, sizeof(list));
    assert_int_equal(memory_call(XENMEM_populate_physmap, r), 12);
    assert_int_equal(dom0->frames_total, 12);
    keep = list[5];
    list[5] = FRAMES + 5;
    assert_int_equal(memory_call(XENMEM_decrease_reservation, r), 5);
    list[5] = keep;
    /* The caller goes on where it stopped. */
    r.nr_extents = 12;
    assert_int_equal(memory_call(XENMEM_decrease_reservation | 5 << 6, r), 12);
    assert_int_equal(dom0->frames_total, 0);
    assert_int_equal(memory_call(XENMEM_decrease_reservation | 12 << 6, r), 12);
    list[0] = ~0ull; /* would wrap */
    r.extent_order = 1;
    assert_int_equal(memory_call(XENMEM_populate_physmap, r), 0);
}

static void refuses_nonsense(void **state)
{
    struct xen_memory_reservation r = reservation(list, ~0ul, 0, DOMID_SELF);

    assert_int_equal(memory_call(XENMEM_populate_physmap, r), 0);
    r = reservation(list, 1, 13, DOMID_SELF);
    assert_int_equal(memory_call(XENMEM_populate_physmap, r), 0);
    r = reservation(list, 1, 77, DOMID_SELF);
    assert_int_equal(memory_call(XENMEM_decrease_reservation, r), 0);
    r = reservation(list, 1, 0, 99);
    assert_int_equal(memory_call(XENMEM_populate_physmap, r), 0);
    r = reservation((uint64_t *)4096, 1, 0, DOMID_SELF);
    assert_int_equal(memory_call(XENMEM_populate_physmap, r), 0);
    assert_int_equal(test_memory_op(XENMEM_populate_physmap, (void *)4096, 0), 0);
    r = reservation(list, 1, 0, DOMID_SELF);
    r.mem_flags = XENMEMF_address_bits(12);
    assert_int_equal(memory_call(XENMEM_populate_physmap, r), 0);
    r.mem_flags = XENMEMF_populate_on_demand;
    assert_int_equal(memory_call(XENMEM_populate_physmap, r), 0);
    assert_int_equal(test_memory_op(63, NULL, 0), -XEN_ENOSYS);
    assert_int_equal(test_memory_op(XENMEM_sharing_op, NULL, 0), -XEN_EOPNOTSUPP);
    test_run_as(1);
    r = reservation(list, 1, 0, 0);
    assert_int_equal(memory_call(XENMEM_populate_physmap, r), -XEN_EPERM);
    r = reservation(list, 1, 10, DOMID_SELF);
    assert_int_equal(memory_call(XENMEM_populate_physmap, r), 0);
    assert_int_equal(dom0->frames_total + guest->frames_total, 0);
}

static void builds_another_domain(void **state)
{
    struct xen_memory_reservation r = reservation(list, 4, 9, 1);
    struct xen_memory_domain query = { .domid = 1 };

    list[0] = 0, list[1] = 512, list[2] = 1024, list[3] = 1536;
    guest->frames_max = 2048;
    assert_int_equal(memory_call(XENMEM_populate_physmap, r), 4);
    assert_int_equal(guest->frames_total, 2048);
    assert_int_equal(arch_m2p_get(MFN(list[3] + 511)), 2047);
    assert_int_equal(memory_call(XENMEM_current_reservation, query), 2048);
    assert_int_equal(memory_call(XENMEM_maximum_reservation, query), 2048);
    assert_int_equal(memory_call(XENMEM_maximum_gpfn, query), 2047);
    query.domid = 9;
    assert_int_equal(memory_call(XENMEM_current_reservation, query), -XEN_ESRCH);
    test_run_as(2);
    query.domid = 1;
    assert_int_equal(memory_call(XENMEM_current_reservation, query), -XEN_EPERM);
}

/* A copy that faults in the middle leaves nothing behind that the guest was not told of. */
static void survives_faults(void **state)
{
    for (unsigned int fault = 1; fault < 12; fault++) {
        struct xen_memory_reservation r = reservation(list, 4, 1, DOMID_SELF);
        uint64_t before = dom0->frames_total;
        long done;

        memset(list, 0, sizeof(list));
        host_guest_fault_in(fault);
        done = memory_call(XENMEM_populate_physmap, r);
        host_guest_fault_in(0);
        assert_in_range(done, 0, 4);
        assert_int_equal(dom0->frames_total, before + 2ul * (unsigned long)done);
    }
}

/* ---- exchange ---------------------------------------------------------------------------------- */

static struct xen_memory_exchange exchange(uint64_t *in, uint64_t in_count, unsigned int in_order,
                                           uint64_t *out, uint64_t out_count,
                                           unsigned int out_order)
{
    return (struct xen_memory_exchange){ .in = reservation(in, in_count, in_order, DOMID_SELF),
                                         .out =
                                             reservation(out, out_count, out_order, DOMID_SELF) };
}

/* What Linux does for a contiguous buffer below an address, and to give it back. */
static void exchanges_for_a_contiguous_region(void **state)
{
    struct xen_memory_exchange x = exchange(list, 512, 0, list2, 1, 9);

    populate(list, 512, 0, 0x2000);
    dom0->frames_max = 512;
    list2[0] = 0x2000;
    x.out.mem_flags = XENMEMF_address_bits(24);
    assert_int_equal(memory_call(XENMEM_exchange, x), 0);
    assert_int_equal(x.nr_exchanged, 512);
    assert_int_equal(dom0->frames_total, 512);
    assert_true(list2[0] % 512 == 0 && list2[0] + 512 <= 4096);
    assert_int_equal(arch_m2p_get(MFN(list2[0] + 17)), 0x2000 + 17);
    assert_true(test_memory_valid());

    for (unsigned int i = 0; i < 512; i++) {
        list[i] = 0x2000 + i;
    }
    x = exchange(list2, 1, 9, list, 512, 0);
    assert_int_equal(memory_call(XENMEM_exchange, x), 0);
    assert_int_equal(x.nr_exchanged, 1);
    assert_int_equal(dom0->frames_total, 512);
    assert_int_equal(arch_m2p_get(MFN(list[511])), 0x2000 + 511);
    assert_true(frame_owner(frame_of(MFN(list[300]))) == dom0);
}

static void exchanges_in_steps(void **state)
{
    struct xen_memory_exchange x = exchange(list, 600, 0, list2, 150, 2);

    populate(list, 600, 0, 0);
    for (unsigned int i = 0; i < 150; i++) {
        list2[i] = 4 * i;
    }
    assert_int_equal(memory_call(XENMEM_exchange, x), 0);
    assert_int_equal(x.nr_exchanged, 600);
    assert_int_equal(arch_m2p_get(MFN(list2[149] + 3)), 599);
    assert_int_equal(dom0->frames_total, 600);
}

static void failed_exchanges_leave_no_trace(void **state)
{
    struct xen_memory_exchange x = exchange(list, 64, 0, list2, 1, 6);
    struct frame *used;

    populate(list, 64, 0, 0x40);
    list2[0] = 0x40;
    used = frame_of(MFN(list[40]));
    assert_true(frame_get(used, dom0)); /* mapped somewhere */
    assert_int_equal(memory_call(XENMEM_exchange, x), -XEN_EINVAL);
    assert_int_equal(x.nr_exchanged, 0);
    assert_int_equal(list2[0], 0x40);
    assert_int_equal(dom0->frames_total, 64);
    assert_int_equal(arch_m2p_get(MFN(list[3])), 0x43);
    assert_true(frame_owner(frame_of(MFN(list[3]))) == dom0);
    frame_put(used);
    x.out.mem_flags = XENMEMF_address_bits(13); /* there is no such memory */
    assert_int_equal(memory_call(XENMEM_exchange, x), -XEN_ENOMEM);
    assert_int_equal(dom0->frames_total, 64);
    assert_int_equal(list2[0], 0x40);
    list[63] = list[62]; /* twice the same */
    x.out.mem_flags = 0;
    assert_int_equal(memory_call(XENMEM_exchange, x), -XEN_EINVAL);
    assert_int_equal(dom0->frames_total, 64);
    assert_true(test_memory_valid());
}

static void partial_exchanges_say_how_far(void **state)
{
    struct xen_memory_exchange x = exchange(list, 8, 0, list2, 4, 1);

    populate(list, 8, 0, 0);
    list[5] = FRAMES;
    memset(list2, 0, sizeof(list2));
    assert_int_equal(memory_call(XENMEM_exchange, x), -XEN_EINVAL);
    assert_int_equal(x.nr_exchanged, 4);
    assert_int_equal(dom0->frames_total, 8);
    assert_true(frame_owner(frame_of(MFN(list2[1]))) == dom0);
    assert_int_equal(list2[2], 0);
    for (unsigned int fault = 1; fault < 9; fault++) {
        x = exchange(&list[6], 2, 0, &list2[3], 1, 1);
        host_guest_fault_in(fault);
        if (memory_call(XENMEM_exchange, x) == 0) {
            host_guest_fault_in(0);
            break;
        }
        assert_int_equal(dom0->frames_total, 8);
        assert_true(test_memory_valid());
    }
}

static void refuses_odd_exchanges(void **state)
{
    struct xen_memory_exchange x = exchange(list, 8, 0, list2, 3, 1);

    assert_int_equal(memory_call(XENMEM_exchange, x), -XEN_EINVAL);
    x = exchange(list, 1ul << 60, 0, list2, 1ul << 58, 2);
    assert_int_equal(memory_call(XENMEM_exchange, x), -XEN_EINVAL);
    x = exchange(list, 8, 0, list2, 4, 1);
    x.nr_exchanged = 3;
    assert_int_equal(memory_call(XENMEM_exchange, x), -XEN_EINVAL);
    x.nr_exchanged = 10;
    assert_int_equal(memory_call(XENMEM_exchange, x), -XEN_EINVAL);
    x.nr_exchanged = 0;
    x.out.domid = 1;
    assert_int_equal(memory_call(XENMEM_exchange, x), -XEN_EINVAL);
    x = exchange(list, 8192, 0, list2, 1, 13);
    assert_int_equal(memory_call(XENMEM_exchange, x), -XEN_EPERM);
    assert_int_equal(test_memory_op(XENMEM_exchange, (void *)4096, 0), -XEN_EFAULT);
}

/* ---- questions --------------------------------------------------------------------------------- */

static void tells_of_the_machine(void **state)
{
    struct xen_machphys_mapping window;
    struct xen_machphys_mfn_list chunks = { .max_extents = 5 };
    struct memory_map_entry entries[4];
    struct xen_memory_map map = { .nr_entries = 4 };

    chunks.extent_start.p = list;
    map.buffer.p = entries;
    assert_int_equal(test_memory_op(XENMEM_maximum_ram_page, NULL, 0), FRAMES);
    assert_int_equal(memory_call(XENMEM_machphys_mapping, window), 0);
    assert_int_equal(window.v_start, MACH2PHYS_VIRT_START);
    assert_int_equal(memory_call(XENMEM_machphys_mfn_list, chunks), 0);
    assert_int_equal(chunks.nr_extents, 1);
    host_guest_map(entries, sizeof(entries));
    assert_int_equal(memory_call(XENMEM_machine_memory_map, map), 0);
    assert_int_equal(map.nr_entries, 2);
    assert_int_equal(entries[0].bytes, FRAMES * PAGE_SIZE);
    assert_int_equal(entries[1].type, 2);
    map.buffer.p = NULL;
    map.nr_entries = 0;
    assert_int_equal(memory_call(XENMEM_machine_memory_map, map), 0);
    assert_int_equal(map.nr_entries, 2);
    test_run_as(1);
    assert_int_equal(memory_call(XENMEM_machine_memory_map, map), -XEN_EPERM);
}

static void keeps_a_map_for_each_domain(void **state)
{
    struct memory_map_entry entries[2] = { { 0, 0xa0000, 1 }, { 0x100000, 0x700000, 1 } }, out[4];
    struct xen_foreign_memory_map set = { .domid = 1, .map.nr_entries = 2 };
    struct xen_memory_map map = { .nr_entries = 4 };

    set.map.buffer.p = entries;
    map.buffer.p = out;
    host_guest_map(entries, sizeof(entries));
    host_guest_map(out, sizeof(out));
    assert_int_equal(memory_call(XENMEM_memory_map, map), -XEN_ENOSYS);
    assert_int_equal(memory_call(XENMEM_set_memory_map, set), 0);
    assert_int_equal(memory_call(XENMEM_set_memory_map, set), 0);
    test_run_as(1);
    assert_int_equal(memory_call(XENMEM_memory_map, map), 0);
    assert_int_equal(map.nr_entries, 2);
    assert_memory_equal(out, entries, sizeof(entries));
    set.map.nr_entries = MEMORY_MAP_ENTRIES_MAX + 1;
    assert_int_equal(memory_call(XENMEM_set_memory_map, set), -XEN_EINVAL);
    set.map.nr_entries = 2;
    set.domid = 2;
    assert_int_equal(memory_call(XENMEM_set_memory_map, set), -XEN_EPERM);
}

static void claims_by_hypercall(void **state)
{
    struct xen_memory_reservation r = reservation(NULL, 100, 0, 1);

    assert_int_equal(memory_call(XENMEM_claim_pages, r), 0);
    assert_int_equal(guest->frames_claimed, 100);
    assert_int_equal(memory_call(XENMEM_claim_pages, r), -XEN_EINVAL);
    r.extent_order = 1;
    assert_int_equal(memory_call(XENMEM_claim_pages, r), -XEN_EINVAL);
    r = reservation(list, 4, 0, 1);
    assert_int_equal(memory_call(XENMEM_increase_reservation, r), 4);
    assert_int_equal(guest->frames_claimed, 96);
    test_run_as(1);
    r = reservation(NULL, 0, 0, 1);
    assert_int_equal(memory_call(XENMEM_claim_pages, r), -XEN_EPERM);
}

static void acquires_grant_frames(void **state)
{
    struct xen_mem_acquire_resource arg = { .domid = 1, .type = XENMEM_resource_grant_table };

    assert_int_equal(memory_call(XENMEM_acquire_resource, arg), 0);
    assert_int_equal(arg.nr_frames, TEST_GRANT_FRAMES);
    arg.frame = 2;
    arg.nr_frames = 12;
    arg.frame_list.p = list;
    assert_int_equal(memory_call(XENMEM_acquire_resource, arg), 0);
    for (unsigned int i = 0; i < 12; i++) {
        assert_int_equal(list[i], 1002 + i);
    }
    arg = (struct xen_mem_acquire_resource){ .domid = 1, .type = 1, .frame = 5, .nr_frames = 12 };
    arg.frame_list.p = list;
    assert_int_equal(memory_call(XENMEM_acquire_resource, arg), -XEN_EINVAL);
    arg.frame = ~0ull;
    assert_int_equal(memory_call(XENMEM_acquire_resource, arg), -XEN_EINVAL);
    arg = (struct xen_mem_acquire_resource){ .domid = 1, .type = XENMEM_resource_ioreq_server };
    assert_int_equal(memory_call(XENMEM_acquire_resource, arg), -XEN_EOPNOTSUPP);
    arg.domid = DOMID_SELF;
    assert_int_equal(memory_call(XENMEM_acquire_resource, arg), -XEN_EPERM);
}

static void has_no_physical_map(void **state)
{
    struct xen_add_to_physmap add = { .domid = DOMID_SELF, .space = XENMAPSPACE_grant_table };
    struct xen_add_to_physmap_batch batch = { .domid = DOMID_SELF,
                                              .space = XENMAPSPACE_gmfn_foreign };
    struct xen_remove_from_physmap remove = { .domid = DOMID_SELF };
    struct xen_pod_target pod = { .domid = 1 };
    struct xen_vnuma_topology_info numa = { .domid = DOMID_SELF };
    struct xen_reserved_device_memory_map reserved = { .flags = XENMEM_RDM_ALL, .nr_entries = 3 };

    assert_int_equal(memory_call(XENMEM_add_to_physmap, add), -XEN_EACCES);
    assert_int_equal(memory_call(XENMEM_add_to_physmap_batch, batch), -XEN_EACCES);
    assert_int_equal(memory_call(XENMEM_remove_from_physmap, remove), -XEN_EACCES);
    assert_int_equal(memory_call(XENMEM_get_pod_target, pod), -XEN_EINVAL);
    assert_int_equal(memory_call(XENMEM_get_vnumainfo, numa), -XEN_EOPNOTSUPP);
    assert_int_equal(memory_call(XENMEM_reserved_device_memory_map, reserved), 0);
    assert_int_equal(reserved.nr_entries, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(populates_and_decreases, setup, teardown),
        cmocka_unit_test_setup_teardown(increases, setup, teardown),
        cmocka_unit_test_setup_teardown(stops_at_the_first_that_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_nonsense, setup, teardown),
        cmocka_unit_test_setup_teardown(builds_another_domain, setup, teardown),
        cmocka_unit_test_setup_teardown(survives_faults, setup, teardown),
        cmocka_unit_test_setup_teardown(exchanges_for_a_contiguous_region, setup, teardown),
        cmocka_unit_test_setup_teardown(exchanges_in_steps, setup, teardown),
        cmocka_unit_test_setup_teardown(failed_exchanges_leave_no_trace, setup, teardown),
        cmocka_unit_test_setup_teardown(partial_exchanges_say_how_far, setup, teardown),
        cmocka_unit_test_setup_teardown(refuses_odd_exchanges, setup, teardown),
        cmocka_unit_test_setup_teardown(tells_of_the_machine, setup, teardown),
        cmocka_unit_test_setup_teardown(keeps_a_map_for_each_domain, setup, teardown),
        cmocka_unit_test_setup_teardown(claims_by_hypercall, setup, teardown),
        cmocka_unit_test_setup_teardown(acquires_grant_frames, setup, teardown),
        cmocka_unit_test_setup_teardown(has_no_physical_map, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
