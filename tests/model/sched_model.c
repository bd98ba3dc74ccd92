/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The scheduler on fake CPUs that switch at every lock and atomic operation. The guests here do what
 * stresses it: wait for events and send them, yield, poll, pause and pin each other. Checked is what
 * the theory statement of schedule.c promises:
 *
 *   - a vcpu runs on one CPU at a time, on one it may run on, and only while it is not paused;
 *   - no wake-up is lost: at the end every event was taken, with all CPUs idle;
 *   - run queues satisfy their invariants.
 *
 * And, with time standing still but for the test: shares of CPU time follow the weights, and caps hold.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/sched_world.h"

#include "hypervisor/core/event/event_private.h"

#define CPUS  4u
#define VCPUS 7u
#define STEPS 10000u

static struct domain *domain;
static int running_on[VCPUS]; /* CPU + 1 whose code is in this vcpu now */
static unsigned int sent, taken;
static unsigned int cpus_busy;

/* ---- guests ---------------------------------------------------------------------------------- */

static struct vcpu *any_vcpu(void)
{
    return domain->vcpus[host_random_below(VCPUS)];
}

static void send_event(struct vcpu *to)
{
    (void)atomic_add(&sent, 1);
    event_vcpu_notify(to);
}

static void take_event(struct vcpu *self)
{
    if (atomic_exchange(&self->info->evtchn_upcall_pending, 0) != 0) {
        (void)atomic_add(&taken, 1);
    }
}

static void pin_somebody(void)
{
    struct cpu_mask mask = { { 1 + host_random_below((1u << CPUS) - 1) } };

    int result;

    switch (host_random_below(4)) {
    case 0:
        result = vcpu_pin_override(any_vcpu(), (int)host_random_below(CPUS));
        break;
    case 1:
        result = vcpu_pin_override(any_vcpu(), -1);
        break;
    case 2:
        result = vcpu_set_soft_affinity(any_vcpu(), &mask);
        break;
    default:
        result = vcpu_set_affinity(any_vcpu(), &mask);
        break;
    }
    BUG_ON(result != 0 && result != -XEN_EBUSY);
}

/* One CPU at a time: the toolstack's operations are. */
static void cap_all(void)
{
    static const uint32_t caps[] = { 0, 1, 30, 250 };
    static uint32_t busy;

    if (atomic_exchange(&busy, 1) == 0) {
        BUG_ON(sched_set_cap(domain, caps[host_random_below(ARRAY_SIZE(caps))]) != 0);
        atomic_write(&busy, 0);
    }
}

static void pause_somebody(void)
{
    struct vcpu *vcpu = any_vcpu();

    vcpu_pause_nosync(vcpu);
    HOST_SWITCH_POINT();
    vcpu_unpause(vcpu);
}

/* From the idle vcpu: nobody waits for it, so it may wait for others. */
static void pause_somebody_sync(void)
{
    struct vcpu *vcpu = any_vcpu();
    unsigned int i;

    vcpu_pause(vcpu);
    for (i = 0; i < 5; i++) {
        BUG_ON(atomic_read(&vcpu->running) || running_on[vcpu->id] != 0);
    }
    vcpu_unpause(vcpu);
}

static void act(struct vcpu *self)
{
    switch (host_random_below(13)) {
    case 0:
    case 1:
    case 2:
        send_event(any_vcpu());
        break;
    case 3:
        vcpu_yield();
        break;
    case 4:
        pin_somebody();
        break;
    case 5:
        pause_somebody();
        break;
    case 6:
        BUG_ON(vcpu_poll(NULL, 0, (uint64_t)time_now() + host_random_below(2000000)) != 0);
        break;
    case 7:
        host_advance_time(host_random_below(300000));
        break;
    case 8:
        BUG_ON(vcpu_set_singleshot_timer(self, (uint64_t)time_now() + 100000, false) != 0);
        break;
    case 9:
        cap_all();
        break;
    default:
        vcpu_block();
        break;
    }
}

