/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Any hypercall with any arguments, singly and in multicalls, by the vcpus of two domains, through the
 * table as the entry code calls it. What the guests pass by address lies in an arena, which their
 * other vcpus write over between two reads. The fuzzers of single families know their structures
 * better; this one finds what happens between the families. Afterwards nothing may be left.
 *
 * A step: kind, CPU whose vcpu acts, then what the kind takes.
 */
#include "support/fuzz_input.h"
#include "support/sched_world.h"

#include "arch/memory.h"
#include "asm/pagetype.h"
#include "hypervisor/core/event/event_private.h"
#include "hypervisor/frame.h"
#include "hypervisor/grant.h"
#include "hypervisor/hypercall.h"

#include <xen/grant_table.h>

#define CPUS    2u
#define DOMAINS 2u
#define VCPUS   2u
#define FRAMES  10u
#define WORDS   256u
#define STEPS   150u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct domain *domains[DOMAINS];
static mfn_t frames[DOMAINS][FRAMES];
static uint64_t arena[WORDS];

/* Not here: it ends domains that this file still names. Its own: domctl_fuzz.c. */
long hypercall_domctl(struct hypercall *call)
{
    return -XEN_ENOSYS;
}

/* ---- domains --------------------------------------------------------------------------------- */

/* To its end, however often it is interrupted; sometimes the guest gives it up on the way. */
static void issue(struct hypercall *call, bool to_the_end)
{
    unsigned int again = 0;

    while (hypercall_dispatch(call) == HYPERCALL_CONTINUE && to_the_end && ++again < 2000) {
        BUG_ON(!lock_none_held());
    }
    BUG_ON(!lock_none_held());
}

/* An empty L1 table and a root, so that there is something to map into. */
static void make_tables(unsigned int d)
{
    struct mmuext_op ops[] = { { .cmd = MMUEXT_PIN_L1_TABLE, .arg1.mfn = frames[d][0].value },
                               { .cmd = MMUEXT_NEW_BASEPTR, .arg1.mfn = frames[d][1].value } };
    struct hypercall call = { .op = __HYPERVISOR_mmuext_op };
    struct vcpu *interrupted = world_cpu(0);

    call.arg[0] = host_guest_map(ops, sizeof(ops));
    call.arg[1] = ARRAY_SIZE(ops);
    call.arg[3] = DOMID_SELF;
    host_set_current(0, domains[d]->vcpus[0]);
    issue(&call, true);
    host_set_current(0, interrupted);
    host_guest_unmap_all();
    (void)host_guest_map(arena, sizeof(arena));
}

static void create(unsigned int d)
{
    domains[d] = world_domain((uint16_t)(d + 1), VCPUS, d == 0);
    for (unsigned int i = 0; i < FRAMES; i++) {
        struct frame *frame = frame_alloc(0, ALLOC_NODE_ANY, ALLOC_ZERO);

        BUG_ON(!frame || frame_assign(domains[d], frame, 0, 0));
        frames[d][i] = frame_mfn(frame);
    }
    for (unsigned int i = 0; i < VCPUS; i++) {
        domains[d]->vcpus[i]->arch.pv.kernel_mode = true;
    }
    make_tables(d);
    for (unsigned int i = 0; i < VCPUS; i++) {
        (void)atomic_and(&domains[d]->vcpus[i]->pause_flags, ~VCPU_DOWN);
        vcpu_wake(domains[d]->vcpus[i]);
    }
    domain_unpause(domains[d]);
    host_run_softwork_all();
}

/* The domain may live on as long as the other one maps its frames. */
static void kill(unsigned int d)
{
    domain_pause_nosync(domains[d]);
    host_run_softwork_all();
    (void)world_cpu(0);
    while (domain_kill(domains[d]) == -XEN_ERESTART) {
    }
    host_run_softwork_all();
}

static void end_of_world(void)
{
    for (unsigned int d = 0; d < DOMAINS; d++) {
        BUG_ON(!domain_valid(domains[d]) || !pagetypes_valid(domains[d]));
    }
    for (unsigned int d = 0; d < DOMAINS; d++) {
        kill(d);
    }
    for (unsigned int d = 0; d < DOMAINS; d++) {
        BUG_ON(domain_of_owner((uint16_t)(d + 1)));
    }
}

