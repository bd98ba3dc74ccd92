/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * A small world for the tests of arch/x86/pagetype: two PV domains (0: privileged, owns hardware;
 * 1: neither) with one vcpu each, made by hand, so that only the frame table and the page types
 * run.
 */
#ifndef TESTS_PAGETYPE_WORLD_H
#define TESTS_PAGETYPE_WORLD_H

#include "arch/memory.h"
#include "asm/host.h"
#include "asm/page.h"
#include "asm/pagetype.h"
#include "hypervisor/bug.h"
#include "hypervisor/domain.h"
#include "hypervisor/error.h"
#include "hypervisor/frame.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/rangeset.h"
#include "hypervisor/string.h"

#define WORLD_FRAMES   4096u
#define WORLD_DOMAINS  2u
#define WORLD_IO_FIRST 0x100000ull /* frames beyond RAM that domain 0 may map */
#define WORLD_IO_LAST  0x1000ffull

static struct domain world_domains[WORLD_DOMAINS], world_system[2];
static struct vcpu world_vcpus[WORLD_DOMAINS], *world_vcpu_tables[WORLD_DOMAINS][1];

struct domain *domain_io = &world_system[0], *domain_xen = &world_system[1];
struct domain *domain_idle, *domain_hardware = &world_domains[0];

struct domain *domain_of_owner(uint16_t id)
{
    switch (id) {
    case 0:
    case 1:
        return &world_domains[id];
    case DOMID_IO:
        return domain_io;
    case DOMID_XEN:
        return domain_xen;
    default:
        return NULL;
    }
}

void domain_get_again(struct domain *domain)
{
    domain->refs++;
}

struct domain *domain_get(domain_id_t id)
{
    struct domain *domain = id.value < WORLD_DOMAINS ? &world_domains[id.value] : NULL;

    if (domain) {
        domain_get_again(domain);
    }
    return domain;
}

void domain_put(struct domain *domain)
{
    if (domain) {
        BUG_ON(domain->refs == 0);
        domain->refs--;
    }
}

void domain_crash(struct domain *domain, const char *format, ...)
{
    panic("domain %u crashed: %s", domain->id.value, format);
}

static void world_domain(struct domain *domain, uint16_t id, enum domain_kind kind)
{
    memset(domain, 0, sizeof(*domain));
    domain->id = DOMAIN_ID(id);
    domain->kind = kind;
    domain->refs = 1;
    domain->frames_max = WORLD_FRAMES;
    domain->frame_list_first = domain->frame_list_last = FRAME_NO_LINK;
    spin_lock_init(&domain->frame_lock, LOCK_PAGE_LIST);
    pagetype_domain_init(domain);
    domain->arch.io_memory = rangeset_create("I/O memory");
}

static void world_begin(void)
{
    host_setup(WORLD_FRAMES, 2);
    world_domain(domain_io, DOMID_IO, DOMAIN_KIND_SYSTEM);
    world_domain(domain_xen, DOMID_XEN, DOMAIN_KIND_SYSTEM);
    for (uint16_t i = 0; i < WORLD_DOMAINS; i++) {
        struct domain *domain = &world_domains[i];
        struct vcpu *vcpu = &world_vcpus[i];

        world_domain(domain, i, DOMAIN_KIND_PV);
        memset(vcpu, 0, sizeof(*vcpu));
        vcpu->domain = domain;
        vcpu->processor = i;
        vcpu->arch.pv.kernel_mode = true;
        world_vcpu_tables[i][0] = vcpu;
        domain->vcpus = world_vcpu_tables[i];
        domain->vcpus_max = 1;
    }
    world_domains[0].is_privileged = world_domains[0].is_hardware = true;
    BUG_ON(rangeset_add_range(world_domains[0].arch.io_memory, WORLD_IO_FIRST, WORLD_IO_LAST));
    host_set_current(0, &world_vcpus[0]);
}

/* A zeroed frame of the domain's. */
static mfn_t world_frame(struct domain *domain)
{
    struct frame *frame = frame_alloc(0, ALLOC_NODE_ANY, ALLOC_ZERO);

    BUG_ON(!frame || frame_assign(domain, frame, 0, 0));
    return frame_mfn(frame);
}

static uint64_t *world_entries(mfn_t mfn)
{
    return mfn_to_virt(mfn);
}

static __unused uint32_t world_type_count(mfn_t mfn)
{
    return pagetype_count_of_word(frame_of(mfn)->type);
}

/* References beside the owner's. */
static __unused uint64_t world_references(mfn_t mfn)
{
    return (frame_of(mfn)->count & FRAME_COUNT_MASK) - 1;
}

/* ---- hypercalls ------------------------------------------------------------------------------ */

