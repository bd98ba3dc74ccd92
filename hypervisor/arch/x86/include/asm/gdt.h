/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Segment descriptors and task-state segments. Each CPU has one page of descriptors, the ones from
 * index 0x1c00 on of every GDT it ever loads (selectors SELECTOR_* of asm/layout.h): either alone,
 * with the GDT's base 14 pages below it, or mapped as page 14 of a guest's GDT.
 */
#ifndef ASM_GDT_H
#define ASM_GDT_H

#include "asm/layout.h"
#include "hypervisor/types.h"

#define GDT_RESERVED_PAGE           14
#define GDT_LIMIT                   ((GDT_RESERVED_PAGE + 1) * 4096 - 1)
#define GDT_INDEX_IN_PAGE(selector) (((selector) >> 3) & 511)

struct cpu_gdt_page {
    uint64_t entries[512];
} __aligned(4096);

/* The 64-bit task-state segment (SDM vol. 3, 8.7). */
struct cpu_tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7]; /* IST n is ist[n - 1] */
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_bitmap; /* beyond the limit: none */
} __packed __aligned(128);

/* What LGDT, LIDT take: at an address that is 2 modulo 4, which is what it costs least. */
struct descriptor_pointer {
    uint16_t limit;
    uint64_t base;
} __packed;

/* The page of a CPU that is up, and its frame: to be mapped (read-only does) as a guest's page 14. */
struct cpu_gdt_page *cpu_gdt(unsigned int cpu);
mfn_t cpu_gdt_mfn(unsigned int cpu);

/* Loads the CPU's own GDT, without a guest's in front. Selectors stay. */
void gdt_load_own(void);

/* Descriptor of this CPU's page for LLDT with SELECTOR_LDT. bytes 0: none (load a null LDT). */
void gdt_set_ldt(uint64_t base, uint32_t bytes);

/* Makes the page of a CPU, before it starts; false when memory is out. */
bool gdt_create(unsigned int cpu) __must_check;

/* On its own stack: fills page and TSS, loads GDTR, segments and TR. */
void gdt_init_cpu(void);

struct cpu_tss *cpu_tss(unsigned int cpu);

#endif
