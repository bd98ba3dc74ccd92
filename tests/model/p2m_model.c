/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * A physical map against an array: entries of both small orders come and go on both sides of a
 * 1 GiB border, frames are looked up, the log of writes starts, is read and stops.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "asm/p2m.h"
#include "hypervisor/bitmap.h"
#include "hypervisor/error.h"
#include "support/memory_domains.h"

#define STEPS 20000u
#define GFNS  2048u
#define BASE  ((1ull << 18) - GFNS / 2)
#define POOL  24u
#define LENT  16u /* frames of domain 1 that domain 2's map refers to */

static struct p2m p2m;
static struct frame *lent[LENT];

static struct {
    uint64_t mfn;
    enum p2m_type type;
} model[GFNS];
static bool logging;

static bool model_holds(uint64_t at, uint64_t frames)
{
    for (uint64_t i = at; i < at + frames; i++) {
        if (p2m_type_is_held(model[i].type)) {
            return true;
        }
    }
    return false;
}

static void model_set(uint64_t at, uint64_t frames, uint64_t mfn, enum p2m_type type)
{
    for (uint64_t i = 0; i < frames; i++) {
        model[at + i].mfn = mfn + i;
        model[at + i].type = type;
    }
}

/* The reference of the entry that stood there. */
static void drop(const struct p2m_mapping *old)
{
    if (p2m_type_is_held(old->type)) {
        frame_put(frame_of(old->mfn));
    }
}

static void step_set_small(uint64_t at)
{
    static const enum p2m_type types[] = { P2M_NONE,  P2M_RAM,     P2M_RAM,   P2M_RAM_READONLY,
                                           P2M_GRANT, P2M_FOREIGN, P2M_PAGED, P2M_GRANT_READONLY };
    enum p2m_type type = types[host_random_below(ARRAY_SIZE(types))];
    /* RAM often stands where joining can be tried. */
    uint64_t mfn = host_random_below(2) ? BASE + at : host_random_below(1 << 20);
    struct p2m_mapping old;
    int error;

    if (p2m_type_is_held(type)) {
        struct frame *frame = lent[host_random_below(LENT)];

        frame_get_again(frame);
        mfn = frame_mfn(frame).value;
    }
    error = p2m_set(&p2m, GFN(BASE + at), MFN(mfn), 0, type, &old);
    if (error != 0) {
        assert_int_equal(error, -XEN_ENOMEM);
        if (p2m_type_is_held(type)) {
            frame_put(frame_of(MFN(mfn)));
        }
        return;
    }
    assert_int_equal(old.type, model[at].type);
    drop(&old);
    model_set(at, 1, mfn, type);
}

static void step_set_large(uint64_t at)
{
    enum p2m_type type = host_random_below(3) == 0 ? P2M_NONE : P2M_RAM;
    uint64_t mfn = (host_random_below(2) ? BASE + at : host_random_below(1 << 20)) & ~511ull;
    int error;

    at &= ~511ull;
    error = p2m_set(&p2m, GFN(BASE + at), MFN(mfn), 9, type, NULL);
    if (model_holds(at, 512)) {
        assert_int_equal(error, -XEN_EBUSY);
    } else if (error == 0) {
        model_set(at, 512, mfn, type);
    } else {
        assert_int_equal(error, -XEN_ENOMEM);
    }
}

/* A run of entries that fit together, so that tables are joined. */
static void step_fill(uint64_t at)
{
    at &= ~511ull;
    for (uint64_t i = at; i < at + 512; i++) {
        struct p2m_mapping old;

        if (p2m_set(&p2m, GFN(BASE + i), MFN(BASE + i), 0, P2M_RAM, &old) != 0) {
            return;
        }
        drop(&old);
        model_set(i, 1, BASE + i, P2M_RAM);
    }
}

static void step_remove(uint64_t at)
{
    struct p2m_mapping old = { .mfn = MFN(model[at].mfn) };
    uint64_t asked = host_random_below(4) == 0 ? model[at].mfn + 1 : model[at].mfn;
    int error = p2m_remove(&p2m, GFN(BASE + at), MFN(asked), &old.type);

    if (!p2m_type_has_frame(model[at].type) || asked != model[at].mfn) {
        assert_int_equal(error, -XEN_ENOENT);
    } else if (error == 0) {
        assert_int_equal(old.type, model[at].type);
        drop(&old);
        model_set(at, 1, 0, P2M_NONE);
    } else {
        assert_int_equal(error, -XEN_ENOMEM);
    }
}