/* What the vcpu does until its exit path would look at softwork. */
static void run_vcpu(struct vcpu *self, bool active)
{
    BUG_ON(running_on[self->id] != 0);
    running_on[self->id] = (int)arch_cpu_id() + 1;
    BUG_ON(!self->running || self->processor != arch_cpu_id());
    HOST_SWITCH_POINT();
    take_event(self);
    if (active) {
        act(self);
    } else {
        vcpu_block();
    }
    BUG_ON(self->processor != arch_cpu_id());
    running_on[self->id] = 0;
}

static void look_at_softwork(void)
{
    bool work;

    BUG_ON(host_random_below(8) == 0 && !sched_valid((unsigned int)host_random_below(CPUS)));
    arch_irq_disable();
    work = softwork_pending();
    arch_irq_enable();
    if (work) {
        host_run_softwork();
    }
}

static bool all_quiet(void)
{
    unsigned int i;

    for (i = 0; i < CPUS; i++) {
        if (!sched_cpu_idle(i)) {
            return false;
        }
    }
    for (i = 0; i < VCPUS; i++) {
        if (event_pending(domain->vcpus[i])) {
            return false;
        }
    }
    return true;
}

/* Later calls of this CPU's coroutine continue in another vcpu: all state is in globals. */
static void cpu_main(void *data)
{
    unsigned int step;

    for (step = 0; step < STEPS; step++) {
        struct vcpu *vcpu = current_vcpu();

        if (!vcpu_is_idle(vcpu)) {
            run_vcpu(vcpu, true);
        } else if (host_random_below(50) == 0) {
            pause_somebody_sync();
        } else if (host_random_below(20) == 0) {
            send_event(any_vcpu()); /* as an interrupt would */
        } else {
            arch_cpu_idle();
        }
        look_at_softwork();
    }
    (void)atomic_sub(&cpus_busy, 1);
    /* The others may still send. A lost wake-up leaves this going for ever, which host_run notes. */
    while (atomic_read(&cpus_busy) != 0 || !all_quiet()) {
        if (!vcpu_is_idle(current_vcpu())) {
            run_vcpu(current_vcpu(), false);
        } else {
            host_advance_time(20000); /* who is capped waits for the next period */
            arch_cpu_idle();
        }
        look_at_softwork();
    }
}

static void stress(unsigned int switch_odds)
{
    unsigned int i;

    domain = world_domain(1, VCPUS, false);
    world_start(domain);
    memset(running_on, 0, sizeof(running_on));
    cpus_busy = CPUS;
    host_set_switch_odds(switch_odds);
    for (i = 0; i < CPUS; i++) {
        host_spawn(i, cpu_main, NULL);
    }
    host_run();
    (void)world_cpu(0);
    assert_true(world_valid());
    assert_true(domain_valid(domain));
    assert_true(taken != 0 && taken <= sent);
    world_kill(domain);
    assert_true(world_valid());
}

static void nothing_is_lost_or_runs_twice(void **state)
{
    stress(4);
    stress(1);
    stress(32);
}

/* ---- shares ---------------------------------------------------------------------------------- */

static void run_for(uint64_t ns)
{
    uint64_t end = (uint64_t)time_now() + ns;

    while ((uint64_t)time_now() < end) {
        host_advance_time(50 * NS_PER_US);
        host_run_softwork_all();
        assert_true(world_valid());
    }
}

/* Part of all CPU time that was used, in thousandths, since it was last asked. */
static void shares(struct domain *const *domains, unsigned int count, unsigned int *out)
{
    static uint64_t before[8];
    uint64_t used[8], total = 0;
    unsigned int i, k;

    for (i = 0; i < count; i++) {
        used[i] = 0;
        for (k = 0; k < domains[i]->vcpus_max; k++) {
            used[i] += vcpu_cpu_time_ns(domains[i]->vcpus[k]);
        }
        total += used[i] - before[i];
    }
    for (i = 0; i < count; i++) {
        out[i] = total != 0 ? (unsigned int)((used[i] - before[i]) * 1000 / total) : 0;
        before[i] = used[i];
    }
    for (; i < 8; i++) {
        before[i] = 0;
    }
}

