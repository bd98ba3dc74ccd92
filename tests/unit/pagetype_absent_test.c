/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* arch/x86/pagetype: entries that are not present, of a domain that is watched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pagetype_world.h"

static struct domain *const d0 = &world_domains[0];

static long pin(mfn_t mfn, unsigned int level)
{
    return world_mmuext(MMUEXT_PIN_L1_TABLE + level - 1, mfn.value, 0, DOMID_SELF);
}

static struct world_tree pinned_tree(struct domain *domain)
{
    struct world_tree tree = world_tree(domain);

    assert_int_equal(pin(tree.level[4], 4), 0);
    return tree;
}

/* On a processor with the L1 terminal fault: no address of memory in what is not present. */
static void absent_entries_are_watched(void **state)
{
    struct world_tree tree = pinned_tree(d0), other = world_tree(d0);
    const uint64_t memory = mfn_to_paddr(tree.data), inverted = ~memory & PTE_ADDRESS_MASK;

    for (unsigned int level = 1; level <= 4; level++) {
        assert_int_equal(world_entry(tree.level[level], 20, memory | 0x100), 0); /* not watched */
        assert_int_equal(world_entry(tree.level[level], 20, 0), 0);
    }
    d0->arch.check_absent = 40;
    for (unsigned int level = 1; level <= 4; level++) {
        assert_int_equal(world_entry(tree.level[level], 20, memory | 0x100), -XEN_EINVAL);
        assert_int_equal(world_entries(tree.level[level])[20], 0);
        assert_int_equal(world_entry(tree.level[level], 20, inverted | 0x100), 0);
        assert_int_equal(world_entry(tree.level[level], 20, 0xffe), 0);
    }
    /* The address of a mapping whose present bit alone is taken away. */
    assert_int_equal(world_entry(tree.level[1], 0, memory | PTE_WRITE), -XEN_EINVAL);
    assert_int_equal(world_references(tree.data), 1);
    assert_int_equal(pagetype_write_pte(d0, tree.level[1], 30, 0, memory | 0x100, true),
                     -XEN_EINVAL);
    world_entries(other.level[2])[300] = memory;
    assert_int_equal(pin(other.level[4], 4), -XEN_EINVAL);
    assert_int_equal(world_references(other.level[1]), 0);
    world_entries(other.level[2])[300] = inverted;
    assert_int_equal(pin(other.level[4], 4), 0);
    assert_true(pagetypes_valid(d0));
    d0->arch.check_absent = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(absent_entries_are_watched, world_setup, world_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
