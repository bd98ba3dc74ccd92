/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* arch/x86/pagetype: each refusal, each flag, each operation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pagetype_world.h"

#include <xen/grant_table.h>

static struct domain *const d0 = &world_domains[0], *const d1 = &world_domains[1];
static struct vcpu *const v0 = &world_vcpus[0], *const v1 = &world_vcpus[1];

static long pin(mfn_t mfn, unsigned int level)
{
    return world_mmuext(MMUEXT_PIN_L1_TABLE + level - 1, mfn.value, 0, DOMID_SELF);
}

static long unpin(mfn_t mfn)
{
    return world_mmuext(MMUEXT_UNPIN_TABLE, mfn.value, 0, DOMID_SELF);
}

static struct world_tree pinned_tree(struct domain *domain)
{
    struct world_tree tree = world_tree(domain);

    assert_int_equal(pin(tree.level[4], 4), 0);
    return tree;
}

/* ---- validation ------------------------------------------------------------------------------ */

static void pin_validates_all_levels(void **state)
{
    struct world_tree tree = world_tree(d0);

    world_entries(tree.level[1])[0] |= PTE_GLOBAL;
    world_entries(tree.level[4])[SLOT_FIRST] = ~0ull;
    assert_int_equal(pin(tree.level[4], 4), 0);
    for (unsigned int level = 1; level <= 4; level++) {
        assert_int_equal(pagetype_of(frame_of(tree.level[level])), level);
        assert_int_equal(world_type_count(tree.level[level]), 1);
        /* The table's own and the L1's read-only mapping of it. */
        assert_int_equal(world_references(tree.level[level]), 2);
        assert_true(frame_of(tree.level[level])->type & PAGETYPE_VALIDATED);
    }
    assert_int_equal(pagetype_of(frame_of(tree.data)), PAGETYPE_WRITABLE);
    assert_int_equal(world_entries(tree.level[1])[0], pte_make(tree.data, WORLD_RW | PTE_USER));
    assert_true(world_entries(tree.level[4])[WORLD_TREE_SLOT] & PTE_USER);
    assert_int_not_equal(world_entries(tree.level[4])[SLOT_FIRST], ~0ull);
    assert_true(pagetypes_valid(d0));

    assert_int_equal(pin(tree.level[4], 4), -XEN_EINVAL); /* already */
    assert_int_equal(unpin(tree.level[4]), 0);
    assert_int_equal(unpin(tree.level[4]), -XEN_EINVAL);
    for (unsigned int level = 1; level <= 4; level++) {
        assert_int_equal(pagetype_of(frame_of(tree.level[level])), PAGETYPE_NONE);
        assert_int_equal(world_references(tree.level[level]), 0);
    }
    assert_int_equal(world_entries(tree.level[4])[SLOT_FIRST], 0);
}

static void tables_are_not_writable(void **state)
{
    struct world_tree tree = world_tree(d0), live;

    for (unsigned int level = 1; level <= 4; level++) {
        world_entries(tree.level[1])[level] |= PTE_WRITE;
        assert_int_equal(pin(tree.level[4], 4), -XEN_EBUSY);
        assert_int_equal(world_references(tree.level[1]), 0);
        assert_int_equal(world_references(tree.data), 0);
        world_entries(tree.level[1])[level] &= ~PTE_WRITE;
    }
    live = pinned_tree(d0);
    for (unsigned int level = 1; level <= 4; level++) {
        assert_int_equal(world_entry(live.level[1], 100, pte_make(live.level[level], WORLD_RW)),
                         -XEN_EBUSY);
    }
    /* And what is writable does not become a table. */
    assert_int_equal(world_entry(live.level[1], 100, pte_make(tree.level[1], WORLD_RW)), 0);
    assert_int_equal(pin(tree.level[1], 1), -XEN_EINVAL);
    assert_int_equal(world_entry(live.level[1], 100, 0), 0);
    assert_int_equal(pin(tree.level[1], 1), 0);
}

static void levels_do_not_mix(void **state)
{
    struct world_tree tree = pinned_tree(d0);
    mfn_t other = world_frame(d0);

    for (unsigned int level = 1; level <= 4; level++) {
        for (unsigned int as = 1; as <= 4; as++) {
            if (as != level) {
                assert_int_equal(pin(tree.level[level], as), -XEN_EINVAL);
            }
        }
    }
    /* No table refers to itself, or to one of its level or above. */
    for (unsigned int level = 2; level <= 4; level++) {
        for (unsigned int to = level; to <= 4; to++) {
            assert_int_equal(world_entry(tree.level[level], 7, pte_make(tree.level[to], WORLD_RW)),
                             -XEN_EINVAL);
        }
        world_entries(other)[0] = pte_make(other, WORLD_RO);
        assert_int_equal(pin(other, level), -XEN_EINVAL);
        assert_int_equal(world_references(other), 0);
    }
    assert_int_equal(pin(other, 1), 0); /* a page that maps itself read-only is fine */
}

