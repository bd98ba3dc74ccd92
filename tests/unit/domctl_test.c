/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* DOMCTL: domains come and go without a trace, and each refusal has its code. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/sched_world.h"

#include "arch/memory.h"
#include "asm/pagetype.h"
#include "asm/policy_request.h"
#include "hypervisor/domctl.h"
#include "hypervisor/frame.h"
#include "hypervisor/grant.h"
#include "hypervisor/memory.h"
#include "hypervisor/rangeset.h"
#include "hypervisor/trace.h"

#include <xen/sched.h>

#define CPUS 2u

static struct domain *control;
static struct xen_domctl op;
static struct vcpu_guest_context context;
static uint64_t words[200];

/* ---- calls -------------------------------------------------------------------------------------- */

static long issue(void)
{
    struct hypercall call = { .op = __HYPERVISOR_domctl, .arg = { (unsigned long)&op } };
    long result;

    op.interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    do {
        result = hypercall_dispatch(&call);
        assert_true(lock_none_held());
    } while (result == HYPERCALL_CONTINUE);
    return result;
}

static long domctl(uint32_t cmd, domid_t domain)
{
    op.cmd = cmd;
    op.domain = domain;
    return issue();
}

/* With nothing else in the struct. */
static long plain(uint32_t cmd, domid_t domain)
{
    memset(&op, 0, sizeof(op));
    return domctl(cmd, domain);
}

static void fill_create(uint32_t vcpus)
{
    memset(&op, 0, sizeof(op));
    op.u.createdomain = (struct xen_domctl_createdomain){
        .ssidref = 12,
        .max_vcpus = vcpus,
        .max_evtchn_port = 1023,
        .max_grant_frames = -1,
        .max_maptrack_frames = -1,
        .grant_opts = XEN_DOMCTL_GRANT_version(2),
        .handle = { 1, 2, 3 },
    };
}

static long create_with(void)
{
    return domctl(XEN_DOMCTL_createdomain, 0);
}

static domid_t create(uint32_t vcpus)
{
    domid_t id;

    fill_create(vcpus);
    assert_int_equal(create_with(), 0);
    id = op.domain;
    memset(&op, 0, sizeof(op));
    op.u.max_vcpus.max = vcpus;
    assert_int_equal(domctl(XEN_DOMCTL_max_vcpus, id), 0);
    op.u.max_mem.max_memkb = 4096;
    assert_int_equal(domctl(XEN_DOMCTL_max_mem, id), 0);
    return id;
}

static void destroy(domid_t id)
{
    assert_int_equal(plain(XEN_DOMCTL_destroydomain, id), 0);
    host_run_softwork_all();
    assert_null(domain_of_owner(id));
}

static struct xen_domctl_getdomaininfo info_of(domid_t id)
{
    assert_int_equal(plain(XEN_DOMCTL_getdomaininfo, id), 0);
    assert_int_equal(op.domain, id);
    return op.u.getdomaininfo;
}

/* ---- the world ---------------------------------------------------------------------------------- */

static int setup(void **state)
{
    world_create(CPUS);
    return 0;
}

static int before_each(void **state)
{
    (void)world_cpu(0);
    control = world_domain(0, 1, true);
    world_start(control);
    (void)host_guest_map(&op, sizeof(op));
    (void)host_guest_map(&context, sizeof(context));
    (void)host_guest_map(words, sizeof(words));
    memset(&context, 0, sizeof(context));
    (void)world_cpu(control->vcpus[0]->processor);
    assert_ptr_equal(current_vcpu(), control->vcpus[0]);
    return 0;
}

static int after_each(void **state)
{
    host_guest_unmap_all();
    (void)world_cpu(0);
    world_kill(control);
    assert_true(world_valid());
    return 0;
}

/* ---- who, and in which version ------------------------------------------------------------------ */

static void only_the_control_domain_of_this_version(void **state)
{
    struct hypercall call = { .op = __HYPERVISOR_domctl, .arg = { (unsigned long)&op } };

    memset(&op, 0, sizeof(op));
    op.cmd = XEN_DOMCTL_getdomaininfo;
    op.interface_version = XEN_DOMCTL_INTERFACE_VERSION - 1;
    assert_int_equal(hypercall_dispatch(&call), -XEN_EACCES);
    assert_int_equal(plain(999, 0), -XEN_ENOSYS);
    assert_int_equal(plain(XEN_DOMCTL_pausedomain, 77), -XEN_ESRCH);
    assert_int_equal(plain(XEN_DOMCTL_pausedomain, DOMID_SELF), -XEN_ESRCH);
    control->is_privileged = false;
    assert_int_equal(plain(XEN_DOMCTL_getdomaininfo, 0), -XEN_EPERM);
    control->is_privileged = true;
    host_guest_unmap_all();
    assert_int_equal(plain(XEN_DOMCTL_getdomaininfo, 0), -XEN_EFAULT);
}

