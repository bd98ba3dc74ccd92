/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Sequences of sched_op, vcpu_op, set_timer_op and vm_assist by the vcpus of two domains, with events
 * and time passing in between. After each step the scheduler's and the domains' invariants must hold;
 * afterwards nothing may be left of the domains.
 *
 * A step: kind, CPU whose vcpu acts, then what the kind takes. Idle CPUs send events and pause.
 */
#include "support/fuzz_input.h"
#include "support/sched_world.h"

#include "hypervisor/core/event/event_private.h"
#include "hypervisor/frame.h"
#include "hypervisor/hypercall.h"

#include <xen/sched.h>

#define CPUS    3u
#define DOMAINS 2u
#define VCPUS   3u
#define STEPS   150u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct domain *domains[DOMAINS];
static uint8_t argument[sizeof(struct vcpu_guest_context)];
static evtchn_port_t ports[128];
static struct frame *frames[DOMAINS];

static void create(unsigned int i)
{
    domains[i] = world_domain((uint16_t)(i + 1), VCPUS, i == 0);
    domains[i]->vcpus[VCPUS - 1]->initialised = false;
    frames[i] = frame_alloc(0, ALLOC_NODE_ANY, ALLOC_ZERO);
    BUG_ON(frames[i] == NULL || frame_assign(domains[i], frames[i], 0, 0) != 0);
    (void)atomic_and(&domains[i]->vcpus[0]->pause_flags, ~VCPU_DOWN);
    vcpu_wake(domains[i]->vcpus[0]);
    domain_unpause(domains[i]);
}

static struct vcpu *any_vcpu(struct fuzz_input *input)
{
    uint8_t which = fuzz_u8(input);

    return domains[which % DOMAINS]->vcpus[which / DOMAINS % VCPUS];
}

/* Near now, as guests ask for, or anything. */
static uint64_t fuzz_time(struct fuzz_input *input)
{
    uint8_t kind = fuzz_u8(input);
    uint64_t value = fuzz_u32(input);

    return kind == 0 ? value << 32 : (uint64_t)time_now() - 1000 + value % 5000000;
}

static void fuzz_sched_op(struct fuzz_input *input, struct hypercall *call)
{
    uint32_t *words = (uint32_t *)argument;

    call->arg[0] = fuzz_mostly_below(input, 8);
    switch (call->arg[0]) {
    case SCHEDOP_poll:
        ((struct sched_poll *)argument)->ports.p = ports;
        ((struct sched_poll *)argument)->nr_ports = fuzz_mostly_below(input, 4);
        ((struct sched_poll *)argument)->timeout = fuzz_time(input);
        ports[0] = fuzz_mostly_below(input, 8);
        ports[1] = fuzz_mostly_below(input, 8);
        break;
    case SCHEDOP_remote_shutdown:
        ((struct sched_remote_shutdown *)argument)->domain_id =
            (domid_t)fuzz_mostly_below(input, DOMAINS + 2);
        ((struct sched_remote_shutdown *)argument)->reason = fuzz_mostly_below(input, 7);
        break;
    default:
        words[0] = fuzz_mostly_below(input, 7);
        words[1] = fuzz_mostly_below(input, 7);
        break;
    }
    (void)hypercall_sched_op(call);
}

static void fuzz_vcpu_op(struct fuzz_input *input, struct hypercall *call, unsigned int d)
{
    struct vcpu_register_vcpu_info *info = (struct vcpu_register_vcpu_info *)argument;
    int budget = 100;

    call->arg[0] = fuzz_mostly_below(input, 15);
    call->arg[1] = fuzz_mostly_below(input, VCPUS + 1);
    switch (call->arg[0]) {
    case VCPUOP_register_vcpu_info:
        info->mfn = frame_mfn(frames[fuzz_u8(input) % 8 == 0 ? 1 - d : d]).value;
        info->offset = fuzz_u32(input) % 4200;
        break;
    case VCPUOP_register_runstate_memory_area:
    case VCPUOP_register_vcpu_time_memory_area:
        *(uint64_t *)argument = fuzz_u8(input) % 2 ? (uintptr_t)ports : fuzz_u32(input);
        break;
    default:
        *(uint64_t *)argument = fuzz_time(input);
        ((uint32_t *)argument)[2] = fuzz_u8(input);
        break;
    }
    while (hypercall_vcpu_op(call) == HYPERCALL_CONTINUE && budget-- > 0) {
    }
}