static void reserved_bits_are_refused(void **state)
{
    struct world_tree tree = pinned_tree(d0);
    uint64_t entry;

    for (unsigned int level = 2; level <= 4; level++) {
        entry = pte_make(tree.level[level - 1], WORLD_RW);
        assert_int_equal(world_entry(tree.level[level], 9, entry | PTE_PWT), -XEN_EINVAL);
        assert_int_equal(world_entry(tree.level[level], 9, entry | PTE_PCD), -XEN_EINVAL);
        assert_int_equal(world_entry(tree.level[level], 9, entry | PTE_HUGE), -XEN_EINVAL);
        assert_int_equal(world_entry(tree.level[level], 9, entry | PTE_NX | PTE_AVAIL), 0);
        assert_int_equal(world_entries(tree.level[level])[9],
                         entry | PTE_NX | PTE_AVAIL | PTE_USER);
        assert_int_equal(world_type_count(tree.level[level - 1]), 2);
        /* The fast path, the same target again, refuses too. */
        assert_int_equal(world_entry(tree.level[level], 9, entry | PTE_HUGE), -XEN_EINVAL);
    }
    entry = pte_make(tree.data, WORLD_RO);
    for (unsigned int bit = 52; bit < 63; bit++) {
        assert_int_equal(world_entry(tree.level[1], 9, entry | 1ull << bit), 0);
        assert_int_equal(world_entries(tree.level[1])[9], entry | 1ull << bit | PTE_USER);
        assert_int_equal(world_entry(tree.level[1], 9, (entry & ~1ull) | 1ull << bit), 0);
        assert_int_equal(
            world_entry(tree.level[2], 9, pte_make(tree.level[1], WORLD_RW) | 1ull << bit), 0);
    }
    assert_int_equal(world_entry(tree.level[1], 9, entry | PTE_NX | PTE_AVAIL | PTE_GLOBAL), 0);
    assert_int_equal(world_entries(tree.level[1])[9], entry | PTE_NX | PTE_AVAIL | PTE_USER);
}

static void hypervisor_slots_are_refused(void **state)
{
    struct world_tree tree = pinned_tree(d0);

    for (unsigned int i = SLOT_FIRST; i < SLOT_END; i++) {
        assert_int_equal(world_entry(tree.level[4], i, 0), -XEN_EINVAL);
        assert_int_equal(world_entry(tree.level[4], i, pte_make(tree.level[3], WORLD_RW)),
                         -XEN_EINVAL);
    }
    assert_int_equal(world_entry(tree.level[4], SLOT_FIRST - 1, 0), 0);
    assert_int_equal(world_entry(tree.level[4], SLOT_END, pte_make(tree.level[3], WORLD_RW)), 0);
}

static void failed_pin_leaves_nothing(void **state)
{
    struct world_tree tree = world_tree(d0);

    host_set_preempt_odds(2);
    world_entries(tree.level[4])[511] = pte_make(world_frame(d1), WORLD_RW);
    assert_int_equal(pin(tree.level[4], 4), -XEN_EINVAL);
    assert_int_equal(world_mmuext(MMUEXT_INVLPG_LOCAL, 0, 0, DOMID_SELF), 0); /* the backlog */
    for (unsigned int level = 1; level <= 4; level++) {
        assert_int_equal(pagetype_of(frame_of(tree.level[level])), PAGETYPE_NONE);
        assert_int_equal(world_references(tree.level[level]), 0);
    }
}

static void preempted_pin_and_unpin(void **state)
{
    struct world_tree tree = world_tree(d0);
    struct hypercall call = { .op = __HYPERVISOR_mmuext_op };
    struct mmuext_op op = { .cmd = MMUEXT_PIN_L4_TABLE };
    unsigned int continued = 0;
    uint32_t done = 99;
    long rc;

    for (unsigned int i = 0; i < 64; i++) {
        mfn_t l2 = world_frame(d0);

        world_entries(l2)[i] = pte_make(tree.level[1], WORLD_RW);
        world_entries(tree.level[3])[100 + i] = pte_make(l2, WORLD_RW);
    }
    host_set_preempt_odds(1);
    op.arg1.mfn = tree.level[4].value;
    for (unsigned int round = 0; round < 2; round++) {
        memcpy(call.arg,
               (unsigned long[]){ host_guest_map(&op, sizeof(op)), 1,
                                  host_guest_map(&done, sizeof(done)), DOMID_SELF },
               4 * sizeof(long));
        while ((rc = hypercall_mmuext_op(&call)) == HYPERCALL_CONTINUE) {
            continued++;
            assert_true(pagetypes_valid(d0));
        }
        assert_int_equal(rc, 0);
        assert_int_equal(done, 1);
        assert_int_equal(world_type_count(tree.level[1]), round == 0 ? 65 : 0);
        op.cmd = MMUEXT_UNPIN_TABLE;
    }
    assert_true(continued > 120);
}

