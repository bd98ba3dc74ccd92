/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Entries of page tables: what may be mapped, with which bits, and how live tables answer to writes.
 */
#include "lib/check.h"
#include "lib/guest.h"
#include "lib/hypercall.h"
#include "lib/page.h"
#include "lib/pagetable.h"

#include <xen/memory.h>

#define HIGH_BITS_FIRST 52
#define HIGH_BITS_LAST  62

static uint64_t *page;   /* plain memory of this guest */
static void *view;       /* a virtual page without a frame */
static uint64_t machine; /* of the view's L1 entry */

/* The view is empty again after each attempt, whatever it did. */
static long try_entry(uint64_t pte)
{
    long result = mmu_update(machine, pte);

    must(mmu_update(machine, 0), "empty the view");
    return result;
}

/* ---- frames ------------------------------------------------------------------------------------ */

static bool is_own(uint64_t mfn)
{
    uint64_t pfn = 0;

    return trap_read((const uint64_t *)MACH2PHYS_VIRT_START + mfn, &pfn) == 0 &&
           pfn < guest_start->nr_pages && ((const uint64_t *)guest_start->mfn_list)[pfn] == mfn;
}

/* Every frame of the machine that is not this guest's, at a stride, and those at both ends. */
static void check_foreign_frames(void)
{
    uint64_t end = (uint64_t)hypercall2(__HYPERVISOR_memory_op, XENMEM_maximum_ram_page, 0) + 1;
    uint64_t stride = end / 509 + 1;
    unsigned int tried = 0, mapped = 0;

    if (guest_is_first()) {
        return; /* it may map what is nobody's, for it owns the devices */
    }
    for (uint64_t mfn = 0; mfn < end; mfn += mfn < 8 ? 1 : stride) {
        if (is_own(mfn)) {
            continue;
        }
        tried++;
        mapped += try_entry(pte_for(mfn, PTE_RW)) == 0;
        mapped += try_entry(pte_for(mfn, PTE_RO)) == 0;
    }
    check(mapped, 0, "map %s of other domains, the hypervisor and devices",
          tried > 64 ? "hundreds of frames" : "frames");
    check(try_entry(pte_for(end, PTE_RO)), -XEN_EPERM, "map the first frame behind all memory");
    /* To Xen these are not devices of anybody, to Xenios devices of somebody else. */
    check_differs(try_entry(pte_for(0xfee00, PTE_RW | PTE_PCD)), -XEN_EPERM, -XEN_EINVAL,
                  "map the local APIC");
    check_differs(try_entry(pte_for(0xfec00, PTE_RW | PTE_PCD)), -XEN_EPERM, -XEN_EINVAL,
                  "map an IO-APIC");
    check_differs(try_entry(pte_for(PTE_ADDRESS >> PAGE_SHIFT, PTE_RO)), -XEN_EPERM, -XEN_EINVAL,
                  "map the last frame");
}

static void check_foreign_owners(void)
{
    uint64_t pte = pte_for(mfn_of(page), PTE_RW);

    check_differs(mmu_update_foreign(machine, pte, DOMID_IO), -XEN_EPERM, -XEN_EBUSY,
                  "own RAM as DOMID_IO's");
    check(mmu_update_foreign(machine, pte, 0x7fe0), -XEN_ESRCH, "own RAM as nobody's");
    check(mmu_update_foreign(machine, pte, DOMID_IDLE), -XEN_ESRCH, "own RAM as DOMID_IDLE's");
    check(mmu_update_foreign(machine, pte, 0x7fe1u << 16 | DOMID_SELF), -XEN_ESRCH,
          "own table as nobody's");
    if (!guest_is_first()) {
        check(mmu_update_foreign(machine, pte, 0), -XEN_EPERM, "own RAM as dom0's");
        check(mmu_update_foreign(machine, pte, DOMID_XEN), -XEN_EPERM, "own RAM as DOMID_XEN's");
        check(mmu_update_foreign(machine, pte, 1u << 16 | DOMID_SELF), -XEN_EPERM,
              "own table as dom0's");
        check(hypercall4(__HYPERVISOR_update_va_mapping_otherdomain, address_of(view), pte, 0, 0),
              -XEN_EPERM, "update_va_mapping with dom0's frames");
    }
    must(mmu_update(machine, 0), "empty the view");
}

/* ---- bits -------------------------------------------------------------------------------------- */

