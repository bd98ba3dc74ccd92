/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Grants: entries that lie, mappings and copies with every flag and to every kind of address, handles
 * that are not, and the table's version changing under it all.
 */
#include "lib/grant.h"
#include "lib/check.h"
#include "lib/event.h"
#include "lib/guest.h"
#include "lib/hypercall.h"
#include "lib/page.h"
#include "lib/pagetable.h"
#include "lib/vcpu.h"

#include <xen/sched.h>

#define REF      20
#define MAPPINGS 100
#define FIRST    64 /* windows of the mappings */

static unsigned int self;
static uint64_t *page;

static long table_op(unsigned int op, void *argument, unsigned long count)
{
    return hypercall_ops(__HYPERVISOR_grant_table_op, op, argument, count);
}

static void unmap_if(long result, uint32_t handle, uint64_t address)
{
    if (result == GRANT_STATUS(GNTST_okay) &&
        grant_unmap(handle, address, 0) != GRANT_STATUS(GNTST_okay)) {
        check_that(false, "what was mapped can be unmapped");
    }
}

/* Maps and unmaps at a window. */
static long try_map(uint32_t ref, uint32_t flags)
{
    uint32_t handle;
    long result = grant_map(self, ref, address_of(window(1)), flags, &handle);

    unmap_if(result, handle, address_of(window(1)));
    return result;
}

/* ---- the table --------------------------------------------------------------------------------- */

static void check_table(void)
{
    static uint64_t frames[1];
    struct gnttab_setup_table setup = { .dom = DOMID_SELF, .nr_frames = ~0u };
    struct gnttab_swap_grant_ref swap = { .ref_a = ~0u, .ref_b = REF };
    struct gnttab_query_size size = { .dom = 0x7000 };

    set_xen_guest_handle(setup.frame_list, (xen_pfn_t *)frames);
    check_refused(table_op(GNTTABOP_setup_table, &setup, 1) ?: GRANT_STATUS(setup.status),
                  "a table of 2^32 - 1 frames");
    setup.dom = 0x7000;
    setup.nr_frames = 1;
    must(table_op(GNTTABOP_setup_table, &setup, 1), "setup");
    check(GRANT_STATUS(setup.status), GRANT_STATUS(GNTST_bad_domain), "nobody's table");
    if (!guest_is_first()) {
        setup.dom = 0;
        must(table_op(GNTTABOP_setup_table, &setup, 1), "setup");
        check(GRANT_STATUS(setup.status), GRANT_STATUS(GNTST_permission_denied), "dom0's table");
    }
    check(table_op(GNTTABOP_setup_table, &setup, 2), -XEN_EINVAL, "two tables at once");
    must(table_op(GNTTABOP_query_size, &size, 1), "size");
    check(GRANT_STATUS(size.status), GRANT_STATUS(GNTST_bad_domain), "size of nobody's table");
    must(table_op(GNTTABOP_swap_grant_ref, &swap, 1), "swap");
    check(GRANT_STATUS(swap.status), GRANT_STATUS(GNTST_bad_gntref), "swap with reference -1");
    check(grant_set_version(3), -XEN_EINVAL, "version 3");
    check(table_op(99, frames, 1), -XEN_ENOSYS, "operation 99");
    for (unsigned int op = GNTTABOP_map_grant_ref; op <= GNTTABOP_cache_flush; op++) {
        check_refused(table_op(op, (void *)0xffff830000000000, 1),
                      "operation %u with the hypervisor's memory", op);
        check_refused(table_op(op, (void *)0x10, 0x80000000), "and 2^31 of it that are not mapped");
    }
}

/* What is wrong with an entry Xen does not tell: it has one error for all. */
static void check_entry(long result, int status, const char *tried)
{
    long on_xen = status == GNTST_okay ? GNTST_okay : GNTST_general_error;

    check_differs(result, GRANT_STATUS(status), GRANT_STATUS(on_xen), "%s", tried);
}

/* ---- entries ----------------------------------------------------------------------------------- */