static void nobody_does_it_to_himself(void **state)
{
    static const unsigned char ops[] = {
        XEN_DOMCTL_destroydomain,  XEN_DOMCTL_pausedomain,    XEN_DOMCTL_unpausedomain,
        XEN_DOMCTL_resumedomain,   XEN_DOMCTL_max_vcpus,      XEN_DOMCTL_setvcpucontext,
        XEN_DOMCTL_getvcpucontext, XEN_DOMCTL_set_cpu_policy, XEN_DOMCTL_settscinfo,
        XEN_DOMCTL_setdebugging,
    };

    for (unsigned int i = 0; i < ARRAY_SIZE(ops); i++) {
        assert_int_equal(plain(ops[i], 0), -XEN_EINVAL);
    }
}

static void what_is_not_there_says_so(void **state)
{
    domid_t id = create(1);

    assert_int_equal(plain(XEN_DOMCTL_shadow_op, id), -XEN_EOPNOTSUPP);
    assert_int_equal(plain(XEN_DOMCTL_monitor_op, id), -XEN_EOPNOTSUPP);
    assert_int_equal(plain(XEN_DOMCTL_set_virq_handler, id), -XEN_EOPNOTSUPP);
    assert_int_equal(plain(XEN_DOMCTL_gdbsx_domstatus, id), -XEN_EOPNOTSUPP);
    assert_int_equal(plain(XEN_DOMCTL_psr_cmt_op, id), -XEN_ENODEV);
    assert_int_equal(plain(XEN_DOMCTL_psr_alloc, id), -XEN_ENODEV);
    assert_int_equal(plain(XEN_DOMCTL_test_assign_device, DOMID_INVALID), -XEN_EOPNOTSUPP);
    assert_int_equal(plain(XEN_DOMCTL_getvcpuextstate, id), -XEN_EOPNOTSUPP);
    assert_int_equal(plain(XEN_DOMCTL_gethvmcontext, id), -XEN_EINVAL);
    assert_int_equal(plain(XEN_DOMCTL_set_target, id), -XEN_EINVAL);
    memset(&op, 0, sizeof(op));
    op.u.setdebugging.enable = 1;
    assert_int_equal(domctl(XEN_DOMCTL_setdebugging, id), -XEN_EOPNOTSUPP);
    destroy(id);
}

/* ---- life --------------------------------------------------------------------------------------- */

static void domains_come_and_go_without_a_trace(void **state)
{
    uint64_t heap = 0, frames = 0;
    domid_t last = 0;

    host_set_preempt_odds(3);
    for (unsigned int cycle = 0; cycle < 20; cycle++) {
        domid_t id = create(1 + cycle % 3);
        const struct memory_placement placement = { .node = ALLOC_NODE_ANY, .bits = 64 };
        mfn_t mfn;

        assert_true(id > last || cycle == 0);
        last = id;
        for (unsigned int i = 0; i < 40; i++) {
            assert_int_equal(memory_populate(domain_of_owner(id), i, 0, &placement, &mfn), 0);
        }
        destroy(id);
        if (cycle == 3) { /* the heap keeps a page of each size by then */
            heap = heap_bytes_in_use();
            frames = frame_count_free();
        }
    }
    assert_int_equal(heap_bytes_in_use(), heap);
    assert_int_equal(frame_count_free(), frames);
    host_set_preempt_odds(0);
}

static void an_id_can_be_asked_for(void **state)
{
    fill_create(1);
    assert_int_equal(domctl(XEN_DOMCTL_createdomain, 42), 0);
    assert_int_equal(op.domain, 42);
    fill_create(1);
    assert_int_equal(domctl(XEN_DOMCTL_createdomain, 42), -XEN_EEXIST);
    fill_create(1);
    assert_int_equal(domctl(XEN_DOMCTL_createdomain, DOMID_INVALID), 0);
    assert_int_not_equal(op.domain, 42);
    destroy(op.domain);
    destroy(42);
}

