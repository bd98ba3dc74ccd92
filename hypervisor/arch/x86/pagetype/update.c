/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Writing entries of live page tables.
 *
 * Order: the references of the new entry are taken, then it is written, then those of the old one
 * are given back; so at no time does the hardware see an entry whose target is not held. The
 * accessed and dirty bits are the hardware's to set at any moment; all other bits of a VALIDATED
 * table change under mmu_lock only.
 *
 * A guest flushes its own TLBs as on bare hardware; what the hypervisor's safety needs is done when
 * frames change their type or owner (invariant 8 of type.c).
 */
#include "internal.h"

#include "arch/memory.h"
#include "hypervisor/atomic.h"
#include "hypervisor/bug.h"
#include "hypervisor/error.h"

/* False: UPDATE_COMPARE found something else. */
static bool write_entry(uint64_t *place, uint64_t value, enum update_kind kind, uint64_t expected)
{
    uint64_t found = atomic_read(place);

    switch (kind) {
    case UPDATE_COMPARE:
        return atomic_compare_exchange(place, &expected, value);
    case UPDATE_KEEP_AD:
        while (
            !atomic_compare_exchange(place, &found, value | (found & (PTE_ACCESSED | PTE_DIRTY)))) {
        }
        return true;
    default:
        atomic_write_release(place, value);
        return true;
    }
}

int table_update(struct domain *domain, struct frame *frame, unsigned int index, uint64_t value,
                 struct domain *owner, enum update_kind kind, uint64_t expected)
{
    unsigned int level = (unsigned int)pagetype_of_word(READ_ONCE(frame->type));
    uint64_t *place = (uint64_t *)mfn_to_virt(frame_mfn(frame)) + index;
    uint64_t old = atomic_read(place);
    int rc;

    ASSERT(spin_is_held(&domain->arch.mmu_lock));
    if (entry_is_hypervisors(level, index)) {
        return -XEN_EINVAL;
    }
    if (entry_same_references(level, old, &value)) {
        return write_entry(place, value, kind, expected) ? 0 : -XEN_EAGAIN;
    }
    rc = entry_get(domain, level, &value, owner);
    if (rc) {
        return rc;
    }
    if (!write_entry(place, value, kind, expected)) {
        entry_put(domain, level, value);
        return -XEN_EAGAIN;
    }
    entry_put(domain, level, old);
    return 0;
}

/* ---- one entry by address -------------------------------------------------------------------- */

/* Steps from a table to the one below; false when there is none. */
static bool step_down(mfn_t *table, unsigned int index)
{
    const uint64_t *entries = mfn_to_virt(*table);
    uint64_t pte = READ_ONCE(entries[index]);

    *table = pte_mfn(pte);
    return (pte & PTE_PRESENT) && !(pte & PTE_HUGE) && frame_valid(*table);
}

bool pagetype_find_pte(const struct vcpu *vcpu, uint64_t va, struct pte_place *place)
{
    mfn_t table = vcpu->arch.kernel_root;

    if (!address_is_canonical(va) || (va >= HYPERVISOR_START && va < HYPERVISOR_END) ||
        table.value == 0) {
        return false;
    }
    if (!step_down(&table, l4_index(va)) || !step_down(&table, l3_index(va)) ||
        !step_down(&table, l2_index(va))) {
        return false;
    }
    place->table = table;
    place->index = l1_index(va);
    place->value = READ_ONCE(((const uint64_t *)mfn_to_virt(table))[place->index]);
    return true;
}

static int write_pte_locked(struct domain *domain, mfn_t table, unsigned int index,
                            uint64_t expected, uint64_t value, bool compare)
{
    struct frame *frame = frame_of(table);

    if (!table_is_live(frame) || pagetype_of(frame) != PAGETYPE_L1) {
        return -XEN_EAGAIN;
    }
    return table_update(domain, frame, index, value, domain,
                        compare ? UPDATE_COMPARE : UPDATE_PLAIN, expected);
}

int pagetype_write_pte(struct domain *domain, mfn_t table, unsigned int index, uint64_t expected,
                       uint64_t value, bool compare)
{
    int rc;

    if (index >= PTES_PER_TABLE || !frame_valid(table)) {
        return -XEN_EINVAL;
    }
    if (!frame_get(frame_of(table), domain)) {
        return -XEN_EAGAIN;
    }
    spin_lock(&domain->arch.mmu_lock);
    rc = write_pte_locked(domain, table, index, expected, value, compare);
    spin_unlock(&domain->arch.mmu_lock);
    frame_put(frame_of(table));
    return rc;
}
