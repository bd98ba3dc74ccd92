/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Counters as xenperf reads them; without CONFIG_PERF_COUNTERS the honest error. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/sched_world.h"

#include "hypervisor/hypercall.h"
#include "hypervisor/perf_counter.h"

#include <xen/sysctl.h>

#define CPUS 3u

static struct domain *control;
static struct xen_sysctl op;
static struct xen_sysctl_perfc_desc descriptions[64];
static uint32_t values[1024];

static int setup(void **state)
{
    world_create(CPUS);
    control = world_domain(1, 1, true);
    (void)host_guest_map(&op, sizeof(op));
    (void)host_guest_map(descriptions, sizeof(descriptions));
    (void)host_guest_map(values, sizeof(values));
    host_set_current(0, control->vcpus[0]);
    return 0;
}

static int teardown(void **state)
{
    host_set_current(0, domain_idle_vcpu(0));
    world_kill(control);
    host_teardown_leaky();
    return 0;
}

static long perfc(uint32_t cmd)
{
    struct hypercall call = { .op = __HYPERVISOR_sysctl, .arg = { (unsigned long)&op } };

    memset(&op, 0, sizeof(op));
    op.cmd = XEN_SYSCTL_perfc_op;
    op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    op.u.perfc_op.cmd = cmd;
    op.u.perfc_op.desc.p = descriptions;
    op.u.perfc_op.val.p = values;
    return hypercall_dispatch(&call);
}

#ifdef CONFIG_PERF_COUNTERS

/* Where the values of a counter begin; fails the test when there is none. */
static uint32_t *values_of(const char *name, uint32_t count)
{
    uint32_t *at = values;

    for (uint32_t i = 0; i < op.u.perfc_op.nr_counters; i++) {
        if (strcmp(descriptions[i].name, name) == 0) {
            assert_int_equal(descriptions[i].nr_vals, count);
            return at;
        }
        at += descriptions[i].nr_vals;
    }
    fail();
    return NULL;
}

static void what_was_counted_is_told(void **state)
{
    struct hypercall call = { .op = __HYPERVISOR_xen_version };

    assert_int_equal(perfc(XEN_SYSCTL_PERFCOP_reset), 0);
    for (unsigned int i = 0; i < 5; i++) {
        (void)hypercall_dispatch(&call);
    }
    perf_count(vcpu_wakes);
    (void)world_cpu(2);
    perf_count(vcpu_wakes);
    perf_count(vcpu_wakes);
    perf_count_at(exceptions, 3);
    perf_count_at(exceptions, 1000);
    host_set_current(0, control->vcpus[0]);
    assert_int_equal(perfc(XEN_SYSCTL_PERFCOP_query), 0);
    assert_int_equal(values_of("hypercalls", 64)[__HYPERVISOR_xen_version], 5);
    assert_int_equal(values_of("wake-ups of vcpus", CPUS)[0], 1);
    assert_int_equal(values_of("wake-ups of vcpus", CPUS)[1], 0);
    assert_int_equal(values_of("wake-ups of vcpus", CPUS)[2], 2);
    assert_int_equal(values_of("exceptions", 32)[3], 1);
    assert_int_equal(values_of("exceptions", 32)[31], 1);
    assert_int_equal(perfc(XEN_SYSCTL_PERFCOP_reset), 0);
    assert_int_equal(perfc(XEN_SYSCTL_PERFCOP_query), 0);
    assert_int_equal(values_of("wake-ups of vcpus", CPUS)[2], 0);
    assert_int_equal(perfc(7), -XEN_EINVAL);
}

#else

static void what_was_counted_is_told(void **state)
{
    perf_count(vcpu_wakes);
    assert_int_equal(perfc(XEN_SYSCTL_PERFCOP_query), -XEN_ENOSYS);
    assert_int_equal(perfc(XEN_SYSCTL_PERFCOP_reset), -XEN_ENOSYS);
    assert_int_equal(perf_value_sum(PERF_vcpu_wakes), 0);
}

#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_counted_is_told),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