static void check_entries(void)
{
    static const struct {
        uint16_t flags;
        int result;
        const char *name;
    } kinds[] = {
        { GTF_invalid, GNTST_bad_gntref, "an invalid grant" },
        { GTF_permit_access, GNTST_okay, "a grant" },
        { GTF_accept_transfer, GNTST_bad_gntref, "a grant for a transfer" },
        { GTF_transitive, GNTST_bad_gntref, "a transitive grant in version 1" },
    };
    uint64_t l1 = table_mfn(address_of(window(0)), 1);

    for (unsigned int i = 0; i < ARRAY_SIZE(kinds); i++) {
        grant_set(REF, self, mfn_of(page), kinds[i].flags);
        check_entry(try_map(REF, GNTMAP_host_map), kinds[i].result, kinds[i].name);
    }
    grant_set(REF, self, mfn_of(page), GTF_permit_access | GTF_readonly);
    check_entry(try_map(REF, GNTMAP_host_map), GNTST_permission_denied,
                "a read-only grant, writable");
    check(try_map(REF, GNTMAP_host_map | GNTMAP_readonly), GRANT_STATUS(GNTST_okay),
          "a read-only grant");
    grant_set(REF, 0x7000, mfn_of(page), GTF_permit_access);
    check_entry(try_map(REF, GNTMAP_host_map), GNTST_bad_gntref, "a grant for another");
    grant_set(REF, self, 0xffffffff, GTF_permit_access);
    check_refused(try_map(REF, GNTMAP_host_map), "a grant of frame 2^32 - 1");
    if (!guest_is_first()) {
        grant_set(REF, self, 1, GTF_permit_access);
        check_refused(try_map(REF, GNTMAP_host_map), "a grant of frame 1, which is another's");
        grant_set(REF, self, 0xfee00, GTF_permit_access);
        check_refused(try_map(REF, GNTMAP_host_map), "a grant of the local APIC");
    }
    grant_set(REF, self, l1, GTF_permit_access);
    check_refused(try_map(REF, GNTMAP_host_map), "a grant of a live L1, writable");
    check(try_map(REF, GNTMAP_host_map | GNTMAP_readonly), GRANT_STATUS(GNTST_okay),
          "a grant of a live L1, read-only");
    check(try_map(~0u, GNTMAP_host_map), GRANT_STATUS(GNTST_bad_gntref), "reference -1");
    check_entry(try_map(511, GNTMAP_host_map), GNTST_bad_gntref, "an empty entry");
    check(grant_map(0x7000, REF, address_of(window(1)), GNTMAP_host_map, NULL),
          GRANT_STATUS(GNTST_bad_domain), "a grant of nobody");
    check_refused(grant_map(0, 0x1ffff, address_of(window(1)), GNTMAP_host_map, NULL),
                  "dom0's reference 131071");
    grant_set(REF, self, mfn_of(page), GTF_permit_access);
}

/* ---- mappings ---------------------------------------------------------------------------------- */

static void check_addresses(void)
{
    static const struct {
        uint64_t address;
        const char *name;
    } bad[] = {
        { 0xffff830000000000, "in the hypervisor" },
        { 0xffff800000000000, "over the machine-to-phys table" },
        { 0x0000800000000000, "at a non-canonical address" },
        { 0x1000, "where no table is" },
        { ~0ul, "at the last byte" },
    };
    uint64_t own = mfn_of(page) << PAGE_SHIFT;
    uint32_t handle;
    long result;

    for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
        check_refused(grant_map(self, REF, bad[i].address, GNTMAP_host_map, NULL), "map %s",
                      bad[i].name);
    }
    check_refused(grant_map(self, REF, own, GNTMAP_host_map | GNTMAP_contains_pte, NULL),
                  "map by an entry in a page that is no table");
    check_refused(grant_map(self, REF, pte_machine(address_of(window(1)), 2),
                            GNTMAP_host_map | GNTMAP_contains_pte, NULL),
                  "map by an entry of an L2");
    check_refused(grant_map(self, REF, 8, GNTMAP_host_map | GNTMAP_contains_pte, NULL),
                  "map by an entry in frame 0");
    result = grant_map(self, REF, pte_machine(address_of(window(1)), 1),
                       GNTMAP_host_map | GNTMAP_contains_pte, &handle);
    check(result, GRANT_STATUS(GNTST_okay), "map by an entry of an L1");
    check(grant_unmap(handle, pte_machine(address_of(window(2)), 1), 0),
          GRANT_STATUS(GNTST_general_error), "unmap it by another entry");
    check(grant_unmap(handle, pte_machine(address_of(window(1)), 1), 0), GRANT_STATUS(GNTST_okay),
          "unmap it by its entry");
}

