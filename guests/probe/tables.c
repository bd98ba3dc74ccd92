/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Page tables as a whole: pins of the right and the wrong level, tables with one bad entry, loops,
 * frames that are to be two things at once, and roots that change or go away under the guest.
 */
#include "lib/check.h"
#include "lib/guest.h"
#include "lib/hypercall.h"
#include "lib/page.h"
#include "lib/pagetable.h"

#include "hypervisor/string.h"

#define ENTRIES 512

/* A page of zeros that is mapped read-only: fit to be a table or a descriptor page. */
static uint64_t *table_alloc(void)
{
    uint64_t *table = page_alloc();

    must(page_set_rights(table, PTE_RO), "a table's rights");
    return table;
}

static void table_free(uint64_t *table)
{
    must(page_set_rights(table, PTE_RW), "a former table's rights");
    page_free(table);
}

/* Writes an entry of a table that is none yet. */
static void table_fill(uint64_t *table, unsigned int index, uint64_t value)
{
    must(mmu_update((mfn_of(table) << PAGE_SHIFT) + index * 8, value), "an entry of a table to be");
}

static long pin(const void *table, unsigned int level)
{
    return mmuext(MMUEXT_PIN_L1_TABLE + level - 1, mfn_of(table), 0);
}

static long unpin(const void *table)
{
    return mmuext(MMUEXT_UNPIN_TABLE, mfn_of(table), 0);
}

/* ---- pins -------------------------------------------------------------------------------------- */

static void check_pins(void)
{
    uint64_t *table = table_alloc();
    uint64_t *plain = page_alloc();

    for (unsigned int level = 1; level <= 4; level++) {
        check(pin(plain, level), -XEN_EINVAL, "pin a page that is mapped writable as L%u", level);
        check(pin(table, level), 0, "pin an empty L%u", level);
        check(pin(table, level), -XEN_EINVAL, "pin it again");
        for (unsigned int other = 1; other <= 4; other++) {
            if (other != level) {
                check(pin(table, other), -XEN_EINVAL, "pin it as L%u", other);
            }
        }
        check(page_set_rights(table, PTE_RW), -XEN_EBUSY, "map it writable");
        check(unpin(table), 0, "unpin it");
        check(unpin(table), -XEN_EINVAL, "unpin it again");
        check(page_set_rights(table, PTE_RW), 0, "map it writable now");
        must(page_set_rights(table, PTE_RO), "rights");
    }
    check(unpin(plain), -XEN_EINVAL, "unpin a plain page");
    check(mmuext(MMUEXT_PIN_L1_TABLE, ~0ul, 0), -XEN_EINVAL, "pin frame -1");
    check(mmuext(MMUEXT_PIN_L4_TABLE, 1ul << 52, 0), -XEN_EINVAL, "pin a frame with bit 52");
    check(mmuext(MMUEXT_UNPIN_TABLE, ~0ul, 0), -XEN_EINVAL, "unpin frame -1");
    if (!guest_is_first()) {
        check(mmuext(MMUEXT_PIN_L4_TABLE, 0, 0), -XEN_EINVAL, "pin frame 0");
        check(mmuext_foreign(MMUEXT_PIN_L1_TABLE, mfn_of(table), 0, 0), -XEN_EPERM,
              "pin in dom0's name");
    }
    table_free(table);
    page_free(plain);
}

