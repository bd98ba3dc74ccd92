/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Descriptor tables of PV guests.
 *
 * Each vcpu has 32 pages of address space in its domain's own L4 slot (asm/layout.h):
 *
 *      page  0..13   the guest's GDT frames, or a page of zeros where it has none
 *      page  14      the GDT page of the processor it runs on: the hypervisor's selectors
 *      page  15      nothing
 *      page 16..31   the guest's LDT, mapped page by page as selectors fault
 *
 * GDT and LDT frames are held by a reference of the type "segment descriptor": the guest can map them
 * read-only only, and every descriptor in them was found harmless (arch/x86/pagetype).
 *
 * The table of L1 entries of one vcpu is 32 of the 512 entries of a page: 16 vcpus share one L1.
 */
#include "asm/cpu_features.h"
#include "asm/current.h"
#include "asm/gdt.h"
#include "asm/page.h"
#include "asm/pagetype.h"
#include "asm/pv.h"
#include "asm/pv_switch.h"
#include "asm/tlb.h"
#include "arch/memory.h"
#include "hypervisor/atomic.h"
#include "hypervisor/error.h"
#include "hypervisor/frame.h"
#include "hypervisor/guest.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/string.h"

#define VCPU_PAGES            32u
#define GDT_ENTRIES_MAX       FIRST_RESERVED_GDT_ENTRY
#define LDT_ENTRIES_MAX       8192u
#define DESCRIPTORS_PER_FRAME 512u

/* What a GDT has where the guest gave no frame: selectors there are not present, and fault as such. */
static const uint64_t no_descriptors[DESCRIPTORS_PER_FRAME] __aligned(4096);

static uint64_t no_descriptors_entry(void)
{
    return pte_make(virt_to_mfn(no_descriptors), PTE_PRESENT | PTE_ACCESSED);
}

/* L1 entries of a vcpu's 32 pages; NULL before pv_descriptor_vcpu_create. */
static uint64_t *vcpu_entries(const struct vcpu *vcpu)
{
    uint64_t address = PV_GDT_ADDRESS(vcpu->id);
    uint64_t *l3 = vcpu->domain->arch.per_domain_l3;
    uint64_t *l2, *l1;

    if (!l3 || !(l3[l3_index(address)] & PTE_PRESENT)) {
        return NULL;
    }
    l2 = mfn_to_virt(pte_mfn(l3[l3_index(address)]));
    if (!(l2[l2_index(address)] & PTE_PRESENT)) {
        return NULL;
    }
    l1 = mfn_to_virt(pte_mfn(l2[l2_index(address)]));
    return l1 + l1_index(address);
}

int pv_descriptor_domain_create(struct domain *domain)
{
    domain->arch.per_domain_l3 = frame_alloc_mapped(0, ALLOC_ZERO);
    if (!domain->arch.per_domain_l3) {
        return -XEN_ENOMEM;
    }
    domain->arch.per_domain_l3_mfn = virt_to_mfn(domain->arch.per_domain_l3);
    return 0;
}

static uint64_t *next_table(uint64_t *entry)
{
    void *table;

    if (*entry & PTE_PRESENT) {
        return mfn_to_virt(pte_mfn(*entry));
    }
    table = frame_alloc_mapped(0, ALLOC_ZERO);
    if (table) {
        *entry = pte_make(virt_to_mfn(table), PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY);
    }
    return table;
}

int pv_descriptor_vcpu_create(struct vcpu *vcpu)
{
    uint64_t address = PV_GDT_ADDRESS(vcpu->id);
    uint64_t *l2, *l1 = NULL;

    spin_lock_init(&vcpu->arch.pv.ldt_lock, LOCK_DESCRIPTOR);
    l2 = next_table(&vcpu->domain->arch.per_domain_l3[l3_index(address)]);
    if (l2) {
        l1 = next_table(&l2[l2_index(address)]);
    }
    if (!l1) {
        return -XEN_ENOMEM;
    }
    for (unsigned int i = 0; i < PV_GDT_GUEST_FRAMES; i++) {
        l1[l1_index(address) + i] = no_descriptors_entry();
    }
    return 0;
}

void pv_descriptor_vcpu_free(struct vcpu *vcpu)
{
    if (!vcpu_entries(vcpu)) {
        return;
    }
    pv_destroy_gdt(vcpu);
    (void)pv_drop_ldt_pages(vcpu);
}

