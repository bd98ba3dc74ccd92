/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Transfers of frames by hypercall: dom0 gives, dom1 accepts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/fake_domain.h"

#include "hypervisor/hypercall.h"

#define REF     20u
#define ACCEPTS GTF_accept_transfer
#define DONE    (GTF_accept_transfer | GTF_transfer_committed | GTF_transfer_completed)

static struct domain *dom0, *dom1;
static void *table; /* dom1's first frame of entries */

static int setup(void **state)
{
    mfn_t mfn;

    host_setup(1024, 2);
    dom0 = fake_domain_create(0, 2, 0, 0, 0);
    dom1 = fake_domain_create(1, 2, 0, 4, 1);
    assert_int_equal(grants_frame(dom1, 0, false, &mfn), 0);
    table = mfn_to_virt(mfn);
    host_set_current(0, dom0->vcpus[0]);
    return 0;
}

static int teardown(void **state)
{
    assert_true(grants_valid(dom1));
    fake_domain_kill(dom1);
    fake_domain_kill(dom0);
    assert_null(fake_domains[1]);
    host_teardown();
    return 0;
}

static void accept_from(domid_t giver, uint16_t flags)
{
    struct grant_entry_v1 *entry = &((struct grant_entry_v1 *)table)[REF];

    *entry = (struct grant_entry_v1){ .flags = flags, .domid = giver, .frame = 0x1234 };
}

static const struct grant_entry_v1 *entry_now(void)
{
    return &((struct grant_entry_v1 *)table)[REF];
}

static long transfer_all(struct gnttab_transfer *ops, unsigned int count)
{
    struct hypercall call = { .arg = { GNTTABOP_transfer, host_guest_map(ops, count * sizeof(*ops)),
                                       count } };
    long rc;

    do {
        rc = hypercall_grant_table_op(&call);
    } while (rc == HYPERCALL_CONTINUE);
    host_guest_unmap_all();
    return rc;
}

static int16_t transfer(const void *page, domid_t to, uint32_t ref)
{
    struct gnttab_transfer op = { .mfn = fake_gfn(page), .domid = to, .ref = ref, .status = 77 };

    assert_int_equal(transfer_all(&op, 1), 0);
    return op.status;
}

static void a_frame_changes_hands(void **state)
{
    char *page = fake_ram(dom0);
    struct frame *frame = frame_of(virt_to_mfn(page));
    uint64_t free;

    page[5] = 'x';
    frame->tlb_stamp = arch_tlb_clock();
    accept_from(0, ACCEPTS);
    free = frame_count_free();
    assert_int_equal(transfer(page, 1, REF), GNTST_okay);
    assert_int_equal(frame_count_free(), free);
    assert_int_equal(entry_now()->flags, DONE);
    assert_int_equal(entry_now()->frame, fake_gfn(page));
    assert_int_equal(entry_now()->domid, 0);
    assert_ptr_equal(frame_owner(frame), dom1);
    assert_int_equal(dom0->frames_total, 0);
    assert_int_equal(dom1->frames_total, 1);
    assert_int_equal(page[5], 'x');
    assert_false(host_tlb_debt(frame->tlb_stamp));
    /* The entry is used up. */
    assert_int_equal(transfer(fake_ram(dom0), 1, REF), GNTST_bad_gntref);
    assert_int_equal(entry_now()->frame, fake_gfn(page));
}

static void version_2_names_the_frame_too(void **state)
{
    union grant_entry_v2 *entry = &((union grant_entry_v2 *)table)[REF];
    void *page = fake_ram(dom0);

    assert_int_equal(grants_set_version(dom1, 2), 0);
    entry->hdr.domid = 0;
    entry->hdr.flags = ACCEPTS;
    assert_int_equal(transfer(page, 1, REF), GNTST_okay);
    assert_int_equal(entry->hdr.flags, DONE);
    assert_int_equal(entry->full_page.frame, fake_gfn(page));
    assert_int_equal(transfer(fake_ram(dom0), 1, PAGE_SIZE / sizeof(*entry)), GNTST_bad_gntref);
}

static void a_frame_in_use_stays(void **state)
{
    void *page = fake_ram(dom0), *others = fake_ram(dom1);
    struct frame *frame = frame_of(virt_to_mfn(page));

    accept_from(0, ACCEPTS);
    assert_true(frame_get(frame, dom0)); /* as a mapping would */
    assert_int_equal(transfer(page, 1, REF), GNTST_bad_page);
    frame_put(frame);
    assert_ptr_equal(frame_owner(frame), dom0);
    assert_int_equal(transfer(others, 1, REF), GNTST_bad_page);
    assert_int_equal(transfer(dom0->shared_info, 1, REF), GNTST_bad_page);
    assert_int_equal(entry_now()->flags, ACCEPTS);
    assert_int_equal(entry_now()->frame, 0x1234);
    assert_int_equal(transfer(page, 1, REF), GNTST_okay);
}

