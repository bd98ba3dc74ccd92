/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The address space of the hypervisor: L4 slots 256..271, fixed by the PV ABI
 * (HYPERVISOR_VIRT_START .. HYPERVISOR_VIRT_END of xen/arch-x86/xen-x86_64.h). All else belongs to
 * the guest.
 *
 *   slot 256  0xffff800000000000  machine-to-phys table, user-readable for PV guests
 *   slot 257  0xffff808000000000  machine-to-phys table, the hypervisor's writable view
 *   slot 260  0xffff820000000000  per domain: GDT and LDT of each vcpu (a root of the domain's own)
 *   slot 261  0xffff828000000000  vmap: ioremap, stacks with guard pages
 *             0xffff82d040200000    text, rodata, data, bss (1 GiB region, 2 MiB into it)
 *   slot 262  0xffff830000000000  frame table
 *   slot 263..271 0xffff838000000000 .. direct map of all RAM (4.5 TiB)
 */
#ifndef ASM_LAYOUT_H
#define ASM_LAYOUT_H

#ifdef __ASSEMBLY__
#define LAYOUT_ADDRESS(x) x
#else
#define LAYOUT_ADDRESS(x) x##UL
#endif

#define SLOT_FIRST       256
#define SLOT_END         272
#define SLOT_M2P_GUEST   256
#define SLOT_M2P         257
#define SLOT_PER_DOMAIN  260
#define SLOT_VMAP        261
#define SLOT_FRAME_TABLE 262
#define SLOT_DIRECT_MAP  263

#define HYPERVISOR_START  LAYOUT_ADDRESS(0xffff800000000000)
#define HYPERVISOR_END    LAYOUT_ADDRESS(0xffff880000000000)
#define M2P_GUEST_START   LAYOUT_ADDRESS(0xffff800000000000)
#define M2P_START         LAYOUT_ADDRESS(0xffff808000000000)
#define PER_DOMAIN_START  LAYOUT_ADDRESS(0xffff820000000000)
#define VMAP_START        LAYOUT_ADDRESS(0xffff828000000000)
#define VMAP_END          LAYOUT_ADDRESS(0xffff82c000000000)
#define IMAGE_REGION      LAYOUT_ADDRESS(0xffff82d040000000)
#define IMAGE_START       LAYOUT_ADDRESS(0xffff82d040200000)
#define IMAGE_LOAD_PADDR  0x200000
#define FRAME_TABLE_START LAYOUT_ADDRESS(0xffff830000000000)
#define DIRECT_MAP_START  LAYOUT_ADDRESS(0xffff838000000000)
#define DIRECT_MAP_END    LAYOUT_ADDRESS(0xffff880000000000)

/* Per-domain slot: 32 pages a vcpu (16 GDT + 16 LDT), 128 KiB each. */
#define PER_DOMAIN_VCPU_SHIFT 17
#define PV_GDT_ADDRESS(vcpu_id) \
    (PER_DOMAIN_START + ((unsigned long)(vcpu_id) << PER_DOMAIN_VCPU_SHIFT))
#define PV_LDT_ADDRESS(vcpu_id) (PV_GDT_ADDRESS(vcpu_id) + (16 << 12))

/* Per-CPU stack: 8 pages, aligned to its size; struct cpu_stack_top at the top. */
#define STACK_ORDER 3
#define STACK_BYTES (4096 << STACK_ORDER)

/* Selectors of the reserved end of every GDT (index 0x1c00 up: FIRST_RESERVED_GDT_ENTRY). */
#define SELECTOR_HYPERVISOR_CS 0xe008
#define SELECTOR_HYPERVISOR_DS 0xe010
#define SELECTOR_USER_CS32     0xe023
#define SELECTOR_USER_DS       0xe02b
#define SELECTOR_USER_CS64     0xe033
#define SELECTOR_TSS           0xe040 /* 16 bytes */
#define SELECTOR_LDT           0xe050 /* 16 bytes */

#endif