/* ---- what guests pass ------------------------------------------------------------------------ */

static const uint16_t ids[] = { DOMID_SELF, 1, 2, 7, DOMID_IO, DOMID_XEN, DOMID_INVALID };

static uint64_t fuzz_value(struct fuzz_input *input)
{
    uint8_t kind = fuzz_u8(input), more = fuzz_u8(input);
    uint64_t mfn = frames[more / FRAMES % DOMAINS][more % FRAMES].value;

    switch (kind % 8) {
    case 0:
        return more % 32;
    case 1:
        return (uintptr_t)&arena[more % WORDS];
    case 2:
        return mfn;
    case 3: /* a page-table entry, or the address of one */
        return mfn << PAGE_SHIFT | (fuzz_u8(input) & (kind & 0x80 ? 0xff : 0xf8));
    case 4: /* one domain or two, and a number */
        return ids[more % 8 % ARRAY_SIZE(ids)] |
               (uint64_t)ids[more / 8 % 8 % ARRAY_SIZE(ids)] << 16 |
               (uint64_t)(fuzz_u8(input) % 16) << 32;
    case 5:
        return more % 16 | (uint64_t)(fuzz_u8(input) % 16) << 32;
    case 6:
        return (uint64_t)time_now() + more * 1000u;
    default:
        return (uint64_t)fuzz_u32(input) << (more % 33);
    }
}

/* Some words at a place of the arena, whose address is returned. */
static uint64_t fuzz_words(struct fuzz_input *input)
{
    unsigned int at = fuzz_u8(input) % WORDS, last = at + fuzz_u8(input) % 6;

    for (unsigned int i = at; i <= last; i++) {
        arena[i % WORDS] = fuzz_value(input);
    }
    return (uintptr_t)&arena[at];
}

/* Another vcpu at work while the hypervisor reads. */
static void scribble(uint64_t address, size_t bytes)
{
    uint64_t draw = host_random();

    if (draw % 8 == 0) {
        arena[draw / 8 % WORDS] ^= 1ull << (draw >> 32) % 64;
    }
}

/* ---- steps ----------------------------------------------------------------------------------- */

/* s: sub-operation, p: address of words, c: count or vcpu, d: domain, v: any value */
static const struct shape {
    unsigned int op;
    const char *args;
} shapes[] = {
    { __HYPERVISOR_mmu_update, "pcpd" },
    { __HYPERVISOR_mmuext_op, "pcpd" },
    { __HYPERVISOR_memory_op, "sp" },
    { __HYPERVISOR_event_channel_op, "sp" },
    { __HYPERVISOR_grant_table_op, "spc" },
    { __HYPERVISOR_sched_op, "sp" },
    { __HYPERVISOR_vcpu_op, "scp" },
    { __HYPERVISOR_update_va_mapping, "vvc" },
    { __HYPERVISOR_update_va_mapping_otherdomain, "vvcd" },
    { __HYPERVISOR_update_descriptor, "vv" },
    { __HYPERVISOR_console_io, "scp" },
    { __HYPERVISOR_xen_version, "sp" },
    { __HYPERVISOR_hvm_op, "sp" },
    { __HYPERVISOR_vm_assist, "sc" },
    { __HYPERVISOR_set_timer_op, "v" },
    { __HYPERVISOR_multicall, "pc" },
    { __HYPERVISOR_event_channel_op_compat, "p" },
    { __HYPERVISOR_sched_op_compat, "sc" },
};

static unsigned int fuzz_call(struct fuzz_input *input, unsigned long *arg)
{
    uint8_t which = fuzz_u8(input);
    const struct shape *shape = &shapes[which % 32 % ARRAY_SIZE(shapes)];

    if (which >= 0xf0) {
        shape = &(struct shape){ fuzz_u8(input), "vvvv" };
    }
    for (unsigned int i = 0; shape->args[i]; i++) {
        switch (shape->args[i]) {
        case 's':
            arg[i] = fuzz_mostly_below(input, 32);
            break;
        case 'p':
            arg[i] = fuzz_words(input);
            break;
        case 'c':
            arg[i] = fuzz_mostly_below(input, 4);
            break;
        case 'd':
            arg[i] = ids[fuzz_u8(input) % ARRAY_SIZE(ids)];
            break;
        default:
            arg[i] = fuzz_value(input);
            break;
        }
    }
    return shape->op;
}

