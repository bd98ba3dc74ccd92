/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The hypercalls sched_op, vcpu_op, set_timer_op and vm_assist: what they do, and each refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "support/sched_world.h"

#include "hypervisor/frame.h"
#include "hypervisor/hypercall.h"

#include <xen/sched.h>

#define CPUS 2u

static struct domain *control, *guest; /* dom0-like without the hardware; an ordinary one */
static union {
    struct sched_shutdown shutdown;
    struct sched_poll poll;
    struct sched_remote_shutdown remote;
    struct sched_watchdog watchdog;
    struct sched_pin_override pin;
    struct vcpu_runstate_info runstate;
    struct vcpu_register_runstate_memory_area runstate_area;
    struct vcpu_register_time_memory_area time_area;
    struct vcpu_register_vcpu_info info;
    struct vcpu_set_periodic_timer periodic;
    struct vcpu_set_singleshot_timer singleshot;
    struct vcpu_guest_context context;
} arg;
static evtchn_port_t ports[129];

static long call3(long (*handler)(struct hypercall *), unsigned long a, unsigned long b,
                  unsigned long c)
{
    struct hypercall call = { .arg = { a, b, c } };
    long result;

    do {
        result = handler(&call);
    } while (result == HYPERCALL_CONTINUE);
    assert_true(lock_none_held());
    return result;
}

static long sched_op(unsigned long op)
{
    return call3(hypercall_sched_op, op, (unsigned long)&arg, 0);
}

static long vcpu_op(unsigned long op, unsigned long id)
{
    return call3(hypercall_vcpu_op, op, id, (unsigned long)&arg);
}

/* The caller from now on: a vcpu that runs, or will when it is its turn. */
static void act_as(struct vcpu *vcpu)
{
    unsigned int turns;

    host_run_softwork_all();
    for (turns = 0; turns < 100 && !vcpu->running; turns++) {
        host_advance_time(NS_PER_MS);
        host_run_softwork_all();
    }
    assert_true(vcpu->running);
    (void)world_cpu(vcpu->processor);
    assert_ptr_equal(current_vcpu(), vcpu);
}

static int before_each(void **state)
{
    (void)world_cpu(0);
    control = world_domain(0, 1, true);
    guest = world_domain(1, 3, false);
    (void)atomic_or(&guest->vcpus[1]->pause_flags, VCPU_DOWN);
    world_start(control);
    domain_unpause(guest);
    (void)atomic_and(&guest->vcpus[0]->pause_flags, ~VCPU_DOWN);
    vcpu_wake(guest->vcpus[0]);
    host_run_softwork_all();
    memset(&arg, 0, sizeof(arg));
    (void)host_guest_map(&arg, sizeof(arg));
    (void)host_guest_map(ports, sizeof(ports));
    act_as(guest->vcpus[0]);
    return 0;
}

static int after_each(void **state)
{
    assert_true(domain_valid(guest));
    assert_true(domain_valid(control));
    host_guest_unmap_all();
    (void)world_cpu(0);
    world_kill(guest);
    world_kill(control);
    assert_true(world_valid());
    return 0;
}

static void unknown_operations(void **state)
{
    assert_int_equal(sched_op(99), -XEN_ENOSYS);
    assert_int_equal(vcpu_op(99, 0), -XEN_ENOSYS);
    assert_int_equal(vcpu_op(VCPUOP_is_up, 3), -XEN_ENOENT);
    assert_int_equal(vcpu_op(VCPUOP_is_up, ~0u), -XEN_ENOENT);
    assert_int_equal(call3(hypercall_sched_op_compat, 99, 0, 0), -XEN_ENOSYS);
    assert_int_equal(call3(hypercall_vm_assist, 7, VMASST_TYPE_writable_pagetables, 0),
                     -XEN_ENOSYS);
    assert_int_equal(call3(hypercall_vm_assist, VMASST_CMD_enable, 63, 0), -XEN_EINVAL);
    assert_int_equal(call3(hypercall_vm_assist, VMASST_CMD_enable, 64, 0), -XEN_EINVAL);
}

