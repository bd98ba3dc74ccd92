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
#include "hypervisor/hypercall.h"

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

static uint64_t fuzz_value(struct fuzz_input *input)
{
    static const uint16_t ids[] = { DOMID_SELF, 1, 2, 7, DOMID_IO, DOMID_XEN, DOMID_INVALID };
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
        return mfn << PAGE_SHIFT | fuzz_u8(input) | (kind & 0x80 ? 0x800 : 0);
    case 4:
        return ids[more % ARRAY_SIZE(ids)] | (uint64_t)fuzz_u8(input) << 16;
    case 5:
        return more % 16 | (uint64_t)(fuzz_u8(input) % 16) << 32;
    case 6:
        return (uint64_t)time_now() + more * 1000u;
    default:
        return (uint64_t)fuzz_u32(input) << (more % 33);
    }
}

static void fuzz_words(struct fuzz_input *input)
{
    unsigned int at = fuzz_u8(input);

    for (unsigned int count = 1 + fuzz_u8(input) % 8; count; count--) {
        arena[at++ % WORDS] = fuzz_value(input);
    }
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

/* To its end, however often it is interrupted; sometimes the guest gives it up on the way. */
static void issue(struct hypercall *call, bool to_the_end)
{
    unsigned int again = 0;

    while (hypercall_dispatch(call) == HYPERCALL_CONTINUE && to_the_end && ++again < 2000) {
        BUG_ON(!lock_none_held());
    }
    BUG_ON(!lock_none_held());
}

static void step_hypercall(struct fuzz_input *input)
{
    struct hypercall call = { .op = fuzz_u8(input) };

    for (unsigned int i = 0; i < 4; i++) {
        call.arg[i] = fuzz_value(input);
    }
    issue(&call, fuzz_u8(input) % 4 != 0);
}

static void step_multicall(struct fuzz_input *input)
{
    unsigned int count = 1 + fuzz_u8(input) % 6;
    struct multicall_entry *list = (struct multicall_entry *)arena;
    struct hypercall call = { .op = __HYPERVISOR_multicall, .arg = { (uintptr_t)arena, count } };

    for (unsigned int i = 0; i < count; i++) {
        list[i].op = fuzz_u8(input);
        for (unsigned int j = 0; j < 4; j++) {
            list[i].args[j] = fuzz_value(input);
        }
    }
    issue(&call, fuzz_u8(input) % 4 != 0);
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
        if (!vcpu_is_idle(vcpu)) {
            step_hypercall(input);
        }
        break;
    case 7 ... 8:
        if (!vcpu_is_idle(vcpu)) {
            step_multicall(input);
        }
        break;
    case 9 ... 14:
        fuzz_words(input);
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