static void expect_shares(struct domain *const *domains, unsigned int count,
                          const unsigned int *expected, unsigned int tolerance)
{
    unsigned int got[8], i;

    shares(domains, count, got);
    run_for(4 * NS_PER_SECOND);
    shares(domains, count, got);
    for (i = 0; i < count; i++) {
        if (got[i] + tolerance < expected[i] || got[i] > expected[i] + tolerance) {
            fail_msg("domain %u had %u thousandths, not %u", i, got[i], expected[i]);
        }
    }
}

static void pin_all(struct domain *of, unsigned int cpu)
{
    struct cpu_mask mask = { { 1ul << cpu } };
    unsigned int i;

    for (i = 0; i < of->vcpus_max; i++) {
        assert_int_equal(vcpu_set_affinity(of->vcpus[i], &mask), 0);
    }
}

static void start_hogs(struct domain **domains, unsigned int count, unsigned int vcpus)
{
    unsigned int i;

    for (i = 0; i < count; i++) {
        domains[i] = world_domain((uint16_t)(1 + i), vcpus, false);
        world_start(domains[i]);
    }
}

static void kill_all(struct domain **domains, unsigned int count)
{
    unsigned int i;

    for (i = 0; i < count; i++) {
        world_kill(domains[i]);
    }
}

static void equal_hogs_share_one_cpu(void **state)
{
    static const unsigned int third[] = { 333, 333, 333 };
    struct domain *domains[3];
    unsigned int i;

    start_hogs(domains, 3, 1);
    for (i = 0; i < 3; i++) {
        pin_all(domains[i], 2);
    }
    expect_shares(domains, 3, third, 15);
    kill_all(domains, 3);
}

static void shares_follow_weights(void **state)
{
    static const unsigned int expected[] = { 143, 286, 571 };
    struct domain *domains[3];
    unsigned int i;

    start_hogs(domains, 3, 1);
    for (i = 0; i < 3; i++) {
        pin_all(domains[i], 1);
        assert_int_equal(sched_set_weight(domains[i], 128u << i), 0);
    }
    expect_shares(domains, 3, expected, 25);
    kill_all(domains, 3);
}

static void one_hog_more_than_cpus(void **state)
{
    static const unsigned int fifth[] = { 200, 200, 200, 200, 200 };
    struct domain *domains[5];

    start_hogs(domains, 5, 1);
    expect_shares(domains, 5, fifth, 30);
    kill_all(domains, 5);
}

static void each_hog_gets_a_cpu(void **state)
{
    struct domain *domains[1];
    uint64_t before[CPUS];
    unsigned int i;

    start_hogs(domains, 1, CPUS);
    run_for(NS_PER_MS);
    for (i = 0; i < CPUS; i++) {
        before[i] = vcpu_cpu_time_ns(domains[0]->vcpus[i]);
    }
    run_for(100 * NS_PER_MS);
    for (i = 0; i < CPUS; i++) {
        assert_int_equal(vcpu_cpu_time_ns(domains[0]->vcpus[i]) - before[i], 100 * NS_PER_MS);
    }
    kill_all(domains, 1);
}

/* ---- caps ------------------------------------------------------------------------------------ */

/* CPU time of the domain in `ns` from now, in thousandths of one CPU's. */
static unsigned int use_of(const struct domain *of, uint64_t ns)
{
    uint64_t used = 0;

    for (unsigned int i = 0; i < of->vcpus_max; i++) {
        used -= vcpu_cpu_time_ns(of->vcpus[i]);
    }
    run_for(ns);
    for (unsigned int i = 0; i < of->vcpus_max; i++) {
        used += vcpu_cpu_time_ns(of->vcpus[i]);
    }
    return (unsigned int)(used * 1000 / ns);
}

static void expect_use(const struct domain *of, unsigned int expected, unsigned int tolerance)
{
    unsigned int got = use_of(of, NS_PER_SECOND);

    if (got + tolerance < expected || got > expected + tolerance) {
        fail_msg("%u thousandths of a CPU, not %u", got, expected);
    }
}

