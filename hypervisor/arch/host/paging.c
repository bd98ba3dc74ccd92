/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The x86 paging that arch/x86/pagetype works with: TLBs that hold nothing, roots that are filled. */
#include "inside.h"

#include "asm/paging.h"
#include "asm/pv.h"
#include "asm/tlb.h"
#include "hypervisor/error.h"

static uint64_t cr3[CONFIG_MAX_CPUS];

HOST_WEAK void cr3_load(uint64_t value)
{
    cr3[arch_cpu_id()] = value;
}

HOST_WEAK uint64_t cr3_read(void)
{
    return cr3[arch_cpu_id()];
}

HOST_WEAK void tlb_flush_local(void)
{
}

HOST_WEAK void tlb_poll(void)
{
}

HOST_WEAK void tlb_flush_local_va(uint64_t va)
{
}

HOST_WEAK void tlb_flush_mask(const struct cpu_mask *mask)
{
}

HOST_WEAK void tlb_flush_mask_va(const struct cpu_mask *mask, uint64_t va)
{
}

HOST_WEAK void paging_init_root(uint64_t *l4, struct domain *d)
{
    for (unsigned int i = SLOT_FIRST; i < SLOT_END; i++) {
        l4[i] = PTE_PRESENT | (uint64_t)i << PAGE_SHIFT;
    }
}

HOST_WEAK int pv_set_ldt(struct vcpu *vcpu, uint64_t base, unsigned int entries)
{
    return entries > 8192 || base % PAGE_SIZE ? -XEN_EINVAL : 0;
}

HOST_WEAK mfn_t m2p_chunk_mfn(unsigned int chunk)
{
    return MFN_INVALID;
}