static void absurd_domains_are_refused(void **state)
{
    struct xen_domctl_createdomain *config = &op.u.createdomain;
    uint64_t free = frame_count_free();

#define REFUSED(change, error)                    \
    do {                                          \
        fill_create(1);                           \
        change;                                   \
        assert_int_equal(create_with(), (error)); \
    } while (0)
    REFUSED(config->flags = 1u << 20, -XEN_EINVAL);
    REFUSED(config->flags = XEN_DOMCTL_CDF_hvm, -XEN_EOPNOTSUPP);
    REFUSED(config->flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap, -XEN_EOPNOTSUPP);
    REFUSED(config->flags = XEN_DOMCTL_CDF_hap, -XEN_EINVAL);
    REFUSED(config->flags = XEN_DOMCTL_CDF_nested_virt, -XEN_EINVAL);
    REFUSED(config->flags = XEN_DOMCTL_CDF_iommu, -XEN_EOPNOTSUPP);
    REFUSED(config->flags = XEN_DOMCTL_CDF_vpmu, -XEN_EOPNOTSUPP);
    REFUSED(config->iommu_opts = 1, -XEN_EINVAL);
    REFUSED(config->max_vcpus = 0, -XEN_EINVAL);
    REFUSED(config->max_vcpus = 8193, -XEN_EINVAL);
    REFUSED(config->max_grant_frames = 0, -XEN_EINVAL);
    REFUSED(config->max_grant_frames = 65, -XEN_EINVAL);
    REFUSED(config->max_maptrack_frames = 1025, -XEN_EINVAL);
    REFUSED(config->grant_opts = 0, -XEN_EINVAL);
    REFUSED(config->grant_opts = 3, -XEN_EINVAL);
    REFUSED(config->grant_opts = 0x12, -XEN_EINVAL);
    REFUSED(config->vmtrace_size = 4096, -XEN_EOPNOTSUPP);
    REFUSED(config->cpupool_id = 1, -XEN_ESRCH);
    REFUSED(config->arch.emulation_flags = 1, -XEN_EINVAL);
#undef REFUSED
    assert_int_equal(frame_count_free(), free);
}

/* What the toolstack said is what there is: ports, grant frames, mappings, version, memory. */
static void limits_are_those_asked_for(void **state)
{
    const struct memory_placement placement = { .node = ALLOC_NODE_ANY, .bits = 64 };
    struct evtchn_alloc_unbound unbound = { .dom = DOMID_SELF };
    struct domain *domain;
    unsigned int ports = 0;
    mfn_t mfn;
    int rc;

    fill_create(1);
    op.u.createdomain.max_evtchn_port = 200;
    op.u.createdomain.max_grant_frames = 3;
    op.u.createdomain.max_maptrack_frames = 0;
    op.u.createdomain.grant_opts = XEN_DOMCTL_GRANT_version(1);
    assert_int_equal(create_with(), 0);
    domain = domain_of_owner(op.domain);
    unbound.dom = op.domain;
    while ((rc = event_alloc_unbound(control, &unbound)) == 0) {
        ports++;
    }
    assert_int_equal(rc, -XEN_ENOSPC);
    assert_int_equal(ports, 200); /* 1 .. 200 */
    assert_int_equal(domain->quotas[QUOTA_EVENT_BUCKETS].used, 2);
    while ((rc = grants_grow(domain, 3)) == -XEN_ERESTART) {
    }
    assert_int_equal(rc, 0);
    assert_int_equal(grants_grow(domain, 4), -XEN_EINVAL);
    assert_int_equal(domain->quotas[QUOTA_GRANT_MAPPINGS].limit, 0);
    assert_int_equal(grants_set_version(domain, 2), -XEN_EOPNOTSUPP);
    assert_int_equal(memory_populate(domain, 0, 0, &placement, &mfn), -XEN_ENOMEM);
    destroy(domain->id.value);
}

static void creation_whose_result_is_lost_is_undone(void **state)
{
    for (unsigned int copy = 1; copy <= 2; copy++) {
        fill_create(1);
        host_guest_fault_in(copy);
        assert_int_equal(create_with(), -XEN_EFAULT);
        host_run_softwork_all();
        assert_int_equal(plain(XEN_DOMCTL_getdomaininfo, 1), -XEN_ESRCH);
    }
}

static void vcpus_are_as_many_as_was_said(void **state)
{
    fill_create(3);
    assert_int_equal(create_with(), 0);
    domid_t id = op.domain;

    op.u.max_vcpus.max = 2;
    assert_int_equal(domctl(XEN_DOMCTL_max_vcpus, id), -XEN_EINVAL);
    op.u.max_vcpus.max = 3;
    assert_int_equal(domctl(XEN_DOMCTL_max_vcpus, id), 0);
    assert_int_equal(domctl(XEN_DOMCTL_max_vcpus, id), 0);
    assert_int_equal(info_of(id).max_vcpu_id, 2);
    assert_int_equal(info_of(id).nr_online_vcpus, 0);
    destroy(id);
}