/* Alone on the machine or not, with one vcpu or many: the cap is what it gets. */
static void caps_hold(void **state)
{
    static const unsigned int percent[] = { 1, 10, 50, 100, 150, 230 };
    struct domain *domains[2];

    start_hogs(domains, 1, 3);
    run_for(30 * NS_PER_MS);
    for (unsigned int i = 0; i < ARRAY_SIZE(percent); i++) {
        assert_int_equal(sched_set_cap(domains[0], percent[i]), 0);
        expect_use(domains[0], percent[i] * 10, 10 + percent[i] / 10);
    }
    assert_int_equal(sched_set_cap(domains[0], 400), 0);
    run_for(NS_PER_MS);
    expect_use(domains[0], 3000, 0);
    kill_all(domains, 1);
    start_hogs(domains, 2, 2);
    pin_all(domains[0], 1);
    pin_all(domains[1], 1);
    assert_int_equal(sched_set_cap(domains[0], 20), 0);
    expect_use(domains[0], 200, 10);
    expect_use(domains[1], 800, 10);
    assert_int_equal(sched_set_cap(domains[0], 80), 0); /* more than its share */
    expect_use(domains[0], 500, 20);
    kill_all(domains, 2);
}

static void a_cap_can_be_taken_away(void **state)
{
    struct domain *domains[1];

    start_hogs(domains, 1, 2);
    assert_int_equal(sched_set_cap(domains[0], UINT16_MAX + 1), -XEN_EINVAL);
    assert_int_equal(sched_set_cap(domains[0], 0), 0);
    assert_null(domains[0]->sched_cap);
    assert_int_equal(sched_set_cap(domains[0], 5), 0);
    run_for(3 * NS_PER_MS);
    for (unsigned int i = 0; i < 2; i++) {
        assert_int_equal(domains[0]->vcpus[i]->pause_flags, VCPU_CAPPED);
        assert_int_equal(domains[0]->vcpus[i]->runstate.state, RUNSTATE_offline);
    }
    assert_int_equal(sched_set_cap(domains[0], 0), 0);
    host_run_softwork_all();
    assert_int_equal(use_of(domains[0], 50 * NS_PER_MS), 2000);
    kill_all(domains, 1);
}

/* It owes nothing for what it ran before, and an idle one's timer does not go on for ever. */
static void a_cap_is_for_what_comes(void **state)
{
    struct domain *domains[1];
    struct vcpu *vcpu;

    start_hogs(domains, 1, 1);
    vcpu = domains[0]->vcpus[0];
    host_advance_time(10 * NS_PER_SECOND); /* alone: nothing is decided all the time */
    assert_int_equal(sched_set_cap(domains[0], 50), 0);
    host_run_softwork_all();
    expect_use(domains[0], 500, 10);
    while (world_cpu(vcpu->processor) != vcpu) {
        run_for(NS_PER_MS);
    }
    vcpu_block();
    run_for(50 * NS_PER_MS);
    for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
        assert_int_equal(timer_next(cpu), TIME_NEVER);
    }
    (void)world_cpu(0);
    event_vcpu_notify(vcpu);
    host_run_softwork_all();
    expect_use(domains[0], 500, 15);
    kill_all(domains, 1);
}

static void time_alone_is_no_debt(void **state)
{
    static const unsigned int half[] = { 500, 500 };
    struct domain *domains[2];
    unsigned int got[8];

    start_hogs(domains, 1, 1);
    pin_all(domains[0], 2);
    run_for(2 * NS_PER_SECOND);
    domains[1] = world_domain(2, 1, false);
    pin_all(domains[1], 2);
    world_start(domains[1]);
    shares(domains, 2, got);
    run_for(200 * NS_PER_MS);
    shares(domains, 2, got);
    for (unsigned int i = 0; i < 2; i++) {
        assert_in_range(got[i], half[i] - 60, half[i] + 60);
    }
    /* Nor when it goes to sleep in between. */
    domain_pause_nosync(domains[1]);
    run_for(2 * NS_PER_SECOND);
    (void)world_cpu(2);
    vcpu_block();
    host_run_softwork_all();
    domain_unpause(domains[1]);
    run_for(5 * NS_PER_MS);
    (void)world_cpu(0);
    event_vcpu_notify(domains[0]->vcpus[0]);
    shares(domains, 2, got);
    run_for(200 * NS_PER_MS);
    shares(domains, 2, got);
    for (unsigned int i = 0; i < 2; i++) {
        assert_in_range(got[i], half[i] - 60, half[i] + 60);
    }
    kill_all(domains, 2);
}