/* The page is gone, and nobody has it. */
static void assert_lost(domid_t to, uint32_t ref, int16_t status)
{
    uint64_t free = frame_count_free(), had = dom1->frames_total;
    void *page = fake_ram(dom0);

    assert_int_equal(transfer(page, to, ref), status);
    assert_int_equal(frame_count_free(), free);
    assert_int_equal(dom0->frames_total, 0);
    assert_int_equal(dom1->frames_total, had);
}

static void a_refused_frame_is_nobodys(void **state)
{
    accept_from(0, ACCEPTS);
    assert_lost(5, REF, GNTST_bad_domain);
    assert_lost(1, PAGE_SIZE / sizeof(struct grant_entry_v1), GNTST_bad_gntref);
    assert_lost(1, UINT32_MAX, GNTST_bad_gntref);
    dom1->frames_max = dom1->frames_total;
    assert_lost(1, REF, GNTST_no_space);
    dom1->frames_max = 100;
    accept_from(2, ACCEPTS);
    assert_lost(1, REF, GNTST_bad_gntref);
    accept_from(0, GTF_permit_access);
    assert_lost(1, REF, GNTST_bad_gntref);
    accept_from(0, ACCEPTS | GTF_transfer_committed);
    assert_lost(1, REF, GNTST_bad_gntref);
    accept_from(0, ACCEPTS);
    dom1->dying = DOMAIN_DYING;
    assert_lost(1, REF, GNTST_bad_domain);
    dom1->dying = DOMAIN_ALIVE;
    assert_int_equal(entry_now()->flags, ACCEPTS);
}

static void a_list_is_done_to_its_end(void **state)
{
    struct gnttab_transfer ops[40];
    struct grant_entry_v1 *entries = table;

    for (unsigned int i = 0; i < ARRAY_SIZE(ops); i++) {
        entries[REF + i] = (struct grant_entry_v1){ .flags = ACCEPTS };
        ops[i] = (struct gnttab_transfer){ .mfn = fake_gfn(fake_ram(dom0)),
                                           .domid = 1,
                                           .ref = i == 7 ? 0 : REF + i };
    }
    assert_int_equal(transfer_all(ops, ARRAY_SIZE(ops)), 0);
    for (unsigned int i = 0; i < ARRAY_SIZE(ops); i++) {
        assert_int_equal(ops[i].status, i == 7 ? GNTST_bad_gntref : GNTST_okay);
    }
    assert_int_equal(dom1->frames_total, ARRAY_SIZE(ops) - 1);
    assert_int_equal(dom0->frames_total, 0);
}

/* ---- the receiver takes its word back ---------------------------------------------------------- */

static bool racing;
static unsigned int withdrawn;

static void race_giver(void *data)
{
    struct grant_peer peer = { NULL };

    for (unsigned int i = 0; i < 200; i++) {
        uint64_t had = dom1->frames_total;
        struct gnttab_transfer op = { .mfn = fake_gfn(fake_ram(dom0)), .domid = 1, .ref = REF };

        grant_transfer(dom0, &op, &peer);
        assert_true(op.status == GNTST_okay || op.status == GNTST_bad_gntref);
        assert_int_equal(dom1->frames_total, had + (op.status == GNTST_okay));
        HOST_SWITCH_POINT();
    }
    grant_peer_put(&peer);
    racing = false;
}

static void race_receiver(void *data)
{
    struct grant_entry_v1 *entry = &((struct grant_entry_v1 *)table)[REF];

    while (racing) {
        uint16_t flags = READ_ONCE(entry->flags);

        HOST_SWITCH_POINT();
        if (flags == DONE) {
            assert_ptr_equal(frame_owner(frame_of(MFN(entry->frame))), dom1);
            __atomic_store_n(&entry->flags, ACCEPTS, __ATOMIC_SEQ_CST);
        } else if ((flags & GTF_transfer_committed) == 0 &&
                   __atomic_compare_exchange_n(&entry->flags, &flags, 0, false, __ATOMIC_SEQ_CST,
                                               __ATOMIC_SEQ_CST)) {
            withdrawn++;
            HOST_SWITCH_POINT();
            assert_int_equal(READ_ONCE(entry->flags), 0);
            __atomic_store_n(&entry->flags, ACCEPTS, __ATOMIC_SEQ_CST);
        }
        arch_cpu_relax();
    }
}

static void withdrawing_races_with_giving(void **state)
{
    accept_from(0, ACCEPTS);
    racing = true;
    withdrawn = 0;
    host_spawn(0, race_giver, NULL);
    host_spawn(1, race_receiver, NULL);
    host_run();
    assert_int_not_equal(withdrawn, 0);
    assert_int_not_equal(dom1->frames_total, 0);
    assert_int_equal(dom0->frames_total, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_frame_changes_hands),     TEST(version_2_names_the_frame_too),
        TEST(a_frame_in_use_stays),      TEST(a_refused_frame_is_nobodys),
        TEST(a_list_is_done_to_its_end), TEST(withdrawing_races_with_giving),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