static void check_l1_bits(void)
{
    uint64_t pte = pte_for(mfn_of(page), PTE_RW), found;
    unsigned int accepted = 0;

    check(mmu_update(machine, pte & ~PTE_USER), 0, "an L1 entry without USER");
    found = *pte_find(address_of(view), 1);
    check_that((found & PTE_USER) && (found & PTE_ADDRESS) == (pte & PTE_ADDRESS),
               "it has USER now");
    check(trap_write(view, 1), 0, "write through it");
    check(try_entry(pte | PTE_NX), 0, "NX");
    check(try_entry(pte | PTE_GLOBAL), 0, "GLOBAL");
    check(try_entry(pte | 0xe00), 0, "bits 9 to 11");
    for (unsigned int bit = HIGH_BITS_FIRST; bit <= HIGH_BITS_LAST; bit++) {
        accepted += try_entry(pte | 1ul << bit) == 0;
    }
    check(accepted, HIGH_BITS_LAST - HIGH_BITS_FIRST + 1, "bits 52 to 62, accepted one by one");
}

static void check_absent_entries(void)
{
    uint64_t other = 0x12345ul << PAGE_SHIFT;

    check(try_entry(PTE_WRITE | PTE_USER), 0, "not present, frame 0");
    check_that(!(*pte_find(address_of(view), 1) & PTE_PRESENT), "nothing is present");
    check(try_entry(other & ~PTE_PRESENT), 0, "not present, with bits of an address");
}

static void check_table_bits(void)
{
    static const struct {
        uint64_t bits;
        const char *name;
    } wrong[] = {
        { PTE_PWT, "PWT" },
        { PTE_PCD, "PCD" },
        { PTE_HUGE, "PS" },
    };
    uint64_t slot = address_of(view) + (1ul << 21); /* an L2 entry that is not in use */
    uint64_t *l1 = page_alloc();

    must(page_set_rights(l1, PTE_RO), "rights");
    for (unsigned int level = 2; level <= 4; level++) {
        uint64_t entry = pte_machine(slot, level), good = *pte_find(slot, level);

        if (level == 2) {
            good = pte_for(mfn_of(l1), PTE_TABLE);
        }
        for (unsigned int i = 0; i < ARRAY_SIZE(wrong); i++) {
            check(mmu_update(entry, good | wrong[i].bits), -XEN_EINVAL, "L%u entry with %s", level,
                  wrong[i].name);
        }
        if (level == 2) {
            must(mmu_update(entry, 0), "empty entry");
        }
    }
    must(page_set_rights(l1, PTE_RW), "rights");
    page_free(l1);
}

/* ---- the hypervisor's range -------------------------------------------------------------------- */

static void check_hypervisor_slots(void)
{
    uint64_t root = root_mfn() << PAGE_SHIFT;
    unsigned int faults = 0, refused = 0;
    uint64_t value;

    for (unsigned int slot = 256; slot < 272; slot++) {
        uint64_t address = 0xffff000000000000ul | (uint64_t)slot << 39;

        refused += mmu_update(root + slot * 8, 0) == -XEN_EINVAL;
        refused += mmu_update(root + slot * 8, pte_for(mfn_of(page), PTE_TABLE)) == -XEN_EINVAL;
        faults += trap_write((void *)address, 0) == TRAPPED(14);
        faults += slot == 256 || trap_read((void *)address, NULL) == TRAPPED(14);
        faults += trap_read((void *)(address + (1ul << 39) - 8), NULL) == TRAPPED(14);
    }
    check(refused, 32, "write L4 slots 256 to 271, refused");
    check(faults, 48, "touch the hypervisor's range, faults");
    check(trap_read((void *)MACH2PHYS_VIRT_START, &value), 0, "read the machine-to-phys table");
    check(trap_write((void *)(MACH2PHYS_VIRT_START + 8 * mfn_of(page)), 0), TRAPPED(14),
          "write the machine-to-phys table");
    check(va_update((void *)MACH2PHYS_VIRT_START, pte_for(mfn_of(page), PTE_RW)), -XEN_EINVAL,
          "update_va_mapping of the machine-to-phys table");
    check(va_update((void *)0xffff830000000000ul, pte_for(mfn_of(page), PTE_RW)), -XEN_EINVAL,
          "update_va_mapping in the hypervisor's range");
    check(va_update((void *)0x0000800000000000ul, pte_for(mfn_of(page), PTE_RW)), -XEN_EINVAL,
          "update_va_mapping of a non-canonical address");
    check(mmu_update((mfn_of(page) << PAGE_SHIFT) | MMU_MACHPHYS_UPDATE, pfn_of(page)), 0,
          "MACHPHYS_UPDATE of an own frame");
    check(mmu_update(1ul << 12 | MMU_MACHPHYS_UPDATE, 0), -XEN_EINVAL,
          "MACHPHYS_UPDATE of frame 1");
    check(mmu_update((0xffffffffffful << 12) | MMU_MACHPHYS_UPDATE, 0), -XEN_EINVAL,
          "MACHPHYS_UPDATE of a frame that is not there");
}