static void unreadable_arguments(void **state)
{
    static const unsigned char sched_ops[] = { SCHEDOP_shutdown, SCHEDOP_poll,
                                               SCHEDOP_remote_shutdown, SCHEDOP_shutdown_code,
                                               SCHEDOP_watchdog };
    static const unsigned char vcpu_ops[] = { VCPUOP_get_runstate_info,
                                              VCPUOP_register_runstate_memory_area,
                                              VCPUOP_register_vcpu_time_memory_area,
                                              VCPUOP_register_vcpu_info,
                                              VCPUOP_set_periodic_timer,
                                              VCPUOP_set_singleshot_timer };
    unsigned int i;

    host_guest_unmap_all();
    for (i = 0; i < ARRAY_SIZE(sched_ops); i++) {
        assert_int_equal(sched_op(sched_ops[i]), -XEN_EFAULT);
    }
    for (i = 0; i < ARRAY_SIZE(vcpu_ops); i++) {
        assert_int_equal(vcpu_op(vcpu_ops[i], 0), -XEN_EFAULT);
    }
}

static void block_and_yield(void **state)
{
    struct vcpu *vcpu = guest->vcpus[0];

    vcpu->info->evtchn_upcall_pending = 0;
    assert_int_equal(sched_op(SCHEDOP_yield), 0);
    host_run_softwork_all();
    assert_true(vcpu->running);
    act_as(vcpu);
    assert_int_equal(sched_op(SCHEDOP_block), 0);
    host_run_softwork_all();
    assert_false(vcpu->running);
    vcpu_unblock(vcpu);
    act_as(vcpu);
    assert_int_equal(call3(hypercall_sched_op_compat, SCHEDOP_block, 0, 0), 0);
    host_run_softwork_all();
    assert_false(vcpu->running);
    vcpu_unblock(vcpu);
    act_as(vcpu);
    assert_int_equal(call3(hypercall_sched_op_compat, SCHEDOP_yield, 0, 0), 0);
}

static void an_nmi_ends_waiting(void **state)
{
    struct vcpu *vcpu = guest->vcpus[0];

    vcpu->info->evtchn_upcall_pending = 0;
    vcpu->info->evtchn_upcall_mask = 1;
    vcpu->arch.pv.nmi_pending = true;
    arg.poll.nr_ports = 0;
    assert_int_equal(sched_op(SCHEDOP_poll), 0);
    assert_int_equal(sched_op(SCHEDOP_block), 0);
    host_run_softwork_all();
    assert_true(vcpu->running);
    act_as(vcpu);
    vcpu->arch.pv.nmi_masked = true; /* its handler runs already */
    assert_int_equal(sched_op(SCHEDOP_block), 0);
    host_run_softwork_all();
    assert_false(vcpu->running);
    vcpu_unblock(vcpu);
    vcpu->arch.pv.nmi_pending = vcpu->arch.pv.nmi_masked = false;
}