static void step_hypercall(struct fuzz_input *input)
{
    struct hypercall call = { .arg = { 0 } };

    call.op = fuzz_call(input, call.arg);
    issue(&call, fuzz_u8(input) % 4 != 0);
}

static void step_multicall(struct fuzz_input *input)
{
    unsigned int count = 1 + fuzz_u8(input) % 6;
    struct multicall_entry *list = (struct multicall_entry *)arena;
    struct hypercall call = { .op = __HYPERVISOR_multicall, .arg = { (uintptr_t)arena, count } };
    unsigned long arg[HYPERCALL_ARGS] = { 0 };

    for (unsigned int i = 0; i < count; i++) {
        list[i].op = fuzz_call(input, arg);
        memcpy(list[i].args, arg, sizeof(arg));
    }
    issue(&call, fuzz_u8(input) % 4 != 0);
}

/* A guest writes its grant table, whose first frame it has mapped. */
static void step_grant_entry(struct fuzz_input *input)
{
    unsigned int d = fuzz_u8(input) % DOMAINS;
    uint8_t which = fuzz_u8(input);
    struct grant_entry_v1 *entries;
    mfn_t mfn;

    if (!grants_frame(domains[d], 0, false, &mfn)) {
        entries = mfn_to_virt(mfn);
        entries[which % 16].flags =
            (uint16_t)(GTF_permit_access | (which & 0x10 ? GTF_readonly : 0));
        entries[which % 16].domid = ids[fuzz_u8(input) % ARRAY_SIZE(ids)];
        entries[which % 16].frame = (uint32_t)frames[d][fuzz_u8(input) % FRAMES].value;
    }
}

static void step_outside(struct fuzz_input *input)
{
    unsigned int d = fuzz_u8(input) % DOMAINS;

    switch (fuzz_u8(input) % 8) {
    case 0:
        (void)world_cpu(0);
        kill(d);
        if (!domain_of_owner((uint16_t)(d + 1))) {
            create(d);
            break;
        }
        /* Held by the other's mappings: with that it must go. */
        kill(1 - d);
        BUG_ON(domain_of_owner(1) || domain_of_owner(2));
        create(0);
        create(1);
        break;
    case 1:
        domain_resume(domains[d]);
        break;
    case 2:
        event_vcpu_notify(domains[d]->vcpus[fuzz_u8(input) % VCPUS]);
        break;
    default:
        host_advance_time(fuzz_u8(input) * 10000ull);
        break;
    }
}

static void run_step(struct fuzz_input *input)
{
    uint8_t kind = fuzz_u8(input);
    struct vcpu *vcpu = world_cpu(kind / 16 % CPUS);

    switch (kind % 16) {
    case 0 ... 6:
    case 13 ... 14:
        if (!vcpu_is_idle(vcpu)) {
            step_hypercall(input);
        }
        break;
    case 7 ... 8:
        if (!vcpu_is_idle(vcpu)) {
            step_multicall(input);
        }
        break;
    case 9 ... 10:
        (void)fuzz_words(input);
        break;
    case 11 ... 12:
        step_grant_entry(input);
        break;
    default:
        step_outside(input);
        break;
    }
    host_run_softwork_all();
    BUG_ON(!world_valid());
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = { data, size };
    uint64_t heap_before;

    if (!domain_idle) {
        world_create(CPUS);
    }
    host_random_from(data, size);
    host_set_preempt_odds(6);
    heap_before = heap_bytes_in_use();
    memset(arena, 0, sizeof(arena));
    (void)host_guest_map(arena, sizeof(arena));
    for (unsigned int d = 0; d < DOMAINS; d++) {
        create(d);
    }
    host_guest_set_hook(scribble);
    for (unsigned int i = 0; i < STEPS && input.left; i++) {
        run_step(&input);
    }
    host_guest_set_hook(NULL);
    (void)world_cpu(0);
    end_of_world();
    host_guest_unmap_all();
    BUG_ON(heap_bytes_in_use() != heap_before);
    return 0;
}
