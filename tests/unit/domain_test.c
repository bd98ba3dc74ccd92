/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Domains: creation, references, pausing, shutting down, watchdogs, vcpu_info, death. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/sched_world.h"

#include "arch/memory.h"
#include "hypervisor/frame.h"

#include <xen/sched.h>

#define CPUS 3u

static uint64_t heap_before;

static int setup(void **state)
{
    world_create(CPUS);
    return 0;
}

/* A heap keeps a frame for each size once used: only the objects must be gone. */
static int before_each(void **state)
{
    (void)world_cpu(0);
    host_run_softwork_all();
    heap_before = heap_bytes_in_use();
    return 0;
}

static int after_each(void **state)
{
    (void)world_cpu(0);
    host_run_softwork_all();
    assert_int_equal(heap_bytes_in_use(), heap_before);
    assert_true(world_valid());
    return 0;
}

/* ---- references ------------------------------------------------------------------------------ */

static void a_domain_is_found_while_it_lives(void **state)
{
    struct domain *domain = world_domain(5, 2, false);

    assert_ptr_equal(domain_get(DOMAIN_ID(5)), domain);
    domain_put(domain);
    assert_null(domain_get(DOMAIN_ID(6)));
    assert_null(domain_get(DOMAIN_ID(DOMID_IO)));
    assert_null(domain_get(DOMAIN_ID(DOMID_IDLE)));
    assert_null(domain_get(DOMAIN_ID(DOMID_SELF)));
    assert_null(domain_get(DOMAIN_ID(0xffff)));
    assert_ptr_equal(domain_of_owner(DOMID_IO), domain_io);
    assert_null(domain_of_owner(0xffff));
    assert_true(domain_valid(domain));
    world_kill(domain);
    assert_null(domain_get(DOMAIN_ID(5)));
}

static void a_reference_keeps_a_dead_domain(void **state)
{
    struct domain *domain = world_domain(5, 1, false);
    const struct domain_config config = {
        .kind = DOMAIN_KIND_PV, .vcpus_max = 1, .grant_frames_max = -1, .grant_version_max = 2
    };
    int error;

    assert_ptr_equal(domain_get(DOMAIN_ID(5)), domain);
    while (domain_kill(domain) == -XEN_ERESTART) {
    }
    host_run_softwork_all();
    assert_null(domain_get(DOMAIN_ID(5)));
    assert_ptr_equal(domain_of_owner(5), domain);
    assert_null(domain_create(DOMAIN_ID(5), &config, &error));
    assert_int_equal(error, -XEN_EEXIST);
    assert_int_equal(domain_kill(domain), 0);
    domain_put(domain);
    host_run_softwork_all();
    assert_null(domain_of_owner(5));
}

static void bad_configurations_are_refused(void **state)
{
    struct domain_config config = {
        .kind = DOMAIN_KIND_PV, .vcpus_max = 0, .grant_frames_max = -1, .grant_version_max = 2
    };
    int error;

    assert_null(domain_create(DOMAIN_ID(1), &config, &error));
    assert_int_equal(error, -XEN_EINVAL);
    config.vcpus_max = 8193;
    assert_null(domain_create(DOMAIN_ID(1), &config, &error));
    assert_int_equal(error, -XEN_EINVAL);
    config.vcpus_max = 1;
    assert_null(domain_create(DOMAIN_ID(DOMID_FIRST_RESERVED), &config, &error));
    assert_int_equal(error, -XEN_EINVAL);
    assert_null(domain_create(DOMAIN_ID(0xffff), &config, &error));
    assert_int_equal(error, -XEN_EINVAL);
    config.kind = DOMAIN_KIND_HVM;
    assert_null(domain_create(DOMAIN_ID(1), &config, &error));
    assert_int_equal(error, -XEN_EOPNOTSUPP);
    assert_int_equal(domain_kill(domain_idle), -XEN_EINVAL);
    assert_int_equal(domain_kill(domain_io), -XEN_EINVAL);
}