static void poll_waits_for_its_port_or_time(void **state)
{
    struct vcpu *vcpu = guest->vcpus[0];
    struct evtchn_bind_ipi ipi = { .vcpu = 0 };

    assert_int_equal(event_bind_ipi(guest, &ipi), 0);
    vcpu->info->evtchn_upcall_pending = 0;
    vcpu->info->evtchn_upcall_mask = 1;
    arg.poll.ports.p = ports;
    arg.poll.nr_ports = 129;
    assert_int_equal(sched_op(SCHEDOP_poll), -XEN_EINVAL);
    arg.poll.nr_ports = 2;
    ports[0] = ipi.port;
    ports[1] = 100000;
    assert_int_equal(sched_op(SCHEDOP_poll), -XEN_EINVAL);
    assert_int_equal(vcpu->pause_flags, 0);
    arg.poll.nr_ports = 1;
    arg.poll.timeout = (uint64_t)time_now() + 5000;
    assert_int_equal(sched_op(SCHEDOP_poll), 0);
    host_run_softwork_all();
    assert_false(vcpu->running);
    host_advance_time(4999);
    host_run_softwork_all();
    assert_false(vcpu->running);
    host_advance_time(1);
    act_as(vcpu);
    /* the port, without a timeout */
    arg.poll.timeout = 0;
    assert_int_equal(sched_op(SCHEDOP_poll), 0);
    host_run_softwork_all();
    assert_false(vcpu->running);
    assert_int_equal(event_send(guest, EVTCHN(ipi.port)), 0);
    act_as(vcpu);
    /* pending already */
    assert_int_equal(sched_op(SCHEDOP_poll), 0);
    assert_int_equal(vcpu->pause_flags, 0);
    /* a time that is past, no ports */
    arg.poll.nr_ports = 0;
    arg.poll.timeout = 1;
    assert_int_equal(sched_op(SCHEDOP_poll), 0);
    assert_int_equal(vcpu->pause_flags, 0);
}

static void shutdowns(void **state)
{
    arg.shutdown.reason = SHUTDOWN_MAX + 1;
    assert_int_equal(sched_op(SCHEDOP_shutdown), -XEN_EINVAL);
    assert_int_equal(sched_op(SCHEDOP_shutdown_code), -XEN_EINVAL);
    assert_int_equal(call3(hypercall_sched_op_compat, SCHEDOP_shutdown, 1ul << 32, 0), -XEN_EINVAL);
    arg.remote.domain_id = 1;
    arg.remote.reason = SHUTDOWN_MAX + 1;
    assert_int_equal(sched_op(SCHEDOP_remote_shutdown), -XEN_EINVAL);
    arg.remote.reason = SHUTDOWN_crash;
    arg.remote.domain_id = 7;
    assert_int_equal(sched_op(SCHEDOP_remote_shutdown), -XEN_ESRCH);
    arg.remote.domain_id = 0;
    assert_int_equal(sched_op(SCHEDOP_remote_shutdown), -XEN_EPERM);
    arg.shutdown.reason = SHUTDOWN_reboot;
    assert_int_equal(sched_op(SCHEDOP_shutdown_code), 0);
    assert_false(guest->is_shut_down);
    act_as(control->vcpus[0]);
    arg.remote.domain_id = 1;
    arg.remote.reason = SHUTDOWN_crash;
    assert_int_equal(sched_op(SCHEDOP_remote_shutdown), 0);
    assert_true(guest->is_shut_down);
    assert_int_equal(guest->shutdown_code, SHUTDOWN_reboot);
    assert_int_equal(call3(hypercall_sched_op_compat, SCHEDOP_shutdown, SHUTDOWN_suspend, 0), 0);
    assert_int_equal(control->shutdown_code, SHUTDOWN_suspend);
}

static void watchdog_and_pin(void **state)
{
    arg.watchdog.timeout = 5;
    assert_int_equal(sched_op(SCHEDOP_watchdog), 1);
    arg.watchdog.id = 9;
    assert_int_equal(sched_op(SCHEDOP_watchdog), -XEN_EINVAL);
    arg.pin.pcpu = 1;
    assert_int_equal(sched_op(SCHEDOP_pin_override), -XEN_EPERM);
    guest->is_hardware = true;
    assert_int_equal(sched_op(SCHEDOP_pin_override), 0);
    arg.pin.pcpu = 0;
    assert_int_equal(sched_op(SCHEDOP_pin_override), -XEN_EBUSY);
    host_run_softwork_all();
    assert_int_equal(guest->vcpus[0]->processor, 1);
    act_as(guest->vcpus[0]);
    arg.pin.pcpu = CPUS;
    assert_int_equal(sched_op(SCHEDOP_pin_override), -XEN_EINVAL);
    arg.pin.pcpu = -1;
    assert_int_equal(sched_op(SCHEDOP_pin_override), 0);
    guest->is_hardware = false;
}