/* To the end, through all continuations. */
static __unused long world_call(long (*handler)(struct hypercall *), unsigned int op,
                                const unsigned long arg[4])
{
    struct hypercall call = { .op = op };
    long rc;

    memcpy(call.arg, arg, 4 * sizeof(arg[0]));
    do {
        rc = handler(&call);
        BUG_ON(!lock_none_held());
    } while (rc == HYPERCALL_CONTINUE);
    return rc;
}

static __unused long world_mmu_update(uint64_t ptr, uint64_t value, uint32_t foreign)
{
    struct mmu_update request = { ptr, value };

    return world_call(
        hypercall_mmu_update, __HYPERVISOR_mmu_update,
        (unsigned long[]){ host_guest_map(&request, sizeof(request)), 1, 0, foreign });
}

static __unused long world_entry(mfn_t table, unsigned int index, uint64_t value)
{
    return world_mmu_update(mfn_to_paddr(table) + 8ull * index, value, DOMID_SELF);
}

static __unused long world_mmuext(unsigned int cmd, uint64_t arg, uint64_t arg2, uint32_t foreign)
{
    struct mmuext_op op = { .cmd = cmd };

    op.arg1.mfn = arg;
    op.arg2.src_mfn = arg2;
    return world_call(hypercall_mmuext_op, __HYPERVISOR_mmuext_op,
                      (unsigned long[]){ host_guest_map(&op, sizeof(op)), 1, 0, foreign });
}

/* ---- tables ---------------------------------------------------------------------------------- */

#define WORLD_RW (PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY)
#define WORLD_RO (PTE_PRESENT | PTE_ACCESSED)

/* Four tables, one a level; the L1 maps a data frame writable and the tables read-only. */
struct world_tree {
    mfn_t level[5]; /* [1] .. [4] */
    mfn_t data;
};

/* Address of L1 entry `index` in a world_tree. */
#define WORLD_TREE_SLOT 3u
static __unused uint64_t world_address(unsigned int index)
{
    return (uint64_t)WORLD_TREE_SLOT << L4_SHIFT | (uint64_t)WORLD_TREE_SLOT << L3_SHIFT |
           (uint64_t)WORLD_TREE_SLOT << L2_SHIFT | (uint64_t)index << L1_SHIFT;
}

static __unused struct world_tree world_tree(struct domain *domain)
{
    struct world_tree tree = { .data = world_frame(domain) };

    for (unsigned int level = 1; level <= 4; level++) {
        tree.level[level] = world_frame(domain);
        if (level > 1) {
            world_entries(tree.level[level])[WORLD_TREE_SLOT] =
                pte_make(tree.level[level - 1], WORLD_RW);
        }
        world_entries(tree.level[1])[level] = pte_make(tree.level[level], WORLD_RO);
    }
    world_entries(tree.level[1])[0] = pte_make(tree.data, WORLD_RW);
    return tree;
}

/* Frees the domains' frames; every reference must be gone but the owner's. */
static void world_end(void)
{
    for (unsigned int i = 0; i < WORLD_DOMAINS; i++) {
        struct domain *domain = &world_domains[i];

        BUG_ON(domain->refs != 1 + (domain->frames_total + domain->frames_hypervisor != 0));
        while (domain->frame_list_first != FRAME_NO_LINK) {
            struct frame *frame = &frame_table[domain->frame_list_first];

            if ((frame->count & FRAME_COUNT_MASK) != 1 || pagetype_of(frame) != PAGETYPE_NONE) {
                panic("mfn %#lx is left with count %#lx type %#lx",
                      (unsigned long)frame_mfn(frame).value, (unsigned long)frame->count,
                      (unsigned long)frame->type);
            }
            BUG_ON(!frame_clear_allocated(frame));
            frame_put(frame);
        }
        rangeset_destroy(domain->arch.io_memory);
    }
    rangeset_destroy(domain_io->arch.io_memory);
    rangeset_destroy(domain_xen->arch.io_memory);
    host_teardown();
}

/* The end of a domain's page tables, as its death does it. */
static void world_relinquish(struct domain *domain)
{
    host_set_current(0, NULL);
    domain->dying = DOMAIN_DYING;
    while (pagetype_relinquish(domain) == -XEN_ERESTART) {
    }
}

static __unused void world_relinquish_all(void)
{
    for (unsigned int i = 0; i < WORLD_DOMAINS; i++) {
        world_relinquish(&world_domains[i]);
    }
}

/* Set-up and tear-down of a test, for cmocka. */
static __unused int world_setup(void **state)
{
    (void)state;
    world_begin();
    return 0;
}

static __unused int world_teardown(void **state)
{
    (void)state;
    world_relinquish_all();
    world_end();
    return 0;
}

#endif
