/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The fake machine itself: CPUs that switch, guest memory, time, calls across CPUs, panics. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "arch/cpu.h"
#include "arch/guest.h"
#include "arch/memory.h"
#include "arch/time.h"
#include "asm/host.h"
#include "hypervisor/atomic.h"
#include "hypervisor/bug.h"
#include "hypervisor/cpu.h"
#include "hypervisor/error.h"
#include "hypervisor/lock.h"

static int setup(void **state)
{
    host_setup(64, 4);
    return 0;
}

static int teardown(void **state)
{
    host_teardown();
    return 0;
}

static struct spinlock lock = SPINLOCK_INIT(LOCK_DOMAIN);
static unsigned int inside, entries, order_changes, last_cpu;

static void locked_work(void *data)
{
    unsigned int i;

    for (i = 0; i < 100; i++) {
        spin_lock(&lock);
        BUG_ON(inside != 0);
        inside++;
        HOST_SWITCH_POINT();
        order_changes += last_cpu != arch_cpu_id();
        last_cpu = arch_cpu_id();
        entries++;
        inside--;
        spin_unlock(&lock);
    }
}

static void lock_excludes_and_cpus_interleave(void **state)
{
    unsigned int cpu;

    entries = order_changes = 0;
    for (cpu = 0; cpu < 4; cpu++) {
        host_spawn(cpu, locked_work, NULL);
    }
    host_run();
    assert_int_equal(entries, 400);
    assert_true(order_changes > 20);
    assert_int_equal(arch_cpu_id(), 0);
}

static unsigned int counter;

static void racy_add(void *data)
{
    unsigned int i;

    for (i = 0; i < 100; i++) {
        unsigned int seen = atomic_read(&counter);

        atomic_write(&counter, seen + 1);
    }
}

static void lost_updates_are_found(void **state)
{
    counter = 0;
    host_spawn(0, racy_add, NULL);
    host_spawn(1, racy_add, NULL);
    host_run();
    assert_true(counter < 200);
}

static unsigned int called[4];

static void count_call(void *data)
{
    BUG_ON(arch_irq_enabled());
    called[arch_cpu_id()]++;
}

static void call_all(void *data)
{
    cpu_call(&cpu_online_mask, count_call, NULL);
}

static void calls_reach_every_cpu(void **state)
{
    unsigned int cpu;

    for (cpu = 0; cpu < 4; cpu++) {
        called[cpu] = 0;
    }
    call_all(NULL);
    for (cpu = 0; cpu < 4; cpu++) {
        assert_int_equal(called[cpu], 1);
        host_spawn(cpu, call_all, NULL);
    }
    host_run();
    for (cpu = 0; cpu < 4; cpu++) {
        assert_int_equal(called[cpu], 5);
    }
}

static struct spinlock irq_lock = SPINLOCK_INIT(LOCK_SCHED);
static unsigned int interrupts;

static void interrupt(void)
{
    unsigned long flags = spin_lock_irqsave(&irq_lock);

    interrupts++;
    spin_unlock_irqrestore(&irq_lock, flags);
}

static void irq_work(void *data)
{
    unsigned int i;

    for (i = 0; i < 200; i++) {
        unsigned long flags = spin_lock_irqsave(&irq_lock);

        HOST_SWITCH_POINT();
        spin_unlock_irqrestore(&irq_lock, flags);
    }
}

static void interrupts_come_when_they_are_on(void **state)
{
    interrupts = 0;
    host_set_interrupt(interrupt);
    host_spawn(0, irq_work, NULL);
    host_run();
    assert_true(interrupts > 0);
    host_set_interrupt(NULL);
}