static void bringing_up_a_vcpu(void **state)
{
    struct vcpu *vcpu = guest->vcpus[1];

    vcpu->initialised = false;
    assert_int_equal(vcpu_op(VCPUOP_is_up, 0), 1);
    assert_int_equal(vcpu_op(VCPUOP_is_up, 1), 0);
    assert_int_equal(vcpu_op(VCPUOP_up, 1), -XEN_EINVAL);
    assert_int_equal(vcpu_op(VCPUOP_initialise, 0), -XEN_EEXIST);
    vcpu->pause_flags |= VCPU_IN_RESET;
    assert_int_equal(vcpu_op(VCPUOP_initialise, 1), -XEN_EBUSY);
    vcpu->pause_flags &= ~VCPU_IN_RESET;
    host_guest_fault_in(1);
    assert_int_equal(vcpu_op(VCPUOP_initialise, 1), -XEN_EFAULT);
    host_guest_fault_in(0);
    assert_int_equal(vcpu->pause_flags, VCPU_DOWN);
    assert_int_equal(vcpu_op(VCPUOP_initialise, 1), 0);
    assert_int_equal(vcpu_op(VCPUOP_initialise, 1), -XEN_EEXIST);
    assert_int_equal(vcpu_op(VCPUOP_up, 1), 0);
    host_run_softwork_all();
    assert_int_equal(vcpu_op(VCPUOP_is_up, 1), 1);
    act_as(vcpu);
    assert_int_equal(vcpu_op(VCPUOP_down, 1), 0); /* itself */
    host_run_softwork_all();
    assert_false(vcpu->running);
    assert_false(guest->is_shut_down);
}

static void the_last_vcpu_down_ends_the_domain(void **state)
{
    assert_int_equal(vcpu_op(VCPUOP_down, 1), 0);
    assert_int_equal(vcpu_op(VCPUOP_down, 0), 0);
    assert_true(guest->is_shut_down);
    assert_int_equal(guest->shutdown_code, SHUTDOWN_poweroff);
}

static void areas(void **state)
{
    static struct vcpu_runstate_info area;
    uint64_t address = host_guest_map(&area, sizeof(area));
    struct frame *frame = frame_alloc(0, ALLOC_NODE_ANY, ALLOC_ZERO);

    assert_int_equal(frame_assign(guest, frame, 0, 0), 0);
    assert_int_equal(vcpu_op(VCPUOP_get_runstate_info, 0), 0);
    assert_int_equal(arg.runstate.state, RUNSTATE_running);
    arg.runstate_area.addr.p = 0xdead0000;
    assert_int_equal(vcpu_op(VCPUOP_register_runstate_memory_area, 1), -XEN_EFAULT);
    assert_int_equal(guest->vcpus[1]->runstate_guest, 0);
    arg.runstate_area.addr.p = address;
    assert_int_equal(vcpu_op(VCPUOP_register_runstate_memory_area, 1), 0);
    assert_int_equal(area.state, RUNSTATE_offline);
    assert_int_equal(guest->vcpus[1]->runstate_guest, address);
    arg.time_area.addr.p = address;
    assert_int_equal(vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0), 0);
    assert_int_equal(guest->vcpus[0]->time_info_guest, address);
    arg.info.mfn = frame_mfn(frame).value;
    arg.info.offset = 64;
    assert_int_equal(vcpu_op(VCPUOP_register_vcpu_info, 0), 0);
    assert_int_equal(vcpu_op(VCPUOP_register_vcpu_info, 0), -XEN_EINVAL);
    guest->vcpus[1]->runstate_guest = guest->vcpus[0]->time_info_guest = 0;
}

static unsigned int timer_port;

static bool timer_fired(void)
{
    struct vcpu *vcpu = guest->vcpus[0];
    unsigned long bit = 1ul << timer_port;
    bool fired;

    host_run_softwork_all();
    fired = guest->shared_info->evtchn_pending[0] & bit;
    guest->shared_info->evtchn_pending[0] &= ~bit;
    vcpu->info->evtchn_pending_sel = 0;
    vcpu->info->evtchn_upcall_pending = 0;
    return fired;
}

