/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Frames: allocation, scrubbing, TLB debts, references, ownership, claims. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "arch/memory.h"
#include "hypervisor/error.h"
#include "support/memory_domains.h"

#define FRAMES 8192u
#define CPUS   4

static struct domain *const d1 = &test_domains[1], *const d2 = &test_domains[2];
static uint64_t free_at_start;

static int setup(void **state)
{
    host_setup(FRAMES, CPUS);
    test_domains_setup();
    free_at_start = frame_count_free();
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

static struct frame *owned_frame(struct domain *domain)
{
    struct frame *frame = frame_alloc(0, ALLOC_NODE_ANY, 0);

    assert_non_null(frame);
    assert_int_equal(frame_assign(domain, frame, 0, 0), 0);
    return frame;
}

static void release(struct frame *frame)
{
    assert_true(frame_clear_allocated(frame));
    frame_put(frame);
}

static bool all_zero(const struct frame *frame, unsigned int order)
{
    const uint8_t *bytes = mfn_to_virt(frame_mfn(frame));
    size_t count = PAGE_SIZE << order;

    return bytes[0] == 0 && memcmp(bytes, bytes + 1, count - 1) == 0;
}

static void allocates_aligned_zeroed_blocks(void **state)
{
    for (unsigned int order = 0; order <= 10; order++) {
        struct frame *frame = frame_alloc(order, ALLOC_NODE_ANY, 0);

        assert_non_null(frame);
        assert_int_equal(frame_mfn(frame).value % (1u << order), 0);
        assert_true(all_zero(frame, order));
        assert_int_equal(frame->count, FRAME_PRIVATE | 1);
        assert_int_equal(frame_count_free(), free_at_start - (1u << order));
        assert_true(frame_pool_valid());
        memset(mfn_to_virt(frame_mfn(frame)), 0xa5, PAGE_SIZE << order);
        frame_free(frame, order);
        assert_true(frame_pool_valid());
    }
    assert_null(frame_alloc(FRAME_ORDER_MAX + 1, ALLOC_NODE_ANY, 0));
    assert_null(frame_alloc(FRAME_ORDER_MAX, ALLOC_NODE_ANY, 0));
}

static void gives_everything_and_takes_it_back(void **state)
{
    static struct frame *all[FRAMES];
    unsigned int count = 0;

    while ((all[count] = frame_alloc(0, ALLOC_NODE_ANY, ALLOC_NO_SCRUB)) != NULL) {
        count++;
    }
    assert_int_equal(count, free_at_start);
    assert_int_equal(frame_count_free(), 0);
    assert_true(frame_pool_valid());
    for (unsigned int i = count; i > 1; i--) {
        unsigned int other = (unsigned int)host_random_below(i);
        struct frame *swap = all[other];

        all[other] = all[i - 1];
        all[i - 1] = swap;
    }
    for (unsigned int i = 0; i < count; i++) {
        frame_free(all[i], 0);
    }
    assert_true(frame_pool_valid());
}

static void honours_address_bits(void **state)
{
    struct frame *frame = frame_alloc_bits(0, ALLOC_NODE_ANY, 0, 24);

    assert_true(frame_mfn(frame).value < 1u << 12);
    frame_free(frame, 0);
    frame = frame_alloc_bits(3, ALLOC_NODE_ANY, 0, 20);
    assert_true(frame_mfn(frame).value + 8 <= 1u << 8);
    frame_free(frame, 3);
    frame = frame_alloc(0, ALLOC_NODE_ANY, ALLOC_BELOW_4G);
    assert_non_null(frame);
    frame_free(frame, 0);
    assert_null(frame_alloc_bits(0, ALLOC_NODE_ANY, 0, 12));
    assert_null(frame_alloc_bits(0, ALLOC_NODE_ANY, 0, 0));
    /* High memory is taken first. */
    frame = frame_alloc(0, ALLOC_NODE_ANY, 0);
    assert_true(frame_mfn(frame).value >= 1u << 12);
    frame_free(frame, 0);
    /* Another node than the only one: any will do, unless it must be that one. */
    frame = frame_alloc(0, 3, 0);
    assert_non_null(frame);
    frame_free(frame, 0);
    assert_null(frame_alloc(0, 3, ALLOC_EXACT_NODE));
}

static void scrubs_what_a_domain_left(void **state)
{
    struct frame *frame = owned_frame(d1);
    mfn_t mfn = frame_mfn(frame);

    memset(mfn_to_virt(mfn), 0x5a, PAGE_SIZE);
    release(frame);
    for (unsigned int i = 0; i < 4; i++) {
        /* Whatever order it comes back in, nothing of it is left. */
        struct frame *block = frame_alloc(i, ALLOC_NODE_ANY, 0);

        assert_true(all_zero(block, i));
        frame_free(block, i);
    }
    frame = owned_frame(d1);
    memset(mfn_to_virt(frame_mfn(frame)), 0x5a, PAGE_SIZE);
    release(frame);
    frame_scrub_enable(false);
    assert_false(frame_scrub_some());
    assert_false(all_zero(frame, 0));
    frame_scrub_enable(true);
    while (frame_scrub_some()) {
        assert_true(frame_pool_valid());
    }
    assert_true(all_zero(frame, 0));
    assert_false(frame_scrub_some());
    /* All is clean now: nothing is scrubbed twice, and it is one kind of memory again. */
    frame = frame_alloc(0, ALLOC_NODE_ANY, ALLOC_NO_SCRUB);
    assert_int_equal(frame->count, FRAME_PRIVATE | 1);
    frame_free(frame, 0);
}

static void pays_tlb_debts(void **state)
{
    struct frame *frame;
    uint64_t flushes;

    frame = frame_alloc(0, ALLOC_NODE_ANY, 0);
    frame_free(frame, 0);
    flushes = host_tlb_flushes();
    frame = owned_frame(d1); /* never a guest's: no debt */
    assert_int_equal(host_tlb_flushes(), flushes);
    release(frame);
    assert_int_equal(host_tlb_flushes(), flushes);
    assert_true(host_tlb_debt(arch_tlb_clock() - 1));
    frame = owned_frame(d2);
    assert_true(host_tlb_flushes() > flushes);
    assert_false(host_tlb_debt(frame->tlb_stamp));
    flushes = host_tlb_flushes();
    release(frame);
    while (frame_scrub_some()) {
    }
    assert_true(host_tlb_flushes() > flushes); /* paid before it was cleared */
}

static void references_know_their_owner(void **state)
{
    struct frame *frame = frame_alloc(0, ALLOC_NODE_ANY, 0);

    assert_false(frame_get(frame, NULL));
    assert_false(frame_get(frame, d1));
    assert_int_equal(frame_assign(d1, frame, 0, 0), 0);
    assert_true(frame_owner(frame) == d1);
    assert_true(frame_get(frame, d1));
    assert_true(frame_get(frame, NULL));
    assert_false(frame_get(frame, d2));
    frame_get_again(frame);
    assert_int_equal(frame->count, FRAME_ALLOCATED | 4);
    frame_put(frame);
    frame_put(frame);
    assert_true(frame_clear_allocated(frame));
    assert_false(frame_clear_allocated(frame));
    frame_put(frame);
    assert_int_equal(d1->frames_total, 1); /* a reference is left: still its own */
    frame_put(frame);
    assert_int_equal(frame->count, FRAME_FREE);
    assert_int_equal(d1->frames_total, 0);
    assert_false(frame_get(frame, NULL));

    frame = owned_frame(d1);
    frame->count |= FRAME_COUNT_MASK;
    assert_false(frame_get(frame, d1)); /* saturated */
    frame->count = FRAME_ALLOCATED | 1;
    release(frame);
}

static void assigns_within_limits(void **state)
{
    struct frame *frame = frame_alloc(2, ALLOC_NODE_ANY, 0);

    d1->frames_max = 3;
    assert_int_equal(frame_assign(d1, frame, 2, 0), -XEN_ENOMEM);
    assert_int_equal(frame->count, FRAME_PRIVATE | 1);
    d1->frames_max = 4;
    assert_int_equal(frame_assign(d1, frame, 2, 0), 0);
    assert_int_equal(d1->frames_total, 4);
    assert_true(test_memory_valid());
    release(frame + 1); /* from the middle of the list */
    assert_int_equal(d1->frames_total, 3);
    assert_true(test_memory_valid());
    d2->dying = DOMAIN_DYING;
    frame = frame_alloc(0, ALLOC_NODE_ANY, 0);
    assert_int_equal(frame_assign(d2, frame, 0, 0), -XEN_EINVAL);
    frame_free(frame, 0);
}

static void takes_only_what_nobody_uses(void **state)
{
    struct frame *frame = owned_frame(d1);

    assert_true(frame_get(frame, d1));
    frame_get_again(frame);
    assert_false(frame_take(d1, frame, true));
    frame_put(frame);
    assert_false(frame_take(d2, frame, true));
    assert_true(frame_take(d1, frame, true));
    assert_int_equal(frame->count, FRAME_PRIVATE | FRAME_TAINTED | 1);
    assert_int_equal(d1->frames_total, 1);
    d1->frames_max = 0;
    assert_int_equal(frame_assign(d1, frame, 0, FRAME_ASSIGN_PRECOUNTED), 0);
    assert_int_equal(d1->frames_total, 1);
    assert_true(test_memory_valid());
    assert_true(frame_get(frame, d1));
    assert_true(frame_take(d1, frame, true));
    frame_uncount(d1, 1);
    frame_free(frame, 0);
    assert_int_equal(d1->frames_total, 0);
    frame = frame_alloc(0, ALLOC_NODE_ANY, 0);
    assert_false(host_tlb_debt(frame->tlb_stamp));
    frame_free(frame, 0);
}

static void shares_pages_of_its_own(void **state)
{
    void *page = frame_alloc_mapped(0, ALLOC_ZERO);
    struct frame *frame = frame_of(virt_to_mfn(page));

    assert_int_equal(frame->count, FRAME_PRIVATE | FRAME_HYPERVISOR | 1);
    frame_share_with(d1, page, FRAME_SHARE_WRITABLE);
    assert_int_equal(d1->frames_hypervisor, 1);
    assert_int_equal(d1->frames_total, 0);
    assert_true(test_memory_valid());
    assert_true(frame_get(frame, d1));
    assert_false(frame_get(frame, d2));
    assert_int_equal(memory_release(d1, frame_mfn(frame)), -XEN_EINVAL);
    frame_unshare(page);
    assert_int_equal(d1->frames_hypervisor, 1); /* the guest still has it mapped */
    frame_put(frame);
    assert_int_equal(d1->frames_hypervisor, 0);
    assert_int_equal(frame->count, FRAME_FREE);

    page = frame_alloc_mapped(0, 0);
    frame_unshare(page); /* never shared */
    frame_free_mapped(NULL, 0);
    page = frame_alloc_mapped(2, 0);
    frame_free_mapped(page, 2);
}

static void claims_are_kept(void **state)
{
    struct frame *frame;

    assert_int_equal(frame_claim(d1, free_at_start + 1), -XEN_ENOMEM);
    d1->frames_max = 100;
    assert_int_equal(frame_claim(d1, 101), -XEN_EINVAL);
    d1->frames_max = UINT64_MAX;
    assert_int_equal(frame_claim(d1, free_at_start - 2), 0);
    assert_int_equal(frame_claim(d1, 10), -XEN_EINVAL); /* one at a time */
    assert_int_equal(frame_count_claimed(), free_at_start - 2);
    assert_null(frame_alloc(2, ALLOC_NODE_ANY, 0));
    assert_null(frame_alloc_for(d2, 2, ALLOC_NODE_ANY, 0, 64));
    frame = frame_alloc_for(d1, 2, ALLOC_NODE_ANY, 0, 64);
    assert_non_null(frame);
    assert_int_equal(d1->frames_claimed, free_at_start - 6);
    assert_int_equal(frame_assign(d1, frame, 2, 0), 0);
    assert_null(frame_alloc_for(d1, 0, ALLOC_NODE_ANY, 0, 12)); /* given back on failure */
    assert_int_equal(d1->frames_claimed, free_at_start - 6);
    assert_int_equal(frame_claim(d1, 0), 0);
    assert_int_equal(frame_count_claimed(), 0);
    assert_int_equal(frame_claim(d1, 4), -XEN_EINVAL); /* has them */
    assert_int_equal(frame_claim(d1, 5), 0);
    assert_int_equal(d1->frames_claimed, 1);
}

static void static_memory_can_be_given_later(void **state)
{
    uint64_t total = frame_count_total();

    assert_false(frame_valid(MFN(4)));
    frame_static_add(MFN(4), MFN(12));
    assert_true(frame_valid(MFN(4)) && frame_valid(MFN(11)) && !frame_valid(MFN(12)));
    assert_int_equal(frame_of(MFN(4))->count, FRAME_STATIC | FRAME_PRIVATE | 1);
    assert_false(frame_get(frame_of(MFN(4)), NULL));
    assert_int_equal(frame_count_total(), total);
    /* A domain may own one; when it gives it up, it is memory like any other. */
    assert_int_equal(frame_assign(d1, frame_of(MFN(4)), 0, 0), 0);
    assert_true(test_memory_valid());
    release(frame_of(MFN(4)));
    assert_int_equal(frame_count_total(), total + 1);
    frame_pool_add(MFN(5), MFN(12), 0);
    assert_int_equal(frame_count_total(), total + 8);
    assert_int_equal(frame_count_free(), free_at_start + 8);
    free_at_start += 8;
    assert_false(frame_valid(MFN(FRAMES)));
    assert_false(frame_valid(MFN_INVALID));
    assert_false(frame_valid(MFN(0)));
}

/* ---- races ------------------------------------------------------------------------------------- */

static struct frame *race_frame;

static void race_allocates(void *data)
{
    for (unsigned int i = 0; i < 200; i++) {
        unsigned int order = (unsigned int)host_random_below(4);
        struct frame *frame = frame_alloc(order, ALLOC_NODE_ANY, ALLOC_NO_SCRUB);

        assert_non_null(frame);
        frame_free(frame, order);
        (void)frame_scrub_some();
    }
}

static void race_guesses(void *data)
{
    for (unsigned int i = 0; i < 400; i++) {
        struct frame *frame =
            i % 2 == 0 ? race_frame : frame_of(MFN(16 + host_random_below(FRAMES - 16)));

        if (frame_get(frame, i % 4 < 2 ? d1 : NULL)) {
            assert_true(frame->owner < TEST_DOMAINS);
            frame_put(frame);
        }
    }
}

static void race_owns(void *data)
{
    for (unsigned int i = 0; i < 200; i++) {
        struct frame *frame = owned_frame(d1);

        race_frame = frame;
        if (frame_get(frame, d1)) {
            if (frame_take(d1, frame, false)) {
                frame_free(frame, 0);
                continue;
            }
            frame_put(frame);
        }
        release(frame);
    }
}

static void survives_races(void **state)
{
    race_frame = owned_frame(d2);
    host_spawn(0, race_allocates, NULL);
    host_spawn(1, race_guesses, NULL);
    host_spawn(2, race_owns, NULL);
    host_spawn(3, race_guesses, NULL);
    host_run();
    assert_true(test_memory_valid());
    assert_int_equal(d1->frames_total, 0);
}

static void teardown_leaves_what_others_hold(void **state)
{
    struct frame *frames[300];

    for (unsigned int i = 0; i < 300; i++) {
        frames[i] = owned_frame(d1);
    }
    assert_true(frame_get(frames[7], d1));
    assert_true(frame_get(frames[299], d1));
    assert_true(frame_clear_allocated(frames[299])); /* decreased already, still mapped somewhere */
    frame_put(frames[299]);
    d1->dying = DOMAIN_DYING;
    while (domain_memory_relinquish(d1) != 0) {
    }
    assert_int_equal(domain_memory_relinquish(d1), 0);
    assert_int_equal(d1->frames_total, 2);
    assert_true(test_memory_valid());
    frame_put(frames[7]);
    frame_put(frames[299]);
    assert_int_equal(d1->frames_total, 0);
    assert_int_equal(d1->refs, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(allocates_aligned_zeroed_blocks, setup, teardown),
        cmocka_unit_test_setup_teardown(gives_everything_and_takes_it_back, setup, teardown),
        cmocka_unit_test_setup_teardown(honours_address_bits, setup, teardown),
        cmocka_unit_test_setup_teardown(scrubs_what_a_domain_left, setup, teardown),
        cmocka_unit_test_setup_teardown(pays_tlb_debts, setup, teardown),
        cmocka_unit_test_setup_teardown(references_know_their_owner, setup, teardown),
        cmocka_unit_test_setup_teardown(assigns_within_limits, setup, teardown),
        cmocka_unit_test_setup_teardown(takes_only_what_nobody_uses, setup, teardown),
        cmocka_unit_test_setup_teardown(shares_pages_of_its_own, setup, teardown),
        cmocka_unit_test_setup_teardown(claims_are_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(static_memory_can_be_given_later, setup, teardown),
        cmocka_unit_test_setup_teardown(survives_races, setup, teardown),
        cmocka_unit_test_setup_teardown(teardown_leaves_what_others_hold, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
