/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The host's answers to questions about the machine's memory: two ranges, one chunk of the M2P. */
#include "inside.h"

#include "arch/memory.h"
#include "hypervisor/domain.h"

HOST_WEAK void arch_frame_share(struct frame *frame, bool writable)
{
}

HOST_WEAK bool arch_memory_map_get(unsigned int i, paddr_t *start, paddr_t *end, uint32_t *type)
{
    if (i > 1) {
        return false;
    }
    *start = i == 0 ? 0 : host_ram_bytes;
    *end = i == 0 ? host_ram_bytes : host_ram_bytes + PAGE_SIZE;
    *type = i + 1;
    return true;
}

HOST_WEAK void arch_m2p_window(uint64_t *start, uint64_t *end, uint64_t *max_mfn)
{
    *start = MACH2PHYS_VIRT_START;
    *end = MACH2PHYS_VIRT_END;
    *max_mfn = MACH2PHYS_NR_ENTRIES - 1;
}

HOST_WEAK bool arch_m2p_chunk(unsigned int i, mfn_t *mfn)
{
    *mfn = MFN(0);
    return i == 0;
}

HOST_WEAK uint64_t arch_maximum_gpfn(const struct domain *domain)
{
    return domain->frames_total == 0 ? 0 : domain->frames_total - 1;
}
