/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Selectors and descriptors: all of a GDT that is not there, descriptors of every type, an LDT whose
 * page is not fit for one, far jumps and calls to what is not the guest's.
 */
#include "lib/check.h"
#include "lib/guest.h"
#include "lib/hypercall.h"
#include "lib/page.h"
#include "lib/pagetable.h"

#define DESCRIPTOR_S       (1ul << 44)
#define DESCRIPTOR_PRESENT (1ul << 47)
#define DATA               0x00cff3000000fffful /* flat, ring 3 */
#define CODE64             0x00affb000000fffful

struct far_pointer {
    uint32_t offset;
    uint16_t selector;
} __packed;

/* ---- loading ----------------------------------------------------------------------------------- */

static void load_ds(void *data)
{
    uint32_t selector = *(uint32_t *)data;

    __asm__ volatile("mov %0, %%ds" : : "r"(selector) : "memory");
}

static void load_fs(void *data)
{
    uint32_t selector = *(uint32_t *)data;

    __asm__ volatile("mov %0, %%fs" : : "r"(selector) : "memory");
}

static void load_ss(void *data)
{
    uint32_t selector = *(uint32_t *)data;

    __asm__ volatile("mov %0, %%ss" : : "r"(selector) : "memory");
}

static void far_jump(void *data)
{
    __asm__ volatile("ljmpl *%0" : : "m"(*(struct far_pointer *)data) : "memory");
}

static void far_call(void *data)
{
    __asm__ volatile("lcalll *%0" : : "m"(*(struct far_pointer *)data) : "memory");
}

static void far_return(void *data)
{
    uint64_t selector = *(uint32_t *)data;

    __asm__ volatile("pushq %0; pushq $0; lretq" : : "r"(selector) : "memory");
}

static long load(void (*how)(void *), uint32_t selector, uint32_t *error)
{
    struct trap_frame frame = { .error = 0 };
    uint32_t null = 0;
    long result = trap_guard(how, &selector, &frame);

    if (error) {
        *error = (uint32_t)frame.error;
    }
    must(trap_guard(how == load_fs ? load_fs : load_ds, &null, NULL), "null selector");
    return result;
}

/* Every selector of ring 3: only the flat segments of the interface load. */
static void check_all_selectors(void)
{
    unsigned int loaded = 0, flat = 0, right = 0, tried = 0;

    for (uint32_t selector = 8 | 3; selector < 0x10000; selector += 8) {
        bool is_flat =
            selector == FLAT_USER_CS32 || selector == FLAT_USER_CS64 || selector == FLAT_USER_SS32;
        uint32_t error;
        long result = load(load_ds, selector, &error);

        tried++;
        loaded += result == 0;
        flat += result == 0 && is_flat;
        right += result == TRAPPED(13) && (error & ~7u) == (selector & ~7u);
    }
    check(flat, 3, "load DS with the flat selectors");
    check(loaded - flat, 0, "load DS with any other of the GDT");
    check(tried - loaded - right, 0, "other answers than #GP of that selector");
    check(load(load_ds, 4 | 3, NULL), TRAPPED(13), "load DS from no LDT");
    check(load(load_ss, 0xe010, NULL), TRAPPED(13), "load SS with the hypervisor's");
    check(load(load_ss, 0, NULL), TRAPPED(13), "load SS with null");
    check(load(load_fs, 0xe018, NULL), TRAPPED(13), "load FS with the TSS");
}

/* ---- descriptors ------------------------------------------------------------------------------- */

static long update_descriptor(uint64_t machine, uint64_t descriptor)
{
    return hypercall2(__HYPERVISOR_update_descriptor, machine, descriptor);
}

static long set_gdt(uint64_t mfn, unsigned int entries)
{
    uint64_t frames[16] = { mfn };

    return hypercall2(__HYPERVISOR_set_gdt, address_of(frames), entries);
}

/* Types of present descriptors that were accepted, as a mask of 32. */
static uint32_t accepted_types(uint64_t machine, unsigned int dpl, uint64_t extra)
{
    uint32_t accepted = 0;

    for (uint64_t type = 0; type < 32; type++) {
        uint64_t descriptor = DESCRIPTOR_PRESENT | type << 40 | (uint64_t)dpl << 45 | extra;

        accepted |= (uint32_t)(update_descriptor(machine, descriptor) == 0) << type;
    }
    return accepted;
}