/* A vcpu never comes back to a preempted pin. */
static void abandoned_pin_dies_with_the_domain(void **state)
{
    struct world_tree tree = world_tree(d0);
    struct hypercall call = { .op = __HYPERVISOR_mmuext_op };
    struct mmuext_op op = { .cmd = MMUEXT_PIN_L4_TABLE };

    world_entries(tree.level[4])[4] = world_entries(tree.level[4])[WORLD_TREE_SLOT];
    host_set_preempt_odds(1);
    op.arg1.mfn = tree.level[4].value;
    call.arg[0] = host_guest_map(&op, sizeof(op));
    call.arg[1] = 1;
    call.arg[3] = DOMID_SELF;
    assert_int_equal(hypercall_mmuext_op(&call), HYPERCALL_CONTINUE);
    assert_true(frame_of(tree.level[4])->type & PAGETYPE_PARTIAL);
    assert_int_equal(world_entry(tree.level[4], 0, 0), -XEN_EINVAL);
}

/* ---- owners ---------------------------------------------------------------------------------- */

static void foreign_frames_need_privilege(void **state)
{
    struct world_tree tree0 = pinned_tree(d0), tree1;
    mfn_t foreign = world_frame(d1);
    paddr_t place = mfn_to_paddr(tree0.level[1]) + 8 * 50;

    assert_int_equal(world_mmu_update(place, pte_make(foreign, WORLD_RW), DOMID_SELF), -XEN_EINVAL);
    assert_int_equal(world_mmu_update(place, pte_make(foreign, WORLD_RW), 1), 0);
    assert_int_equal(pagetype_of(frame_of(foreign)), PAGETYPE_WRITABLE);
    assert_int_equal(world_mmu_update(place, pte_make(tree0.data, WORLD_RW), 1), -XEN_EINVAL);
    assert_int_equal(world_mmu_update(place, 0, 1), 0);
    assert_int_equal(world_references(foreign), 0);
    assert_int_equal(world_mmu_update(place, 0, 77), -XEN_ESRCH);
    /* Tables of another domain: PFD. */
    tree1 = world_tree(d1);
    assert_int_equal(world_mmuext(MMUEXT_PIN_L4_TABLE, tree1.level[4].value, 0, 1), 0);
    place = mfn_to_paddr(tree1.level[1]) + 8 * 50;
    assert_int_equal(world_mmu_update(place, pte_make(foreign, WORLD_RW), 1), -XEN_EINVAL);
    assert_int_equal(world_mmu_update(place, pte_make(foreign, WORLD_RW), 1 | 2u << 16), 0);

    host_set_current(0, v1);
    place = mfn_to_paddr(tree1.level[1]) + 8 * 51;
    assert_int_equal(world_mmu_update(place, pte_make(tree0.data, WORLD_RO), DOMID_SELF),
                     -XEN_EINVAL);
    assert_int_equal(world_mmu_update(place, pte_make(tree0.data, WORLD_RO), 0), -XEN_EPERM);
    assert_int_equal(world_mmu_update(place, 0, DOMID_XEN), -XEN_EPERM);
    assert_int_equal(world_mmu_update(place, 0, DOMID_SELF | 1u << 16), -XEN_EPERM);
    assert_int_equal(world_mmuext(MMUEXT_UNPIN_TABLE, tree0.level[4].value, 0, DOMID_SELF),
                     -XEN_EINVAL);
    assert_int_equal(world_mmuext(MMUEXT_UNPIN_TABLE, tree0.level[4].value, 0, 0), -XEN_EPERM);
}

static void device_memory_needs_permission(void **state)
{
    struct world_tree tree = pinned_tree(d0), tree1 = world_tree(d1);
    paddr_t place = mfn_to_paddr(tree.level[1]) + 8 * 50;
    uint64_t io = pte_make(MFN(WORLD_IO_FIRST), WORLD_RW | PTE_CACHE_UC);

    assert_int_equal(world_mmu_update(place, io, DOMID_SELF), 0);
    assert_int_equal(world_entries(tree.level[1])[50], io | PTE_USER);
    assert_int_equal(world_mmu_update(place, io, DOMID_IO), 0);
    assert_int_equal(world_mmu_update(place, pte_make(MFN(WORLD_IO_LAST + 1), WORLD_RW), DOMID_IO),
                     -XEN_EPERM);
    assert_int_equal(world_mmu_update(place, pte_make(tree.data, WORLD_RW), DOMID_IO), -XEN_EPERM);
    assert_int_equal(world_mmu_update(place, pte_make(MFN(1), WORLD_RW), DOMID_SELF), -XEN_EPERM);
    assert_int_equal(world_mmu_update(place, pte_make(MFN(~0ull >> 24), WORLD_RW), DOMID_SELF),
                     -XEN_EPERM);
    for (unsigned int level = 2; level <= 4; level++) {
        assert_int_equal(world_entry(tree.level[level], 3, pte_make(MFN(WORLD_IO_FIRST), WORLD_RW)),
                         -XEN_EINVAL);
    }
    host_set_current(0, v1);
    assert_int_equal(pin(tree1.level[4], 4), 0);
    place = mfn_to_paddr(tree1.level[1]) + 8 * 50;
    assert_int_equal(world_mmu_update(place, io, DOMID_SELF), -XEN_EPERM);
    assert_int_equal(world_mmu_update(place, io, DOMID_IO), -XEN_EPERM);
}

