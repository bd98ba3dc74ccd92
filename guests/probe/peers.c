/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Guests beside others.
 *
 *   holder    started first. Looks for a grant of a domain with a larger number than its own, maps it,
 *             grants a page back, and keeps its mapping when the other is dead, until an NMI tells it
 *             to let go.
 *   granter   peer=<the holder's number>. Grants a page, maps the holder's, then crashes.
 *   innocent  keeps memory, and looks after it for ever. An NMI makes it tell how it is.
 */
#include "lib/check.h"
#include "lib/console.h"
#include "lib/event.h"
#include "lib/grant.h"
#include "lib/guest.h"
#include "lib/hypercall.h"
#include "lib/page.h"
#include "lib/pagetable.h"

#include <xen/sched.h>

#define REF      20
#define BACK_REF 21
#define DOMAINS  64 /* how far the search goes */
#define PATTERN  0x67726e7465643a29ul
#define WAIT_NS  10000000ul
#define HELD     1000 /* pages of the innocent */

/* The page that the granter gives. */
struct shared {
    volatile uint64_t pattern;
    volatile uint64_t mapped_by_holder, mapped_by_granter;
};

/* ---- the holder -------------------------------------------------------------------------------- */

static unsigned int find_granter(uint32_t *handle)
{
    unsigned int self = grant_own_domid();

    for (;;) {
        for (unsigned int domid = self + 1; domid < self + DOMAINS; domid++) {
            if (grant_map(domid, REF, address_of(window(1)), GNTMAP_host_map, handle) ==
                GRANT_STATUS(GNTST_okay)) {
                return domid;
            }
        }
        event_wait(WAIT_NS);
    }
}

/* A domain that is dead answers to no new mapping. */
static void wait_for_death(unsigned int domid)
{
    for (;;) {
        uint32_t handle;

        if (grant_map(domid, REF, address_of(window(2)), GNTMAP_host_map, &handle) !=
            GRANT_STATUS(GNTST_okay)) {
            return;
        }
        must(grant_unmap(handle, address_of(window(2)), 0), "unmap");
        event_wait(WAIT_NS);
    }
}

static void hold(void)
{
    struct shared *shared = window(1);
    uint64_t *own = page_alloc();
    unsigned int granter;
    uint32_t handle;

    grant_init();
    console_print("PROBE-READY\n");
    console_drain();
    granter = find_granter(&handle);
    check_that(shared->pattern == PATTERN, "the other's page is mapped");
    grant_set(BACK_REF, granter, mfn_of(own), GTF_permit_access);
    shared->mapped_by_holder = 1;
    wait_for_death(granter);
    check_that(shared->pattern == PATTERN, "its page is there when the other is dead");
    check(trap_write(&shared->pattern, 1), 0, "it can be written");
    console_print("PROBE-HOLDING\n");
    console_drain();
    while (trap_nmi_count == 0) {
        event_wait(WAIT_NS);
    }
    check(grant_unmap(handle, address_of(shared), 0), GRANT_STATUS(GNTST_okay), "let it go");
    check(trap_write(&shared->pattern, 1), TRAPPED(14), "it is gone");
    while (grant_flags(BACK_REF) & (GTF_reading | GTF_writing)) {
        event_wait(WAIT_NS);
    }
    check_that(own[0] == PATTERN, "what was granted to the dead is idle");
}
PROBE(holder, hold);

/* ---- the granter ------------------------------------------------------------------------------- */

static void grant(void)
{
    unsigned int holder = (unsigned int)guest_option_number("peer", 0);
    struct shared *shared = page_alloc();
    uint64_t *back = window(1);

    shared->pattern = PATTERN;
    grant_init();
    grant_set(REF, holder, mfn_of(shared), GTF_permit_access);
    while (!shared->mapped_by_holder) {
        event_wait(WAIT_NS);
    }
    check(grant_map(holder, BACK_REF, address_of(back), GNTMAP_host_map, NULL),
          GRANT_STATUS(GNTST_okay), "map what the holder grants");
    *back = PATTERN;
    check(grant_map(holder, REF, address_of(window(2)), GNTMAP_host_map, NULL) ==
              GRANT_STATUS(GNTST_okay),
          false, "map what it does not grant");
    check(grant_flags(REF) & GTF_writing, GTF_writing, "the own page is in use");
    console_print("PROBE-SUICIDE while mapped\n");
    guest_shutdown(SHUTDOWN_crash);
}
PROBE(granter, grant);

/* ---- the innocent ------------------------------------------------------------------------------ */

static void stay(void)
{
    static uint64_t *held[HELD];
    unsigned int rounds = 0, told = 0, bad = 0;

    for (uint64_t i = 0; i < HELD; i++) {
        held[i] = page_alloc();
        for (uint64_t j = 0; j < PAGE_SIZE / sizeof(uint64_t); j++) {
            held[i][j] = i << 32 | j;
        }
    }
    console_print("PROBE-READY\n");
    console_drain();
    for (;; rounds++) {
        for (uint64_t i = rounds % 16; i < HELD; i += 16) {
            for (uint64_t j = 0; j < PAGE_SIZE / sizeof(uint64_t); j++) {
                bad += held[i][j] != (i << 32 | j);
            }
        }
        if (trap_nmi_count != told && rounds % 16 == 0) {
            told = trap_nmi_count;
            console_print("PROBE-INNOCENT %u rounds, %u bad words\n", rounds, bad);
            console_drain();
        }
        event_wait(WAIT_NS);
    }
}
PROBE(innocent, stay);