static void step_write(uint64_t at)
{
    enum p2m_type type = model[at].type;
    bool again = p2m_log_write(&p2m, GFN(BASE + at));

    assert_int_equal(again, type == P2M_RAM_CLEAN || p2m_type_writable(type));
    if (type == P2M_RAM_CLEAN) {
        /* More than the page when there was no table to split the entry with. */
        assert_int_equal(p2m_lookup(&p2m, GFN(BASE + at)).type, P2M_RAM);
        for (uint64_t i = at & ~511ull; i < (at | 511) + 1; i++) {
            if (model[i].type == P2M_RAM_CLEAN) {
                model[i].type = p2m_lookup(&p2m, GFN(BASE + i)).type;
            }
        }
    }
}

static void model_retype(enum p2m_type from, enum p2m_type to)
{
    for (uint64_t i = 0; i < GFNS; i++) {
        if (model[i].type == from) {
            model[i].type = to;
        }
    }
}

static void step_log(void)
{
    int error;

    do {
        error = logging ? p2m_log_stop(&p2m) : p2m_log_start(&p2m);
    } while (error == -XEN_ERESTART);
    assert_int_equal(error, 0);
    logging = !logging;
    model_retype(logging ? P2M_RAM : P2M_RAM_CLEAN, logging ? P2M_RAM_CLEAN : P2M_RAM);
}

static void step_log_read(void)
{
    unsigned long bitmap[BITMAP_LONGS(GFNS)];
    bool clear = host_random_below(2);
    unsigned int count = p2m_log_read(&p2m, GFN(BASE), GFNS, bitmap, clear);

    assert_int_equal(count, bitmap_weight(bitmap, GFNS));
    for (unsigned int i = 0; i < GFNS; i++) {
        assert_int_equal(bit_test(bitmap, i), model[i].type == P2M_RAM);
    }
    if (clear && logging) {
        model_retype(P2M_RAM, P2M_RAM_CLEAN);
    }
}

static void compare(void)
{
    for (uint64_t i = 0; i < GFNS; i++) {
        struct p2m_mapping mapping = p2m_lookup(&p2m, GFN(BASE + i));

        assert_int_equal(mapping.type, model[i].type);
        if (p2m_type_has_frame(mapping.type)) {
            assert_int_equal(mapping.mfn.value, model[i].mfn);
        }
    }
    assert_true(p2m_valid(&p2m));
}

static void lend(void)
{
    for (unsigned int i = 0; i < LENT; i++) {
        lent[i] = frame_alloc(0, ALLOC_NODE_ANY, 0);
        assert_non_null(lent[i]);
        assert_int_equal(frame_assign(&test_domains[1], lent[i], 0, 0), 0);
        assert_true(frame_get(lent[i], &test_domains[1]));
    }
}

static void take_back(void)
{
    for (unsigned int i = 0; i < LENT; i++) {
        assert_int_equal(atomic_read(&lent[i]->count) & FRAME_COUNT_MASK, 2);
        frame_put(lent[i]);
    }
}

static void pool_set(uint64_t frames)
{
    int error;

    do {
        error = p2m_pool_resize(&p2m, frames);
    } while (error == -XEN_ERESTART);
    assert_int_equal(error, 0);
}

static void step(void)
{
    uint64_t at = host_random_below(GFNS);

    switch (host_random_below(16)) {
    case 0:
        step_set_large(at);
        break;
    case 1:
    case 2:
    case 3:
        step_remove(at);
        break;
    case 4:
    case 5:
    case 6:
        step_write(at);
        break;
    case 7:
        host_random_below(16) == 0 ? step_log() : step_log_read();
        break;
    case 8:
        host_random_below(16) == 0 ? step_fill(at) : p2m_flush(&p2m);
        break;
    default:
        step_set_small(at);
        break;
    }
}

static void agrees_with_the_model(void **state)
{
    uint64_t before;

    host_setup(512, 2);
    test_domains_setup();
    before = frame_count_free();
    lend();
    assert_int_equal(p2m_create(&p2m, &test_domains[2], &p2m_format_npt), 0);
    pool_set(POOL);
    for (unsigned int i = 0; i < STEPS; i++) {
        step();
        if (i % 64 == 0) {
            compare();
        }
    }
    while (p2m_empty(&p2m) != 0) {
    }
    assert_true(p2m_valid(&p2m));
    p2m_free(&p2m);
    take_back();
    test_domains_relinquish();
    assert_int_equal(frame_count_free(), before);
    host_teardown();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_the_model),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
