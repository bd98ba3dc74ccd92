/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Sequences of page-table hypercalls by two domains. Eight input bytes a step; what is preempted
 * follows from the input as well, and a step may leave its hypercall where it was preempted. At the
 * end the invariants must hold, and after the domains' end nothing may be left.
 */
#include "pagetype_world.h"

#include <xen/grant_table.h>

#define FRAMES 12u /* a domain */

struct step {
    uint8_t op, domain, table, entry, target, flags, high, more;
};

static mfn_t frames[WORLD_DOMAINS][FRAMES];
static unsigned int descriptors[WORLD_DOMAINS][FRAMES]; /* references taken */
static unsigned int granted[FRAMES];                    /* frames of domain 1, mapped by domain 0 */

static uint16_t foreign_id(uint8_t more)
{
    static const uint16_t ids[] = { DOMID_SELF, DOMID_SELF, 0, 1, DOMID_IO, DOMID_XEN, 7 };

    return ids[more % ARRAY_SIZE(ids)];
}

static mfn_t frame_of_step(const struct step *step, uint8_t which)
{
    if (which >= 0xf0) {
        return MFN(which & 1 ? WORLD_IO_FIRST + which : (uint64_t)which << 44 | which);
    }
    return frames[(step->domain >> (which / 0x80)) & 1][which % FRAMES];
}

static uint64_t value_of_step(const struct step *step)
{
    uint64_t flags = step->flags | (uint64_t)(step->high & 0xf) << 8;

    if (step->high & 0x80) {
        flags |= (uint64_t)step->more << 52;
    }
    return pte_make(frame_of_step(step, step->target), flags);
}

static unsigned int index_of_step(const struct step *step)
{
    return step->entry < 0x40 ? step->entry : step->entry < 0x60 ? 256u + step->entry % 18 : 511;
}

/* To the end, or with a high bit to the first preemption only. */
static void call(const struct step *step, long (*handler)(struct hypercall *), unsigned int op,
                 const unsigned long arg[4])
{
    struct hypercall hypercall = { .op = op };

    memcpy(hypercall.arg, arg, 4 * sizeof(arg[0]));
    while (handler(&hypercall) == HYPERCALL_CONTINUE) {
        BUG_ON(!lock_none_held());
        if (step->domain & 0x80) {
            break;
        }
    }
    BUG_ON(!lock_none_held());
}

static void step_mmu_update(const struct step *step)
{
    struct mmu_update requests[3];
    uint32_t done = 0;

    for (unsigned int i = 0; i < ARRAY_SIZE(requests); i++) {
        requests[i].ptr = mfn_to_paddr(frame_of_step(step, step->table)) +
                          8 * ((index_of_step(step) + i) % 512) + (step->op >> 4 & 3);
        requests[i].val = value_of_step(step) + (i == 2 ? PAGE_SIZE : 0);
    }
    call(step, hypercall_mmu_update, __HYPERVISOR_mmu_update,
         (unsigned long[]){ host_guest_map(requests, sizeof(requests)), 1 + step->more % 3,
                            step->more & 0x40 ? host_guest_map(&done, sizeof(done)) : 0,
                            foreign_id(step->more >> 4) |
                                (step->more & 8 ? (foreign_id(step->more) + 1u) << 16 : 0) });
}

static void step_mmuext(const struct step *step)
{
    struct mmuext_op op = { .cmd = step->entry % 22 };
    uint64_t mask = step->more;

    op.arg1.mfn = frame_of_step(step, step->table).value;
    op.arg2.src_mfn = frame_of_step(step, step->target).value;
    if (op.cmd == MMUEXT_TLB_FLUSH_MULTI || op.cmd == MMUEXT_INVLPG_MULTI) {
        op.arg2.src_mfn = host_guest_map(&mask, sizeof(mask));
    }
    call(step, hypercall_mmuext_op, __HYPERVISOR_mmuext_op,
         (unsigned long[]){ host_guest_map(&op, sizeof(op)), 1, 0, foreign_id(step->more) });
}

