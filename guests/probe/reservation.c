/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * memory_op: frames beyond the domain's share, frames that are in use or somebody else's, exchanges
 * that do not add up.
 */
#include "lib/check.h"
#include "lib/guest.h"
#include "lib/hypercall.h"
#include "lib/page.h"
#include "lib/pagetable.h"

#include <xen/memory.h>

#define LIST 64

static uint64_t list[LIST];

static long memory_op(unsigned int op, const void *argument)
{
    return hypercall_op(__HYPERVISOR_memory_op, op, argument);
}

static long reserve(unsigned int op, uint64_t *frames, unsigned long count, unsigned int order,
                    unsigned int domid)
{
    struct xen_memory_reservation reservation = { .nr_extents = count,
                                                  .extent_order = order,
                                                  .domid = (domid_t)domid };

    set_xen_guest_handle(reservation.extent_start, (xen_pfn_t *)frames);
    return memory_op(op, &reservation);
}

static long total(unsigned int op)
{
    domid_t self = DOMID_SELF;

    return memory_op(op, &self);
}

/* ---- shares ------------------------------------------------------------------------------------ */

static void check_shares(void)
{
    long room = total(XENMEM_maximum_reservation) - total(XENMEM_current_reservation);

    check_that(room >= 0 && total(XENMEM_current_reservation) > 0,
               "the domain is within its share");
    for (unsigned int i = 0; i < LIST; i++) {
        list[i] = pfn_of(window(8)) + i;
    }
    if (!guest_is_first() && room < LIST) {
        long got = reserve(XENMEM_populate_physmap, list, LIST, 0, DOMID_SELF);

        check(got, room, "populate beyond the share");
        must(reserve(XENMEM_decrease_reservation, list, (unsigned long)got, 0, DOMID_SELF), "give");
        check(reserve(XENMEM_populate_physmap, list, 1, 9, DOMID_SELF), 0,
              "populate a superpage beyond the share");
        check(reserve(XENMEM_increase_reservation, list, 1, 9, DOMID_SELF), 0,
              "increase by a superpage beyond the share");
    }
    check(reserve(XENMEM_populate_physmap, list, 1, 60, DOMID_SELF), 0, "populate order 60");
    check(reserve(XENMEM_populate_physmap, list, 1, ~0u, DOMID_SELF), 0, "populate order -1");
    check(reserve(XENMEM_populate_physmap, (uint64_t *)0x10, 1, 0, DOMID_SELF), 0,
          "populate from a list that is not mapped");
    check(reserve(XENMEM_populate_physmap, list, ~0ul, 0, DOMID_SELF), 0,
          "populate 2^64 - 1 extents");
    check(reserve(XENMEM_populate_physmap, list, 1, 0, 0x7000), 0, "populate nobody");
    check(reserve(XENMEM_decrease_reservation, list, 1, 0, DOMID_XEN), 0, "take from DOMID_XEN");
    if (!guest_is_first()) {
        check(reserve(XENMEM_populate_physmap, list, 1, 0, 0), -XEN_EPERM, "populate dom0");
        check(reserve(XENMEM_decrease_reservation, list, 1, 0, 0), -XEN_EPERM, "take from dom0");
        list[0] = 0;
        check(reserve(XENMEM_decrease_reservation, list, 1, 0, DOMID_SELF), 0,
              "give back frame 0, which is another's");
    }
    list[0] = ~0ul;
    check(reserve(XENMEM_decrease_reservation, list, 1, 0, DOMID_SELF), 0, "give back frame -1");
}

/* ---- frames in use ----------------------------------------------------------------------------- */

/* Gives one frame back and asks for one in its place. */
static void replace(void *page)
{
    uint64_t pfn = pfn_of(page), mfn;

    must(va_update(page, 0), "unmap");
    mfn = pfn;
    if (reserve(XENMEM_populate_physmap, &mfn, 1, 0, DOMID_SELF) != 1) {
        give_up("no frame in place of one that was given back");
    }
    ((uint64_t *)guest_start->mfn_list)[pfn] = mfn;
    must(va_update(page, pte_for(mfn, PTE_RW)), "map");
}

