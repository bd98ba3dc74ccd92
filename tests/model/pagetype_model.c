/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Random page-table operations of two domains against a count from scratch: the model knows only
 * what is pinned, what the roots are and what the tables contain, and computes from that which type
 * each frame has and how many references; nothing of frame->type goes into it. Operations that were
 * preempted are gone on with later, or never.
 */
#include "pagetype_world.h"

#include <stdio.h>
#include <stdlib.h>

#define FRAMES     20u /* a domain */
#define SLOTS      6u  /* entries of each table that are used */
#define OPERATIONS 60000u
#define PENDING    4u

static mfn_t frames[WORLD_DOMAINS][FRAMES];
static mfn_t pinned[WORLD_DOMAINS][FRAMES]; /* [i] is frames[i] when pinned, else 0 */
static unsigned int pin_level[WORLD_DOMAINS][FRAMES];

/* ---- the model ------------------------------------------------------------------------------- */

struct expectation {
    unsigned int level;             /* 0: no table */
    unsigned int references, types; /* all, and by type */
    unsigned int writable;
};

static struct expectation expected[WORLD_FRAMES];

static unsigned int slot(unsigned int i)
{
    return i < 3 ? i : 512 - SLOTS + i;
}

static void count_table(mfn_t mfn, unsigned int level)
{
    struct expectation *table = &expected[mfn.value];

    BUG_ON(table->level != 0 && table->level != level);
    table->references++;
    if (table->types++ > 0) {
        return; /* its entries are counted */
    }
    table->level = level;
    for (unsigned int i = 0; i < 512; i++) {
        uint64_t pte = world_entries(mfn)[i];

        if (!(pte & PTE_PRESENT) || (level == 4 && i >= SLOT_FIRST && i < SLOT_END)) {
            continue;
        }
        BUG_ON(!(pte & PTE_USER) || (pte & PTE_GLOBAL));
        if (level > 1) {
            BUG_ON(pte & PTE_HUGE);
            count_table(pte_mfn(pte), level - 1);
        } else if (pte_mfn(pte).value < WORLD_FRAMES) {
            expected[pte_mfn(pte).value].references++;
            expected[pte_mfn(pte).value].writable += (pte & PTE_WRITE) != 0;
        } else {
            BUG_ON(pte_mfn(pte).value < WORLD_IO_FIRST || pte_mfn(pte).value > WORLD_IO_LAST);
        }
    }
}

static void compare(mfn_t mfn)
{
    const struct expectation *e = &expected[mfn.value];
    enum pagetype type = e->level      ? (enum pagetype)e->level
                         : e->writable ? PAGETYPE_WRITABLE
                                       : PAGETYPE_NONE;
    unsigned int types = e->level ? e->types : e->writable;

    if ((e->level && e->writable) || pagetype_of(frame_of(mfn)) != type ||
        world_type_count(mfn) != types || world_references(mfn) != e->references) {
        panic("mfn %#lx: L%u, %u references, %u types, %u writable expected; %lu and %#lx found",
              (unsigned long)mfn.value, e->level, e->references, e->types, e->writable,
              (unsigned long)world_references(mfn), (unsigned long)frame_of(mfn)->type);
    }
}

static void check(void)
{
    memset(expected, 0, sizeof(expected));
    for (unsigned int d = 0; d < WORLD_DOMAINS; d++) {
        const struct arch_vcpu *arch = &world_vcpus[d].arch;

        for (unsigned int i = 0; i < FRAMES; i++) {
            if (pinned[d][i].value) {
                count_table(pinned[d][i], pin_level[d][i]);
            }
        }
        if (arch->kernel_root.value) {
            count_table(arch->kernel_root, 4);
        }
        if (arch->user_root.value) {
            count_table(arch->user_root, 4);
        }
    }
    for (unsigned int d = 0; d < WORLD_DOMAINS; d++) {
        for (unsigned int i = 0; i < FRAMES; i++) {
            compare(frames[d][i]);
        }
    }
}

/* ---- the operations -------------------------------------------------------------------------- */

/* Hypercalls under way, each with the memory it reads. */
struct pending {
    bool used;
    unsigned int domain, frame, level; /* of a pin or unpin */
    struct hypercall call;
    struct mmuext_op op;
    struct mmu_update update;
};

static struct pending pending[PENDING];
static unsigned int pins[5], unpins, roots, entries, continuations; /* that were done */

static unsigned int below(unsigned int limit)
{
    return (unsigned int)host_random_below(limit);
}

/* Frames have a favourite level, so that trees come about. */
static unsigned int favourite(unsigned int frame)
{
    return frame % 5;
}

static uint64_t random_entry(unsigned int domain, unsigned int frame)
{
    unsigned int level = favourite(frame), target = below(FRAMES);
    uint64_t flags = PTE_PRESENT | (below(2) ? PTE_WRITE : 0) | (below(2) ? PTE_USER : 0);

    if (below(4) == 0) {
        return 0;
    }
    if (below(8) != 0 && level > 1) {
        target = (target / 5 * 5 + level - 1) % FRAMES;
    } else if (level <= 1 && below(2)) {
        target = target / 5 * 5 % FRAMES;
    }
    if (below(60) == 0) {
        flags |= 1ull << below(64);
    }
    if (below(30) == 0) {
        return pte_make(MFN(WORLD_IO_FIRST + below(0x200)), flags);
    }
    if (below(30) == 0) {
        domain ^= 1;
    }
    return pte_make(frames[domain][target], flags);
}

