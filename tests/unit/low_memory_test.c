/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* dom0 is told when memory gets low: once for each time that it falls below the limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/sched_world.h"

#include "hypervisor/frame.h"
#include "hypervisor/option.h"

#define LIMIT_FRAMES 1024u /* 4 MiB of the host's 16 */
#define MARGIN       (LIMIT_FRAMES / 8)

static struct domain *control;
static struct frame *taken[WORLD_FRAMES];
static unsigned int taken_count;
static uint32_t port;

static int setup(void **state)
{
    struct evtchn_bind_virq args = { .virq = VIRQ_ENOMEM };

    world_create(1);
    control = world_domain(0, 1, true);
    domain_hardware = control;
    host_set_current(0, control->vcpus[0]);
    assert_int_equal(event_bind_virq(control, &args), 0);
    port = args.port;
    return 0;
}

static void give(void)
{
    while (taken_count != 0) {
        frame_free(taken[--taken_count], 0);
    }
}

static int teardown(void **state)
{
    give();
    host_set_current(0, domain_idle_vcpu(0));
    domain_hardware = NULL;
    world_kill(control);
    host_teardown_leaky();
    return 0;
}

/* Takes frames until so many are free. */
static void leave(uint64_t free)
{
    while (frame_count_free() > free) {
        taken[taken_count] = frame_alloc(0, 0, 0);
        assert_non_null(taken[taken_count++]);
    }
}

static bool told(void)
{
    bool pending;

    host_run_softwork_all();
    host_set_current(0, control->vcpus[0]);
    pending = control->shared_info->evtchn_pending[0] & 1ul << port;
    control->shared_info->evtchn_pending[0] &= ~(1ul << port);
    control->vcpus[0]->info->evtchn_upcall_pending = 0;
    control->vcpus[0]->info->evtchn_pending_sel = 0;
    return pending;
}

static void nobody_is_told_before_dom0_stands(void **state)
{
    leave(LIMIT_FRAMES - 10);
    assert_false(told());
    options_parse("low_mem_virq_limit=4M");
    low_memory_init();
    leave(LIMIT_FRAMES - 20);
    assert_false(told()); /* it was low already */
    give();
}

static void dom0_is_told_once_a_fall(void **state)
{
    leave(LIMIT_FRAMES);
    assert_false(told());
    leave(LIMIT_FRAMES - 1);
    assert_true(told());
    leave(LIMIT_FRAMES - 100);
    assert_false(told());
    give();
    leave(LIMIT_FRAMES - 1);
    assert_true(told());
}

static void allocations_about_the_limit_are_not_told(void **state)
{
    leave(LIMIT_FRAMES - 1);
    (void)told();
    for (unsigned int i = 0; i < 2 * MARGIN; i++) {
        frame_free(taken[--taken_count], 0);
        if (frame_count_free() == LIMIT_FRAMES + MARGIN - 1) {
            break;
        }
    }
    leave(LIMIT_FRAMES - 1);
    assert_false(told());
    give();
    leave(LIMIT_FRAMES - 1);
    assert_true(told());
    give();
}

static void no_limit_tells_nobody(void **state)
{
    options_parse("low_mem_virq_limit=0");
    low_memory_init();
    leave(1);
    assert_false(told());
    give();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_is_told_before_dom0_stands),
        cmocka_unit_test(dom0_is_told_once_a_fall),
        cmocka_unit_test(allocations_about_the_limit_are_not_told),
        cmocka_unit_test(no_limit_tells_nobody),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