static void check_descriptors(uint64_t *gdt)
{
    uint64_t machine = (mfn_of(gdt) << PAGE_SHIFT) + 8;
    uint32_t error;

    for (unsigned int dpl = 0; dpl < 4; dpl++) {
        /*
         * Types 0 to 15 are the system's, 16 to 31 segments. Xen lets type 0 be, which is the upper
         * half of a gate, and call gates of which it checks the target; Xenios has no gates.
         */
        check_differs(accepted_types(machine, dpl, 0), 0xffff0000, 0xffff1001,
                      "types of DPL %u that are accepted", dpl);
        check_differs(accepted_types(machine, dpl, 0x00af00340000fffful), 0xffff0000, 0xffff0001,
                      "with bits of a base and a limit");
    }
    check(update_descriptor(machine, ~DESCRIPTOR_PRESENT), 0, "anything that is not present");
    check(load(load_ds, 8 | 3, NULL), TRAPPED(11), "load a descriptor that is not present");
    check(update_descriptor(machine, DATA & ~(3ul << 45)), 0, "data of ring 0");
    check_that(gdt[1] >> 45 & 3, "it is of ring 3 now");
    check(load(load_ds, 8 | 3, &error), 0, "load it");
    check(load(load_ds, 8, NULL), 0, "load it with RPL 0");
    check(update_descriptor(machine, CODE64), 0, "64-bit code");
    check(load(load_ds, 8 | 3, NULL), 0, "load it as data");
    check(update_descriptor(machine + 4, DATA), -XEN_EINVAL, "amid a descriptor");
    check(update_descriptor(mfn_of(&error) << PAGE_SHIFT, DATA), 0, "in a page that is none");
    check(update_descriptor(root_mfn() << PAGE_SHIFT, DATA), -XEN_EINVAL, "in the root");
    check(update_descriptor(~7ul, DATA), -XEN_EINVAL, "at machine address -8");
    if (!guest_is_first()) {
        check(update_descriptor(0, DATA), -XEN_EINVAL, "at machine address 0");
    }
}

static void check_gdt(void)
{
    uint64_t *gdt = page_alloc(), *bad = page_alloc();

    gdt[2] = DATA;
    bad[511] = DESCRIPTOR_PRESENT | 9ul << 40; /* a TSS */
    must(page_set_rights(gdt, PTE_RO), "rights");
    must(page_set_rights(bad, PTE_RO), "rights");
    check(set_gdt(mfn_of(bad), 512), -XEN_EINVAL, "a GDT whose last descriptor is a TSS");
    check(set_gdt(mfn_of(bad), 1), -XEN_EINVAL, "the same, though it would end before");
    check(set_gdt(mfn_of(gdt), 0xffff), -XEN_EINVAL, "a GDT of 65535 descriptors");
    check(set_gdt(~0ul, 1), -XEN_EINVAL, "a GDT at frame -1");
    check(hypercall2(__HYPERVISOR_set_gdt, 0x10, 512), -XEN_EFAULT, "a GDT's list not mapped");
    check(set_gdt(mfn_of(gdt), 512), 0, "a GDT");
    check(load(load_ds, 16 | 3, NULL), 0, "load a descriptor of it");
    check_descriptors(gdt);
    check(set_gdt(0, 0), 0, "no GDT");
    check(load(load_ds, 16 | 3, NULL), TRAPPED(13), "load a descriptor of it");
    must(page_set_rights(gdt, PTE_RW), "rights");
    must(page_set_rights(bad, PTE_RW), "rights");
    page_free(gdt);
    page_free(bad);
}

static void check_ldt(void)
{
    uint64_t *ldt = page_alloc();

    ldt[1] = DATA;
    must(mmuext(MMUEXT_SET_LDT, address_of(ldt), 3), "LDT");
    check(load(load_ds, 8 | 7, NULL), TRAPPED(14), "load from an LDT that is mapped writable");
    must(page_set_rights(ldt, PTE_RO), "rights");
    check(load(load_ds, 8 | 7, NULL), 0, "load from it, mapped read-only");
    check(page_set_rights(ldt, PTE_RW), -XEN_EBUSY, "map it writable");
    check(load(load_ds, 24 | 7, NULL), TRAPPED(13), "load from behind its end");
    must(mmuext(MMUEXT_SET_LDT, 0, 0), "no LDT");
    check(page_set_rights(ldt, PTE_RW), 0, "map it writable, now that it is none");
    ldt[2] = DESCRIPTOR_PRESENT | 2ul << 40;
    must(page_set_rights(ldt, PTE_RO), "rights");
    must(mmuext(MMUEXT_SET_LDT, address_of(ldt), 3), "LDT");
    check(load(load_ds, 8 | 7, NULL), TRAPPED(14), "load from an LDT that has an LDT inside");
    check_that(trap_address() == address_of(ldt) + 8, "the fault's address is the guest's");
    must(mmuext(MMUEXT_SET_LDT, 0x1000, 3), "LDT that is not mapped");
    check(load(load_ds, 8 | 7, NULL), TRAPPED(14), "load from an LDT that is not mapped");
    check_that(trap_address() == 0x1008, "the fault's address is the guest's");
    must(mmuext(MMUEXT_SET_LDT, 0, 0), "no LDT");
    must(page_set_rights(ldt, PTE_RW), "rights");
    page_free(ldt);
}

/* ---- far transfers ----------------------------------------------------------------------------- */

static void check_far_transfers(void)
{
    static const uint16_t targets[] = { 0, 8, 0xe008, 0xe010, 0xe018, 0xe02b, 0xffff, 0xfffc };

    for (unsigned int i = 0; i < ARRAY_SIZE(targets); i++) {
        struct far_pointer pointer = { 0, targets[i] };
        uint32_t selector = targets[i];

        check(trap_guard(far_jump, &pointer, NULL), TRAPPED(13), "far jump to %#x", targets[i]);
        check(trap_guard(far_call, &pointer, NULL), TRAPPED(13), "far call to %#x", targets[i]);
        check(trap_guard(far_return, &selector, NULL), TRAPPED(13), "far return to %#x",
              targets[i]);
    }
}

static void run(void)
{
    check_all_selectors();
    check_gdt();
    check_ldt();
    check_far_transfers();
}
PROBE(selectors, run);