/* ---- live tables ------------------------------------------------------------------------------- */

static void check_live_tables(void)
{
    for (unsigned int level = 1; level <= 4; level++) {
        uint64_t mfn = table_mfn(address_of(view), level);

        check(try_entry(pte_for(mfn, PTE_RW)), -XEN_EBUSY, "map a live L%u writable", level);
        check(try_entry(pte_for(mfn, PTE_RO)), 0, "map a live L%u read-only", level);
        check(page_set_rights(page_of_mfn(mfn), PTE_RW), -XEN_EBUSY, "give a live L%u rights",
              level);
    }
}

static void swap_in(void *entry)
{
    uint64_t value = pte_for(mfn_of(page), PTE_RO);

    __asm__ volatile("xchg %0, (%1)" : "+r"(value) : "r"(entry) : "memory");
}

static void exchange_in(void *entry)
{
    uint64_t value = pte_for(mfn_of(page), PTE_RO), old = 0;

    __asm__ volatile("lock cmpxchg %2, (%1)" : "+a"(old) : "r"(entry), "r"(value) : "memory");
}

static void write_half(void *entry)
{
    *(volatile uint32_t *)entry = 0;
}

static void write_byte(void *entry)
{
    *(volatile uint8_t *)entry = 0;
}

static void write_across(void *entry)
{
    *(volatile uint64_t *)((uint8_t *)entry + 4) = 0;
}

static void store_string(void *entry)
{
    uint64_t count = 2;

    __asm__ volatile("rep stosq" : "+D"(entry), "+c"(count) : "a"(0ul) : "memory");
}

static void check_direct_writes(void)
{
    volatile uint64_t *entry = (volatile uint64_t *)pte_find(address_of(view), 1);
    uint64_t good = pte_for(mfn_of(page), PTE_RO);

    /* Xen wants to be asked for it. */
    must(hypercall2(__HYPERVISOR_vm_assist, VMASST_CMD_enable, VMASST_TYPE_writable_pagetables),
         "writable page tables");
    check(trap_write(entry, good), 0, "plain write of a good entry to a live L1");
    check_that((*entry & PTE_ADDRESS) == (good & PTE_ADDRESS), "it was carried out");
    if (!guest_is_first()) {
        check(trap_write(entry, pte_for(1, PTE_RW)), TRAPPED(14), "plain write of a foreign frame");
    }
    check(trap_write(entry, pte_for(table_mfn(address_of(view), 1), PTE_RW)), TRAPPED(14),
          "plain write of the table's own frame, writable");
    check(trap_write(entry, 0), 0, "plain write of an empty entry");
    check(trap_guard(exchange_in, (void *)entry, NULL), 0, "cmpxchg of a good entry");
    check_that((*entry & PTE_ADDRESS) == (good & PTE_ADDRESS), "it was carried out");
    check(trap_write(entry, 0), 0, "empty again");
    check(trap_guard(swap_in, (void *)entry, NULL), 0, "xchg of a good entry");
    /* Xen carries out string stores one by one; Xenios leaves them to the guest's handler. */
    check_differs(trap_guard(store_string, (void *)entry, NULL), TRAPPED(14), 0,
                  "rep stosq over two entries");
    check(trap_guard(write_across, (void *)entry, NULL), TRAPPED(14), "a write across two entries");
    (void)trap_guard(write_half, (void *)entry, NULL);
    (void)trap_guard(write_byte, (void *)entry, NULL);
    check_that(!(*entry & PTE_PRESENT), "parts of an entry do no harm");
    for (unsigned int level = 2; level <= 4; level++) {
        volatile uint64_t *upper = (volatile uint64_t *)pte_find(address_of(view), level);

        check(trap_write(upper, *upper), TRAPPED(14), "plain write to a live L%u", level);
    }
    must(mmu_update(machine, 0), "empty the view");
}

static void run(void)
{
    page = page_alloc();
    view = window(0);
    machine = pte_machine(address_of(view), 1);
    check(try_entry(pte_for(mfn_of(page), PTE_RW)), 0, "map an own frame");
    check_foreign_frames();
    check_foreign_owners();
    check_l1_bits();
    check_absent_entries();
    check_table_bits();
    check_hypervisor_slots();
    check_live_tables();
    check_direct_writes();
    page_free(page);
}
PROBE(entries, run);