static void creation_without_memory_leaves_nothing(void **state)
{
    const struct domain_config config = {
        .kind = DOMAIN_KIND_PV, .vcpus_max = 64, .grant_frames_max = -1, .grant_version_max = 2
    };
    struct frame *taken = NULL, *frame;
    unsigned int kept, id, failed = 0;
    int error;

    while ((frame = frame_alloc(0, ALLOC_NODE_ANY, 0)) != NULL) {
        frame->next = taken != NULL ? (uint32_t)(taken - frame_table) : FRAME_NO_LINK;
        taken = frame;
    }
    /* With each number of free frames creation comes a step further. */
    for (kept = 0; kept < 24; kept++) {
        struct domain *domain = domain_create(DOMAIN_ID(9), &config, &error);

        if (domain == NULL) {
            assert_int_equal(error, -XEN_ENOMEM);
            failed++;
        } else {
            for (id = 0; id < 64 && vcpu_create(domain, id) != NULL; id++) {
            }
            assert_true(domain_valid(domain));
            world_kill(domain);
        }
        host_run_softwork_all();
        assert_null(domain_of_owner(9));
        frame = taken;
        taken = frame->next != FRAME_NO_LINK ? &frame_table[frame->next] : NULL;
        frame_free(frame, 0);
    }
    assert_true(failed > 0 && failed < 24);
    while (taken != NULL) {
        frame = taken;
        taken = frame->next != FRAME_NO_LINK ? &frame_table[frame->next] : NULL;
        frame_free(frame, 0);
    }
}

static bool count_domain(struct domain *domain, void *data)
{
    unsigned int *sum = data;

    *sum = *sum * 10 + domain->id.value;
    return domain->id.value != 7;
}

static void for_each_goes_in_order_and_stops(void **state)
{
    struct domain *third = world_domain(8, 1, false), *first = world_domain(2, 1, false);
    struct domain *second = world_domain(7, 1, false);
    unsigned int sum = 0;

    domain_for_each(count_domain, &sum);
    assert_int_equal(sum, 27);
    world_kill(first);
    world_kill(second);
    sum = 0;
    domain_for_each(count_domain, &sum);
    assert_int_equal(sum, 8);
    world_kill(third);
}

static unsigned int getters_left;

static void get_and_put(void *data)
{
    unsigned int i;

    for (i = 0; i < 300; i++) {
        struct domain *domain = domain_get(DOMAIN_ID(4));

        if (domain != NULL) {
            const struct vcpu *vcpu = atomic_read_acquire(&domain->vcpus[0]);

            BUG_ON(domain->id.value != 4 || (vcpu != NULL && vcpu->domain != domain));
            domain_put(domain);
        }
        host_run_softwork();
    }
    (void)atomic_sub(&getters_left, 1);
}

static void create_and_kill(void *data)
{
    unsigned int i;

    for (i = 0; i < 20 || atomic_read(&getters_left) != 0; i++) {
        struct domain *domain = world_domain(4, 1, false);

        while (domain_kill(domain) == -XEN_ERESTART) {
        }
        while (domain_of_owner(4) != NULL) {
            host_run_softwork();
            arch_cpu_relax();
        }
    }
}

static void lookups_race_with_death(void **state)
{
    getters_left = 2;
    host_spawn(0, create_and_kill, NULL);
    host_spawn(1, get_and_put, NULL);
    host_spawn(2, get_and_put, NULL);
    host_run();
}

/* ---- pausing --------------------------------------------------------------------------------- */

