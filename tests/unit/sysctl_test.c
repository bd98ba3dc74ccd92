/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* sysctl: what the toolstack is told of the machine, and each refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/sched_world.h"

#include "abi/xen.h"
#include "arch/sysctl.h"
#include "hypervisor/console.h"
#include "hypervisor/frame.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/trace.h"

#include <xen/sysctl.h>

#define CPUS    3u
#define UNKNOWN 999u

static struct domain *control, *guest;
static struct xen_sysctl op;
static struct xen_domctl_getdomaininfo infos[4];
static uint32_t numbers[64];
static char text[8192];

static int setup(void **state)
{
    world_create(CPUS);
    control = world_domain(1, 1, true);
    guest = world_domain(2, 2, false);
    return 0;
}

static int teardown(void **state)
{
    host_set_current(0, domain_idle_vcpu(0));
    world_kill(guest);
    world_kill(control);
    host_teardown_leaky();
    return 0;
}

static int before_each(void **state)
{
    host_guest_unmap_all();
    (void)host_guest_map(&op, sizeof(op));
    (void)host_guest_map(infos, sizeof(infos));
    (void)host_guest_map(numbers, sizeof(numbers));
    (void)host_guest_map(text, sizeof(text));
    memset(&op, 0, sizeof(op));
    memset(infos, 0xaa, sizeof(infos));
    memset(numbers, 0xaa, sizeof(numbers));
    host_set_current(0, control->vcpus[0]);
    return 0;
}

static long dispatch(void)
{
    struct hypercall call = { .op = __HYPERVISOR_sysctl, .arg = { (unsigned long)&op } };
    long rc = hypercall_dispatch(&call);

    assert_true(lock_none_held());
    return rc;
}

static long sysctl(uint32_t cmd)
{
    op.cmd = cmd;
    op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return dispatch();
}

static void for_the_control_domain_only(void **state)
{
    host_set_current(0, guest->vcpus[0]);
    assert_int_equal(sysctl(XEN_SYSCTL_physinfo), -XEN_EPERM);
    assert_int_equal(op.u.physinfo.nr_cpus, 0);
}

static void the_version_is_checked(void **state)
{
    struct trace_refusal last;

    op.cmd = XEN_SYSCTL_physinfo;
    op.interface_version = XEN_SYSCTL_INTERFACE_VERSION - 1;
    assert_int_equal(dispatch(), -XEN_EACCES);
    assert_true(trace_last(0, &last));
    assert_int_equal(last.operation, __HYPERVISOR_sysctl);
    assert_int_equal(last.value, XEN_SYSCTL_INTERFACE_VERSION - 1);
}

static void what_there_is_not_says_so(void **state)
{
    static const struct {
        uint32_t cmd;
        int error;
    } refused[] = {
        { 0, -XEN_ENOSYS },
        { UNKNOWN, -XEN_ENOSYS },
#ifndef CONFIG_PERF_COUNTERS
        { XEN_SYSCTL_perfc_op, -XEN_ENOSYS },
#endif
        { XEN_SYSCTL_lockprof_op, -XEN_ENOSYS },
        { XEN_SYSCTL_get_pmstat, -XEN_ENODEV },
        { XEN_SYSCTL_pm_op, -XEN_ENODEV },
        { XEN_SYSCTL_cpu_hotplug, -XEN_EOPNOTSUPP },
        { XEN_SYSCTL_page_offline_op, -XEN_EOPNOTSUPP },
        { XEN_SYSCTL_coverage_op, -XEN_EOPNOTSUPP },
        { XEN_SYSCTL_livepatch_op, -XEN_EOPNOTSUPP },
        { XEN_SYSCTL_psr_cmt_op, -XEN_ENODEV },
        { XEN_SYSCTL_psr_alloc, -XEN_ENODEV },
    };

    for (unsigned int i = 0; i < ARRAY_SIZE(refused); i++) {
        assert_int_equal(sysctl(refused[i].cmd), refused[i].error);
    }
}

static void no_memory_of_the_guest(void **state)
{
    host_guest_unmap_all();
    assert_int_equal(sysctl(XEN_SYSCTL_physinfo), -XEN_EFAULT);
    host_guest_map_at(NULL, (uint64_t)(uintptr_t)&op, &op, sizeof(op), false);
    assert_int_equal(sysctl(XEN_SYSCTL_physinfo), -XEN_EFAULT);
}