static void the_next_domain_is_described(void **state)
{
    domid_t a = create(1), b = create(1);
    struct xen_domctl_getdomaininfo info = info_of(b);

    assert_true(b > a);
    assert_int_equal(info.domain, b);
    assert_int_equal(info.flags, XEN_DOMINF_paused | XEN_DOMINF_blocked);
    assert_int_equal(info.max_pages, 1024);
    assert_int_equal(info.tot_pages, 0);
    assert_int_equal(info.handle[2], 3);
    assert_int_equal(info.ssidref, 0);
    assert_int_equal(info.shared_info_frame, virt_to_mfn(domain_of_owner(b)->shared_info).value);
    destroy(a);
    assert_int_equal(plain(XEN_DOMCTL_getdomaininfo, a), 0);
    assert_int_equal(op.domain, b);
    assert_int_equal(plain(XEN_DOMCTL_getdomaininfo, (domid_t)(b + 1)), -XEN_ESRCH);
    assert_int_equal(plain(XEN_DOMCTL_getdomaininfo, DOMID_SELF), -XEN_ESRCH);
    destroy(b);
}

/* Somebody holds a frame of it: the domain is seen, but nothing can be done to it. */
static void a_dead_domain_is_seen_until_it_is_gone(void **state)
{
    domid_t id = create(2), after = create(1);
    struct domain *domain = domain_get(DOMAIN_ID(id));
    struct xen_domctl_getdomaininfo info;

    assert_int_equal(plain(XEN_DOMCTL_destroydomain, id), 0);
    host_run_softwork_all();
    info = info_of(id);
    assert_true(info.flags & XEN_DOMINF_dying);
    assert_int_equal(info.tot_pages, 0);
    assert_int_equal(info.shared_info_frame, ~0ull);
    assert_int_equal(plain(XEN_DOMCTL_unpausedomain, id), -XEN_ESRCH);
    fill_create(1);
    assert_int_equal(domctl(XEN_DOMCTL_createdomain, id), -XEN_EEXIST);
    domain_put(domain);
    host_run_softwork_all();
    assert_int_equal(plain(XEN_DOMCTL_getdomaininfo, id), 0);
    assert_int_equal(op.domain, after);
    destroy(after);
}

static void pauses_are_counted(void **state)
{
    domid_t id = create(1);

    assert_int_equal(plain(XEN_DOMCTL_unpausedomain, id), 0);
    assert_false(info_of(id).flags & XEN_DOMINF_paused);
    assert_int_equal(plain(XEN_DOMCTL_unpausedomain, id), -XEN_EINVAL);
    for (unsigned int i = 0; i < 255; i++) {
        assert_int_equal(plain(XEN_DOMCTL_pausedomain, id), 0);
    }
    assert_int_equal(plain(XEN_DOMCTL_pausedomain, id), -XEN_E2BIG);
    assert_true(info_of(id).flags & XEN_DOMINF_paused);
    assert_true(domain_valid(domain_of_owner(id)));
    destroy(id);
}

static void a_domain_starts_with_the_wall_clock(void **state)
{
    domid_t id = create(1);
    struct domain *domain = domain_of_owner(id);

    wallclock_set(1000, 7, time_now());
    op.u.settimeoffset.time_offset_seconds = 3600;
    assert_int_equal(domctl(XEN_DOMCTL_settimeoffset, id), 0);
    memset(domain->shared_info, 0, PAGE_SIZE); /* as libxc does */
    assert_int_equal(plain(XEN_DOMCTL_unpausedomain, id), 0);
    assert_int_equal(domain->shared_info->wc_sec + time_now() / NS_PER_SECOND, 4600);
    assert_int_equal(domain->shared_info->wc_nsec, 7);
    destroy(id);
}

static void a_shut_down_domain_is_resumed(void **state)
{
    domid_t id = create(1);
    struct domain *domain = domain_of_owner(id);

    assert_int_equal(plain(XEN_DOMCTL_unpausedomain, id), 0);
    assert_int_equal(domain_shutdown(domain, SHUTDOWN_suspend), 0);
    assert_int_equal(info_of(id).flags & ~XEN_DOMINF_blocked,
                     XEN_DOMINF_shutdown | SHUTDOWN_suspend << XEN_DOMINF_shutdownshift);
    assert_int_equal(plain(XEN_DOMCTL_resumedomain, id), 0);
    assert_false(info_of(id).flags & XEN_DOMINF_shutdown);
    destroy(id);
}

/* ---- vcpus -------------------------------------------------------------------------------------- */

static long context_op(uint32_t cmd, domid_t id, uint32_t vcpu)
{
    memset(&op, 0, sizeof(op));
    op.u.vcpucontext.vcpu = vcpu;
    op.u.vcpucontext.ctxt.p = &context;
    return domctl(cmd, id);
}

