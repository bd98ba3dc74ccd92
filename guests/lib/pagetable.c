/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Tables are found from the root down through their own mappings in the guest's memory. */
#include "lib/pagetable.h"
#include "lib/guest.h"
#include "lib/hypercall.h"
#include "lib/page.h"

uint64_t root_mfn(void)
{
    return mfn_of((const void *)guest_start->pt_base);
}

uint64_t table_mfn(uint64_t address, unsigned int level)
{
    uint64_t machine = pte_machine(address, level);

    return machine >> PAGE_SHIFT;
}

const uint64_t *pte_find(uint64_t address, unsigned int level)
{
    const uint64_t *table = (const uint64_t *)guest_start->pt_base;

    for (unsigned int at = 4;; at--) {
        const uint64_t *entry = table + pte_index(address, at);

        if (at == level) {
            return entry;
        }
        if (!(*entry & PTE_PRESENT)) {
            return NULL;
        }
        table = page_of_mfn((*entry & PTE_ADDRESS) >> PAGE_SHIFT);
    }
}

uint64_t pte_machine(uint64_t address, unsigned int level)
{
    const uint64_t *entry = pte_find(address, level);

    return entry ? (mfn_of(entry) << PAGE_SHIFT) + (address_of(entry) & (PAGE_SIZE - 1)) : 0;
}

long mmu_update_foreign(uint64_t machine, uint64_t value, unsigned int foreign)
{
    struct mmu_update request = { machine, value };

    return hypercall4(__HYPERVISOR_mmu_update, address_of(&request), 1, 0, foreign);
}

long mmu_update(uint64_t machine, uint64_t value)
{
    return mmu_update_foreign(machine, value, DOMID_SELF);
}

long mmuext_foreign(unsigned int command, uint64_t argument, uint64_t second, unsigned int domid)
{
    struct mmuext_op op = { .cmd = command };

    op.arg1.linear_addr = argument;
    op.arg2.src_mfn = second;
    return hypercall4(__HYPERVISOR_mmuext_op, address_of(&op), 1, 0, domid);
}

long mmuext(unsigned int command, uint64_t mfn_or_address, uint64_t second)
{
    return mmuext_foreign(command, mfn_or_address, second, DOMID_SELF);
}

long va_update(const volatile void *address, uint64_t pte)
{
    return hypercall4(__HYPERVISOR_update_va_mapping, address_of(address), pte,
                      UVMF_INVLPG | UVMF_ALL, 0);
}

long page_set_rights(const volatile void *page, uint64_t flags)
{
    return va_update(page, pte_for(mfn_of(page), flags));
}