/* Each operation that writes to a second place of the guest's: that place is not there. */
static void no_memory_for_results(void **state)
{
    static const uint32_t cmds[] = { XEN_SYSCTL_readconsole, XEN_SYSCTL_getdomaininfolist,
                                     XEN_SYSCTL_getcpuinfo, XEN_SYSCTL_cputopoinfo,
                                     XEN_SYSCTL_numainfo };

    console_write("text", 4);
    for (unsigned int i = 0; i < ARRAY_SIZE(cmds); i++) {
        memset(&op, 0, sizeof(op));
        op.u.readconsole.count = 4;
        op.u.readconsole.buffer.p = (void *)16;
        if (cmds[i] == XEN_SYSCTL_getdomaininfolist) {
            op.u.getdomaininfolist.max_domains = 4;
            op.u.getdomaininfolist.buffer.p = (void *)16;
        } else if (cmds[i] != XEN_SYSCTL_readconsole) {
            memset(&op, 0, sizeof(op));
            op.u.numainfo.num_nodes = 4;
            op.u.numainfo.meminfo.p = (void *)16;
        }
        assert_int_equal(sysctl(cmds[i]), -XEN_EFAULT);
    }
}

static void physinfo(void **state)
{
    const struct xen_sysctl_physinfo *info = &op.u.physinfo;

    memset(&op, 0xff, sizeof(op));
    assert_int_equal(sysctl(XEN_SYSCTL_physinfo), 0);
    assert_int_equal(info->nr_cpus, CPUS);
    assert_int_equal(info->max_cpu_id, CPUS - 1);
    assert_int_equal(info->threads_per_core, 2);
    assert_int_equal(info->cores_per_socket, 1);
    assert_int_equal(info->nr_nodes, 1);
    assert_int_equal(info->capabilities, XEN_SYSCTL_PHYSCAP_pv | XEN_SYSCTL_PHYSCAP_gnttab_v1 |
                                             XEN_SYSCTL_PHYSCAP_gnttab_v2);
    assert_int_equal(info->total_pages, arch_node_frames(0));
    assert_true(info->total_pages > frame_count_total());
    assert_true(info->free_pages > 0 && info->free_pages <= info->total_pages);
    assert_int_equal(info->pad, 0);
    assert_int_equal(info->arch_capabilities, 0);
}

static void processors(void **state)
{
    const struct xen_sysctl_cputopo *places = (const void *)numbers;

    assert_int_equal(sysctl(XEN_SYSCTL_cputopoinfo), 0);
    assert_int_equal(op.u.cputopoinfo.num_cpus, CPUS);
    op.u.cputopoinfo.num_cpus = 2;
    op.u.cputopoinfo.cputopo.p = (void *)numbers;
    assert_int_equal(sysctl(XEN_SYSCTL_cputopoinfo), 0);
    assert_int_equal(op.u.cputopoinfo.num_cpus, CPUS);
    assert_int_equal(places[1].core, 0);
    assert_int_equal(places[1].node, 0);
    assert_int_equal(places[2].core, 0xaaaaaaaa);
    op.u.cputopoinfo.num_cpus = ~0u;
    assert_int_equal(sysctl(XEN_SYSCTL_cputopoinfo), 0);
    assert_int_equal(places[2].core, 1);

    host_advance_time(1000);
    op.u.getcpuinfo.max_cpus = ~0u;
    op.u.getcpuinfo.info.p = (void *)numbers;
    assert_int_equal(sysctl(XEN_SYSCTL_getcpuinfo), 0);
    assert_int_equal(op.u.getcpuinfo.nr_cpus, CPUS);
    assert_true(((const uint64_t *)numbers)[2] >= 1000);
}

static void memory_by_node(void **state)
{
    const struct xen_sysctl_meminfo *info = (const void *)numbers;

    assert_int_equal(sysctl(XEN_SYSCTL_numainfo), 0);
    assert_int_equal(op.u.numainfo.num_nodes, 1);
    op.u.numainfo.num_nodes = ~0u;
    op.u.numainfo.meminfo.p = (void *)numbers;
    op.u.numainfo.distance.p = &numbers[32];
    assert_int_equal(sysctl(XEN_SYSCTL_numainfo), 0);
    assert_int_equal(op.u.numainfo.num_nodes, 1);
    assert_int_equal(info->memsize, arch_node_frames(0) << PAGE_SHIFT);
    assert_int_equal(numbers[32], 10);
    assert_int_equal(numbers[33], 0xaaaaaaaa);

    memset(&op, 0, sizeof(op));
    op.u.availheap.node = -1;
    assert_int_equal(sysctl(XEN_SYSCTL_availheap), 0);
    assert_int_equal(op.u.availheap.avail_bytes, frame_count_free() << PAGE_SHIFT);
    op.u.availheap.node = 0;
    assert_int_equal(sysctl(XEN_SYSCTL_availheap), 0);
    op.u.availheap.node = 1;
    assert_int_equal(sysctl(XEN_SYSCTL_availheap), -XEN_EINVAL);
    op.u.availheap.node = -2;
    assert_int_equal(sysctl(XEN_SYSCTL_availheap), -XEN_EINVAL);
    op.u.availheap.max_bitwidth = 32;
    assert_int_equal(sysctl(XEN_SYSCTL_availheap), -XEN_EOPNOTSUPP);
}