static void step_va_mapping(const struct step *step)
{
    uint64_t index = index_of_step(step);
    uint64_t va = index << L4_SHIFT | index << L3_SHIFT | index << L2_SHIFT |
                  (uint64_t)step->more << L1_SHIFT;

    va = (uint64_t)((int64_t)(va << 16) >> 16) ^ (uint64_t)(step->table >> 7) << 55;
    call(step, hypercall_update_va_mapping_otherdomain, __HYPERVISOR_update_va_mapping_otherdomain,
         (unsigned long[]){ va, value_of_step(step), step->table & 7, foreign_id(step->table) });
}

static void step_descriptor(const struct step *step)
{
    struct domain *domain = &world_domains[step->domain & 1];
    unsigned int *count = &descriptors[step->domain & 1][step->table % FRAMES];
    mfn_t mfn = frames[step->domain & 1][step->table % FRAMES];

    if (step->op & 0x10) {
        call(step, hypercall_update_descriptor, __HYPERVISOR_update_descriptor,
             (unsigned long[]){ mfn_to_paddr(mfn) + step->entry, value_of_step(step) << 8, 0, 0 });
    } else if ((step->op & 0x20) && *count) {
        pagetype_put_descriptor_frame(mfn);
        (*count)--;
    } else if (!pagetype_get_descriptor_frame(domain, mfn)) {
        (*count)++;
    }
}

static void step_grant(const struct step *step)
{
    mfn_t mfn = frames[1][step->target % FRAMES];
    uint64_t address = mfn_to_paddr(frame_of_step(step, step->table)) + index_of_step(step) * 8;
    uint32_t flags = GNTMAP_host_map | GNTMAP_contains_pte | (step->flags & GNTMAP_readonly);
    unsigned int *count = &granted[step->target % FRAMES];

    host_set_current(0, &world_vcpus[0]);
    if (step->op & 0x10) {
        uint64_t replacement = step->more & 1 ? (uint64_t)step->more << L1_SHIFT : 0;

        (void)arch_grant_unmap_host(address, mfn, replacement, flags);
    } else if (*count ||
               (frame_get(frame_of(mfn), &world_domains[1]) &&
                (arch_frame_get_writable(frame_of(mfn)) || (frame_put(frame_of(mfn)), false)))) {
        /* One reference a frame stands for all its grants, and stays to the end. */
        *count = 1;
        (void)arch_grant_map_host(address, mfn, flags, 0);
    }
}

static void step_write_pte(const struct step *step)
{
    mfn_t table = frames[step->domain & 1][step->table % FRAMES];
    uint64_t found = world_entries(table)[index_of_step(step)];

    (void)pagetype_write_pte(&world_domains[step->domain & 1], table, index_of_step(step),
                             step->more & 1 ? found : 0, value_of_step(step), step->more & 2);
}

static void run_step(const struct step *step)
{
    static void (*const steps[])(const struct step *) = {
        step_mmu_update, step_mmu_update, step_mmu_update, step_mmuext,    step_mmuext,
        step_va_mapping, step_descriptor, step_grant,      step_write_pte,
    };

    host_set_current(0, &world_vcpus[step->domain & 1]);
    steps[(step->op & 0xf) % ARRAY_SIZE(steps)](step);
    host_guest_unmap_all();
}

static void give_back(void)
{
    for (unsigned int i = 0; i < FRAMES; i++) {
        for (unsigned int d = 0; d < WORLD_DOMAINS; d++) {
            while (descriptors[d][i]) {
                pagetype_put_descriptor_frame(frames[d][i]);
                descriptors[d][i]--;
            }
        }
        if (granted[i]) {
            arch_frame_put_writable(frame_of(frames[1][i]));
            frame_put(frame_of(frames[1][i]));
            granted[i] = 0;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct step step;

    world_begin();
    world_domains[1].arch.check_absent = 40;
    host_random_from(data, size);
    host_set_preempt_odds(4);
    for (unsigned int d = 0; d < WORLD_DOMAINS; d++) {
        for (unsigned int i = 0; i < FRAMES; i++) {
            frames[d][i] = world_frame(&world_domains[d]);
        }
    }
    for (; size >= sizeof(step); data += sizeof(step), size -= sizeof(step)) {
        memcpy(&step, data, sizeof(step));
        run_step(&step);
    }
    BUG_ON(!pagetypes_valid(&world_domains[0]) || !pagetypes_valid(&world_domains[1]));
    give_back();
    world_relinquish_all();
    world_end();
    return 0;
}