static void check_frames_in_use(void)
{
    uint64_t *page = page_alloc();
    uint64_t mfn = mfn_of(page), value = 0;

    *page = 0x600d;
    check(reserve(XENMEM_decrease_reservation, &mfn, 1, 0, DOMID_SELF), 1,
          "give back a frame that is mapped");
    check(trap_read(page, &value), 0, "it can be read");
    check_that(value == 0x600d, "it is the same");
    /* Xen does not tell that it was not the domain's any more. */
    check_differs(reserve(XENMEM_decrease_reservation, &mfn, 1, 0, DOMID_SELF), 0, 1,
                  "give it back again");
    check(va_update(window(2), pte_for(mfn, PTE_RO)), 0, "map it once more");
    check(va_update(window(2), 0), 0, "unmap that");
    check(mmuext(MMUEXT_CLEAR_PAGE, mfn, 0), 0, "clear it");
    replace(page);
    check_that(*page == 0, "the frame in its place is clear");

    mfn = mfn_of(page);
    must(page_set_rights(page, PTE_RO), "rights");
    must(mmuext(MMUEXT_PIN_L1_TABLE, mfn, 0), "pin");
    check(reserve(XENMEM_decrease_reservation, &mfn, 1, 0, DOMID_SELF), 1,
          "give back a pinned table");
    check(mmuext(MMUEXT_UNPIN_TABLE, mfn, 0), 0, "unpin it");
    check(mmuext(MMUEXT_PIN_L1_TABLE, mfn, 0), 0, "pin it");
    check(mmuext(MMUEXT_UNPIN_TABLE, mfn, 0), 0, "unpin it");
    replace(page);

    mfn = guest_start->shared_info >> PAGE_SHIFT;
    /* It is none of the domain's reservation; Xen lets it go, and keeps it for itself. */
    check_differs(reserve(XENMEM_decrease_reservation, &mfn, 1, 0, DOMID_SELF), 0, 1,
                  "give back the shared page");
    page_free(page);
}

/* ---- exchange ---------------------------------------------------------------------------------- */

static long exchange(unsigned long in_count, unsigned int in_order, unsigned long out_count,
                     unsigned int out_order, uint64_t *in, uint64_t *out, unsigned long done)
{
    struct xen_memory_exchange op = {
        .in = { .nr_extents = in_count, .extent_order = in_order, .domid = DOMID_SELF },
        .out = { .nr_extents = out_count, .extent_order = out_order, .domid = DOMID_SELF },
        .nr_exchanged = done,
    };

    set_xen_guest_handle(op.in.extent_start, (xen_pfn_t *)in);
    set_xen_guest_handle(op.out.extent_start, (xen_pfn_t *)out);
    return memory_op(XENMEM_exchange, &op);
}

static void check_exchange(void)
{
    uint64_t *page = page_alloc();
    uint64_t in = mfn_of(page), out = pfn_of(page);

    check(exchange(1, 0, 2, 0, &in, &out, 0), -XEN_EINVAL, "exchange one frame for two");
    check(exchange(1, 0, 1, 9, &in, &out, 0), -XEN_EINVAL, "exchange a frame for a superpage");
    check_refused(exchange(~0ul, 0, ~0ul, 0, &in, &out, 0), "exchange 2^64 - 1 frames");
    check(exchange(1ul << 63, 1, 1, 64, &in, &out, 0), -XEN_EPERM, "exchange order 64");
    check(exchange(1, 0, 1, 0, &in, &out, 2), -XEN_EINVAL, "with more done than there is");
    check(exchange(1, 0, 1, 0, (uint64_t *)0x10, &out, 0), -XEN_EFAULT, "from a list not mapped");
    if (!guest_is_first()) {
        in = 0;
        check(exchange(1, 0, 1, 0, &in, &out, 0), -XEN_EINVAL, "exchange frame 0");
    }
    in = root_mfn();
    check(exchange(1, 0, 1, 0, &in, &out, 0), -XEN_EINVAL, "exchange the running root");
    in = mfn_of(page);
    check(exchange(1, 0, 1, 0, &in, &out, 0), -XEN_EINVAL, "exchange a frame that is mapped");
    must(va_update(page, 0), "unmap");
    check(exchange(1, 0, 1, 0, &in, &out, 0), 0, "exchange a frame that is not");
    ((uint64_t *)guest_start->mfn_list)[pfn_of(page)] = out;
    must(va_update(page, pte_for(out, PTE_RW)), "map");
    check_that(*page == 0, "the new frame is clear");
    page_free(page);
}