static void pauses_nest(void **state)
{
    struct domain *domain = world_domain(1, 2, false);
    struct vcpu *vcpu = domain->vcpus[0];

    world_start(domain);
    assert_true(vcpu->running && domain->vcpus[1]->running);
    vcpu_pause_nosync(vcpu);
    domain_pause_nosync(domain);
    domain_pause_nosync(domain);
    host_run_softwork_all();
    assert_false(vcpu->running || domain->vcpus[1]->running);
    assert_int_equal(vcpu->pause_flags, VCPU_PAUSED | VCPU_DOMAIN_PAUSED);
    assert_int_equal(vcpu->runstate.state, RUNSTATE_offline);
    domain_unpause(domain);
    host_run_softwork_all();
    assert_false(vcpu->running || domain->vcpus[1]->running);
    domain_unpause(domain);
    host_run_softwork_all();
    assert_false(vcpu->running);
    assert_true(domain->vcpus[1]->running);
    assert_true(domain_valid(domain));
    vcpu_unpause(vcpu);
    host_run_softwork_all();
    assert_true(vcpu->running);
    HOST_EXPECT_PANIC(vcpu_unpause(vcpu));
    vcpu->pause_count = 0;
    spin_lock_init(&domain->pause_lock, LOCK_PAUSE);
    world_kill(domain);
}

static void a_vcpu_of_a_paused_domain_starts_paused(void **state)
{
    const struct domain_config config = {
        .kind = DOMAIN_KIND_PV, .vcpus_max = 2, .grant_frames_max = -1, .grant_version_max = 2
    };
    struct domain *domain;
    int error;

    domain = domain_create(DOMAIN_ID(1), &config, &error);
    assert_non_null(domain);
    assert_int_equal(domain->pause_count, 1);
    assert_non_null(vcpu_create(domain, 1));
    assert_null(vcpu_create(domain, 1));
    assert_null(vcpu_create(domain, 2));
    assert_int_equal(domain->vcpus[1]->pause_flags, VCPU_DOWN | VCPU_DOMAIN_PAUSED);
    domain_unpause(domain);
    assert_int_equal(domain->vcpus[1]->pause_flags, VCPU_DOWN);
    assert_true(domain_valid(domain));
    world_kill(domain);
}

static void paused_time_is_offline_blocked_time_blocked(void **state)
{
    struct domain *domain = world_domain(1, 1, false);
    struct vcpu *vcpu = domain->vcpus[0];
    struct vcpu_runstate_info runstate;
    uint64_t sum = 0, created = (uint64_t)time_now();
    unsigned int i;

    world_start(domain);
    host_advance_time(1000);
    (void)world_cpu(vcpu->processor);
    vcpu->info->evtchn_upcall_pending = 0;
    vcpu_block();
    host_run_softwork_all();
    host_advance_time(200);
    domain_pause_nosync(domain); /* blocked dominates */
    host_advance_time(20);
    vcpu_unblock(vcpu);
    host_advance_time(3);
    vcpu_runstate_get(vcpu, &runstate);
    assert_int_equal(runstate.state, RUNSTATE_offline);
    assert_int_equal(runstate.time[RUNSTATE_running], 1000);
    assert_int_equal(runstate.time[RUNSTATE_blocked], 220);
    assert_int_equal(runstate.time[RUNSTATE_offline], 3);
    for (i = 0; i < 4; i++) {
        sum += runstate.time[i];
    }
    assert_int_equal(sum, (uint64_t)time_now() - created);
    world_kill(domain);
}

/* ---- shutting down --------------------------------------------------------------------------- */

static void shutdown_pauses_and_resume_goes_on(void **state)
{
    struct domain *domain = world_domain(1, 1, false);

    world_start(domain);
    assert_int_equal(domain_shutdown(domain, SHUTDOWN_MAX + 1), -XEN_EINVAL);
    assert_int_equal(domain_shutdown(domain, SHUTDOWN_suspend), 0);
    assert_int_equal(domain_shutdown(domain, SHUTDOWN_crash), 0); /* too late */
    host_run_softwork_all();
    assert_true(domain->is_shut_down);
    assert_int_equal(domain->shutdown_code, SHUTDOWN_suspend);
    assert_false(domain->vcpus[0]->running);
    domain_resume(domain);
    domain_resume(domain);
    host_run_softwork_all();
    assert_true(domain->vcpus[0]->running);
    assert_false(domain->is_shut_down);
    assert_int_equal(domain_shutdown_latch(domain, SHUTDOWN_reboot), 0);
    domain_crash(domain, "as the test wants it");
    assert_int_equal(domain->shutdown_code, SHUTDOWN_reboot);
    assert_true(domain_valid(domain));
    world_kill(domain);
}