/* A table whose last entry is bad: all that the others took is given back. */
static void check_partial(void)
{
    uint64_t *lower = table_alloc(), *table = table_alloc();
    uint64_t *plain = page_alloc();

    for (unsigned int level = 1; level <= 4; level++) {
        uint64_t good =
            level == 1 ? pte_for(mfn_of(lower), PTE_RO) : pte_for(mfn_of(lower), PTE_TABLE);
        uint64_t bad =
            level == 1 ? pte_for(mfn_of(lower), PTE_RW) : pte_for(mfn_of(plain), PTE_TABLE);

        table_fill(table, 0, good);
        table_fill(table, 100, good);
        table_fill(table, ENTRIES - 1, bad);
        if (level == 1) {
            must(pin(lower, 1), "an L1");
        }
        check(pin(table, level), level == 1 ? -XEN_EBUSY : -XEN_EINVAL,
              "pin an L%u with a last entry that is bad", level);
        if (level == 1) {
            must(unpin(lower), "an L1");
        }
        check(page_set_rights(lower, PTE_RW), 0, "what it referred to is free of it");
        check(page_set_rights(table, PTE_RW), 0, "and itself is no table");
        must(page_set_rights(lower, PTE_RO), "rights");
        must(page_set_rights(table, PTE_RO), "rights");
        table_fill(table, ENTRIES - 1, 0);
    }
    memset(plain, 0, PAGE_SIZE);
    page_free(plain);
    table_free(lower);
    table_free(table);
}

/*
 * Tables that refer to their own level. Xen allows read-only ones (an option of its, on by default);
 * Xenios has none, since nothing that runs on it uses them (SUPPORT.md).
 */
static void check_loops(void)
{
    uint64_t *table = table_alloc(), *other = table_alloc();

    for (unsigned int level = 2; level <= 4; level++) {
        table_fill(table, 5, pte_for(mfn_of(table), PTE_TABLE));
        check(pin(table, level), -XEN_EINVAL, "pin an L%u that refers to itself, writable", level);
        table_fill(table, 5, pte_for(mfn_of(table), PTE_RO));
        check_differs(pin(table, level), -XEN_EINVAL, 0, "the same, read-only");
        (void)unpin(table);
        table_fill(table, 5, pte_for(mfn_of(other), PTE_TABLE));
        must(pin(table, level), "a table with an empty one below");
        check(mmu_update((mfn_of(other) << PAGE_SHIFT) + 40, pte_for(mfn_of(table), PTE_TABLE)),
              level == 2 ? -XEN_EBUSY : -XEN_EINVAL, "a loop of an L%u and what it refers to",
              level);
        must(unpin(table), "unpin");
        table_fill(table, 5, 0);
    }
    check(mmu_update(pte_machine(address_of(window(0)), 2),
                     pte_for(table_mfn(address_of(window(0)), 2), PTE_TABLE)),
          -XEN_EINVAL, "the running L2 refers to itself");
    check(mmu_update((root_mfn() << PAGE_SHIFT) + 8, pte_for(root_mfn(), PTE_TABLE)), -XEN_EINVAL,
          "the running root refers to itself");
    check(mmu_update((root_mfn() << PAGE_SHIFT) + 8,
                     pte_for(table_mfn(address_of(window(0)), 2), PTE_TABLE)),
          -XEN_EINVAL, "the running root refers to an L2");
    table_free(table);
    table_free(other);
}

/* ---- two things at once ------------------------------------------------------------------------ */

static long set_gdt(uint64_t mfn, unsigned int entries)
{
    uint64_t frames[16] = { mfn };

    return hypercall2(__HYPERVISOR_set_gdt, address_of(frames), entries);
}

static void check_mixed_types(void)
{
    uint64_t *table = table_alloc(), *plain = page_alloc();
    uint64_t l1 = table_mfn(address_of(window(0)), 1);

    check(set_gdt(l1, 512), -XEN_EINVAL, "a live L1 as GDT");
    check(set_gdt(root_mfn(), 512), -XEN_EINVAL, "the root as GDT");
    check(set_gdt(mfn_of(plain), 512), -XEN_EINVAL, "a writable page as GDT");
    check(mmuext(MMUEXT_SET_LDT, address_of(plain), 512), 0, "a writable page as LDT, for now");
    check(mmuext(MMUEXT_SET_LDT, 0, 0), 0, "no LDT");
    check(set_gdt(mfn_of(table), 512), 0, "a read-only page as GDT");
    check(page_set_rights(table, PTE_RW), -XEN_EBUSY, "map the GDT writable");
    check(pin(table, 1), -XEN_EINVAL, "pin the GDT as L1");
    check(pin(table, 4), -XEN_EINVAL, "pin the GDT as L4");
    check(mmuext(MMUEXT_CLEAR_PAGE, mfn_of(table), 0), -XEN_EINVAL, "clear the GDT");
    check(mmuext(MMUEXT_COPY_PAGE, mfn_of(table), mfn_of(plain)), -XEN_EINVAL, "copy to the GDT");
    check(mmu_update(mfn_of(table) << PAGE_SHIFT, ~0ul), -XEN_EINVAL, "mmu_update of the GDT");
    check(trap_write(table, 0), TRAPPED(14), "write the GDT");
    check(set_gdt(0, 0), 0, "no GDT");
    check(mmuext(MMUEXT_CLEAR_PAGE, l1, 0), -XEN_EINVAL, "clear a live L1");
    check(mmuext(MMUEXT_COPY_PAGE, l1, mfn_of(plain)), -XEN_EINVAL, "copy to a live L1");
    check(mmuext(MMUEXT_CLEAR_PAGE, mfn_of(table), 0), 0, "clear a page of no type");
    table_free(table);
    page_free(plain);
}