/* ---- the rest ---------------------------------------------------------------------------------- */

static void check_pointers(void)
{
    static const unsigned int readers[] = {
        XENMEM_increase_reservation, XENMEM_decrease_reservation,
        XENMEM_populate_physmap,     XENMEM_exchange,
        XENMEM_current_reservation,  XENMEM_maximum_reservation,
        XENMEM_machphys_mfn_list,    XENMEM_add_to_physmap,
        XENMEM_acquire_resource,     XENMEM_memory_map,
        XENMEM_get_vnumainfo,        XENMEM_remove_from_physmap,
    };

    for (unsigned int i = 0; i < ARRAY_SIZE(readers); i++) {
        /* These three tell how many extents were done. */
        bool counts = readers[i] == XENMEM_increase_reservation ||
                      readers[i] == XENMEM_decrease_reservation ||
                      readers[i] == XENMEM_populate_physmap;
        long expected = counts ? 0 : -XEN_EFAULT;
        unsigned int refused = 0;

        refused += memory_op(readers[i], (void *)0x10) == expected;
        refused += memory_op(readers[i], (void *)0x800000000000ul) == expected;
        refused += memory_op(readers[i], (void *)0xffff830000000000ul) == expected;
        refused += memory_op(readers[i], (void *)(~0ul - 3)) == expected;
        check(refused, 4, "operation %u with four bad pointers: %s", readers[i],
              check_code(expected));
    }
    check(memory_op(63, list), -XEN_ENOSYS, "operation 63");
    check(memory_op(30, list), -XEN_ENOSYS, "operation 30");
    check(memory_op(1u << 31, list), 1u << 25, "a forged continuation of operation 0");
}

static void check_privileged(void)
{
    struct xen_memory_reservation claim = { .nr_extents = 1, .domid = DOMID_SELF };
    struct xen_memory_map map = { .nr_entries = 1 };
    struct xen_add_to_physmap add = { .domid = DOMID_SELF, .space = XENMAPSPACE_shared_info };
    struct xen_mem_acquire_resource resource = { .domid = DOMID_SELF, .nr_frames = 1 };

    if (guest_is_first()) {
        return;
    }
    check(memory_op(XENMEM_claim_pages, &claim), -XEN_EPERM, "claim");
    check(memory_op(XENMEM_machine_memory_map, &map), -XEN_EPERM, "the machine's memory map");
    check(memory_op(XENMEM_add_to_physmap, &add), -XEN_EACCES, "add_to_physmap for itself");
    add.domid = 0;
    check(memory_op(XENMEM_add_to_physmap, &add), -XEN_EPERM, "add_to_physmap for dom0");
    check(memory_op(XENMEM_acquire_resource, &resource), -XEN_EPERM, "its own resource");
    resource.domid = 0;
    check(memory_op(XENMEM_acquire_resource, &resource), -XEN_EPERM, "dom0's resource");
}

static void run(void)
{
    check_shares();
    check_frames_in_use();
    check_exchange();
    check_pointers();
    check_privileged();
}
PROBE(reservation, run);