static uint32_t list(domid_t first, uint32_t count)
{
    memset(&op, 0, sizeof(op));
    op.u.getdomaininfolist.first_domain = first;
    op.u.getdomaininfolist.max_domains = count;
    op.u.getdomaininfolist.buffer.p = infos;
    assert_int_equal(sysctl(XEN_SYSCTL_getdomaininfolist), 0);
    return op.u.getdomaininfolist.num_domains;
}

static void domains(void **state)
{
    assert_int_equal(list(0, 4), 2);
    assert_int_equal(infos[0].domain, 1);
    assert_int_equal(infos[1].domain, 2);
    assert_int_equal(infos[1].max_vcpu_id, 1);
    assert_int_equal(infos[2].domain, 0xaaaa);
    assert_int_equal(list(0, 1), 1);
    assert_int_equal(list(2, 4), 1);
    assert_int_equal(infos[0].domain, 2);
    assert_int_equal(list(3, 4), 0);
    assert_int_equal(list(0, 0), 0);
}

static uint32_t read_console(uint32_t count, bool clear)
{
    op.u.readconsole.clear = clear;
    op.u.readconsole.buffer.p = text;
    op.u.readconsole.count = count;
    memset(text, 0, sizeof(text));
    assert_int_equal(sysctl(XEN_SYSCTL_readconsole), 0);
    return op.u.readconsole.count;
}

static void the_console_is_read(void **state)
{
    char line[1024];
    uint32_t end;

    (void)read_console(sizeof(text), true);
    memset(line, 'x', sizeof(line));
    console_write("begin ", 6);
    console_write(line, sizeof(line));
    assert_int_equal(read_console(sizeof(text), false), 6 + sizeof(line));
    assert_memory_equal(text, "begin xxx", 9);
    end = op.u.readconsole.index;
    op.u.readconsole.incremental = 1;
    assert_int_equal(read_console(sizeof(text), false), 0);
    assert_int_equal(op.u.readconsole.index, end);
    console_write("more", 4);
    assert_int_equal(read_console(sizeof(text), false), 4);
    assert_string_equal(text, "more");
    op.u.readconsole.incremental = 0;
    assert_int_equal(read_console(5, true), 5);
    assert_string_equal(text, "begin");
    assert_int_equal(read_console(sizeof(text), false), 0);
}

static void debug_keys(void **state)
{
    strcpy(text, "h");
    op.u.debug_keys.keys.p = text;
    op.u.debug_keys.nr_keys = 1;
    assert_int_equal(sysctl(XEN_SYSCTL_debug_keys), 0);
    (void)read_console(sizeof(text), false);
    assert_non_null(strstr(text, "list the debug keys"));
    memset(&op, 0, sizeof(op));
    op.u.debug_keys.keys.p = text;
    op.u.debug_keys.nr_keys = 65;
    assert_int_equal(sysctl(XEN_SYSCTL_debug_keys), -XEN_E2BIG);
    op.u.debug_keys.nr_keys = 1;
    op.u.debug_keys.keys.p = (void *)16;
    assert_int_equal(sysctl(XEN_SYSCTL_debug_keys), -XEN_EFAULT);
}

static long pool(uint32_t what, uint32_t id)
{
    memset(&op.u, 0, sizeof(op.u));
    op.u.cpupool_op.op = what;
    op.u.cpupool_op.cpupool_id = id;
    op.u.cpupool_op.cpumap.bitmap.p = (void *)numbers;
    op.u.cpupool_op.cpumap.nr_bits = 16;
    op.u.cpupool_op.domid = guest->id.value;
    return sysctl(XEN_SYSCTL_cpupool_op);
}