static void memory_types_are_for_hardware_owners(void **state)
{
    struct world_tree tree = pinned_tree(d0), tree1 = world_tree(d1);
    uint64_t entry = pte_make(tree.data, WORLD_RW | PTE_CACHE_WC);

    assert_int_equal(world_entry(tree.level[1], 0, entry), 0);
    assert_int_equal(world_entries(tree.level[1])[0], entry | PTE_USER);
    assert_true(frame_of(tree.data)->type & PAGETYPE_NONCOHERENT);
    assert_int_equal(world_entry(tree.level[1], 0, 0), 0);
    assert_int_equal(pin(tree.data, 1), 0);
    assert_false(frame_of(tree.data)->type & PAGETYPE_NONCOHERENT);
    host_set_current(0, v1);
    assert_int_equal(pin(tree1.level[4], 4), 0);
    entry = pte_make(tree1.data, WORLD_RW);
    assert_int_equal(world_entry(tree1.level[1], 0, entry | PTE_CACHE_UC), 0);
    assert_int_equal(world_entries(tree1.level[1])[0], entry | PTE_USER);
}

/* ---- mmu_update ------------------------------------------------------------------------------ */

static void accessed_and_dirty_are_kept_when_asked(void **state)
{
    struct world_tree tree = pinned_tree(d0);
    paddr_t place = mfn_to_paddr(tree.level[1]);
    uint64_t clean = pte_make(tree.data, PTE_PRESENT | PTE_WRITE);

    assert_int_equal(world_mmu_update(place | MMU_PT_UPDATE_PRESERVE_AD, clean, DOMID_SELF), 0);
    assert_int_equal(world_entries(tree.level[1])[0], clean | PTE_USER | PTE_ACCESSED | PTE_DIRTY);
    assert_int_equal(world_mmu_update(place | MMU_PT_UPDATE_NO_TRANSLATE, clean, DOMID_SELF), 0);
    assert_int_equal(world_entries(tree.level[1])[0], clean | PTE_USER);
}

static void plain_frames_are_written(void **state)
{
    mfn_t plain = world_frame(d0), foreign = world_frame(d1), gdt = world_frame(d0);

    assert_int_equal(world_entry(plain, 5, 0x1234567), 0);
    assert_int_equal(world_entries(plain)[5], 0x1234567);
    assert_int_equal(world_type_count(plain), 0);
    assert_int_equal(world_entry(foreign, 5, 1), -XEN_EINVAL);
    assert_int_equal(world_mmu_update(mfn_to_paddr(plain) + 4, 1, DOMID_SELF), -XEN_EINVAL);
    assert_int_equal(world_entry(MFN(WORLD_FRAMES + 5), 0, 1), -XEN_EINVAL);
    assert_int_equal(pagetype_get_descriptor_frame(d0, gdt), 0);
    assert_int_equal(world_entry(gdt, 5, 1), -XEN_EINVAL);
    pagetype_put_descriptor_frame(gdt);
}

static void m2p_is_updated(void **state)
{
    mfn_t plain = world_frame(d0), foreign = world_frame(d1);
    paddr_t place = mfn_to_paddr(plain) | MMU_MACHPHYS_UPDATE;

    assert_int_equal(world_mmu_update(place, 4711, DOMID_SELF), 0);
    assert_int_equal(arch_m2p_get(plain), 4711);
    assert_int_equal(world_mmu_update(place, 4712, DOMID_IO), -XEN_EINVAL);
    place = mfn_to_paddr(foreign) | MMU_MACHPHYS_UPDATE;
    assert_int_equal(world_mmu_update(place, 4713, DOMID_SELF), -XEN_EINVAL);
    assert_int_equal(world_mmu_update(place, 4713, 1), 0);
}

static void long_lists_are_done_in_one_go(void **state)
{
    mfn_t plain = world_frame(d0);
    struct mmu_update requests[100];
    struct hypercall call = { .op = __HYPERVISOR_mmu_update };

    for (unsigned int i = 0; i < 100; i++) {
        requests[i] = (struct mmu_update){ mfn_to_paddr(plain) + 8 * i, i };
    }
    host_set_preempt_odds(0);
    memcpy(call.arg,
           (unsigned long[]){ host_guest_map(requests, sizeof(requests)), 100, 0, DOMID_SELF },
           4 * sizeof(long));
    assert_int_equal(hypercall_mmu_update(&call), 0);
    for (unsigned int i = 0; i < 100; i++) {
        assert_int_equal(world_entries(plain)[i], i);
    }
}

