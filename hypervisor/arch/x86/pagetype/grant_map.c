/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Granted frames in a PV guest's page tables (xen/grant_table.h, GNTTABOP_map_grant_ref).
 *
 * The entry holds references of its own like any other L1 entry, beside those of the grant's
 * mapping. So when the guest overwrites the entry by other means, nothing dangles: the unmap then
 * fails to find it and the grant stays mapped until the guest gives the right entry, or dies.
 *
 * host_addr is a virtual address of the current kernel, or with GNTMAP_contains_pte the machine
 * address of the entry.
 */
#include "internal.h"

#include "arch/memory.h"
#include "asm/tlb.h"
#include "hypervisor/atomic.h"
#include "hypervisor/error.h"

#include <xen/grant_table.h>

static uint64_t grant_flags(uint32_t flags, uint64_t pte_flags)
{
    uint64_t pte = PTE_PRESENT | PTE_ACCESSED | PTE_DIRTY | PTE_USER;

    if (!(flags & GNTMAP_readonly)) {
        pte |= PTE_WRITE;
    }
    pte |= (uint64_t)(flags >> _GNTMAP_guest_avail0) << 9 & PTE_AVAIL;
    return pte | (pte_flags & (PTE_AVAIL | PTE_NX));
}

/*
 * Finds the live L1 entry that host_address names; *frame gets a reference. Locked.
 * GNTST_bad_virt_addr, or GNTST_general_error for a bad machine address.
 */
static int find_entry(struct vcpu *vcpu, uint64_t host_address, uint32_t flags,
                      struct frame **frame, unsigned int *index)
{
    bool by_address = flags & GNTMAP_contains_pte;
    int error = by_address ? GNTST_general_error : GNTST_bad_virt_addr;
    mfn_t table;

    if (by_address) {
        table = paddr_to_mfn(host_address);
        *index = (host_address & ~PAGE_MASK) / sizeof(uint64_t);
        if (host_address % sizeof(uint64_t) || !frame_valid(table)) {
            return error;
        }
    } else {
        struct pte_place place;

        if (!pagetype_find_pte(vcpu, host_address, &place)) {
            return error;
        }
        table = place.table;
        *index = place.index;
    }
    *frame = frame_of(table);
    if (!frame_get(*frame, vcpu->domain)) {
        return error;
    }
    if (!table_is_live(*frame) || pagetype_of(*frame) != PAGETYPE_L1) {
        frame_put(*frame);
        return error;
    }
    return GNTST_okay;
}

static uint64_t *entry_place(const struct frame *frame, unsigned int index)
{
    return (uint64_t *)mfn_to_virt(frame_mfn(frame)) + index;
}

/* Writes an entry whose references are taken already, and gives back those of the old one. */
static void replace_entry(struct domain *domain, struct frame *frame, unsigned int index,
                          uint64_t value)
{
    entry_put(domain, 1, atomic_exchange(entry_place(frame, index), value));
}

static int map_locked(struct vcpu *vcpu, uint64_t host_address, mfn_t mfn, uint32_t flags,
                      uint64_t pte_flags)
{
    struct frame *frame, *granted = frame_of(mfn);
    uint64_t pte = pte_make(mfn, grant_flags(flags, pte_flags));
    unsigned int index;
    int rc = find_entry(vcpu, host_address, flags, &frame, &index);

    if (rc != GNTST_okay) {
        return rc;
    }
    frame_get_again(granted);
    if ((pte & PTE_WRITE) && type_get_simple(granted, PAGETYPE_WRITABLE)) {
        frame_put(granted);
        rc = GNTST_general_error;
    } else {
        replace_entry(vcpu->domain, frame, index, pte);
    }
    frame_put(frame);
    return rc;
}

int grant_entry_map(struct vcpu *vcpu, uint64_t host_address, mfn_t mfn, uint32_t flags,
                    uint64_t pte_flags)
{
    int rc;

    if (mfn_is_device(mfn)) {
        return GNTST_general_error;
    }
    spin_lock(&vcpu->domain->arch.mmu_lock);
    rc = map_locked(vcpu, host_address, mfn, flags, pte_flags);
    spin_unlock(&vcpu->domain->arch.mmu_lock);
    return rc;
}

/*
 * What takes the place of the entry at `place`: nothing, or for GNTTABOP_unmap_and_replace the
 * entry at new_address, another one, which is moved with its references. Locked.
 */
static int take_replacement(struct vcpu *vcpu, uint64_t new_address, uint32_t flags,
                            const uint64_t *place, uint64_t *value)
{
    struct frame *frame;
    unsigned int index;
    int rc;

    *value = 0;
    if (new_address == 0) {
        return GNTST_okay;
    }
    if (flags & GNTMAP_contains_pte) {
        return GNTST_general_error;
    }
    rc = find_entry(vcpu, new_address, flags, &frame, &index);
    if (rc == GNTST_okay) {
        if (entry_place(frame, index) == place) {
            rc = GNTST_general_error;
        } else {
            *value = atomic_exchange(entry_place(frame, index), 0);
        }
        frame_put(frame);
    }
    return rc;
}

static int unmap_locked(struct vcpu *vcpu, uint64_t host_address, mfn_t mfn, uint64_t new_address,
                        uint32_t flags)
{
    struct frame *frame;
    uint64_t found, value;
    unsigned int index;
    int rc = find_entry(vcpu, host_address, flags, &frame, &index);

    if (rc != GNTST_okay) {
        return rc;
    }
    found = atomic_read(entry_place(frame, index));
    if (!(found & PTE_PRESENT) || !mfn_equal(pte_mfn(found), mfn) ||
        !(found & PTE_WRITE) != !!(flags & GNTMAP_readonly)) {
        rc = GNTST_general_error;
    } else {
        rc = take_replacement(vcpu, new_address, flags, entry_place(frame, index), &value);
    }
    if (rc == GNTST_okay) {
        replace_entry(vcpu->domain, frame, index, value);
    }
    frame_put(frame);
    return rc;
}

int grant_entry_unmap(struct vcpu *vcpu, uint64_t host_address, mfn_t mfn, uint64_t new_address,
                      uint32_t flags)
{
    int rc;

    spin_lock(&vcpu->domain->arch.mmu_lock);
    rc = unmap_locked(vcpu, host_address, mfn, new_address, flags);
    spin_unlock(&vcpu->domain->arch.mmu_lock);
    return rc;
}