static void check_flags(void)
{
    unsigned int okay = 0, refused = 0;

    for (uint32_t flags = 0; flags < 64; flags++) {
        long result;

        if (flags & (GNTMAP_contains_pte | GNTMAP_device_map)) {
            continue;
        }
        result = try_map(REF, flags);
        okay += result == GRANT_STATUS(GNTST_okay);
        refused += result != GRANT_STATUS(GNTST_okay);
    }
    check(okay, 8, "all flags of host mappings: with GNTMAP_host_map");
    check(refused, 8, "and without it refused");
    check_refused(try_map(REF, 0), "map nothing");
}

static void check_handles(void)
{
    uint64_t address = address_of(window(1));
    uint32_t handle;

    check(grant_unmap(~0u, address, 0), GRANT_STATUS(GNTST_bad_handle), "unmap handle -1");
    check(grant_unmap(1u << 20, address, 0), GRANT_STATUS(GNTST_bad_handle), "unmap handle 2^20");
    must(grant_map(self, REF, address, GNTMAP_host_map, &handle), "map");
    check_refused(grant_unmap(handle, address_of(window(2)), 0), "unmap at another address");
    check_refused(grant_unmap(handle, 0x0000800000000000, 0), "unmap at a non-canonical address");
    check(grant_unmap(handle, address, 0), GRANT_STATUS(GNTST_okay), "unmap");
    check(grant_unmap(handle, address, 0), GRANT_STATUS(GNTST_bad_handle), "unmap again");
    /* Xen does not look at a bus address when there is no mapping for devices. */
    must(grant_map(self, REF, address, GNTMAP_host_map, &handle), "map");
    check_differs(grant_unmap(handle, address, 0x1000), GRANT_STATUS(GNTST_bad_dev_addr),
                  GRANT_STATUS(GNTST_okay), "unmap with another bus address");
    (void)grant_unmap(handle, address, 0);
    /* The guest takes the entry away itself: who does that keeps the handle, and the grant in use. */
    grant_set(REF + 1, self, mfn_of(page), GTF_permit_access);
    must(grant_map(self, REF + 1, address, GNTMAP_host_map, &handle), "map");
    check(va_update(window(1), 0), 0, "take a mapping away behind its back");
    check_refused(grant_unmap(handle, address, 0), "unmap what is not there any more");
    check(grant_unmap(handle, 0, 0), GRANT_STATUS(GNTST_okay), "unmap nothing of it");
    check_that(grant_flags(REF + 1) & GTF_writing, "its entry stays in use");
}

static void check_many(void)
{
    static uint32_t handles[MAPPINGS];
    unsigned int mapped = 0, unmapped = 0;

    for (unsigned int i = 0; i < MAPPINGS; i++) {
        mapped += grant_map(self, REF, address_of(window(FIRST + i)), GNTMAP_host_map,
                            &handles[i]) == GRANT_STATUS(GNTST_okay);
    }
    check(mapped, MAPPINGS, "map one frame often");
    check_that(grant_flags(REF) & GTF_writing, "its entry is in use");
    *(volatile uint64_t *)window(FIRST) = 0x1dea;
    check_that(*(volatile uint64_t *)window(FIRST + MAPPINGS - 1) == 0x1dea,
               "they are all the same");
    check(grant_set_version(2), -XEN_EBUSY, "version 2 while grants are mapped");
    for (unsigned int i = 0; i < MAPPINGS; i++) {
        unsigned int at = i * 37 % MAPPINGS;

        unmapped +=
            grant_unmap(handles[at], address_of(window(FIRST + at)), 0) == GRANT_STATUS(GNTST_okay);
    }
    check(unmapped, MAPPINGS, "unmap them in another order");
    check(grant_flags(REF) & (GTF_reading | GTF_writing), 0, "the entry is idle");
}

/* ---- copies ------------------------------------------------------------------------------------ */

static struct grant_end of_frame(uint64_t mfn, unsigned int offset)
{
    return (struct grant_end){ false, DOMID_SELF, mfn, (uint16_t)offset };
}

static struct grant_end of_ref(unsigned int domid, uint32_t ref, unsigned int offset)
{
    return (struct grant_end){ true, domid, ref, (uint16_t)offset };
}

