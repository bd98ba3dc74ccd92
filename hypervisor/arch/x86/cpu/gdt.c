/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The descriptors of each CPU: see asm/gdt.h for how its page gets into every GDT.
 *
 *   GDT  page 0 .. 13: a guest's frames, or nothing      page 14: this CPU's      page 15: nothing
 *
 * With the CPU's own GDT (base 14 pages below the page) the first 14 pages are whatever lies there in
 * memory. That GDT is loaded only while no guest runs, and the hypervisor loads no selector below
 * 0xe000 but null.
 *
 * The accessed and busy bits are set beforehand where the processor would, so the alias of the page
 * in a guest's GDT can be read-only.
 */
#include "asm/gdt.h"

#include "arch/memory.h"
#include "asm/current.h"
#include "asm/entry.h"
#include "asm/paging.h"
#include "hypervisor/cpu.h"
#include "hypervisor/frame.h"
#include "hypervisor/string.h"

/* Descriptors, accessed: SDM vol. 3, 3.4.5 and 5.2.1. */
#define DESCRIPTOR_CODE64_RING0 0x00af9b000000ffffull
#define DESCRIPTOR_DATA_RING0   0x00cf93000000ffffull
#define DESCRIPTOR_CODE32_RING3 0x00cffb000000ffffull
#define DESCRIPTOR_DATA_RING3   0x00cff3000000ffffull
#define DESCRIPTOR_CODE64_RING3 0x00affb000000ffffull

#define SYSTEM_TSS_AVAILABLE 0x89ull
#define SYSTEM_LDT           0x82ull

_Static_assert(offsetof(struct cpu_tss, ist) == 36, "TSS");
_Static_assert(offsetof(struct cpu_tss, io_bitmap) == 102, "TSS");
#define TSS_LIMIT (offsetof(struct cpu_tss, io_bitmap) + 2 - 1)

/* At the low end of the main stack: #DB of our own code does next to nothing on it (entry.S). */
#define DEBUG_STACK_BYTES 2048

static struct cpu_gdt_page boot_gdt_page;
static struct cpu_gdt_page *gdt_pages[CONFIG_MAX_CPUS] = { &boot_gdt_page };
static DEFINE_PER_CPU(struct cpu_tss, cpu_tsss);

struct cpu_gdt_page *cpu_gdt(unsigned int cpu)
{
    return gdt_pages[cpu];
}

mfn_t cpu_gdt_mfn(unsigned int cpu)
{
    return virt_to_mfn(gdt_pages[cpu]);
}

struct cpu_tss *cpu_tss(unsigned int cpu)
{
    return &per_cpu(cpu_tsss, cpu);
}

bool gdt_create(unsigned int cpu)
{
    if (gdt_pages[cpu] == NULL) {
        gdt_pages[cpu] = frame_alloc_mapped(0, ALLOC_ZERO);
    }
    return gdt_pages[cpu] != NULL;
}

static uint64_t *slot_of(unsigned int cpu, unsigned int selector)
{
    return &gdt_pages[cpu]->entries[GDT_INDEX_IN_PAGE(selector)];
}

/* 16 bytes: limit and base of a TSS or an LDT. */
static void set_system(uint64_t *slot, uint64_t base, uint32_t limit, uint64_t type)
{
    slot[1] = base >> 32;
    slot[0] = (limit & 0xffff) | (base & 0xffffff) << 16 | type << 40 |
              (uint64_t)(limit >> 16 & 15) << 48 | (base >> 24 & 0xff) << 56;
}

static void fill_page(unsigned int cpu)
{
    *slot_of(cpu, SELECTOR_HYPERVISOR_CS) = DESCRIPTOR_CODE64_RING0;
    *slot_of(cpu, SELECTOR_HYPERVISOR_DS) = DESCRIPTOR_DATA_RING0;
    *slot_of(cpu, SELECTOR_USER_CS32) = DESCRIPTOR_CODE32_RING3;
    *slot_of(cpu, SELECTOR_USER_DS) = DESCRIPTOR_DATA_RING3;
    *slot_of(cpu, SELECTOR_USER_CS64) = DESCRIPTOR_CODE64_RING3;
    set_system(slot_of(cpu, SELECTOR_TSS), (uint64_t)cpu_tss(cpu), TSS_LIMIT, SYSTEM_TSS_AVAILABLE);
}

static void fill_tss(unsigned int cpu)
{
    struct cpu_tss *tss = cpu_tss(cpu);
    uint64_t stack = ROUND_DOWN((uint64_t)cpu_stack_top(), (uint64_t)STACK_BYTES);

    tss->rsp[0] = (uint64_t)&guest_regs()->es;
    tss->ist[IST_DOUBLE_FAULT - 1] = stack + 1 * PAGE_SIZE;
    tss->ist[IST_NMI - 1] = stack + 2 * PAGE_SIZE;
    tss->ist[IST_MACHINE_CHECK - 1] = stack + 3 * PAGE_SIZE;
    tss->ist[IST_DEBUG - 1] = stack + STACK_GUARD_OFFSET + PAGE_SIZE + DEBUG_STACK_BYTES;
    tss->io_bitmap = TSS_LIMIT + 1;
}

void gdt_load_own(void)
{
    struct descriptor_pointer pointer = {
        .limit = GDT_LIMIT,
        .base = (uint64_t)gdt_pages[arch_cpu_id()] - GDT_RESERVED_PAGE * PAGE_SIZE,
    };

    __asm__ volatile("lgdt %0" : : "m"(pointer));
}

void gdt_set_ldt(uint64_t base, uint32_t bytes)
{
    uint16_t selector = bytes == 0 ? 0 : SELECTOR_LDT;

    if (bytes != 0) {
        set_system(slot_of(arch_cpu_id(), SELECTOR_LDT), base, bytes - 1, SYSTEM_LDT);
    }
    __asm__ volatile("lldt %w0" : : "r"(selector));
}

/* The far return that loads CS needs no descriptor but the target's. */
static void load_segments(void)
{
    uint64_t scratch;

    __asm__ volatile("pushq %1\n"
                     "lea 1f(%%rip), %0\n"
                     "pushq %0\n"
                     "lretq\n"
                     "1:\n"
                     : "=&r"(scratch)
                     : "i"(SELECTOR_HYPERVISOR_CS)
                     : "memory");
    __asm__ volatile("mov %0, %%ss" : : "r"(0));
    __asm__ volatile("mov %0, %%ds; mov %0, %%es; mov %0, %%fs; mov %0, %%gs" : : "r"(0));
    __asm__ volatile("lldt %w0" : : "r"(0));
    __asm__ volatile("ltr %w0" : : "r"(SELECTOR_TSS));
}

void gdt_init_cpu(void)
{
    unsigned int cpu = arch_cpu_id();

    memset(gdt_pages[cpu], 0, sizeof(*gdt_pages[cpu]));
    fill_page(cpu);
    fill_tss(cpu);
    gdt_load_own();
    load_segments();
}