static void a_watchdog_bites(void **state)
{
    struct domain *domain = world_domain(1, 1, false);

    world_start(domain);
    assert_int_equal(domain_watchdog(domain, 0, 0), -XEN_EINVAL);
    assert_int_equal(domain_watchdog(domain, 3, 1), -XEN_EINVAL);
    assert_int_equal(domain_watchdog(domain, 1, 1), -XEN_EEXIST);
    assert_int_equal(domain_watchdog(domain, 0, 10), 1);
    assert_int_equal(domain_watchdog(domain, 0, 20), 2);
    assert_int_equal(domain_watchdog(domain, 0, 20), -XEN_ENOSPC);
    host_advance_time(9 * NS_PER_SECOND);
    host_run_softwork_all();
    assert_int_equal(domain_watchdog(domain, 1, 10), 0);
    host_advance_time(9 * NS_PER_SECOND);
    host_run_softwork_all();
    assert_false(domain->is_shut_down);
    assert_int_equal(domain_watchdog(domain, 2, 0), 0);
    assert_int_equal(domain_watchdog(domain, 2, 0), -XEN_EEXIST);
    host_advance_time(2 * NS_PER_SECOND);
    host_run_softwork_all();
    assert_true(domain->is_shut_down);
    assert_int_equal(domain->shutdown_code, SHUTDOWN_watchdog);
    world_kill(domain);
}

/* ---- vcpu_info ------------------------------------------------------------------------------- */

static mfn_t guest_frame(struct domain *domain)
{
    struct frame *frame = frame_alloc(0, ALLOC_NODE_ANY, ALLOC_ZERO);

    assert_non_null(frame);
    assert_int_equal(frame_assign(domain, frame, 0, 0), 0);
    return frame_mfn(frame);
}

static void vcpu_info_moves_once(void **state)
{
    struct domain *domain = world_domain(1, 40, false), *other = world_domain(2, 1, false);
    mfn_t mfn = guest_frame(domain), foreign = guest_frame(other);
    struct vcpu *vcpu = domain->vcpus[3];
    struct vcpu_info *info;

    assert_true(vcpu_info_is_dummy(domain->vcpus[32]));
    assert_false(vcpu_info_is_dummy(vcpu));
    assert_ptr_equal(vcpu->info, &domain->shared_info->vcpu_info[3]);
    vcpu->info->arch.cr2 = 0x1234;
    assert_int_equal(vcpu_info_register(vcpu, foreign, 0), -XEN_EINVAL);
    assert_int_equal(vcpu_info_register(vcpu, MFN(~0ull), 0), -XEN_EINVAL);
    assert_int_equal(vcpu_info_register(vcpu, mfn, 4096 - 56), -XEN_EINVAL);
    assert_int_equal(vcpu_info_register(vcpu, mfn, 4), -XEN_EINVAL);
    assert_int_equal(vcpu_info_register(vcpu, mfn, 4096 - 64), 0);
    info = (struct vcpu_info *)((char *)mfn_to_virt(mfn) + 4096 - 64);
    assert_ptr_equal(vcpu->info, info);
    assert_int_equal(info->arch.cr2, 0x1234);
    assert_int_equal(info->evtchn_upcall_pending, 1);
    assert_true(info->evtchn_pending_sel == ~0ul);
    assert_int_equal(vcpu_info_register(vcpu, mfn, 0), -XEN_EINVAL);
    assert_int_equal(host_writable_references(), 1);
    assert_int_equal(vcpu_info_register(domain->vcpus[32], mfn, 64), 0);
    assert_false(vcpu_info_is_dummy(domain->vcpus[32]));
    /* One that runs elsewhere may not be moved under its feet. */
    world_start(domain);
    vcpu = domain->vcpus[current_vcpu() == domain->vcpus[0]];
    assert_int_equal(vcpu_info_register(vcpu, mfn, 128), -XEN_EINVAL);
    vcpu = domain->vcpus[3];
    vcpu_info_unregister(vcpu);
    assert_ptr_equal(vcpu->info, &domain->shared_info->vcpu_info[3]);
    world_kill(domain);
    world_kill(other);
    assert_int_equal(host_writable_references(), 0);
}