/* libxc clears the shared page of a domain it builds, and then gives vcpu 0 its registers. */
static void a_domain_that_was_built_knows_the_time(void **state)
{
    domid_t id = create(1);
    struct shared_info *shared = domain_of_owner(id)->shared_info;

    wallclock_set(1800000000, 5, time_now());
    memset(shared, 0, sizeof(*shared));
    assert_int_equal(context_op(XEN_DOMCTL_setvcpucontext, id, 0), 0);
    assert_int_equal(shared->wc_version % 2, 0);
    assert_int_equal(shared->wc_sec + time_now() / NS_PER_SECOND, 1800000000);
    destroy(id);
}

static void a_vcpu_gets_its_context(void **state)
{
    domid_t id = create(2);
    struct vcpu *vcpu = domain_of_owner(id)->vcpus[0];

    host_set_preempt_odds(2);
    assert_int_equal(context_op(XEN_DOMCTL_getvcpucontext, id, 0), -XEN_ENODATA);
    assert_int_equal(context_op(XEN_DOMCTL_setvcpucontext, id, 2), -XEN_ESRCH);
    context.user_regs.rip = 0x1234;
    context.flags = VGCF_online;
    assert_int_equal(context_op(XEN_DOMCTL_setvcpucontext, id, 0), 0);
    assert_true(vcpu->initialised);
    assert_int_equal(vcpu->pause_flags, VCPU_DOMAIN_PAUSED);
    context.flags = 0;
    assert_int_equal(context_op(XEN_DOMCTL_setvcpucontext, id, 1), 0);
    assert_int_equal(info_of(id).nr_online_vcpus, 1);
    memset(&context, 0, sizeof(context));
    assert_int_equal(context_op(XEN_DOMCTL_getvcpucontext, id, 0), 0);
    assert_int_equal(context.user_regs.rip, 0x1234);
    memset(&op, 0, sizeof(op));
    assert_int_equal(domctl(XEN_DOMCTL_setvcpucontext, id), 0); /* no context: none any more */
    assert_false(vcpu->initialised);
    assert_true(vcpu->pause_flags & VCPU_DOWN);
    memset(&op, 0, sizeof(op));
    op.u.getvcpuinfo.vcpu = 1;
    assert_int_equal(domctl(XEN_DOMCTL_getvcpuinfo, id), 0);
    assert_false(op.u.getvcpuinfo.online);
    op.u.getvcpuinfo.vcpu = 2;
    assert_int_equal(domctl(XEN_DOMCTL_getvcpuinfo, id), -XEN_ESRCH);
    host_set_preempt_odds(0);
    destroy(id);
}

static long affinity(uint32_t cmd, domid_t id, uint32_t flags, uint64_t hard, uint64_t soft)
{
    memset(&op, 0, sizeof(op));
    words[0] = hard;
    words[1] = soft;
    op.u.vcpuaffinity.flags = flags;
    op.u.vcpuaffinity.cpumap_hard.bitmap.p = (uint8_t *)&words[0];
    op.u.vcpuaffinity.cpumap_soft.bitmap.p = (uint8_t *)&words[1];
    op.u.vcpuaffinity.cpumap_hard.nr_bits = op.u.vcpuaffinity.cpumap_soft.nr_bits = 64;
    return domctl(cmd, id);
}

static void vcpus_are_pinned(void **state)
{
    domid_t id = create(1);
    const uint32_t both = XEN_VCPUAFFINITY_HARD | XEN_VCPUAFFINITY_SOFT;

    assert_int_equal(affinity(XEN_DOMCTL_setvcpuaffinity, id, 0, 1, 1), -XEN_EINVAL);
    assert_int_equal(affinity(XEN_DOMCTL_setvcpuaffinity, id, 8, 1, 1), -XEN_EINVAL);
    assert_int_equal(affinity(XEN_DOMCTL_setvcpuaffinity, id, both, 0, 1), -XEN_EINVAL);
    assert_int_equal(affinity(XEN_DOMCTL_setvcpuaffinity, id, both, 0xf2, 3), 0);
    assert_int_equal(domain_of_owner(id)->vcpus[0]->processor, 1); /* at once, though it is down */
    assert_int_equal(words[0], 2);
    assert_int_equal(words[1], 2);
    assert_int_equal(affinity(XEN_DOMCTL_getvcpuaffinity, id, both, 0, 0), 0);
    assert_int_equal(words[0], 0xf2);
    assert_int_equal(words[1], 3);
    op.u.vcpuaffinity.cpumap_hard.nr_bits = 100000;
    assert_int_equal(domctl(XEN_DOMCTL_getvcpuaffinity, id), -XEN_EINVAL);
    op.u.vcpuaffinity.vcpu = 1;
    assert_int_equal(domctl(XEN_DOMCTL_getvcpuaffinity, id), -XEN_EINVAL);
    destroy(id);
}

