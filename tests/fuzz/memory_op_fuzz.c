/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Sequences of memory_op by a control domain and a guest, on memory that runs short. Each step is
 * eight bytes: command, caller, flags, order, count, domain, and where in the lists to begin. The
 * lists keep what earlier steps wrote into them, so that frames are found again; some entries are
 * changed by the input. Afterwards every count must be exact, and all memory comes back.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "arch/memory.h"
#include "hypervisor/heap.h"
#include "support/memory_calls.h"

#define FRAMES    1024u
#define LIST      256u
#define STEP      8u
#define STEPS_MAX 64u
#define MAP_MAX   12u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static uint64_t list[2 * LIST]; /* two lists of LIST, that overlap when a count is large */
static struct memory_map_entry map_entries[MAP_MAX];

static struct xen_memory_reservation reservation(const uint8_t *step, bool second)
{
    struct xen_memory_reservation r = {
        .nr_extents = step[4],
        .extent_order = second ? step[3] >> 4 : step[3] & 15,
        .mem_flags = step[2] & 1 ? XENMEMF_address_bits(18 + step[2] % 8) : step[2] >> 4 << 16,
        .domid = step[5] % 8 == 7 ? DOMID_SELF : step[5] % 8,
    };

    r.extent_start.p = step[2] & 2 ? NULL : list + (second ? LIST : 0) + step[6] % LIST;
    return r;
}

static void exchange(const uint8_t *step)
{
    struct xen_memory_exchange x = { .in = reservation(step, false),
                                     .out = reservation(step, true) };
    unsigned int difference = x.in.extent_order ^ x.out.extent_order;

    if (!(step[2] & 4)) { /* sizes that agree */
        x.in.extent_order %= 4;
        x.out.extent_order %= 4;
        x.out.nr_extents = (x.in.nr_extents << x.in.extent_order) >> x.out.extent_order;
        x.in.nr_extents = (x.out.nr_extents << x.out.extent_order) >> x.in.extent_order;
    }
    x.nr_exchanged = step[2] & 8 ? difference : 0;
    (void)memory_call(XENMEM_exchange, x);
}

static void maps(const uint8_t *step)
{
    struct xen_foreign_memory_map arg = { .domid = step[5] % 4,
                                          .map.nr_entries = step[4] % (MAP_MAX + 1) };
    unsigned int op = step[3] % 3 == 0   ? XENMEM_set_memory_map
                      : step[3] % 3 == 1 ? XENMEM_memory_map
                                         : XENMEM_machine_memory_map;

    arg.map.buffer.p = step[2] & 2 ? NULL : map_entries;
    if (op == XENMEM_set_memory_map) {
        (void)memory_call(op, arg);
    } else {
        (void)memory_call(op, arg.map);
    }
}

static void resource(const uint8_t *step)
{
    struct xen_mem_acquire_resource arg = {
        .domid = step[5] % 4, .type = step[3] % 3, .nr_frames = step[4] % 20, .frame = step[6] % 20
    };

    arg.frame_list.p = step[2] & 2 ? NULL : list;
    (void)memory_call(XENMEM_acquire_resource, arg);
}

static void one_step(const uint8_t *step)
{
    struct xen_memory_reservation r = reservation(step, false);
    unsigned long start = step[2] & 64 ? (unsigned long)(step[7] % 16) << 6 : 0;

    test_run_as(step[1] % 2);
    if (step[1] & 128) {
        host_guest_fault_in(1 + step[7] % 32);
    }
    switch (step[0] % 12) {
    case 0:
    case 1:
        (void)memory_call(XENMEM_populate_physmap | start, r);
        break;
    case 2:
        (void)memory_call(XENMEM_increase_reservation | start, r);
        break;
    case 3:
    case 4:
        (void)memory_call(XENMEM_decrease_reservation | start, r);
        break;
    case 5:
    case 6:
        exchange(step);
        break;
    case 7:
        (void)memory_call(XENMEM_claim_pages, r);
        break;
    case 8:
        maps(step);
        break;
    case 9:
        resource(step);
        break;
    case 10:
        list[step[6]] += step[4];
        break;
    default:
        (void)frame_scrub_some();
        (void)test_memory_op(step[7], &r, sizeof(r));
        break;
    }
    host_guest_fault_in(0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static uint64_t free_at_start;

    if (free_at_start == 0) {
        host_setup(FRAMES, 1);
        for (size_t size = 8; size <= 2048; size += 8) {
            heap_free(heap_alloc(size)); /* the heap keeps a page of each class */
        }
        free_at_start = frame_count_free();
    }
    test_domains_setup();
    test_domains[1].frames_max = 400;
    memset(list, 0, sizeof(list));
    host_random_from(data, bytes);
    for (unsigned int i = 0; i < STEPS_MAX && bytes >= STEP; i++) {
        host_guest_unmap_all();
        host_guest_map(list, sizeof(list));
        host_guest_map(map_entries, sizeof(map_entries));
        one_step(data);
        data += STEP;
        bytes -= STEP;
    }
    BUG_ON(!test_memory_valid() || !heap_valid());
    test_domains_relinquish();
    BUG_ON(!test_memory_valid() || frame_count_free() != free_at_start ||
           frame_count_claimed() != 0);
    return 0;
}