static void start_mmuext(struct pending *p, unsigned int cmd)
{
    p->call.op = __HYPERVISOR_mmuext_op;
    p->op.cmd = cmd;
    p->op.arg1.mfn = frames[p->domain][p->frame].value;
    p->call.arg[0] = (uintptr_t)&p->op;
}

static void start(struct pending *p)
{
    memset(p, 0, sizeof(*p));
    p->used = true;
    p->domain = below(WORLD_DOMAINS);
    p->frame = below(FRAMES);
    p->level = below(8) ? favourite(p->frame) : below(5);
    p->call.arg[1] = 1;
    p->call.arg[3] = DOMID_SELF;
    switch (below(12)) {
    case 0:
    case 1:
        p->level = p->level ? p->level : 1;
        start_mmuext(p, MMUEXT_PIN_L1_TABLE + p->level - 1);
        break;
    case 2:
        start_mmuext(p, MMUEXT_UNPIN_TABLE);
        break;
    case 3:
        start_mmuext(p, below(2) ? MMUEXT_NEW_BASEPTR : MMUEXT_NEW_USER_BASEPTR);
        break;
    default:
        p->call.op = __HYPERVISOR_mmu_update;
        p->update.ptr = mfn_to_paddr(frames[p->domain][p->frame]) + 8 * slot(below(SLOTS)) +
                        (below(2) ? MMU_PT_UPDATE_PRESERVE_AD : 0);
        p->update.val = random_entry(p->domain, p->frame);
        p->call.arg[0] = (uintptr_t)&p->update;
        if (p->domain == 0 && below(4) == 0) {
            p->call.arg[3] = 1; /* domain 0 maps frames of domain 1 */
        }
    }
}

static void completed(const struct pending *p, long rc)
{
    if (rc) {
        return;
    }
    if (p->call.op != __HYPERVISOR_mmuext_op) {
        entries++;
    } else if (p->op.cmd <= MMUEXT_PIN_L4_TABLE) {
        pins[p->level]++;
        pinned[p->domain][p->frame] = frames[p->domain][p->frame];
        pin_level[p->domain][p->frame] = p->level;
    } else if (p->op.cmd == MMUEXT_UNPIN_TABLE) {
        unpins++;
        pinned[p->domain][p->frame] = MFN(0);
    } else {
        roots++;
    }
}

/*
 * A pin or unpin has effect before its hypercall ends when only the backlog is left: its count says
 * how many operations are still to be done.
 */
static void go_on(struct pending *p)
{
    uint32_t before = (uint32_t)p->call.arg[1] & 0x7fffffff, after;
    long rc;

    host_guest_unmap_all();
    host_guest_map_at(NULL, (uintptr_t)p, p, sizeof(*p), true);
    host_guest_map_at(NULL, (uintptr_t)&p[1], &p[1], 16, true); /* arg[0] may stand at the end */
    host_set_current(0, &world_vcpus[p->domain]);
    rc = p->call.op == __HYPERVISOR_mmu_update ? hypercall_mmu_update(&p->call)
                                               : hypercall_mmuext_op(&p->call);
    after = (uint32_t)p->call.arg[1] & 0x7fffffff;
    if (rc == HYPERCALL_CONTINUE) {
        continuations++;
        if (before == 1 && after == 0) {
            completed(p, 0);
        }
        return;
    }
    if (before == 1) {
        completed(p, rc);
    }
    p->used = false;
}

static bool quiet(void)
{
    for (unsigned int d = 0; d < WORLD_DOMAINS; d++) {
        for (unsigned int i = 0; i < FRAMES; i++) {
            if (frame_of(frames[d][i])->type & (PAGETYPE_PARTIAL | PAGETYPE_DISMANTLING)) {
                return false;
            }
        }
    }
    return true;
}

static void finish(struct pending *p)
{
    while (p->used) {
        go_on(p);
    }
}

int main(int argc, char **argv)
{
    unsigned int operations = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 0) : OPERATIONS;
    unsigned int checks = 0, abandoned = 0;

    world_begin();
    host_set_preempt_odds(3);
    for (unsigned int d = 0; d < WORLD_DOMAINS; d++) {
        for (unsigned int i = 0; i < FRAMES; i++) {
            frames[d][i] = world_frame(&world_domains[d]);
        }
    }
    for (unsigned int n = 0; n < operations; n++) {
        struct pending *p = &pending[below(PENDING - 1)];

        if (!p->used) {
            start(p);
        } else if (below(200) == 0) {
            p->used = false; /* never gone on with */
            abandoned++;
            continue;
        }
        go_on(p);
        if (n % 16 == 0) {
            for (unsigned int i = 0; i < PENDING; i++) {
                finish(&pending[i]);
            }
        }
        if (quiet()) {
            check();
            checks++;
        } else if (n % 64 == 0) {
            BUG_ON(!pagetypes_valid(&world_domains[0]) || !pagetypes_valid(&world_domains[1]));
        }
    }
    printf("%u operations, %u counts from scratch, %u continuations, %u abandoned\n"
           "done: %u entries, pins L1 %u L2 %u L3 %u L4 %u, %u unpins, %u roots\n",
           operations, checks, continuations, abandoned, entries, pins[1], pins[2], pins[3],
           pins[4], unpins, roots);
    world_relinquish_all();
    world_end();
    return 0;
}
