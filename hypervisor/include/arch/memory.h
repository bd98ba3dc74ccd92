/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * THE ARCH CONTRACT: memory.  Every architecture provides, inline in asm/direct_map.h:
 *
 *   void *mfn_to_virt(mfn_t);      all RAM is mapped, writable, all the time
 *   mfn_t virt_to_mfn(const void *);
 *   paddr_t virt_to_paddr(const void *);  void *paddr_to_virt(paddr_t);
 */
#ifndef ARCH_MEMORY_H
#define ARCH_MEMORY_H

#include "hypervisor/types.h"

#include "asm/direct_map.h"

struct frame;
struct domain;

/*
 * TLB debts. A frame whose last mapping went away is stamped with the clock; before it can be used
 * for another purpose every CPU that has not flushed since must flush.
 */
uint32_t arch_tlb_clock(void);             /* advances when asked for a stamp to be safe */
void arch_tlb_flush_since(uint32_t stamp); /* returns when no CPU holds entries that old */

/* machine-to-phys table: what the guest calls this frame; ~0 for none. */
#define M2P_INVALID (~0ull)
void arch_m2p_set(mfn_t mfn, uint64_t pfn);
uint64_t arch_m2p_get(mfn_t mfn);

/*
 * Reference of the architecture's "writable" type, for hypervisor code that writes a guest's frame
 * on its behalf (grant copies, vcpu_info, shared arrays). frame_get must be held.
 */
bool arch_frame_get_writable(struct frame *frame) __must_check;
void arch_frame_put_writable(struct frame *frame);

/*
 * A page of the hypervisor's own goes to a guest (frame_share_with calls it before the guest can
 * name the frame): writable, the page keeps that type for as long as it is lent, so that it never
 * becomes a page table; not writable, the writable type cannot be had. unshare takes that back.
 */
void arch_frame_share(struct frame *frame, bool writable);
void arch_frame_unshare(struct frame *frame);

/*
 * Translates a gfn of the domain into a frame with a reference (p2m for translated guests, identity
 * with ownership check for PV). NULL when it is not that domain's RAM.
 */
struct frame *arch_gfn_get_frame(struct domain *domain, gfn_t gfn) __must_check;

/*
 * Maps (unmaps) a granted frame for the current domain where the guest asks: PV host_addr as the
 * grant-table interface says (a virtual address, or a PTE's machine address with
 * GNTMAP_contains_pte). GNTST_* codes. The caller holds the frame and, for writable, its type.
 */
int arch_grant_map_host(uint64_t host_address, mfn_t mfn, uint32_t flags, uint64_t pte_flags);
int arch_grant_unmap_host(uint64_t host_address, mfn_t mfn, uint64_t new_address, uint32_t flags);

/* Is this machine frame RAM the table knows, or device memory the domain may map? */
bool arch_mfn_is_mmio(mfn_t mfn);

/* The firmware's memory map, sanitised, as E820 has it: entry i; false when there are no more. */
bool arch_memory_map_get(unsigned int i, paddr_t *start, paddr_t *end, uint32_t *type);

/*
 * Where PV guests see the machine-to-phys table: its window, and the machine frame of 2 MiB chunk i
 * of it (MFN(0) where no RAM is behind; false beyond the end).
 */
void arch_m2p_window(uint64_t *start, uint64_t *end, uint64_t *max_mfn);
bool arch_m2p_chunk(unsigned int i, mfn_t *mfn);

/* Highest guest frame number the domain uses, as XENMEM_maximum_gpfn has it. */
uint64_t arch_maximum_gpfn(const struct domain *domain);

/* Highest RAM frame + 1, as XENMEM_maximum_ram_page has it. */
uint64_t arch_memory_end_mfn(void);

#endif
