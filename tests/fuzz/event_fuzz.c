/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Sequences of EVENT_CHANNEL_OP by three domains, with upcalls' memory scribbled over in between.
 *
 * An operation: kind, domain, then what the kind takes. See the step_* functions.
 */
#include "support/fake_domain.h"
#include "support/fuzz_input.h"

#include "hypervisor/hypercall.h"

#define DOMAINS 3u
#define VCPUS   2u
#define FRAMES  4u
#define STEPS   200u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct domain *domains[DOMAINS];
static void *frames[DOMAINS][FRAMES];

static uint64_t fuzz_gfn(struct fuzz_input *input, uint32_t d)
{
    uint32_t which = fuzz_mostly_below(input, DOMAINS * FRAMES);

    if (which >= DOMAINS * FRAMES) {
        return which;
    }
    return fake_gfn(frames[(d + which / FRAMES) % DOMAINS][which % FRAMES]);
}

static void fuzz_arguments(struct fuzz_input *input, uint32_t d, unsigned int sub_op,
                           uint32_t *args)
{
    switch (sub_op) {
    case EVTCHNOP_init_control:
        ((struct evtchn_init_control *)args)->control_gfn = fuzz_gfn(input, d);
        ((struct evtchn_init_control *)args)->offset = fuzz_mostly_below(input, 16) * 8;
        ((struct evtchn_init_control *)args)->vcpu = fuzz_mostly_below(input, VCPUS + 1);
        break;
    case EVTCHNOP_expand_array:
        ((struct evtchn_expand_array *)args)->array_gfn = fuzz_gfn(input, d);
        break;
    case EVTCHNOP_alloc_unbound:
        ((struct evtchn_alloc_unbound *)args)->dom =
            (domid_t)(fuzz_u8(input) % 2 ? DOMID_SELF : fuzz_mostly_below(input, DOMAINS + 1));
        ((struct evtchn_alloc_unbound *)args)->remote_dom =
            (domid_t)fuzz_mostly_below(input, DOMAINS);
        break;
    default:
        args[0] = fuzz_mostly_below(input, 40);
        args[1] = fuzz_mostly_below(input, 40);
        break;
    }
}

static void step_hypercall(struct fuzz_input *input, uint32_t d)
{
    unsigned int sub_op = fuzz_u8(input) % 16;
    uint32_t args[8] = { 0 };
    struct hypercall call = { .arg = { sub_op, host_guest_map(args, sizeof(args)) } };
    unsigned int again = 0;

    fuzz_arguments(input, d, sub_op, args);
    host_set_current(0, domains[d]->vcpus[0]);
    while (hypercall_event_channel_op(&call) == HYPERCALL_CONTINUE) {
        BUG_ON(++again > 10000);
    }
    host_guest_unmap_all();
}

static void step_scribble(struct fuzz_input *input, uint32_t d)
{
    uint8_t what = fuzz_u8(input) % (FRAMES + 1);
    uint8_t *page = what == FRAMES ? (uint8_t *)domains[d]->shared_info : frames[d][what];
    uint32_t word = fuzz_u32(input), at = fuzz_u8(input) * 4u;

    if (what == FRAMES) {
        at += fuzz_u8(input) % 2 ? offsetof(struct shared_info, evtchn_pending) : 0;
    }
    memcpy(page + at, &word, sizeof(word));
}

static void step_raise(struct fuzz_input *input, uint32_t d)
{
    static const uint8_t per_vcpu[] = { VIRQ_TIMER, VIRQ_DEBUG, VIRQ_XENOPROF, VIRQ_XENPMU };
    uint8_t what = fuzz_u8(input);

    switch (what % 4) {
    case 0:
        event_virq_vcpu(domains[d]->vcpus[what / 4 % VCPUS], per_vcpu[what / 8 % 4]);
        break;
    case 1:
        event_virq_domain(domains[d], what & 4 ? VIRQ_CONSOLE : VIRQ_DOM_EXC);
        break;
    case 2:
        (void)event_pirq(domains[d], what / 4);
        break;
    default:
        event_vcpu_moved(domains[d]->vcpus[what / 4 % VCPUS]);
        break;
    }
}

static void create(uint32_t d)
{
    domains[d] = fake_domain_create((uint16_t)d, VCPUS, d == 1 ? 100 : 0, 1, 1);
    for (unsigned int i = 0; i < FRAMES; i++) {
        frames[d][i] = fake_ram(domains[d]);
    }
}

static void step(struct fuzz_input *input)
{
    uint8_t kind = fuzz_u8(input);
    uint32_t d = kind / 16 % DOMAINS;

    switch (kind % 16) {
    case 0 ... 9:
        step_hypercall(input, d);
        break;
    case 10 ... 12:
        step_scribble(input, d);
        break;
    case 13 ... 14:
        step_raise(input, d);
        break;
    default:
        fake_domain_kill(domains[d]);
        BUG_ON(fake_domains[d] != NULL);
        create(d);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = { data, size };

    host_random_from(data, size);
    host_setup(512, 1);
    for (uint32_t d = 0; d < DOMAINS; d++) {
        create(d);
    }
    for (unsigned int i = 0; i < STEPS && input.left > 0; i++) {
        step(&input);
    }
    for (uint32_t d = 0; d < DOMAINS; d++) {
        BUG_ON(!events_valid(domains[d]));
    }
    for (uint32_t d = 0; d < DOMAINS; d++) {
        fake_domain_kill(domains[d]);
        BUG_ON(fake_domains[d] != NULL);
    }
    host_teardown();
    return 0;
}