/* ---- roots ------------------------------------------------------------------------------------- */

/* A copy of the running root. */
static uint64_t *root_copy(void)
{
    uint64_t *root = page_alloc();

    memcpy(root, (const void *)guest_start->pt_base, PAGE_SIZE);
    memset(root + 256, 0, 16 * sizeof(*root));
    must(page_set_rights(root, PTE_RO), "a root's rights");
    return root;
}

static void check_roots(void)
{
    uint64_t *root = root_copy(), *plain = page_alloc();

    check(mmuext(MMUEXT_NEW_BASEPTR, mfn_of(plain), 0), -XEN_EINVAL, "run on a writable page");
    check(mmuext(MMUEXT_NEW_BASEPTR, table_mfn(address_of(plain), 3), 0), -XEN_EINVAL,
          "run on a live L3");
    check(mmuext(MMUEXT_NEW_BASEPTR, ~0ul, 0), -XEN_EINVAL, "run on frame -1");
    check(mmuext(MMUEXT_NEW_USER_BASEPTR, mfn_of(plain), 0), -XEN_EINVAL,
          "a writable page as user root");
    check(mmuext(MMUEXT_NEW_USER_BASEPTR, ~0ul, 0), -XEN_EINVAL, "frame -1 as user root");
    check(mmuext(MMUEXT_NEW_BASEPTR, mfn_of(root), 0), 0, "run on a root that is not pinned");
    check(page_set_rights(root, PTE_RW), -XEN_EBUSY, "map it writable");
    check(unpin(root), -XEN_EINVAL, "unpin it");
    check(pin(root, 4), 0, "pin it");
    check(unpin(root), 0, "unpin it while it runs");
    check(mmu_update((mfn_of(root) << PAGE_SHIFT) + 8 * pte_index(GUEST_BASE, 4),
                     pte_for(~0ul >> 16, PTE_TABLE)),
          -XEN_EINVAL, "a frame that is not there, in place of this code's L3");
    check(mmuext(MMUEXT_NEW_USER_BASEPTR, mfn_of(root), 0), 0, "as user root too");
    check(mmuext(MMUEXT_NEW_BASEPTR, root_mfn(), 0), 0, "back on the first root");
    check(page_set_rights(root, PTE_RW), -XEN_EBUSY, "map the user root writable");
    check(mmuext(MMUEXT_NEW_USER_BASEPTR, 0, 0), 0, "no user root");
    check(page_set_rights(root, PTE_RW), 0, "map the former root writable");
    check(unpin((const void *)guest_start->pt_base), 0, "unpin the running root");
    check(trap_write((void *)guest_start->pt_base, 0), TRAPPED(14), "write the running root");
    check(page_set_rights((const void *)guest_start->pt_base, PTE_RW), -XEN_EBUSY,
          "map the running root writable");
    check(pin((const void *)guest_start->pt_base, 4), 0, "pin it again");
    page_free(root);
    page_free(plain);
}

static void run(void)
{
    check_pins();
    check_partial();
    check_loops();
    check_mixed_types();
    check_roots();
}
PROBE(tables, run);