static void shares_are_set(void **state)
{
    domid_t id = create(1);
    struct xen_domctl_scheduler_op *sched = &op.u.scheduler_op;

    memset(&op, 0, sizeof(op));
    sched->sched_id = XEN_SCHEDULER_CREDIT;
    assert_int_equal(domctl(XEN_DOMCTL_scheduler_op, id), -XEN_EINVAL);
    sched->sched_id = XEN_SCHEDULER_CREDIT2;
    sched->cmd = XEN_DOMCTL_SCHEDOP_getinfo;
    assert_int_equal(domctl(XEN_DOMCTL_scheduler_op, id), 0);
    assert_int_equal(sched->u.credit2.weight, 256);
    sched->cmd = XEN_DOMCTL_SCHEDOP_putinfo;
    sched->u.credit2.weight = 512;
    assert_int_equal(domctl(XEN_DOMCTL_scheduler_op, id), 0);
    assert_int_equal(domain_of_owner(id)->sched_weight, 512);
    sched->u.credit2.weight = 0;
    assert_int_equal(domctl(XEN_DOMCTL_scheduler_op, id), -XEN_EINVAL);
    assert_int_equal(domain_of_owner(id)->sched_weight, 512);
    sched->u.credit2.weight = 100;
    sched->u.credit2.cap = 50;
    assert_int_equal(domctl(XEN_DOMCTL_scheduler_op, id), 0);
    sched->cmd = XEN_DOMCTL_SCHEDOP_getinfo;
    sched->u.credit2.weight = sched->u.credit2.cap = 1;
    assert_int_equal(domctl(XEN_DOMCTL_scheduler_op, id), 0);
    assert_int_equal(sched->u.credit2.weight, 100);
    assert_int_equal(sched->u.credit2.cap, 50);
    sched->cmd = XEN_DOMCTL_SCHEDOP_putvcpuinfo;
    assert_int_equal(domctl(XEN_DOMCTL_scheduler_op, id), -XEN_EINVAL);
    destroy(id);
}

static void memory_comes_from_nodes(void **state)
{
    domid_t id = create(1);

    memset(&op, 0, sizeof(op));
    op.u.nodeaffinity.nodemap.bitmap.p = (uint8_t *)words;
    op.u.nodeaffinity.nodemap.nr_bits = 64;
    words[0] = 0;
    assert_int_equal(domctl(XEN_DOMCTL_getnodeaffinity, id), 0);
    assert_int_equal(words[0], 1);
    assert_int_equal(domctl(XEN_DOMCTL_setnodeaffinity, id), 0);
    words[0] = 2;
    assert_int_equal(domctl(XEN_DOMCTL_setnodeaffinity, id), -XEN_EINVAL);
    destroy(id);
}

/* ---- what it may touch --------------------------------------------------------------------------- */

static void nobody_gives_what_he_has_not(void **state)
{
    domid_t id = create(1);
    struct domain *domain = domain_of_owner(id);

    assert_int_equal(rangeset_add_range(control->arch.io_memory, 100, 199), 0);
    assert_int_equal(rangeset_add_range(control->arch.io_ports, 0x300, 0x3ff), 0);
    assert_int_equal(rangeset_add_range(control->arch.irqs, 5, 5), 0);
    memset(&op, 0, sizeof(op));
    op.u.iomem_permission.first_mfn = 100;
    assert_int_equal(domctl(XEN_DOMCTL_iomem_permission, id), -XEN_EINVAL);
    op.u.iomem_permission.nr_mfns = ~0ull;
    assert_int_equal(domctl(XEN_DOMCTL_iomem_permission, id), -XEN_EINVAL);
    op.u.iomem_permission.nr_mfns = 101;
    op.u.iomem_permission.allow_access = 1;
    assert_int_equal(domctl(XEN_DOMCTL_iomem_permission, id), -XEN_EPERM);
    op.u.iomem_permission.nr_mfns = 100;
    assert_int_equal(domctl(XEN_DOMCTL_iomem_permission, id), 0);
    assert_true(rangeset_contains_range(domain->arch.io_memory, 100, 199));
    op.u.iomem_permission.allow_access = 0;
    assert_int_equal(domctl(XEN_DOMCTL_iomem_permission, id), 0);
    assert_true(rangeset_is_empty(domain->arch.io_memory));
    memset(&op, 0, sizeof(op));
    op.u.ioport_permission.first_port = 0xffff;
    op.u.ioport_permission.nr_ports = 2;
    assert_int_equal(domctl(XEN_DOMCTL_ioport_permission, id), -XEN_EINVAL);
    op.u.ioport_permission.nr_ports = 1;
    assert_int_equal(domctl(XEN_DOMCTL_ioport_permission, id), -XEN_EPERM);
    op.u.ioport_permission.first_port = 0x3f8;
    op.u.ioport_permission.allow_access = 1;
    assert_int_equal(domctl(XEN_DOMCTL_ioport_permission, id), 0);
    assert_true(rangeset_contains(domain->arch.io_ports, 0x3f8));
    memset(&op, 0, sizeof(op));
    op.u.irq_permission.pirq = 6;
    assert_int_equal(domctl(XEN_DOMCTL_irq_permission, id), -XEN_EPERM);
    op.u.irq_permission.pirq = 5;
    op.u.irq_permission.allow_access = 1;
    assert_int_equal(domctl(XEN_DOMCTL_irq_permission, id), 0);
    assert_true(rangeset_contains(domain->arch.irqs, 5));
    destroy(id);
}