/* ---- runstate in guest memory ---------------------------------------------------------------- */

static struct vcpu_runstate_info area;

static void runstate_is_published(void **state)
{
    struct domain *domain = world_domain(1, 1, false);
    struct vcpu *vcpu = domain->vcpus[0];

    world_start(domain);
    host_advance_time(500);
    assert_ptr_equal(world_cpu(vcpu->processor), vcpu);
    vcpu_runstate_publish(vcpu); /* not registered: nothing */
    vcpu->runstate_guest = host_guest_map(&area, sizeof(area));
    vcpu_runstate_publish(vcpu);
    assert_int_equal(area.state, RUNSTATE_running);
    assert_int_equal(area.state_entry_time, vcpu->runstate.state_entry_time);
    domain->vm_assist = 1ul << VMASST_TYPE_runstate_update_flag;
    area.state_entry_time = 0;
    vcpu_runstate_publish(vcpu);
    assert_int_equal(area.state_entry_time, vcpu->runstate.state_entry_time);
    host_guest_fault_in(3); /* the last write of the three */
    vcpu_runstate_publish(vcpu);
    assert_true(area.state_entry_time & XEN_RUNSTATE_UPDATE);
    vcpu->runstate_guest = 0;
    host_guest_unmap_all();
    world_kill(domain);
}

/* ---- wall clock ------------------------------------------------------------------------------ */

static void the_wall_clock_reaches_every_domain(void **state)
{
    struct domain *domain = world_domain(1, 1, false);
    struct shared_info *shared = domain->shared_info;
    uint32_t version = shared->wc_version, ns;
    uint64_t seconds;

    wallclock_set(0x123456789ull, 999999999, 1000000000);
    assert_int_equal(shared->wc_sec, 0x23456788u);
    assert_int_equal(shared->wc_sec_hi, 1);
    assert_int_equal(shared->wc_nsec, 999999999);
    assert_int_equal(shared->wc_version & 1, 0);
    assert_int_not_equal(shared->wc_version, version);
    domain->time_offset_seconds = -8;
    shared->wc_version = 0xffffffff; /* a guest's nonsense */
    wallclock_publish(domain);
    assert_int_equal(shared->wc_sec, 0x23456780u);
    assert_int_equal(shared->wc_version, 0);
    wallclock_get(&seconds, &ns);
    assert_true(seconds == 0x123456788ull && ns == 999999999);
    wallclock_set(0, 5, 1000);
    wallclock_get(&seconds, &ns);
    assert_true(seconds == 0 && ns == 0);
    world_kill(domain);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, before_each, after_each)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_domain_is_found_while_it_lives),
        TEST(a_reference_keeps_a_dead_domain),
        TEST(bad_configurations_are_refused),
        TEST(creation_without_memory_leaves_nothing),
        TEST(for_each_goes_in_order_and_stops),
        TEST(lookups_race_with_death),
        TEST(pauses_nest),
        TEST(a_vcpu_of_a_paused_domain_starts_paused),
        TEST(paused_time_is_offline_blocked_time_blocked),
        TEST(shutdown_pauses_and_resume_goes_on),
        TEST(a_watchdog_bites),
        TEST(vcpu_info_moves_once),
        TEST(runstate_is_published),
        TEST(the_wall_clock_reaches_every_domain),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
