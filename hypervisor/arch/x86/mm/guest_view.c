/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* What memory_op tells guests of the machine (arch/memory.h). */
#include "arch/memory.h"
#include "asm/page.h"
#include "asm/paging.h"
#include "hypervisor/atomic.h"
#include "hypervisor/domain.h"

bool arch_memory_map_get(unsigned int i, paddr_t *start, paddr_t *end, uint32_t *type)
{
    if (i >= memory_map_count) {
        return false;
    }
    *start = memory_map[i].start;
    *end = memory_map[i].end;
    *type = memory_map[i].type;
    return true;
}

void arch_m2p_window(uint64_t *start, uint64_t *end, uint64_t *max_mfn)
{
    *start = MACH2PHYS_VIRT_START;
    *end = MACH2PHYS_VIRT_END;
    /* Beyond the last frame there is nothing to read: a guest that knows saves itself the faults. */
    *max_mfn = arch_memory_end_mfn() - 1;
}

#define FRAMES_PER_M2P_CHUNK (PAGE_BYTES_2M / sizeof(uint64_t))

bool arch_m2p_chunk(unsigned int i, mfn_t *mfn)
{
    if (i >= DIV_ROUND_UP(arch_memory_end_mfn(), FRAMES_PER_M2P_CHUNK)) {
        return false;
    }
    *mfn = m2p_chunk_mfn(i);
    if (mfn_equal(*mfn, MFN_INVALID)) {
        *mfn = MFN(0);
    }
    return true;
}

/* A PV guest says itself how far its pseudo-physical memory goes. */
uint64_t arch_maximum_gpfn(const struct domain *domain)
{
    const struct shared_info *info = domain->shared_info;
    uint64_t end = info == NULL ? 0 : READ_ONCE(info->arch.max_pfn);

    return end == 0 ? 0 : end - 1;
}
