/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Sequences of DOMCTLs by a control domain, on domains that they make and end: mostly with values that
 * make sense, and with bits of the struct flipped between its reads. Afterwards nothing may be left.
 *
 * A step: operation, domain, then the operation's struct or what stands for it.
 */
#include "support/fuzz_input.h"
#include "support/sched_world.h"

#include "hypervisor/domctl.h"
#include "hypervisor/frame.h"
#include "hypervisor/memory.h"
#include "hypervisor/rangeset.h"

#define CPUS    2u
#define DOMAINS 4u
#define WORDS   64u
#define STEPS   100u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct domain *control;
static struct xen_domctl op;
static struct vcpu_guest_context context;
static uint64_t words[WORDS];

static void scribble(uint64_t address, size_t bytes)
{
    uint64_t draw = host_random();

    if (draw % 16 == 0) {
        words[draw / 16 % WORDS] ^= 1ull << (draw >> 32) % 64;
    } else if (draw % 16 == 1) {
        ((uint8_t *)&op.u)[draw / 16 % sizeof(op.u)] ^= (uint8_t)(1u << (draw >> 32) % 8);
    }
}

static void issue(void)
{
    struct hypercall call = { .op = __HYPERVISOR_domctl, .arg = { (uintptr_t)&op } };
    unsigned int again = 0;

    op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    while (hypercall_dispatch(&call) == HYPERCALL_CONTINUE && ++again < 1000) {
        BUG_ON(!lock_none_held());
    }
    BUG_ON(!lock_none_held());
}

/* What random bytes would hardly hit. */
static void make_sense(struct fuzz_input *input)
{
    uint8_t small = fuzz_u8(input);

    switch (op.cmd) {
    case XEN_DOMCTL_createdomain:
        op.u.createdomain = (struct xen_domctl_createdomain){
            .max_vcpus = 1 + small % 3,
            .max_evtchn_port = small,
            .max_grant_frames = 1 + small % 4,
            .max_maptrack_frames = small % 4,
            .grant_opts = 1 + small % 2,
        };
        break;
    case XEN_DOMCTL_max_vcpus:
        op.u.max_vcpus.max = 1 + small % 3;
        break;
    case XEN_DOMCTL_setvcpucontext:
    case XEN_DOMCTL_getvcpucontext:
        op.u.vcpucontext.vcpu = small % 4;
        op.u.vcpucontext.ctxt.p = small & 0x80 ? NULL : &context;
        context.flags = small & 0x40 ? VGCF_online : 0;
        break;
    case XEN_DOMCTL_setvcpuaffinity:
    case XEN_DOMCTL_getvcpuaffinity:
        op.u.vcpuaffinity.vcpu = small % 4;
        op.u.vcpuaffinity.flags = small >> 4;
        op.u.vcpuaffinity.cpumap_hard.bitmap.p = (uint8_t *)&words[0];
        op.u.vcpuaffinity.cpumap_soft.bitmap.p = (uint8_t *)&words[4];
        op.u.vcpuaffinity.cpumap_hard.nr_bits = op.u.vcpuaffinity.cpumap_soft.nr_bits = small;
        words[0] = small;
        break;
    case XEN_DOMCTL_setnodeaffinity:
    case XEN_DOMCTL_getnodeaffinity:
        op.u.nodeaffinity.nodemap.bitmap.p = (uint8_t *)words;
        op.u.nodeaffinity.nodemap.nr_bits = small;
        break;
    case XEN_DOMCTL_getpageframeinfo3:
        op.u.getpageframeinfo3.num = small % (WORDS + 2);
        op.u.getpageframeinfo3.array.p = words;
        break;
    case XEN_DOMCTL_scheduler_op:
        op.u.scheduler_op.sched_id = XEN_SCHEDULER_CREDIT2;
        op.u.scheduler_op.cmd = small % 4;
        op.u.scheduler_op.u.credit2.weight = small;
        op.u.scheduler_op.u.credit2.cap = small % 16 == 0;
        break;
    case XEN_DOMCTL_iomem_permission:
    case XEN_DOMCTL_ioport_permission:
        words[0] = small; /* as it came, mostly refused; the bounds are what matters */
        break;
    case XEN_DOMCTL_hypercall_init:
        op.u.hypercall_init.gmfn = fuzz_u8(input) * 16u + small % 16;
        break;
    }
}

static void populate(uint16_t id, unsigned int count)
{
    const struct memory_placement placement = { .node = ALLOC_NODE_ANY, .bits = 64 };
    struct domain *domain = domain_get(DOMAIN_ID(id));

    for (mfn_t mfn; domain != NULL && count != 0; count--) {
        if (memory_populate(domain, count, 0, &placement, &mfn) != 0) {
            break;
        }
        words[count % WORDS] = mfn.value;
    }
    domain_put(domain);
}

static void run_step(struct fuzz_input *input)
{
    uint8_t cmd = fuzz_u8(input), target = fuzz_u8(input);

    (void)world_cpu(control->vcpus[0]->processor);
    if (current_vcpu() != control->vcpus[0]) {
        host_set_current(0, control->vcpus[0]);
    }
    if (cmd >= 0xf0) {
        populate(100 + target % DOMAINS, cmd - 0xe0u);
        return;
    }
    memset(&op, 0, sizeof(op));
    if (cmd & 0x80) {
        fuzz_fill(input, &op.u, sizeof(op.u));
    }
    op.cmd = cmd & 0x7f;
    op.domain = (domid_t)(target % 16 == 15 ? target / 16 : 100 + target % DOMAINS);
    if (op.cmd == XEN_DOMCTL_createdomain && op.domain < 100) {
        op.domain = 100;
    }
    if (!(cmd & 0x80)) {
        make_sense(input);
    }
    issue();
    host_run_softwork_all();
    BUG_ON(!world_valid());
}

static bool end(struct domain *domain, void *data)
{
    BUG_ON(!domain_valid(domain));
    while (domain != control && domain_kill(domain) == -XEN_ERESTART) {
    }
    return true;
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
    control = world_domain(1, 1, true);
    world_start(control);
    (void)host_guest_map(&op, sizeof(op));
    (void)host_guest_map(&context, sizeof(context));
    (void)host_guest_map(words, sizeof(words));
    memset(&context, 0, sizeof(context));
    host_guest_set_hook(scribble);
    for (unsigned int i = 0; i < STEPS && input.left; i++) {
        run_step(&input);
    }
    host_guest_set_hook(NULL);
    (void)world_cpu(0);
    domain_for_each(end, NULL);
    host_run_softwork_all();
    world_kill(control);
    host_guest_unmap_all();
    BUG_ON(heap_bytes_in_use() != heap_before);
    return 0;
}
