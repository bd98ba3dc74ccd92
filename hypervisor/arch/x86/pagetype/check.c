/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The invariants of type.c in code: walks the tables of a domain and looks at each entry and its
 * target. Slow; the domain must not run. tests/model recounts independently of this.
 */
#include "internal.h"

#include "arch/memory.h"
#include "hypervisor/printk.h"

static bool entry_valid(const struct domain *domain, unsigned int level, uint64_t pte)
{
    const struct frame *frame;
    uint64_t word;

    if (!(pte & PTE_PRESENT)) {
        return entry_absent_is_fine(domain, pte);
    }
    if (!(pte & PTE_USER) || (pte & PTE_GLOBAL)) {
        return false;
    }
    if (mfn_is_device(pte_mfn(pte))) {
        return level == 1;
    }
    frame = frame_of(pte_mfn(pte));
    word = READ_ONCE(frame->type);
    if (!(READ_ONCE(frame->count) & FRAME_COUNT_MASK)) {
        return false;
    }
    if (level == 1) {
        return !(pte & PTE_WRITE) ||
               (pagetype_of(frame) == PAGETYPE_WRITABLE && pagetype_count_of_word(word) > 0);
    }
    return (unsigned int)pagetype_of(frame) == level - 1 &&
           (word & (PAGETYPE_VALIDATED | PAGETYPE_DISMANTLING)) && frame->owner == domain->id.value;
}

static bool table_valid(const struct domain *domain, const struct frame *frame)
{
    uint64_t word = READ_ONCE(frame->type);
    unsigned int level = (unsigned int)pagetype_of_word(word);
    unsigned int held = word & PAGETYPE_VALIDATED ? PTES_PER_TABLE : frame->validated;
    const uint64_t *entries = mfn_to_virt(frame_mfn(frame));

    if ((word & (PAGETYPE_PARTIAL | PAGETYPE_DISMANTLING)) && pagetype_count_of_word(word) != 1) {
        return false;
    }
    for (unsigned int i = 0; i < held; i++) {
        if (!entry_is_hypervisors(level, i) && !entry_valid(domain, level, entries[i])) {
            printk(LOG_ERROR, "d%u: L%u %#lx entry %u is %#lx\n", domain->id.value, level,
                   (unsigned long)frame_mfn(frame).value, i, (unsigned long)entries[i]);
            return false;
        }
    }
    return true;
}

bool pagetypes_valid(struct domain *domain)
{
    uint32_t index;
    bool valid = true;

    spin_lock(&domain->arch.mmu_lock);
    spin_lock(&domain->frame_lock);
    for (index = domain->frame_list_first; index != FRAME_NO_LINK && valid;
         index = frame_table[index].next) {
        const struct frame *frame = &frame_table[index];
        enum pagetype type = pagetype_of(frame);

        if (type >= PAGETYPE_L1 && type <= PAGETYPE_L4) {
            valid = table_valid(domain, frame);
        }
    }
    spin_unlock(&domain->frame_lock);
    spin_unlock(&domain->arch.mmu_lock);
    return valid;
}