static void done_counts_what_was_done(void **state)
{
    mfn_t plain = world_frame(d0);
    struct mmu_update requests[100];
    struct hypercall call = { .op = __HYPERVISOR_mmu_update };
    uint32_t done = 77;
    long rc;

    for (unsigned int i = 0; i < 100; i++) {
        requests[i] = (struct mmu_update){ mfn_to_paddr(plain) + 8 * i, i };
    }
    requests[70].ptr |= 4;
    host_set_preempt_odds(1);
    memcpy(call.arg,
           (unsigned long[]){ host_guest_map(requests, sizeof(requests)), 100,
                              host_guest_map(&done, sizeof(done)), DOMID_SELF },
           4 * sizeof(long));
    assert_int_equal(hypercall_mmu_update(&call), HYPERCALL_CONTINUE);
    assert_true(done > 0 && done < 70);
    while ((rc = hypercall_mmu_update(&call)) == HYPERCALL_CONTINUE) {
    }
    assert_int_equal(rc, -XEN_EINVAL);
    assert_int_equal(done, 70);
    assert_int_equal(world_entries(plain)[69], 69);
    assert_int_equal(world_entries(plain)[71], 0);

    call.arg[0] = 0x10; /* no memory there */
    call.arg[1] = 1;
    assert_int_equal(hypercall_mmu_update(&call), -XEN_EFAULT);
}

/* ---- update_va_mapping and PTE writes -------------------------------------------------------- */

static long va_mapping(uint64_t va, uint64_t value, uint64_t flags)
{
    return world_call(hypercall_update_va_mapping, __HYPERVISOR_update_va_mapping,
                      (unsigned long[]){ va, value, flags, 0 });
}

static void va_mapping_updates_the_kernel_root(void **state)
{
    struct world_tree tree = pinned_tree(d0);
    uint64_t entry = pte_make(tree.data, WORLD_RO);
    uint64_t vcpus = 1;

    assert_int_equal(va_mapping(world_address(0), entry, 0), -XEN_EINVAL); /* no root yet */
    assert_int_equal(world_mmuext(MMUEXT_NEW_BASEPTR, tree.level[4].value, 0, DOMID_SELF), 0);
    assert_int_equal(va_mapping(world_address(0), entry, UVMF_INVLPG | UVMF_LOCAL), 0);
    assert_int_equal(world_entries(tree.level[1])[0], entry | PTE_USER);
    assert_int_equal(va_mapping(world_address(9), entry, UVMF_TLB_FLUSH | UVMF_ALL), 0);
    assert_int_equal(
        va_mapping(world_address(9), 0, UVMF_TLB_FLUSH | host_guest_map(&vcpus, sizeof(vcpus))), 0);
    assert_int_equal(va_mapping(world_address(9), 0, UVMF_TLB_FLUSH | 0x70), -XEN_EFAULT);
    assert_int_equal(va_mapping(0x1000, entry, 0), -XEN_EINVAL);
    assert_int_equal(va_mapping(0x0000800000000000, entry, 0), -XEN_EINVAL);
    assert_int_equal(va_mapping(HYPERVISOR_START, entry, 0), -XEN_EINVAL);
    assert_int_equal(va_mapping(HYPERVISOR_END - 1, entry, 0), -XEN_EINVAL);
    assert_int_equal(world_call(hypercall_update_va_mapping_otherdomain,
                                __HYPERVISOR_update_va_mapping_otherdomain,
                                (unsigned long[]){ world_address(9),
                                                   pte_make(world_frame(d1), WORLD_RW), 0, 1 }),
                     0);
}

static void pte_is_written_for_a_fault(void **state)
{
    struct world_tree tree = pinned_tree(d0);
    uint64_t entry = pte_make(tree.data, WORLD_RO) | PTE_USER;
    uint64_t old = world_entries(tree.level[1])[0];

    assert_int_equal(pagetype_write_pte(d0, tree.level[1], 0, old, entry, true), 0);
    assert_int_equal(world_entries(tree.level[1])[0], entry);
    assert_int_equal(pagetype_write_pte(d0, tree.level[1], 0, old, 0, true), -XEN_EAGAIN);
    assert_int_equal(pagetype_write_pte(d0, tree.level[1], 0, old, old, true), -XEN_EAGAIN);
    assert_int_equal(world_references(tree.data), 1);
    assert_int_equal(
        pagetype_write_pte(d0, tree.level[1], 0, 0, pte_make(tree.level[1], WORLD_RW), false),
        -XEN_EBUSY);
    assert_int_equal(pagetype_write_pte(d0, tree.level[2], 0, 0, 0, false), -XEN_EAGAIN);
    assert_int_equal(pagetype_write_pte(d0, tree.level[1], 512, 0, 0, false), -XEN_EINVAL);
    assert_int_equal(pagetype_write_pte(d1, tree.level[1], 0, 0, 0, false), -XEN_EAGAIN);
}

/* ---- roots ----------------------------------------------------------------------------------- */