static void check_copies(void)
{
    uint64_t *from = page_alloc();
    uint64_t source = mfn_of(from), l1 = table_mfn(address_of(from), 1);

    from[0] = 0xc0de;
    check(grant_copy(of_frame(source, 0), of_ref(self, REF, 0), 8), GRANT_STATUS(GNTST_okay),
          "copy to a grant");
    check_that(page[0] == 0xc0de, "it was copied");
    check(grant_copy(of_frame(source, 4095), of_ref(self, REF, 0), 2),
          GRANT_STATUS(GNTST_bad_copy_arg), "copy over the end of a page");
    check(grant_copy(of_frame(source, 0), of_ref(self, REF, 4096), 0), GRANT_STATUS(GNTST_okay),
          "copy nothing at the end of a page");
    check(grant_copy(of_frame(source, 0), of_ref(self, REF, 65535), 65535),
          GRANT_STATUS(GNTST_bad_copy_arg), "copy 65535 bytes at 65535");
    check_refused(grant_copy(of_frame(source, 0), of_frame(l1, 0), 8), "copy to a live L1");
    check_refused(grant_copy(of_frame(source, 0), of_frame(root_mfn(), 0), 8), "copy to the root");
    check_refused(grant_copy(of_frame(~0ul, 0), of_frame(source, 0), 8), "copy from frame -1");
    check(grant_copy(of_ref(self, ~0u, 0), of_frame(source, 0), 8), GRANT_STATUS(GNTST_bad_gntref),
          "copy from reference -1");
    check(grant_copy(of_ref(0x7000, REF, 0), of_frame(source, 0), 8),
          GRANT_STATUS(GNTST_bad_domain), "copy from nobody's grant");
    if (!guest_is_first()) {
        struct grant_end other = of_frame(1, 0);

        check_refused(grant_copy(other, of_frame(source, 0), 8), "copy from frame 1");
        check_refused(grant_copy(of_frame(source, 0), other, 8), "copy to frame 1");
        other.domid = 0;
        check(grant_copy(other, of_frame(source, 0), 8), GRANT_STATUS(GNTST_permission_denied),
              "copy from a frame of dom0");
    }
    grant_set(REF, self, mfn_of(page), GTF_permit_access | GTF_readonly);
    check(grant_copy(of_frame(source, 0), of_ref(self, REF, 0), 8),
          GRANT_STATUS(GNTST_permission_denied), "copy to a read-only grant");
    check(grant_copy(of_ref(self, REF, 0), of_frame(source, 0), 4096), GRANT_STATUS(GNTST_okay),
          "copy a page from a read-only grant");
    check(grant_flags(REF) & (GTF_reading | GTF_writing), 0, "the entry is idle");
    grant_set(REF, self, mfn_of(page), GTF_permit_access);
    page_free(from);
}

/* ---- races ------------------------------------------------------------------------------------- */

static volatile bool storm_over;

/* The entry and the table's version are never the same for long. */
static void storm(void)
{
    for (unsigned int turn = 0; !storm_over; turn++) {
        if (turn % 16 == 0) {
            (void)grant_set_version(1 + (turn / 16 & 1));
        }
        grant_set(REF, turn % 3 ? self : 0x7000, turn % 5 ? mfn_of(page) : turn,
                  turn % 7 ? GTF_permit_access : GTF_invalid);
        if (turn % 64 == 0) {
            hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
        }
    }
}

static void check_races(void)
{
    unsigned int mapped = 0, copied = 0;
    long result = vcpu_start(1, storm);

    check(result, 0, "start vcpu 1");
    if (result) {
        return;
    }
    for (unsigned int turn = 0; turn < 3000; turn++) {
        mapped += try_map(REF, GNTMAP_host_map) == GRANT_STATUS(GNTST_okay);
        copied += grant_copy(of_ref(self, REF, 0), of_frame(mfn_of(page), 2048), 8) ==
                  GRANT_STATUS(GNTST_okay);
        if (turn % 16 == 0) {
            hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
        }
    }
    storm_over = true;
    vcpu_join(1);
    check_that(mapped > 0 || copied > 0, "%u mappings, %u copies while vcpu 1 changes the table",
               mapped, copied);
    check(grant_set_version(1), 0, "version 1 again");
    grant_set(REF, self, mfn_of(page), GTF_permit_access);
    check(try_map(REF, GNTMAP_host_map), GRANT_STATUS(GNTST_okay), "it maps as before");
}

static void run(void)
{
    grant_init();
    self = grant_own_domid();
    page = page_alloc();
    grant_set(REF, self, mfn_of(page), GTF_permit_access);
    check_table();
    check_entries();
    check_addresses();
    check_flags();
    check_handles();
    check_many();
    check_copies();
    check_races();
    grant_set(REF, 0, 0, 0);
}
PROBE(grants, run);