static void guest_copies_stay_in_ranges(void **state)
{
    uint8_t page[64] = { 1, 2, 3 }, more[64] = { 9 }, out[96] = { 0 };
    uint64_t address = 0x1000, found = 2;

    host_guest_map_at(NULL, address, page, sizeof(page), true);
    host_guest_map_at(NULL, address + 64, more, sizeof(more), false);
    assert_int_equal(arch_guest_copy_from(out, address, 96), 0);
    assert_int_equal(out[2], 3);
    assert_int_equal(out[64], 9);
    assert_int_equal(arch_guest_copy_from(out, address + 64, 65), -XEN_EFAULT);
    out[1] = 2;
    assert_int_equal(arch_guest_copy_to(address, out + 1, 1), 0);
    assert_int_equal(page[0], 2);
    assert_int_equal(arch_guest_copy_to(address + 64, out, 1), -XEN_EFAULT);
    assert_int_equal(arch_guest_compare_exchange(address, &found, 77, 1), 0);
    assert_int_equal(page[0], 77);
    found = 5;
    assert_int_equal(arch_guest_compare_exchange(address, &found, 78, 1), 0);
    assert_int_equal(found, 77);
    assert_int_equal(arch_guest_clear(address, 4), 0);
    assert_int_equal(page[2], 0);
    host_guest_fault_in(2);
    assert_int_equal(arch_guest_copy_from(out, address, 1), 0);
    assert_int_equal(arch_guest_copy_from(out, address, 1), -XEN_EFAULT);
    assert_int_equal(arch_guest_copy_from(out, address, 1), 0);
    assert_int_equal(arch_guest_copy_from(out, ~0ull - 1, 8), -XEN_EFAULT);
}

static void guest_copy_under_a_lock_panics(void **state)
{
    uint8_t byte = 0;
    uint64_t address = host_guest_map(&byte, 1);
    struct spinlock held = SPINLOCK_INIT(LOCK_DOMAIN);

    spin_lock(&held);
    HOST_EXPECT_PANIC((void)!arch_guest_copy_from(&byte, address, 1));
}

static void time_moves_when_told(void **state)
{
    int64_t before = arch_time_now();

    arch_timer_program(before + 50);
    host_advance_time(49);
    assert_int_equal(host_timer_deadline(0), before + 50);
    host_advance_time(51);
    assert_int_equal(arch_time_now(), before + 100);
    assert_int_equal(host_timer_deadline(0), INT64_MAX);
}

static void tlb_debts_are_paid_once(void **state)
{
    uint32_t stamp = arch_tlb_clock();

    assert_true(host_tlb_debt(stamp));
    arch_tlb_flush_since(stamp);
    assert_false(host_tlb_debt(stamp));
    assert_int_equal(host_tlb_flushes(), 4);
    arch_tlb_flush_since(stamp);
    assert_int_equal(host_tlb_flushes(), 4);
}

static void panics_can_be_expected(void **state)
{
    HOST_EXPECT_PANIC(panic("so be it: %d", 7));
    assert_string_equal(host_panic_message(), "so be it: 7");
}

static void wait_for_ever(void *data)
{
    spin_lock(&lock);
    spin_unlock(&lock);
}

static void waiting_alone_panics(void **state)
{
    spin_lock(&lock);
    host_set_current(1, NULL);
    HOST_EXPECT_PANIC(wait_for_ever(NULL));
    lock.ticket_next--; /* the waiter's ticket */
    host_set_current(0, NULL);
    spin_unlock(&lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lock_excludes_and_cpus_interleave, setup, teardown),
        cmocka_unit_test_setup_teardown(lost_updates_are_found, setup, teardown),
        cmocka_unit_test_setup_teardown(calls_reach_every_cpu, setup, teardown),
        cmocka_unit_test_setup_teardown(interrupts_come_when_they_are_on, setup, teardown),
        cmocka_unit_test_setup_teardown(guest_copies_stay_in_ranges, setup, teardown),
        cmocka_unit_test_setup_teardown(guest_copy_under_a_lock_panics, setup, teardown),
        cmocka_unit_test_setup_teardown(time_moves_when_told, setup, teardown),
        cmocka_unit_test_setup_teardown(tlb_debts_are_paid_once, setup, teardown),
        cmocka_unit_test_setup_teardown(panics_can_be_expected, setup, teardown),
        cmocka_unit_test_setup_teardown(waiting_alone_panics, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
