/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Random operations on frames, each also done to a naive model: one record a frame, whose it is and
 * how often it is referred to. After each step the two must agree.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "arch/memory.h"
#include "hypervisor/error.h"
#include "support/memory_domains.h"

#define FRAMES 1024u
#define STEPS  200000u

enum model_state { MODEL_FREE, MODEL_PRIVATE, MODEL_OWNED };

static struct model_frame {
    enum model_state state;
    unsigned int owner, references; /* references of ours, the owner's own not included */
    bool allocated;
} model[FRAMES];

static uint64_t model_total[TEST_DOMAINS], model_free;

static void model_freed(struct model_frame *frame)
{
    *frame = (struct model_frame){ .state = MODEL_FREE };
    model_free++;
}

static void model_drop_if_last(struct model_frame *frame)
{
    if (frame->references == 0 && !frame->allocated) {
        model_total[frame->owner]--;
        model_freed(frame);
    }
}

static void step_alloc(void)
{
    unsigned int order = (unsigned int)host_random_below(5);
    unsigned int flags = host_random_below(2) ? ALLOC_NO_SCRUB : 0;
    struct domain *domain = &test_domains[host_random_below(TEST_DOMAINS)];
    unsigned int bits = host_random_below(3) == 0 ? 21 : 64;
    struct frame *frame = frame_alloc_bits(order, ALLOC_NODE_ANY, flags, bits);
    bool assigned;

    if (frame == NULL) {
        assert_true(order != 0 || bits != 64 || model_free == 0);
        return;
    }
    assigned = frame_assign(domain, frame, order, 0) == 0;
    assert_int_equal(assigned, model_total[domain->id.value] + (1u << order) <= domain->frames_max);
    for (unsigned int i = 0; i < 1u << order; i++) {
        uint64_t mfn = frame_mfn(frame).value + i;
        uint8_t *bytes = mfn_to_virt(MFN(mfn));

        assert_true(mfn < FRAMES && model[mfn].state == MODEL_FREE && (bits == 64 || mfn < 512));
        assert_true(flags == ALLOC_NO_SCRUB || (bytes[0] == 0 && bytes[4095] == 0));
        bytes[0] = bytes[4095] = 0xcc;
        model[mfn].state = assigned ? MODEL_OWNED : MODEL_PRIVATE;
        model[mfn].owner = domain->id.value;
        model[mfn].allocated = assigned;
        model_free--;
    }
    if (assigned) {
        model_total[domain->id.value] += 1u << order;
    } else {
        frame_free(frame, order);
        for (unsigned int i = 0; i < 1u << order; i++) {
            model_freed(&model[frame_mfn(frame).value + i]);
        }
    }
}

static void step_get(uint64_t mfn, struct model_frame *frame)
{
    struct domain *domain =
        host_random_below(3) == 0 ? NULL : &test_domains[host_random_below(TEST_DOMAINS)];
    bool expected =
        frame->state == MODEL_OWNED && (domain == NULL || domain->id.value == frame->owner);

    assert_int_equal(frame_get(frame_of(MFN(mfn)), domain), expected);
    frame->references += expected;
}

static void step_put(uint64_t mfn, struct model_frame *frame)
{
    if (frame->references != 0) {
        frame->references--;
        frame_put(frame_of(MFN(mfn)));
        model_drop_if_last(frame);
    }
}

static void step_release(uint64_t mfn, struct model_frame *frame)
{
    struct domain *domain = &test_domains[host_random_below(TEST_DOMAINS)];
    bool expected =
        frame->state == MODEL_OWNED && frame->allocated && frame->owner == domain->id.value;

    assert_int_equal(memory_release(domain, MFN(mfn)), expected ? 0 : -XEN_EINVAL);
    if (expected) {
        frame->allocated = false;
        model_drop_if_last(frame);
    }
}

static void step_take(uint64_t mfn, struct model_frame *frame)
{
    bool expected = frame->allocated && frame->references == 1;

    if (frame->state != MODEL_OWNED || frame->references == 0) {
        return;
    }
    assert_int_equal(frame_take(&test_domains[frame->owner], frame_of(MFN(mfn)), false), expected);
    if (expected) {
        model_total[frame->owner]--;
        model_freed(frame);
        frame_free(frame_of(MFN(mfn)), 0);
    }
}

static void compare(void)
{
    for (unsigned int i = 0; i < TEST_DOMAINS; i++) {
        assert_int_equal(test_domains[i].frames_total, model_total[i]);
    }
    assert_int_equal(frame_count_free(), model_free);
    for (uint64_t mfn = HOST_FRAMES_LOW; mfn < FRAMES; mfn++) {
        const struct frame *frame = frame_of(MFN(mfn));

        if (model[mfn].state == MODEL_FREE) {
            assert_int_equal(frame->count, FRAME_FREE);
        } else {
            assert_int_equal(frame->count & FRAME_COUNT_MASK,
                             model[mfn].references + model[mfn].allocated);
            assert_int_equal((frame->count & FRAME_ALLOCATED) != 0, model[mfn].allocated);
            assert_int_equal(frame->owner, model[mfn].owner);
        }
    }
}

static void agrees_with_the_model(void **state)
{
    host_setup(FRAMES, 2);
    test_domains_setup();
    test_domains[3].frames_max = 40;
    model_free = frame_count_free();
    for (unsigned int i = 0; i < STEPS; i++) {
        uint64_t mfn = HOST_FRAMES_LOW + host_random_below(FRAMES - HOST_FRAMES_LOW);

        switch (host_random_below(8)) {
        case 0:
            step_alloc();
            break;
        case 1:
        case 2:
            step_get(mfn, &model[mfn]);
            break;
        case 3:
        case 4:
            step_put(mfn, &model[mfn]);
            break;
        case 5:
            step_release(mfn, &model[mfn]);
            break;
        case 6:
            step_take(mfn, &model[mfn]);
            break;
        default:
            (void)frame_scrub_some();
            break;
        }
        if (i % 64 == 0) {
            compare();
            assert_true(test_memory_valid());
        }
    }
    for (uint64_t mfn = 0; mfn < FRAMES; mfn++) {
        while (model[mfn].references != 0) {
            step_put(mfn, &model[mfn]);
        }
    }
    test_domains_relinquish();
    assert_int_equal(frame_count_free(), FRAMES - HOST_FRAMES_LOW);
    assert_true(test_memory_valid());
    host_teardown();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