/* One that sleeps most of the time runs soon after it wakes although a hog has its CPU. */
static void a_sleeper_runs_soon(void **state)
{
    struct domain *domains[2];
    struct vcpu *sleeper;
    unsigned int i;

    start_hogs(domains, 2, 1);
    pin_all(domains[0], 3);
    pin_all(domains[1], 3);
    host_run_softwork_all();
    sleeper = domains[1]->vcpus[0];
    for (i = 0; i < 200; i++) {
        struct vcpu *current;
        uint64_t woken;

        while ((current = world_cpu(3)) != sleeper) {
            run_for(50 * NS_PER_US);
        }
        sleeper->info->evtchn_upcall_pending = 0;
        vcpu_block();
        host_run_softwork_all();
        run_for(2 * NS_PER_MS);
        (void)world_cpu(0);
        event_vcpu_notify(sleeper);
        woken = (uint64_t)time_now();
        while (world_cpu(3) != sleeper) {
            run_for(50 * NS_PER_US);
        }
        assert_true((uint64_t)time_now() - woken <= NS_PER_MS);
        host_run_softwork_all();
    }
    kill_all(domains, 2);
}

/* ---- costs ----------------------------------------------------------------------------------- */

static void waking_an_idle_cpu_is_one_kick(void **state)
{
    struct vcpu *vcpu;
    unsigned int cpu, i;

    domain = world_domain(1, 1, false);
    world_start(domain);
    vcpu = domain->vcpus[0];
    cpu = vcpu->processor;
    assert_ptr_equal(world_cpu(cpu), vcpu);
    vcpu_block();
    host_run_softwork_all();
    assert_true(sched_cpu_idle(cpu));
    for (i = 0; i < CPUS; i++) {
        (void)host_kicks(i);
    }
    (void)world_cpu((cpu + 1) % CPUS);
    event_vcpu_notify(vcpu);
    for (i = 0; i < CPUS; i++) {
        assert_int_equal(host_kicks(i), i == cpu);
    }
    host_run_softwork_all();
    assert_ptr_equal(per_cpu(sched_cpus, cpu).current, vcpu); /* it stays where it was */
    assert_int_equal(host_timer_deadline(cpu), INT64_MAX);    /* alone: no time slice */
    world_kill(domain);
}

static void blocking_with_an_event_pending_goes_on(void **state)
{
    struct vcpu *vcpu;

    domain = world_domain(1, 1, false);
    world_start(domain);
    vcpu = domain->vcpus[0];
    (void)world_cpu(vcpu->processor);
    vcpu->info->evtchn_upcall_mask = 1;
    vcpu->info->evtchn_upcall_pending = 1;
    vcpu_block();
    assert_int_equal(vcpu->pause_flags, 0);
    assert_int_equal(vcpu->info->evtchn_upcall_mask, 0);
    assert_false(softwork_pending());
    world_kill(domain);
}

static int setup(void **state)
{
    world_create(CPUS);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_hog_gets_a_cpu),
        cmocka_unit_test(equal_hogs_share_one_cpu),
        cmocka_unit_test(shares_follow_weights),
        cmocka_unit_test(one_hog_more_than_cpus),
        cmocka_unit_test(caps_hold),
        cmocka_unit_test(a_cap_can_be_taken_away),
        cmocka_unit_test(a_cap_is_for_what_comes),

        cmocka_unit_test(time_alone_is_no_debt),
        cmocka_unit_test(a_sleeper_runs_soon),
        cmocka_unit_test(waking_an_idle_cpu_is_one_kick),
        cmocka_unit_test(blocking_with_an_event_pending_goes_on),
        cmocka_unit_test(nothing_is_lost_or_runs_twice),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