static void step_hypercall(struct fuzz_input *input, struct vcpu *vcpu)
{
    struct hypercall call = { .arg = { 0, (unsigned long)argument, (unsigned long)argument } };
    unsigned int d = vcpu->domain == domains[1];

    memset(argument, 0, sizeof(argument));
    switch (fuzz_u8(input) % 5) {
    case 0:
    case 1:
        fuzz_sched_op(input, &call);
        break;
    case 2:
    case 3:
        fuzz_vcpu_op(input, &call, d);
        break;
    default:
        call.arg[0] = fuzz_u8(input) % 3;
        call.arg[1] = fuzz_mostly_below(input, 40);
        (void)hypercall_vm_assist(&call);
        call.arg[0] = fuzz_time(input);
        (void)hypercall_set_timer_op(&call);
        break;
    }
    BUG_ON(!lock_none_held());
}

/* What the toolstack and interrupts do. */
static void step_outside(struct fuzz_input *input)
{
    struct vcpu *vcpu = any_vcpu(input);
    struct cpu_mask mask = { { fuzz_u8(input) } };

    switch (fuzz_u8(input) % 9) {
    case 0:
        vcpu_pause_nosync(vcpu);
        host_run_softwork_all();
        BUG_ON(vcpu->running);
        vcpu_unpause(vcpu);
        break;
    case 1:
        if (vcpu_set_affinity(vcpu, &mask) == 0) {
            host_run_softwork_all();
            BUG_ON(vcpu->running && !cpu_mask_test(&mask, vcpu->processor) &&
                   vcpu->pin_override < 0);
        }
        break;
    case 2:
        domain_resume(vcpu->domain);
        break;
    case 3:
        vcpu->info->evtchn_upcall_pending = 0;
        break;
    case 4:
        BUG_ON(sched_set_weight(vcpu->domain, 1 + fuzz_u8(input)) != 0);
        break;
    case 5:
        BUG_ON(sched_set_cap(vcpu->domain, fuzz_u8(input) * 2u) != 0);
        break;
    default:
        event_vcpu_notify(vcpu);
        break;
    }
}

static void check(void)
{
    unsigned int i;

    BUG_ON(!world_valid());
    for (i = 0; i < DOMAINS; i++) {
        BUG_ON(!domain_valid(domains[i]));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = { data, size };
    static uint64_t heap_before;
    unsigned int i;

    if (domain_idle == NULL) {
        world_create(CPUS);
    }
    heap_before = heap_bytes_in_use();
    (void)host_guest_map(argument, sizeof(argument));
    (void)host_guest_map(ports, sizeof(ports));
    for (i = 0; i < DOMAINS; i++) {
        create(i);
    }
    host_run_softwork_all();
    for (i = 0; i < STEPS && input.left != 0; i++) {
        struct vcpu *vcpu = world_cpu(fuzz_u8(&input) % CPUS);

        if (!vcpu_is_idle(vcpu)) {
            step_hypercall(&input, vcpu);
        } else {
            step_outside(&input);
        }
        host_run_softwork_all();
        host_advance_time(fuzz_u8(&input) * 10000u);
        host_run_softwork_all();
        check();
    }
    for (i = 0; i < DOMAINS; i++) {
        world_kill(domains[i]);
    }
    host_guest_unmap_all();
    BUG_ON(heap_bytes_in_use() != heap_before || !world_valid());
    return 0;
}
