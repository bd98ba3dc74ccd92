/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * What of the public headers' layout is relied on, for 64-bit x86 guests: a header that moved
 * something does not compile. Included once, by hypercall/table.c.
 */
#ifndef ABI_LAYOUT_H
#define ABI_LAYOUT_H

#include "abi/xen.h"

#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/memory.h>
#include <xen/physdev.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#define ABI_SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type)
#define ABI_OFFSET(type, member, bytes) \
    _Static_assert(offsetof(type, member) == (bytes), #type "." #member)

ABI_SIZE(struct vcpu_time_info, 32);
ABI_SIZE(struct vcpu_info, 64);
ABI_OFFSET(struct vcpu_info, evtchn_upcall_mask, 1);
ABI_OFFSET(struct vcpu_info, evtchn_pending_sel, 8);
ABI_OFFSET(struct vcpu_info, arch.cr2, 16);
ABI_OFFSET(struct vcpu_info, time, 32);
ABI_OFFSET(struct shared_info, evtchn_pending, 0x800);
ABI_OFFSET(struct shared_info, evtchn_mask, 0xa00);
ABI_OFFSET(struct shared_info, wc_version, 0xc00);
ABI_OFFSET(struct shared_info, wc_sec_hi, 0xc0c);
ABI_OFFSET(struct shared_info, arch, 0xc10);

ABI_SIZE(struct cpu_user_regs, 200);
ABI_OFFSET(struct cpu_user_regs, rip, 128);
ABI_OFFSET(struct cpu_user_regs, es, 168);
ABI_SIZE(struct trap_info, 16);
ABI_SIZE(struct vcpu_guest_context, 5168);
ABI_OFFSET(struct vcpu_guest_context, user_regs, 520);
ABI_OFFSET(struct vcpu_guest_context, trap_ctxt, 720);
ABI_SIZE(struct iret_context, 72);
ABI_OFFSET(struct start_info, cmd_line, 128);
ABI_OFFSET(struct start_info, first_p2m_pfn, 1152);

ABI_SIZE(struct multicall_entry, 64);
ABI_OFFSET(struct multicall_entry, args, 16);
ABI_SIZE(struct mmu_update, 16);
ABI_SIZE(struct mmuext_op, 24);

ABI_SIZE(struct evtchn_fifo_control_block, 72);
ABI_SIZE(struct grant_entry_v1, 8);
ABI_SIZE(union grant_entry_v2, 16);
ABI_SIZE(struct gnttab_map_grant_ref, 32);
ABI_SIZE(struct gnttab_unmap_grant_ref, 24);
ABI_SIZE(struct gnttab_copy, 40);

ABI_SIZE(struct xen_memory_reservation, 32);
ABI_SIZE(struct xen_memory_exchange, 72);
ABI_SIZE(struct vcpu_runstate_info, 48);
ABI_SIZE(struct vcpu_register_vcpu_info, 16);
ABI_SIZE(struct sched_poll, 24);
ABI_SIZE(struct physdev_map_pirq, 40);
ABI_SIZE(struct xen_compile_info, 144);

ABI_SIZE(struct xen_sysctl, 136);
ABI_OFFSET(struct xen_sysctl, u, 8);
ABI_SIZE(struct xen_sysctl_physinfo, 112);
ABI_OFFSET(struct xen_sysctl_physinfo, total_pages, 40);
ABI_SIZE(struct xen_sysctl_cputopo, 12);
ABI_SIZE(struct xen_sysctl_meminfo, 16);
ABI_SIZE(struct xen_sysctl_cpuinfo, 8);
ABI_SIZE(struct xen_sysctl_cpupool_op, 40);
ABI_SIZE(struct xen_domctl_getdomaininfo, 112);
ABI_SIZE(struct xen_cpuid_leaf, 24);
ABI_SIZE(struct xenctl_bitmap, 16);

#endif