static void roots_hold_their_tables(void **state)
{
    struct world_tree kernel = pinned_tree(d0), user = world_tree(d0);

    assert_int_equal(world_mmuext(MMUEXT_NEW_BASEPTR, 0, 0, DOMID_SELF), -XEN_EINVAL);
    assert_int_equal(world_mmuext(MMUEXT_NEW_BASEPTR, kernel.level[3].value, 0, DOMID_SELF),
                     -XEN_EINVAL);
    assert_int_equal(world_mmuext(MMUEXT_NEW_BASEPTR, kernel.level[4].value, 0, DOMID_SELF), 0);
    assert_int_equal(v0->arch.cr3, mfn_to_paddr(kernel.level[4]));
    assert_int_equal(world_type_count(kernel.level[4]), 2);
    assert_int_equal(unpin(kernel.level[4]), 0);
    assert_int_equal(pagetype_of(frame_of(kernel.level[4])), PAGETYPE_L4);
    /* Not pinned, validated on the way. */
    assert_int_equal(world_mmuext(MMUEXT_NEW_USER_BASEPTR, user.level[4].value, 0, DOMID_SELF), 0);
    assert_int_equal(v0->arch.cr3, mfn_to_paddr(kernel.level[4]));
    assert_int_equal(v0->arch.user_root.value, user.level[4].value);
    assert_int_equal(world_mmuext(MMUEXT_NEW_BASEPTR, user.level[4].value, 0, DOMID_SELF), 0);
    assert_int_equal(pagetype_of(frame_of(kernel.level[4])), PAGETYPE_NONE);
    assert_int_equal(world_type_count(user.level[4]), 2);
    assert_int_equal(world_mmuext(MMUEXT_NEW_USER_BASEPTR, 0, 0, DOMID_SELF), 0);
    assert_int_equal(world_type_count(user.level[4]), 1);
    assert_int_equal(world_mmuext(MMUEXT_NEW_BASEPTR, user.level[4].value, 0, 1), -XEN_EPERM);
}

static void m2p_is_hidden_from_users(void **state)
{
    struct world_tree tree = pinned_tree(d0), user = pinned_tree(d0);
    uint64_t slot = world_entries(tree.level[4])[SLOT_M2P_GUEST];

    d0->vm_assist = 1ul << VMASST_TYPE_m2p_strict;
    assert_int_not_equal(slot, 0);
    assert_int_equal(world_mmuext(MMUEXT_NEW_BASEPTR, tree.level[4].value, 0, DOMID_SELF), 0);
    assert_int_equal(world_mmuext(MMUEXT_NEW_USER_BASEPTR, user.level[4].value, 0, DOMID_SELF), 0);
    assert_int_equal(world_entries(tree.level[4])[SLOT_M2P_GUEST], slot);
    assert_int_equal(world_entries(user.level[4])[SLOT_M2P_GUEST], 0);
    assert_int_equal(world_mmuext(MMUEXT_NEW_BASEPTR, user.level[4].value, 0, DOMID_SELF), 0);
    assert_int_equal(world_entries(user.level[4])[SLOT_M2P_GUEST], slot);
}

static void builder_adopts_tables(void **state)
{
    struct world_tree tree = world_tree(d1), bad = world_tree(d1);

    host_set_preempt_odds(1);
    assert_int_equal(pagetype_adopt_root(d1, tree.level[4]), 0);
    assert_true(frame_of(tree.level[4])->type & PAGETYPE_PINNED);
    world_entries(bad.level[1])[8] = pte_make(bad.level[4], WORLD_RW);
    assert_int_equal(pagetype_adopt_root(d1, bad.level[4]), -XEN_EBUSY);
    assert_int_equal(root_set_kernel(v1, tree.level[4]), 0);
    assert_int_equal(v1->arch.cr3, mfn_to_paddr(tree.level[4]));
}

/* ---- TLB debts ------------------------------------------------------------------------------- */

static void type_changes_flush(void **state)
{
    struct world_tree tree = pinned_tree(d0);
    uint64_t flushes = host_tlb_flushes();

    assert_int_equal(world_entry(tree.level[1], 0, 0), 0);
    assert_true(host_tlb_debt(frame_of(tree.data)->tlb_stamp));
    assert_int_equal(world_entry(tree.level[1], 0, pte_make(tree.data, WORLD_RW)), 0);
    assert_int_equal(host_tlb_flushes(), flushes); /* the same type: nothing owed */
    assert_int_equal(world_entry(tree.level[1], 0, 0), 0);
    assert_int_equal(pin(tree.data, 1), 0);
    assert_false(host_tlb_debt(frame_of(tree.data)->tlb_stamp));
    assert_int_equal(unpin(tree.data), 0);
    assert_true(host_tlb_debt(frame_of(tree.data)->tlb_stamp));
    assert_int_equal(world_entry(tree.level[1], 0, pte_make(tree.data, WORLD_RW)), 0);
    assert_false(host_tlb_debt(frame_of(tree.data)->tlb_stamp));
}

/* ---- descriptors ----------------------------------------------------------------------------- */

#define CODE64 0x00af9a000000ffffull /* DPL 0, not accessed */
#define FIXED  0x00affb000000ffffull
#define GATE   0x0000ec0000080000ull
#define TSS    0x0000890000000067ull
#define LDT    0x0000820000000fffull

