/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * mmu_update, mmuext_op and update_va_mapping with every sub-operation and bad arguments: addresses,
 * counts, pointers, domains.
 */
#include "lib/check.h"
#include "lib/guest.h"
#include "lib/hypercall.h"
#include "lib/page.h"
#include "lib/pagetable.h"

#define PREEMPTED \
    (1u << 31) /* in a count: what a continuation of the hypervisor's own looks like */

static uint64_t *page;

static const struct {
    uint64_t address;
    const char *name;
} bad_pointers[] = {
    { 0x10, "an unmapped page" },
    { 0x800000000000ul - 8, "the end of the lower half" },
    { 0x800000000000ul, "a non-canonical address" },
    { 0xffff800000000000ul, "the machine-to-phys table" },
    { 0xffff830000000000ul, "the hypervisor" },
    { 0xffff87fffffffff8ul, "the end of the hypervisor" },
    { ~0ul - 7, "the last eight bytes" },
    { ~0ul, "the last byte" },
};

/* ---- mmuext_op --------------------------------------------------------------------------------- */

static const struct {
    unsigned int command;
    long with_nothing; /* the result with argument 0 */
    long with_all;     /* with argument ~0 */
    const char *name;
    long on_xen; /* when it is not 0: Xen's for both */
} commands[] = {
    { MMUEXT_TLB_FLUSH_LOCAL, 0, 0, "TLB_FLUSH_LOCAL", 0 },
    { MMUEXT_INVLPG_LOCAL, 0, 0, "INVLPG_LOCAL", 0 },
    { MMUEXT_TLB_FLUSH_MULTI, -XEN_EFAULT, -XEN_EFAULT, "TLB_FLUSH_MULTI", -XEN_EINVAL },
    { MMUEXT_INVLPG_MULTI, -XEN_EFAULT, -XEN_EFAULT, "INVLPG_MULTI", -XEN_EINVAL },
    { MMUEXT_TLB_FLUSH_ALL, 0, 0, "TLB_FLUSH_ALL", 0 },
    { MMUEXT_INVLPG_ALL, 0, 0, "INVLPG_ALL", 0 },
    { MMUEXT_FLUSH_CACHE, -XEN_EACCES, -XEN_EACCES, "FLUSH_CACHE", 0 },
    { MMUEXT_SET_LDT, 0, -XEN_EINVAL, "SET_LDT", 0 },
    { 14, -XEN_ENOSYS, -XEN_ENOSYS, "command 14", 0 },
    { MMUEXT_CLEAR_PAGE, -XEN_EINVAL, -XEN_EINVAL, "CLEAR_PAGE", 0 },
    { MMUEXT_COPY_PAGE, -XEN_EINVAL, -XEN_EINVAL, "COPY_PAGE", 0 },
    { MMUEXT_FLUSH_CACHE_GLOBAL, -XEN_EACCES, -XEN_EACCES, "FLUSH_CACHE_GLOBAL", -XEN_EINVAL },
    { MMUEXT_MARK_SUPER, -XEN_EOPNOTSUPP, -XEN_EOPNOTSUPP, "MARK_SUPER", 0 },
    { MMUEXT_UNMARK_SUPER, -XEN_EOPNOTSUPP, -XEN_EOPNOTSUPP, "UNMARK_SUPER", 0 },
    { 21, -XEN_ENOSYS, -XEN_ENOSYS, "command 21", 0 },
    { ~0u, -XEN_ENOSYS, -XEN_ENOSYS, "command -1", 0 },
};

static void check_commands(void)
{
    if (guest_is_first()) {
        return; /* frame 0 is no RAM to it, caches are its own */
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(commands); i++) {
        long on_xen = commands[i].on_xen;

        check_differs(mmuext(commands[i].command, 0, 0), commands[i].with_nothing,
                      on_xen ? on_xen : commands[i].with_nothing, "%s of 0", commands[i].name);
        check_differs(mmuext(commands[i].command, ~0ul, ~0ul), commands[i].with_all,
                      on_xen ? on_xen : commands[i].with_all, "%s of -1", commands[i].name);
        check(mmuext_foreign(commands[i].command, 0, 0, 0), -XEN_EPERM, "%s for dom0",
              commands[i].name);
        check(mmuext_foreign(commands[i].command, 0, 0, 0x7000), -XEN_ESRCH, "%s for nobody",
              commands[i].name);
    }
}

static void check_descriptor_table(void)
{
    check(mmuext(MMUEXT_SET_LDT, address_of(page) + 8, 1), -XEN_EINVAL, "LDT amid a page");
    check(mmuext(MMUEXT_SET_LDT, address_of(page), 8193), -XEN_EINVAL, "LDT of 8193 entries");
    check(mmuext(MMUEXT_SET_LDT, 0xffff830000000000ul, 512), -XEN_EINVAL,
          "LDT in the hypervisor's range");
    check(mmuext(MMUEXT_SET_LDT, 0xffff7ffffffff000ul & ~0xfffful, 8192), -XEN_EINVAL,
          "LDT at a non-canonical address");
    check(mmuext(MMUEXT_SET_LDT, 0x1000, 8192), 0, "LDT where nothing is mapped, for now");
    check(mmuext(MMUEXT_SET_LDT, 0, 0), 0, "no LDT");
}