/* ---- frames ------------------------------------------------------------------------------------- */

static void frames_are_told_by_type(void **state)
{
    domid_t id = create(1);
    struct domain *domain = domain_of_owner(id);
    const struct memory_placement placement = { .node = ALLOC_NODE_ANY, .bits = 64 };
    mfn_t mfn;

    assert_int_equal(memory_populate(domain, 0, 0, &placement, &mfn), 0);
    host_set_preempt_odds(2);
    for (unsigned int i = 0; i < ARRAY_SIZE(words); i++) {
        words[i] = i % 2 ? mfn.value : ~0ull;
    }
    memset(&op, 0, sizeof(op));
    op.u.getpageframeinfo3.num = ARRAY_SIZE(words);
    op.u.getpageframeinfo3.array.p = words;
    assert_int_equal(domctl(XEN_DOMCTL_getpageframeinfo3, id), 0);
    for (unsigned int i = 0; i < ARRAY_SIZE(words); i++) {
        assert_int_equal(words[i], i % 2 ? XEN_DOMCTL_PFINFO_NOTAB : XEN_DOMCTL_PFINFO_XTAB);
    }
    host_set_preempt_odds(0);
    memset(&op, 0, sizeof(op));
    op.u.hypercall_init.gmfn = mfn.value;
    assert_int_equal(domctl(XEN_DOMCTL_hypercall_init, id), 0);
    assert_int_equal(*(uint8_t *)mfn_to_virt(mfn), 0xcc);
    op.u.hypercall_init.gmfn = ~0ull;
    assert_int_equal(domctl(XEN_DOMCTL_hypercall_init, id), -XEN_EACCES);
    assert_int_equal(domctl(XEN_DOMCTL_hypercall_init, 0), -XEN_EACCES);
    destroy(id);
}

static void properties_are_kept(void **state)
{
    domid_t id = create(1);
    struct domain *domain = domain_of_owner(id);

    memset(&op, 0, sizeof(op));
    op.u.address_size.size = 64;
    assert_int_equal(domctl(XEN_DOMCTL_set_address_size, id), 0);
    op.u.address_size.size = 32;
    assert_int_equal(domctl(XEN_DOMCTL_set_address_size, id), -XEN_EOPNOTSUPP);
    op.u.address_size.size = 31;
    assert_int_equal(domctl(XEN_DOMCTL_set_address_size, id), -XEN_EINVAL);
    assert_int_equal(domctl(XEN_DOMCTL_get_address_size, id), 0);
    assert_int_equal(op.u.address_size.size, 64);
    memset(&op, 0, sizeof(op));
    op.u.settimeoffset.time_offset_seconds = -3600;
    assert_int_equal(domctl(XEN_DOMCTL_settimeoffset, id), 0);
    assert_int_equal(domain->time_offset_seconds, -3600);
    op.u.settimeoffset.time_offset_seconds = 1ll << 40;
    assert_int_equal(domctl(XEN_DOMCTL_settimeoffset, id), -XEN_EINVAL);
    memset(&op, 0, sizeof(op));
    op.u.tsc_info.tsc_mode = 2;
    assert_int_equal(domctl(XEN_DOMCTL_settscinfo, id), 0);
    op.u.tsc_info.tsc_mode = 3;
    assert_int_equal(domctl(XEN_DOMCTL_settscinfo, id), -XEN_EINVAL);
    assert_int_equal(domctl(XEN_DOMCTL_gettscinfo, id), 0);
    assert_int_equal(op.u.tsc_info.tsc_mode, 2);
    assert_int_equal(op.u.tsc_info.gtsc_khz, 1000000);
    assert_int_equal(op.u.tsc_info.elapsed_nsec, 0);
    op.u.tsc_info = (struct xen_domctl_tsc_info){ 1, 2000000, 5, 0, 12345 };
    assert_int_equal(domctl(XEN_DOMCTL_settscinfo, id), 0);
    host_advance_time(55);
    assert_int_equal(domctl(XEN_DOMCTL_gettscinfo, id), 0);
    assert_int_equal(op.u.tsc_info.tsc_mode, 1);
    assert_int_equal(op.u.tsc_info.gtsc_khz, 2000000);
    assert_int_equal(op.u.tsc_info.incarnation, 5);
    assert_int_equal(op.u.tsc_info.elapsed_nsec, 12400);
    assert_int_equal(plain(XEN_DOMCTL_unpausedomain, id), 0);
    assert_int_equal(domctl(XEN_DOMCTL_settscinfo, id), -XEN_EBUSY);
    assert_int_equal(plain(XEN_DOMCTL_pausedomain, id), 0);
    memset(&op, 0, sizeof(op));
    op.u.setdomainhandle.handle[0] = 9;
    assert_int_equal(domctl(XEN_DOMCTL_setdomainhandle, id), 0);
    assert_int_equal(info_of(id).handle[0], 9);
    destroy(id);
}

