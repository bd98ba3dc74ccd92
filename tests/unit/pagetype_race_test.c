/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* arch/x86/pagetype: a domain that makes and unmakes tables beside one that maps and writes their frames. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pagetype_world.h"

static struct domain *const d0 = &world_domains[0], *const d1 = &world_domains[1];
static struct vcpu *const v0 = &world_vcpus[0], *const v1 = &world_vcpus[1];

static struct world_tree pinned_tree(struct domain *domain)
{
    struct world_tree tree = world_tree(domain);

    assert_int_equal(world_mmuext(MMUEXT_PIN_L4_TABLE, tree.level[4].value, 0, DOMID_SELF), 0);
    return tree;
}

static struct world_tree race_trees[2];
static mfn_t race_frames[6]; /* of domain 1 */

/* Domain 1 makes tables of its frames and unmakes them. */
static void race_owner(void *data)
{
    for (unsigned int n = 0; n < 200; n++) {
        mfn_t mfn = race_frames[host_random_below(ARRAY_SIZE(race_frames))];

        if (host_random_below(2)) {
            (void)world_mmuext(MMUEXT_PIN_L1_TABLE + (unsigned int)host_random_below(2), mfn.value,
                               0, DOMID_SELF);
            assert_true(pagetype_of(frame_of(mfn)) != PAGETYPE_DESCRIPTOR);
        } else {
            (void)world_mmuext(MMUEXT_UNPIN_TABLE, mfn.value, 0, DOMID_SELF);
        }
        (void)world_entry(race_trees[1].level[1], 10 + (unsigned int)host_random_below(4),
                          host_random_below(2) ? pte_make(mfn, WORLD_RW) : 0);
    }
}

/* Domain 0 maps and writes them meanwhile, without domain 1's lock. */
static void race_mapper(void *data)
{
    for (unsigned int n = 0; n < 400; n++) {
        mfn_t mfn = race_frames[host_random_below(ARRAY_SIZE(race_frames))];
        paddr_t place = mfn_to_paddr(race_trees[0].level[1]) + 8 * (10 + host_random_below(4));

        if (host_random_below(2)) {
            (void)world_mmu_update(place, host_random_below(2) ? pte_make(mfn, WORLD_RW) : 0, 1);
        } else if (frame_get(frame_of(mfn), d1)) {
            if (arch_frame_get_writable(frame_of(mfn))) {
                assert_int_equal(pagetype_of(frame_of(mfn)), PAGETYPE_WRITABLE);
                arch_frame_put_writable(frame_of(mfn));
            }
            frame_put(frame_of(mfn));
        }
    }
}

static void races_keep_the_counts(void **state)
{
    race_trees[0] = pinned_tree(d0);
    host_set_current(0, v1);
    race_trees[1] = pinned_tree(d1);
    for (unsigned int i = 0; i < ARRAY_SIZE(race_frames); i++) {
        race_frames[i] = world_frame(d1);
        world_entries(race_frames[i])[5] =
            pte_make(race_frames[(i + 1) % ARRAY_SIZE(race_frames)], i % 2 ? WORLD_RW : WORLD_RO);
    }
    for (unsigned int round = 0; round < 20; round++) {
        host_set_current(0, v0);
        host_set_current(1, v1);
        host_spawn(0, race_mapper, NULL);
        host_spawn(1, race_owner, NULL);
        host_run();
        assert_true(pagetypes_valid(d0) && pagetypes_valid(d1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(races_keep_the_counts, world_setup, world_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