void pv_descriptor_domain_free(struct domain *domain)
{
    uint64_t *l3 = domain->arch.per_domain_l3;

    if (!l3) {
        return;
    }
    for (unsigned int i = 0; i < 512; i++) {
        uint64_t *l2;

        if (!(l3[i] & PTE_PRESENT)) {
            continue;
        }
        l2 = mfn_to_virt(pte_mfn(l3[i]));
        for (unsigned int j = 0; j < 512; j++) {
            if (l2[j] & PTE_PRESENT) {
                frame_free_mapped(mfn_to_virt(pte_mfn(l2[j])), 0);
            }
        }
        frame_free_mapped(l2, 0);
    }
    frame_free_mapped(l3, 0);
    domain->arch.per_domain_l3 = NULL;
}

/*
 * The vcpu's own pages may be cached where its state is loaded, running or lazily kept, and only there:
 * giving the state up changes CR3.
 */
static void flush_vcpu(const struct vcpu *vcpu)
{
    struct cpu_mask mask = { { 0 } };
    uint32_t cpu;

    memory_barrier(); /* who loads the vcpu after this look finds the entries gone */
    cpu = atomic_read_acquire(&vcpu->arch.loaded_on);
    if (cpu == CPU_NOT_LOADED) {
        return;
    }
    cpu_mask_set(&mask, cpu);
    tlb_flush_mask(&mask);
}

void pv_destroy_gdt(struct vcpu *vcpu)
{
    uint64_t *entries = vcpu_entries(vcpu);
    struct pv_vcpu *pv = &vcpu->arch.pv;
    uint64_t frames[PV_GDT_GUEST_FRAMES];
    unsigned int count = 0;

    pv->gdt_entries = 0;
    for (unsigned int i = 0; i < PV_GDT_GUEST_FRAMES; i++) {
        if (pv->gdt_frames[i]) {
            frames[count++] = pv->gdt_frames[i];
        }
        pv->gdt_frames[i] = 0;
        WRITE_ONCE(entries[i], no_descriptors_entry());
    }
    if (!count) {
        return;
    }
    flush_vcpu(vcpu);
    for (unsigned int i = 0; i < count; i++) {
        pagetype_put_descriptor_frame(MFN(frames[i]));
    }
}

int pv_set_gdt(struct vcpu *vcpu, const uint64_t *frames, unsigned int entries)
{
    unsigned int count = DIV_ROUND_UP(entries, DESCRIPTORS_PER_FRAME);
    uint64_t *slots = vcpu_entries(vcpu);
    unsigned int got;
    int error = 0;

    if (entries > GDT_ENTRIES_MAX) {
        return -XEN_EINVAL;
    }
    for (got = 0; got < count; got++) {
        error = pagetype_get_descriptor_frame(vcpu->domain, MFN(frames[got]));
        if (error) {
            break;
        }
    }
    if (error) {
        while (got--) {
            pagetype_put_descriptor_frame(MFN(frames[got]));
        }
        return -XEN_EINVAL;
    }
    pv_destroy_gdt(vcpu);
    vcpu->arch.pv.gdt_entries = entries;
    for (unsigned int i = 0; i < count; i++) {
        vcpu->arch.pv.gdt_frames[i] = frames[i];
        WRITE_ONCE(slots[i],
                   pte_make(MFN(frames[i]), PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY));
    }
    return 0;
}

/*
 * arg[0]: guest array of frame numbers, arg[1]: entries. -XEN_EINVAL for too many, or a frame that
 * cannot hold descriptors. The selectors in use are loaded again from the new table.
 */
long hypercall_set_gdt(struct hypercall *call)
{
    struct vcpu *vcpu = current_vcpu();
    uint64_t frames[PV_GDT_GUEST_FRAMES] = { 0 };
    unsigned long entries = call->arg[1];
    int error;

    if (entries > GDT_ENTRIES_MAX) {
        return -XEN_EINVAL;
    }
    if (guest_copy_from(frames, call->arg[0],
                        DIV_ROUND_UP(entries, DESCRIPTORS_PER_FRAME) * sizeof(frames[0]))) {
        return -XEN_EFAULT;
    }
    error = pv_set_gdt(vcpu, frames, (unsigned int)entries);
    if (!error) {
        pv_load_descriptor_tables(vcpu);
    }
    return error;
}