/* ---- policy ------------------------------------------------------------------------------------- */

static void a_policy_only_loses(void **state)
{
    static struct cpu_policy policy, before;
    struct xen_cpuid_leaf leaves[] = {
        { 1, XEN_CPUID_NO_SUBLEAF, 0x123, 0, 1u << 19, ~0u },
        { 7, 0, 0, 1u << 3, ~0u, ~0u },
        { 0x80000002, XEN_CPUID_NO_SUBLEAF, 1, 2, 3, 4 },
        { 0x40000000, XEN_CPUID_NO_SUBLEAF, 0, 0, 0, 0 },
    };
    unsigned int wrong = 99;

    memset(&policy, 0, sizeof(policy));
    policy.max_basic = 0xd;
    policy.max_extended = 0x80000008;
    policy.basic[1][CPUID_C] = 1u << 19 | 1u << 20;
    policy.feature[0][CPUID_B] = 1u << 3 | 1u << 8;
    before = policy;
    assert_int_equal(policy_request(&policy, leaves, ARRAY_SIZE(leaves), &wrong), 0);
    assert_int_equal(policy.basic[1][CPUID_A], 0x123);
    assert_int_equal(policy.basic[1][CPUID_C], 1u << 19 | 1u << 31);
    assert_int_equal(policy.basic[1][CPUID_D], 0);
    assert_int_equal(policy.feature[0][CPUID_B], 1u << 3);
    assert_int_equal(policy.extended[2][CPUID_D], 4);
    policy = before;
    leaves[2].leaf = 0x80000100;
    assert_int_equal(policy_request(&policy, leaves, ARRAY_SIZE(leaves), &wrong), -XEN_ERANGE);
    assert_int_equal(wrong, 2);
    leaves[2].leaf = 0x10000;
    assert_int_equal(policy_request(&policy, leaves, ARRAY_SIZE(leaves), &wrong), -XEN_ERANGE);
    leaves[0].subleaf = 0;
    assert_int_equal(policy_request(&policy, leaves, ARRAY_SIZE(leaves), &wrong), -XEN_ERANGE);
    assert_int_equal(wrong, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, before_each, after_each)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_the_control_domain_of_this_version),
        TEST(nobody_does_it_to_himself),
        TEST(what_is_not_there_says_so),
        TEST(domains_come_and_go_without_a_trace),
        TEST(an_id_can_be_asked_for),
        TEST(absurd_domains_are_refused),
        TEST(limits_are_those_asked_for),
        TEST(creation_whose_result_is_lost_is_undone),
        TEST(vcpus_are_as_many_as_was_said),
        TEST(the_next_domain_is_described),
        TEST(a_dead_domain_is_seen_until_it_is_gone),
        TEST(a_domain_that_was_built_knows_the_time),
        TEST(pauses_are_counted),
        TEST(a_domain_starts_with_the_wall_clock),
        TEST(a_shut_down_domain_is_resumed),
        TEST(a_vcpu_gets_its_context),
        TEST(vcpus_are_pinned),
        TEST(shares_are_set),
        TEST(memory_comes_from_nodes),
        TEST(nobody_gives_what_he_has_not),
        TEST(frames_are_told_by_type),
        TEST(properties_are_kept),
        TEST(a_policy_only_loses),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