static void one_pool_of_processors(void **state)
{
    assert_int_equal(pool(XEN_SYSCTL_CPUPOOL_OP_INFO, 0), 0);
    assert_int_equal(op.u.cpupool_op.sched_id, XEN_SCHEDULER_CREDIT2);
    assert_int_equal(op.u.cpupool_op.n_dom, 2);
    assert_int_equal(numbers[0] & 0xffff, (1u << CPUS) - 1);
    assert_int_equal(pool(XEN_SYSCTL_CPUPOOL_OP_INFO, 1), -XEN_ENOENT);
    assert_int_equal(pool(XEN_SYSCTL_CPUPOOL_OP_INFO, XEN_SYSCTL_CPUPOOL_PAR_ANY), -XEN_ENOENT);
    assert_int_equal(pool(XEN_SYSCTL_CPUPOOL_OP_FREEINFO, 0), 0);
    assert_int_equal(numbers[0] & 0xffff, 0);
    assert_int_equal(pool(XEN_SYSCTL_CPUPOOL_OP_CREATE, XEN_SYSCTL_CPUPOOL_PAR_ANY),
                     -XEN_EOPNOTSUPP);
    assert_int_equal(pool(XEN_SYSCTL_CPUPOOL_OP_CREATE, 0), -XEN_EEXIST);
    assert_int_equal(pool(XEN_SYSCTL_CPUPOOL_OP_DESTROY, 0), -XEN_EBUSY);
    assert_int_equal(pool(XEN_SYSCTL_CPUPOOL_OP_DESTROY, 1), -XEN_ENOENT);
    assert_int_equal(pool(XEN_SYSCTL_CPUPOOL_OP_ADDCPU, 0), -XEN_ENODEV);
    assert_int_equal(pool(XEN_SYSCTL_CPUPOOL_OP_RMCPU, 0), -XEN_EOPNOTSUPP);
    assert_int_equal(pool(XEN_SYSCTL_CPUPOOL_OP_MOVEDOMAIN, 0), 0);
    op.u.cpupool_op.domid = 7;
    assert_int_equal(sysctl(XEN_SYSCTL_cpupool_op), -XEN_EINVAL);
    op.u.cpupool_op.domid = 0x10000u | guest->id.value;
    assert_int_equal(sysctl(XEN_SYSCTL_cpupool_op), -XEN_EINVAL);
    assert_int_equal(pool(UNKNOWN, 0), -XEN_ENOSYS);
}

static void the_scheduler(void **state)
{
    struct xen_sysctl_scheduler_op *args = &op.u.scheduler_op;

    assert_int_equal(sysctl(XEN_SYSCTL_sched_id), 0);
    assert_int_equal(op.u.sched_id.sched_id, XEN_SCHEDULER_CREDIT2);
    memset(&op, 0, sizeof(op));
    args->sched_id = XEN_SCHEDULER_CREDIT2;
    args->cmd = XEN_SYSCTL_SCHEDOP_getinfo;
    assert_int_equal(sysctl(XEN_SYSCTL_scheduler_op), 0);
    assert_int_equal(args->u.sched_credit2.ratelimit_us, 500);
    args->cmd = XEN_SYSCTL_SCHEDOP_putinfo;
    args->u.sched_credit2.ratelimit_us = XEN_SYSCTL_SCHED_RATELIMIT_MIN - 1;
    assert_int_equal(sysctl(XEN_SYSCTL_scheduler_op), -XEN_EINVAL);
    args->u.sched_credit2.ratelimit_us = XEN_SYSCTL_SCHED_RATELIMIT_MAX + 1;
    assert_int_equal(sysctl(XEN_SYSCTL_scheduler_op), -XEN_EINVAL);
    args->u.sched_credit2.ratelimit_us = 0;
    assert_int_equal(sysctl(XEN_SYSCTL_scheduler_op), 0);
    args->u.sched_credit2.ratelimit_us = 2000;
    assert_int_equal(sysctl(XEN_SYSCTL_scheduler_op), 0);
    args->cmd = XEN_SYSCTL_SCHEDOP_getinfo;
    args->u.sched_credit2.ratelimit_us = 0;
    assert_int_equal(sysctl(XEN_SYSCTL_scheduler_op), 0);
    assert_int_equal(args->u.sched_credit2.ratelimit_us, 2000);
    assert_int_equal(sched_set_ratelimit_us(500), 0);
    args->cmd = UNKNOWN;
    assert_int_equal(sysctl(XEN_SYSCTL_scheduler_op), -XEN_EINVAL);
    args->sched_id = XEN_SCHEDULER_CREDIT;
    assert_int_equal(sysctl(XEN_SYSCTL_scheduler_op), -XEN_EINVAL);
    args->cpupool_id = 1;
    assert_int_equal(sysctl(XEN_SYSCTL_scheduler_op), -XEN_ESRCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(for_the_control_domain_only, before_each),
        cmocka_unit_test_setup(the_version_is_checked, before_each),
        cmocka_unit_test_setup(what_there_is_not_says_so, before_each),
        cmocka_unit_test_setup(no_memory_of_the_guest, before_each),
        cmocka_unit_test_setup(no_memory_for_results, before_each),
        cmocka_unit_test_setup(physinfo, before_each),
        cmocka_unit_test_setup(processors, before_each),
        cmocka_unit_test_setup(memory_by_node, before_each),
        cmocka_unit_test_setup(domains, before_each),
        cmocka_unit_test_setup(the_console_is_read, before_each),
        cmocka_unit_test_setup(debug_keys, before_each),
        cmocka_unit_test_setup(one_pool_of_processors, before_each),
        cmocka_unit_test_setup(the_scheduler, before_each),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