static void timers(void **state)
{
    struct evtchn_bind_virq virq = { .virq = VIRQ_TIMER, .vcpu = 0 };
    uint64_t now = (uint64_t)time_now();
    unsigned int i;

    assert_int_equal(event_bind_virq(guest, &virq), 0);
    timer_port = virq.port;
    (void)timer_fired();
    arg.singleshot.timeout_abs_ns = now - 1;
    arg.singleshot.flags = VCPU_SSHOTTMR_future;
    assert_int_equal(vcpu_op(VCPUOP_set_singleshot_timer, 0), -XEN_ETIME);
    arg.singleshot.timeout_abs_ns = now + 100;
    assert_int_equal(vcpu_op(VCPUOP_set_singleshot_timer, 0), 0);
    host_advance_time(99);
    assert_false(timer_fired());
    host_advance_time(1);
    assert_true(timer_fired());
    assert_int_equal(call3(hypercall_set_timer_op, now + 300, 0, 0), 0);
    assert_int_equal(call3(hypercall_set_timer_op, 0, 0, 0), 0);
    host_advance_time(400);
    assert_false(timer_fired());
    assert_int_equal(call3(hypercall_set_timer_op, 1, 0, 0), 0); /* past */
    host_advance_time(0);
    assert_true(timer_fired());
    assert_int_equal(call3(hypercall_set_timer_op, ~0ul, 0, 0), 0); /* never */
    host_advance_time(NS_PER_SECOND);
    assert_false(timer_fired());
    assert_int_equal(vcpu_op(VCPUOP_stop_singleshot_timer, 0), 0);
    /* That of another vcpu is its own. */
    assert_int_equal(vcpu_op(VCPUOP_set_singleshot_timer, 1), -XEN_EINVAL);
    assert_int_equal(vcpu_op(VCPUOP_stop_singleshot_timer, 1), -XEN_EINVAL);
    arg.periodic.period_ns = NS_PER_MS - 1;
    assert_int_equal(vcpu_op(VCPUOP_set_periodic_timer, 0), -XEN_EINVAL);
    arg.periodic.period_ns = NS_PER_MS;
    assert_int_equal(vcpu_op(VCPUOP_set_periodic_timer, 0), 0);
    for (i = 0; i < 5; i++) {
        host_advance_time(NS_PER_MS - 1);
        assert_false(timer_fired());
        host_advance_time(1);
        assert_true(timer_fired());
    }
    assert_int_equal(vcpu_op(VCPUOP_stop_periodic_timer, 0), 0);
    host_advance_time(10 * NS_PER_MS);
    assert_false(timer_fired());
}

static void assists(void **state)
{
    assert_int_equal(
        call3(hypercall_vm_assist, VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag, 0), 0);
    assert_int_equal(guest->vm_assist, 1ul << VMASST_TYPE_runstate_update_flag);
    assert_int_equal(call3(hypercall_vm_assist, VMASST_CMD_enable, VMASST_TYPE_m2p_strict, 0), 0);
    assert_int_equal(
        call3(hypercall_vm_assist, VMASST_CMD_disable, VMASST_TYPE_runstate_update_flag, 0), 0);
    assert_int_equal(guest->vm_assist, 1ul << VMASST_TYPE_m2p_strict);
}

static int setup(void **state)
{
    world_create(CPUS);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, before_each, after_each)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(unknown_operations),
        TEST(unreadable_arguments),
        TEST(block_and_yield),
        TEST(an_nmi_ends_waiting),
        TEST(poll_waits_for_its_port_or_time),
        TEST(shutdowns),
        TEST(watchdog_and_pin),
        TEST(bringing_up_a_vcpu),
        TEST(the_last_vcpu_down_ends_the_domain),
        TEST(areas),
        TEST(timers),
        TEST(assists),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