bool pv_drop_ldt_pages(struct vcpu *vcpu)
{
    uint64_t *entries = vcpu_entries(vcpu) + PV_GDT_FRAMES;
    uint64_t dropped[PV_LDT_FRAMES];
    unsigned int count = 0;

    spin_lock(&vcpu->arch.pv.ldt_lock);
    for (unsigned int i = 0; i < PV_LDT_FRAMES && vcpu->arch.pv.ldt_shadowed; i++) {
        if (entries[i] & PTE_PRESENT) {
            dropped[count++] = pte_mfn(entries[i]).value;
            WRITE_ONCE(entries[i], 0);
            vcpu->arch.pv.ldt_shadowed--;
        }
    }
    spin_unlock(&vcpu->arch.pv.ldt_lock);
    if (!count) {
        return false;
    }
    flush_vcpu(vcpu);
    for (unsigned int i = 0; i < count; i++) {
        pagetype_put_descriptor_frame(MFN(dropped[i]));
    }
    return true;
}

bool pv_fault_in_ldt_page(struct vcpu *vcpu, uint64_t offset)
{
    struct pv_vcpu *pv = &vcpu->arch.pv;
    uint64_t *slot = vcpu_entries(vcpu) + PV_GDT_FRAMES + (offset >> PAGE_SHIFT);
    struct pte_place place;
    mfn_t mfn;

    if (offset / sizeof(uint64_t) >= pv->ldt_entries || (*slot & PTE_PRESENT) ||
        !pagetype_find_pte(vcpu, pv->ldt_base + offset, &place) || !(place.value & PTE_PRESENT)) {
        return false;
    }
    mfn = pte_mfn(place.value);
    if (!frame_valid(mfn) || pagetype_get_descriptor_frame(vcpu->domain, mfn)) {
        return false;
    }
    spin_lock(&pv->ldt_lock);
    WRITE_ONCE(*slot, pte_make(mfn, PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY));
    pv->ldt_shadowed++;
    spin_unlock(&pv->ldt_lock);
    return true;
}

static void load_ldt(const struct vcpu *vcpu)
{
    uint16_t selector = 0;

    if (vcpu->arch.pv.ldt_entries) {
        gdt_set_ldt(PV_LDT_ADDRESS(vcpu->id),
                    vcpu->arch.pv.ldt_entries * (uint32_t)sizeof(uint64_t));
        selector = SELECTOR_LDT;
    }
    __asm__ volatile("lldt %0" : : "rm"(selector));
}

int pv_set_ldt(struct vcpu *vcpu, uint64_t base, unsigned int entries)
{
    uint64_t end = base + (uint64_t)entries * sizeof(uint64_t);

    if (entries > LDT_ENTRIES_MAX || (base & ~PAGE_MASK) ||
        (entries && (!pv_code_address(base) || !pv_code_address(end - 1) || end < base))) {
        return -XEN_EINVAL;
    }
    if (vcpu->arch.pv.ldt_entries == entries && vcpu->arch.pv.ldt_base == base) {
        return 0;
    }
    (void)pv_drop_ldt_pages(vcpu);
    vcpu->arch.pv.ldt_base = base;
    vcpu->arch.pv.ldt_entries = entries;
    if (vcpu == current_vcpu()) {
        load_ldt(vcpu);
    }
    return 0;
}

void pv_load_descriptor_tables(struct vcpu *vcpu)
{
    uint64_t *entries = vcpu_entries(vcpu);
    uint64_t own =
        pte_make(cpu_gdt_mfn(arch_cpu_id()), PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY);
    const struct descriptor_pointer pointer = { GDT_LIMIT, PV_GDT_ADDRESS(vcpu->id) };

    if (entries[FIRST_RESERVED_GDT_PAGE] != own) {
        WRITE_ONCE(entries[FIRST_RESERVED_GDT_PAGE], own);
        tlb_flush_local_va(PV_GDT_ADDRESS(vcpu->id) + FIRST_RESERVED_GDT_BYTE);
    }
    __asm__ volatile("lgdt %0" : : "m"(pointer));
    load_ldt(vcpu);
}
