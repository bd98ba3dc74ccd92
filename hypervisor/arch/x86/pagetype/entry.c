/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * What an entry of a guest's page table may be, and which references it holds.
 *
 *   level  refused bits                          changed bits        refers to
 *   L2-L4  PWT, PCD, PS (superpages)             + USER, - GLOBAL    L(n-1) table of the domain
 *   L1     none                                  + USER, - GLOBAL    see below
 *
 * Bits 9..11 and 52..62 are software's. (59..62 would be keys under CR4.PKE, which no PV guest has.)
 * Linux keeps the dirty bit of write-protected pages and marks of device memory there.
 *
 * The guest's kernel runs in ring 3, so the hypervisor sets U/S everywhere; kernel and user of a
 * guest are kept apart by having two roots. GLOBAL is taken off: the switch between these roots and
 * every flush the guest asks for are then plain CR3 loads. (Linux masks the bit out by itself.)
 *
 * An L1 entry refers to
 *   - RAM of `owner`, the domain that the hypercall named (mostly the table's own): a plain
 *     reference, and a WRITABLE one when the entry is writable;
 *   - device memory, without references, when it is in the rangeset of the owner (of the caller
 *     for DOMID_IO);
 *   - pages of the hypervisor that DOMID_XEN owns: as RAM of an owner; and the machine-to-phys
 *     table, read-only and without references. Only the control domain gets to name that owner
 *     (foreign.c).
 * Grant mappings are L1 entries like others, made by grant_map.c, and hold references like others.
 *
 * An entry that is not present holds nothing and may have any bits, but for domains that are watched
 * (struct arch_domain, check_absent) on processors with the L1 terminal fault: speculation/l1tf.c.
 *
 * Memory types other than write-back (PAT, PCD, PWT) on RAM are for domains that own hardware; from
 * others these bits are taken off, as write-back is right for memory no device shares.
 */
#include "internal.h"

#include "asm/cache.h"
#include "asm/paging.h"
#include "asm/speculation.h"
#include "arch/memory.h"
#include "hypervisor/error.h"
#include "hypervisor/printk.h"
#include "hypervisor/rangeset.h"

#define REFUSED_TABLE (PTE_PWT | PTE_PCD | PTE_HUGE)

/* RAM that one 2 MiB chunk of the machine-to-phys table speaks of. */
#define M2P_CHUNK_FRAMES (PAGE_BYTES_2M / sizeof(uint64_t))

static uint64_t entry_adjust(uint64_t pte)
{
    return (pte | PTE_USER) & ~PTE_GLOBAL;
}

static bool entry_refused(unsigned int level, uint64_t pte)
{
    return level > 1 && (pte & REFUSED_TABLE) != 0;
}

bool mfn_is_device(mfn_t mfn)
{
    return !frame_valid(mfn) || READ_ONCE(frame_of(mfn)->owner) == DOMID_IO;
}

/* May this domain use memory types other than write-back on its RAM? */
static bool owns_hardware(const struct domain *domain)
{
    return domain->is_hardware ||
           (domain->arch.io_memory && !rangeset_is_empty(domain->arch.io_memory));
}

static int l1_get_device(uint64_t pte, struct domain *owner)
{
    struct domain *asked = owner == domain_io ? current_domain() : owner;

    /* RAM outside the table is the hypervisor's, whatever the rangeset says. */
    if (!arch_mfn_is_mmio(pte_mfn(pte)) ||
        !rangeset_contains(asked->arch.io_memory, pte_mfn(pte).value)) {
        return -XEN_EPERM;
    }
    return 0;
}

static int l1_get_ram(struct domain *domain, uint64_t *pte, struct domain *owner)
{
    struct frame *frame = frame_of(pte_mfn(*pte));

    if (!frame_get(frame, owner)) {
        return -XEN_EINVAL;
    }
    if (*pte & PTE_WRITE) {
        if (type_get_simple(frame, PAGETYPE_WRITABLE)) {
            frame_put(frame);
            return -XEN_EBUSY;
        }
    }
    if (*pte & PTE_CACHE_MASK) {
        if (!owns_hardware(domain)) {
            *pte &= ~PTE_CACHE_MASK;
        } else if (*pte & PTE_WRITE) {
            type_mark_noncoherent(frame);
        } else {
            cache_flush_range(mfn_to_virt(frame_mfn(frame)), PAGE_SIZE);
        }
    }
    return 0;
}

/* Frames of the machine-to-phys table, which the frame table does not know. */
static bool mfn_is_m2p(mfn_t mfn)
{
    uint64_t chunks = DIV_ROUND_UP(arch_memory_end_mfn(), M2P_CHUNK_FRAMES);

    for (uint64_t i = 0; i < chunks; i++) {
        uint64_t first = m2p_chunk_mfn((unsigned int)i).value;

        if (mfn.value >= first && mfn.value - first < PAGE_BYTES_2M / PAGE_SIZE) {
            return true;
        }
    }
    return false;
}

static int l1_get(struct domain *domain, uint64_t *pte, struct domain *owner)
{
    int rc;

    if (owner == domain_xen && !frame_valid(pte_mfn(*pte)) && mfn_is_m2p(pte_mfn(*pte))) {
        rc = *pte & (PTE_WRITE | PTE_CACHE_MASK) ? -XEN_EINVAL : 0;
    } else if (mfn_is_device(pte_mfn(*pte))) {
        rc = l1_get_device(*pte, owner);
    } else if (owner == domain_io) {
        rc = -XEN_EPERM;
    } else {
        rc = l1_get_ram(domain, pte, owner);
    }
    return rc;
}

static void tell_refusal(const struct domain *domain, unsigned int level, uint64_t pte, int error)
{
    mfn_t mfn = pte_mfn(pte);

    if (mfn_is_device(mfn)) {
        guest_printk(LOG_WARNING, "d%u: L%u entry %#lx refused (%d): device memory\n",
                     domain->id.value, level, (unsigned long)pte, error);
    } else {
        guest_printk(LOG_WARNING,
                     "d%u: L%u entry %#lx refused (%d): frame of d%u, count %#lx, type %#lx\n",
                     domain->id.value, level, (unsigned long)pte, error, frame_of(mfn)->owner,
                     (unsigned long)frame_of(mfn)->count, (unsigned long)frame_of(mfn)->type);
    }
}

bool entry_absent_is_safe(const struct domain *domain, uint64_t pte)
{
    if (speculation_entry_is_safe(pte, domain->arch.check_absent,
                                  arch_memory_end_mfn() << PAGE_SHIFT)) {
        return true;
    }
    guest_printk(LOG_WARNING, "d%u: entry %#lx refused: not present, with an address of memory\n",
                 domain->id.value, (unsigned long)pte);
    return false;
}

int entry_get(struct domain *domain, unsigned int level, uint64_t *pte, struct domain *owner)
{
    int rc;

    if (!(*pte & PTE_PRESENT)) {
        return entry_absent_is_fine(domain, *pte) ? 0 : -XEN_EINVAL;
    }
    if (entry_refused(level, *pte)) {
        rc = -XEN_EINVAL;
    } else if (level == 1) {
        rc = l1_get(domain, pte, owner);
    } else {
        rc = table_get(domain, pte_mfn(*pte), level - 1);
    }
    if (rc == 0) {
        *pte = entry_adjust(*pte);
    } else if (rc != -XEN_ERESTART) {
        tell_refusal(domain, level, *pte, rc);
    }
    return rc;
}

void entry_put(struct domain *domain, unsigned int level, uint64_t pte)
{
    struct frame *frame;

    if (!(pte & PTE_PRESENT)) {
        return;
    }
    if (level > 1) {
        table_put(domain, pte_mfn(pte), level - 1);
        return;
    }
    if (mfn_is_device(pte_mfn(pte))) {
        return;
    }
    frame = frame_of(pte_mfn(pte));
    if (pte & PTE_WRITE) {
        type_put_simple(frame, PAGETYPE_WRITABLE);
    }
    frame_put(frame);
}

bool entry_same_references(unsigned int level, uint64_t old, uint64_t *pte)
{
    uint64_t matters = PTE_ADDRESS_MASK | PTE_PRESENT;

    if (level == 1) {
        matters |= PTE_WRITE | PTE_CACHE_MASK;
    }
    if (!(old & PTE_PRESENT) || ((old ^ *pte) & matters) || entry_refused(level, *pte)) {
        return false;
    }
    *pte = entry_adjust(*pte);
    return true;
}