static void descriptors_are_checked(void **state)
{
    mfn_t gdt = world_frame(d0), plain = world_frame(d0);
    uint64_t raw = CODE64;

    assert_true(descriptor_acceptable(&raw));
    assert_int_equal(raw, FIXED);
    for (unsigned int i = 0; i < 3; i++) {
        uint64_t refused = (uint64_t[]){ GATE, TSS, LDT }[i];

        raw = refused;
        assert_false(descriptor_acceptable(&raw));
        world_entries(gdt)[511] = refused;
        assert_int_equal(pagetype_get_descriptor_frame(d0, gdt), -XEN_EINVAL);
        raw = refused & ~(1ull << 47);
        assert_true(descriptor_acceptable(&raw));
    }
    assert_int_equal(world_references(gdt), 0);
    world_entries(gdt)[511] = CODE64;
    assert_int_equal(pagetype_get_descriptor_frame(d1, gdt), -XEN_EINVAL);
    assert_int_equal(pagetype_get_descriptor_frame(d0, gdt), 0);
    assert_int_equal(pagetype_get_descriptor_frame(d0, gdt), 0);
    assert_int_equal(world_entries(gdt)[511], FIXED);
    assert_int_equal(pin(gdt, 1), -XEN_EINVAL);
    for (unsigned int i = 0; i < 2; i++) {
        mfn_t to = i ? plain : gdt;

        assert_int_equal(world_call(hypercall_update_descriptor, __HYPERVISOR_update_descriptor,
                                    (unsigned long[]){ mfn_to_paddr(to) + 8, CODE64, 0, 0 }),
                         0);
        assert_int_equal(world_entries(to)[1], FIXED);
        assert_int_equal(world_call(hypercall_update_descriptor, __HYPERVISOR_update_descriptor,
                                    (unsigned long[]){ mfn_to_paddr(to) + 8, GATE, 0, 0 }),
                         -XEN_EINVAL);
    }
    pagetype_put_descriptor_frame(gdt);
    pagetype_put_descriptor_frame(gdt);
}

/* ---- other extended operations --------------------------------------------------------------- */

static void pages_are_cleared_and_copied(void **state)
{
    struct world_tree tree = pinned_tree(d0);
    mfn_t a = world_frame(d0), b = world_frame(d0), foreign = world_frame(d1);

    world_entries(a)[3] = 33;
    assert_int_equal(world_mmuext(MMUEXT_COPY_PAGE, b.value, a.value, DOMID_SELF), 0);
    assert_int_equal(world_entries(b)[3], 33);
    assert_int_equal(world_mmuext(MMUEXT_CLEAR_PAGE, b.value, 0, DOMID_SELF), 0);
    assert_int_equal(world_entries(b)[3], 0);
    assert_int_equal(world_mmuext(MMUEXT_CLEAR_PAGE, tree.level[1].value, 0, DOMID_SELF),
                     -XEN_EINVAL);
    assert_int_equal(world_mmuext(MMUEXT_CLEAR_PAGE, foreign.value, 0, DOMID_SELF), -XEN_EINVAL);
    assert_int_equal(world_mmuext(MMUEXT_COPY_PAGE, b.value, foreign.value, DOMID_SELF),
                     -XEN_EINVAL);
    assert_int_equal(world_mmuext(MMUEXT_MARK_SUPER, 0, 0, DOMID_SELF), -XEN_EOPNOTSUPP);
    assert_int_equal(world_mmuext(999, 0, 0, DOMID_SELF), -XEN_ENOSYS);
    assert_int_equal(world_mmuext(MMUEXT_FLUSH_CACHE, 0, 0, DOMID_SELF), 0);
    host_set_current(0, v1);
    assert_int_equal(world_mmuext(MMUEXT_FLUSH_CACHE_GLOBAL, 0, 0, DOMID_SELF), -XEN_EACCES);
}

static void flushes_take_masks(void **state)
{
    uint64_t vcpus = 3;

    for (unsigned int cmd = MMUEXT_TLB_FLUSH_LOCAL; cmd <= MMUEXT_INVLPG_ALL; cmd++) {
        bool multi = cmd == MMUEXT_TLB_FLUSH_MULTI || cmd == MMUEXT_INVLPG_MULTI;

        assert_int_equal(
            world_mmuext(cmd, 0x1000, host_guest_map(&vcpus, sizeof(vcpus)), DOMID_SELF), 0);
        assert_int_equal(world_mmuext(cmd, 0x1000, 0x10, DOMID_SELF), multi ? -XEN_EFAULT : 0);
    }
}