/* ---- counts and pointers ------------------------------------------------------------------------ */

static void check_pointers(void)
{
    struct mmu_update request = { (mfn_of(page) << PAGE_SHIFT), 0x55 };
    struct mmuext_op op = { .cmd = MMUEXT_TLB_FLUSH_LOCAL };
    uint32_t done;

    for (unsigned int i = 0; i < ARRAY_SIZE(bad_pointers); i++) {
        uint64_t bad = bad_pointers[i].address;
        const char *name = bad_pointers[i].name;

        check(hypercall4(__HYPERVISOR_mmu_update, bad, 1, 0, DOMID_SELF), -XEN_EFAULT,
              "mmu_update's list at %s", name);
        check(hypercall4(__HYPERVISOR_mmuext_op, bad, 1, 0, DOMID_SELF), -XEN_EFAULT,
              "mmuext_op's list at %s", name);
        /* Xen does not tell that it could not write the count. */
        check_differs(hypercall4(__HYPERVISOR_mmu_update, address_of(&request), 1, bad, DOMID_SELF),
                      -XEN_EFAULT, 0, "mmu_update's count done at %s", name);
        check_differs(mmuext(MMUEXT_TLB_FLUSH_MULTI, 0, bad), -XEN_EFAULT, -XEN_EINVAL,
                      "vcpu mask at %s", name);
    }
    check(hypercall4(__HYPERVISOR_mmu_update, address_of(&request), 0, 0, DOMID_SELF), 0,
          "no mmu_update at all");
    check(hypercall4(__HYPERVISOR_mmuext_op, address_of(&op), 0, 0, DOMID_SELF), 0,
          "no mmuext_op at all");
    check(hypercall4(__HYPERVISOR_mmu_update, address_of(&request), PREEMPTED, 0, DOMID_SELF), 0,
          "a forged continuation of no mmu_update");
    check_differs(
        hypercall4(__HYPERVISOR_mmu_update, address_of(&request), PREEMPTED | 1, 0x10, DOMID_SELF),
        -XEN_EFAULT, 0, "a forged continuation with a count done that is not mapped");
    done = 0xfffffff0;
    check(hypercall4(__HYPERVISOR_mmu_update, address_of(&request), PREEMPTED | 1,
                     address_of(&done), DOMID_SELF),
          0, "a forged continuation behind 4 G of requests");
    check_that(done == 0xfffffff1, "its count goes on");
    check(hypercall4(__HYPERVISOR_mmu_update, ~0ul - 15, 0x7fffffff, 0, DOMID_SELF), -XEN_EFAULT,
          "2 G of mmu_updates from the end of the address space");
    check(hypercall4(__HYPERVISOR_mmuext_op, ~0ul - 23, 0x7fffffff, 0, DOMID_SELF), -XEN_EFAULT,
          "2 G of mmuext_ops from the end of the address space");
}

/* ---- mmu_update -------------------------------------------------------------------------------- */

static void check_updates(void)
{
    uint64_t machine = mfn_of(page) << PAGE_SHIFT;

    check(mmu_update(machine, 0x1234), 0, "a plain page is written");
    check_that(page[0] == 0x1234, "it was");
    check(mmu_update(machine | MMU_PT_UPDATE_PRESERVE_AD, 0), 0, "with the A and D bits kept");
    check(mmu_update(machine | MMU_PT_UPDATE_NO_TRANSLATE, 0), 0, "and not translated");
    /* Bit 2 is one of the command for Xen, of the address for Xenios. */
    check_differs(mmu_update(machine + 4, 0), -XEN_EINVAL, -XEN_ENOSYS, "amid an entry");
    check(mmu_update(~7ul, 0), -XEN_EINVAL, "at machine address -8");
    check(mmu_update(1ul << 52, 0), -XEN_EINVAL, "at machine address 2^52");
    check(mmu_update(1ul << 62 | machine, 0), -XEN_EINVAL, "at bit 62 and an own page");
    if (!guest_is_first()) {
        check(mmu_update(0, 0), -XEN_EINVAL, "at machine address 0");
        check(mmu_update(0xfee00000, 0), -XEN_EINVAL, "at the local APIC");
    }
    check(hypercall4(__HYPERVISOR_update_va_mapping, address_of(window(1)),
                     pte_for(mfn_of(page), PTE_RW), UVMF_TLB_FLUSH | 0x1000, 0),
          -XEN_EFAULT, "update_va_mapping with a vcpu mask that is not mapped");
    check(va_update(window(1), 0), 0, "take it away again");
    check(hypercall4(__HYPERVISOR_update_va_mapping, 0x1000, 0, UVMF_INVLPG, 0), -XEN_EINVAL,
          "update_va_mapping where no table is");
    check(hypercall4(__HYPERVISOR_update_va_mapping, address_of(window(1)), 0, 3, 0), 0,
          "update_va_mapping with the flush that is none");
}

static void run(void)
{
    page = page_alloc();
    check_commands();
    check_descriptor_table();
    check_pointers();
    check_updates();
    page_free(page);
}
PROBE(operations, run);