static void shared_pages_keep_their_type(void **state)
{
    struct world_tree tree = pinned_tree(d0);
    void *writable = frame_alloc_mapped(0, ALLOC_ZERO),
         *readable = frame_alloc_mapped(0, ALLOC_ZERO);
    mfn_t mfn = virt_to_mfn(writable);

    frame_share_with(d0, writable, FRAME_SHARE_WRITABLE);
    frame_share_with(d0, readable, FRAME_SHARE_READONLY);
    assert_int_equal(pin(mfn, 1), -XEN_EINVAL);
    assert_int_equal(world_entry(tree.level[1], 9, pte_make(mfn, WORLD_RW)), 0);
    assert_int_equal(world_entry(tree.level[1], 9, 0), 0);
    mfn = virt_to_mfn(readable);
    assert_int_equal(world_entry(tree.level[1], 9, pte_make(mfn, WORLD_RW)), -XEN_EBUSY);
    assert_int_equal(world_entry(tree.level[1], 9, pte_make(mfn, WORLD_RO)), 0);
    assert_int_equal(pin(mfn, 1), -XEN_EINVAL);
    assert_int_equal(world_entry(tree.level[1], 9, 0), 0);
    frame_unshare(writable);
    frame_unshare(readable);
}

/* ---- grants ---------------------------------------------------------------------------------- */

static void grants_are_mapped(void **state)
{
    struct world_tree tree = pinned_tree(d0);
    mfn_t granted = world_frame(d1);
    uint64_t pte = mfn_to_paddr(tree.level[1]) + 8 * 20;
    uint32_t by_pte = GNTMAP_host_map | GNTMAP_contains_pte;

    assert_int_equal(world_mmuext(MMUEXT_NEW_BASEPTR, tree.level[4].value, 0, DOMID_SELF), 0);
    assert_true(frame_get(frame_of(granted), d1) && arch_frame_get_writable(frame_of(granted)));
    assert_int_equal(arch_grant_map_host(pte, granted, by_pte | 1u << 16, 0), GNTST_okay);
    assert_int_equal(world_entries(tree.level[1])[20],
                     pte_make(granted, WORLD_RW | PTE_USER | 0x200));
    assert_int_equal(world_type_count(granted), 2);
    assert_int_equal(arch_grant_unmap_host(pte, granted, 0, by_pte | GNTMAP_readonly),
                     GNTST_general_error);
    assert_int_equal(arch_grant_unmap_host(pte + 8, granted, 0, by_pte), GNTST_general_error);
    assert_int_equal(arch_grant_unmap_host(pte, granted, world_address(21), by_pte),
                     GNTST_general_error);
    assert_int_equal(arch_grant_unmap_host(pte, granted, 0, by_pte), GNTST_okay);
    assert_int_equal(world_type_count(granted), 1);
    assert_int_equal(arch_grant_map_host(pte + 4, granted, by_pte, 0), GNTST_general_error);
    assert_int_equal(arch_grant_map_host(mfn_to_paddr(tree.data), granted, by_pte, 0),
                     GNTST_general_error);

    /* By address, read-only; then replaced by the entry of another address. */
    assert_int_equal(
        arch_grant_map_host(world_address(30), granted, GNTMAP_host_map | GNTMAP_readonly, 0),
        GNTST_okay);
    assert_int_equal(world_type_count(granted), 1);
    assert_int_equal(world_entry(tree.level[1], 31, pte_make(tree.data, WORLD_RO)), 0);
    assert_int_equal(arch_grant_unmap_host(world_address(30), granted, world_address(30),
                                           GNTMAP_host_map | GNTMAP_readonly),
                     GNTST_general_error);
    assert_int_equal(arch_grant_unmap_host(world_address(30), granted, world_address(31),
                                           GNTMAP_host_map | GNTMAP_readonly),
                     GNTST_okay);
    assert_int_equal(world_entries(tree.level[1])[30], pte_make(tree.data, WORLD_RO | PTE_USER));
    assert_int_equal(world_entries(tree.level[1])[31], 0);
    assert_int_equal(arch_grant_map_host(HYPERVISOR_START, granted, GNTMAP_host_map, 0),
                     GNTST_bad_virt_addr);
    arch_frame_put_writable(frame_of(granted));
    frame_put(frame_of(granted));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pin_validates_all_levels),
        TEST(tables_are_not_writable),
        TEST(levels_do_not_mix),
        TEST(reserved_bits_are_refused),
        TEST(hypervisor_slots_are_refused),
        TEST(failed_pin_leaves_nothing),
        TEST(preempted_pin_and_unpin),
        TEST(abandoned_pin_dies_with_the_domain),
        TEST(foreign_frames_need_privilege),
        TEST(device_memory_needs_permission),
        TEST(memory_types_are_for_hardware_owners),
        TEST(accessed_and_dirty_are_kept_when_asked),
        TEST(plain_frames_are_written),
        TEST(m2p_is_updated),
        TEST(long_lists_are_done_in_one_go),
        TEST(done_counts_what_was_done),
        TEST(va_mapping_updates_the_kernel_root),
        TEST(pte_is_written_for_a_fault),
        TEST(roots_hold_their_tables),
        TEST(m2p_is_hidden_from_users),
        TEST(builder_adopts_tables),
        TEST(type_changes_flush),
        TEST(descriptors_are_checked),
        TEST(pages_are_cleared_and_copied),
        TEST(flushes_take_masks),
        TEST(shared_pages_keep_their_type),
        TEST(grants_are_mapped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
