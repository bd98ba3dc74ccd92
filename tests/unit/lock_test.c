/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Locks: exclusion under every schedule the seed finds, and the order check's refusals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "arch/cpu.h"
#include "asm/host.h"
#include "hypervisor/atomic.h"
#include "hypervisor/bug.h"
#include "hypervisor/lock.h"

#define CPUS 4

static struct spinlock low, low2, high, irq;
static struct rwlock shared;

static int setup(void **state)
{
    host_setup(64, CPUS);
    spin_lock_init(&low, LOCK_DOMAIN);
    spin_lock_init(&low2, LOCK_DOMAIN);
    spin_lock_init(&high, LOCK_HEAP);
    spin_lock_init(&irq, LOCK_TIMER);
    rwlock_init(&shared, LOCK_RANGESET);
    return 0;
}

static int teardown(void **state)
{
    host_teardown();
    return 0;
}

static void run_all(void (*fn)(void *data))
{
    unsigned int cpu;

    for (cpu = 0; cpu < CPUS; cpu++) {
        host_spawn(cpu, fn, NULL);
    }
    host_run();
}

static void takes_and_gives(void **state)
{
    assert_true(lock_none_held());
    spin_lock(&low);
    assert_true(spin_is_held(&low));
    assert_false(lock_none_held());
    assert_false(spin_trylock(&low));
    spin_lock(&high);
    spin_unlock(&low); /* in any order */
    assert_false(lock_none_held());
    spin_unlock(&high);
    assert_true(lock_none_held());
    assert_true(spin_trylock(&low));
    host_set_current(1, NULL);
    assert_false(spin_is_held(&low));
    assert_false(spin_trylock(&low));
    host_set_current(0, NULL);
    spin_unlock(&low);
}

static void irqsave_restores(void **state)
{
    unsigned long flags, inner;

    flags = spin_lock_irqsave(&irq);
    assert_false(arch_irq_enabled());
    inner = arch_irq_save();
    arch_irq_restore(inner);
    assert_false(arch_irq_enabled());
    spin_unlock_irqrestore(&irq, flags);
    assert_true(arch_irq_enabled());
}

static void tickets_wrap(void **state)
{
    unsigned int i;

    for (i = 0; i < 70000; i++) {
        spin_lock(&low);
        spin_unlock(&low);
        assert_true(spin_trylock(&low));
        spin_unlock(&low);
    }
    assert_int_equal(low.ticket_next, low.ticket_serving);
}

static unsigned int inside, done;

static void exclusive(void *data)
{
    unsigned int i;

    for (i = 0; i < 200; i++) {
        if (host_random_below(2) == 0) {
            spin_lock(&low);
        } else if (!spin_trylock(&low)) {
            continue;
        }
        BUG_ON(inside++ != 0);
        HOST_SWITCH_POINT();
        inside--;
        done++;
        spin_unlock(&low);
    }
}

static void one_at_a_time(void **state)
{
    done = 0;
    run_all(exclusive);
    assert_true(done > 60 * CPUS); /* half of the turns wait for it */
}

static void pairs(void *data)
{
    unsigned int i;

    for (i = 0; i < 200; i++) {
        struct spinlock *a = host_random_below(2) == 0 ? &low : &low2;
        struct spinlock *b = host_random_below(2) == 0 ? &low : &low2;

        spin_lock_pair(a, b);
        BUG_ON(!spin_is_held(a) || !spin_is_held(b));
        HOST_SWITCH_POINT();
        spin_unlock_pair(a, b);
    }
}

static void pairs_do_not_dead_lock(void **state)
{
    run_all(pairs);
}

static unsigned int readers, writers, readers_most;

static void read_and_write(void *data)
{
    unsigned int i;

    for (i = 0; i < 200; i++) {
        if (host_random_below(4) == 0) {
            write_lock(&shared);
            BUG_ON(readers != 0 || writers++ != 0);
            HOST_SWITCH_POINT();
            writers--;
            write_unlock(&shared);
        } else {
            read_lock(&shared);
            BUG_ON(writers != 0);
            readers++;
            readers_most = readers > readers_most ? readers : readers_most;
            HOST_SWITCH_POINT();
            readers--;
            read_unlock(&shared);
        }
    }
}

static void readers_share_and_writers_do_not(void **state)
{
    readers_most = 0;
    run_all(read_and_write);
    assert_true(readers_most > 1);
    assert_int_equal(shared.state, 0);
}

static void wrong_order_is_refused(void **state)
{
    spin_lock(&high);
    HOST_EXPECT_PANIC(spin_lock(&low));
    assert_non_null(strstr(host_panic_message(), "wrong order"));
    assert_non_null(strstr(host_panic_message(), "domain"));
}

static void second_of_a_class_is_refused(void **state)
{
    spin_lock(&low);
    HOST_EXPECT_PANIC(spin_lock(&low2));
}

static void taking_twice_is_refused(void **state)
{
    spin_lock(&low);
    HOST_EXPECT_PANIC(spin_lock(&low));
    assert_non_null(strstr(host_panic_message(), "twice"));
}

static void readers_do_not_nest(void **state)
{
    read_lock(&shared);
    HOST_EXPECT_PANIC(read_lock(&shared));
}

static void interrupt_locks_want_interrupts_off(void **state)
{
    HOST_EXPECT_PANIC(spin_lock(&irq));
    assert_non_null(strstr(host_panic_message(), "interrupts are on"));
}

static void giving_back_what_is_not_held_is_refused(void **state)
{
    HOST_EXPECT_PANIC(spin_unlock(&low));
    spin_lock(&low);
    host_set_current(1, NULL);
    HOST_EXPECT_PANIC(spin_unlock(&low));
    host_set_current(0, NULL);
    spin_unlock(&low);
}

static void tries_are_exempt_but_count(void **state)
{
    spin_lock(&high);
    assert_true(spin_trylock(&low));
    spin_unlock(&low);
    spin_unlock(&high);
    assert_true(spin_trylock(&high));
    HOST_EXPECT_PANIC(spin_lock(&low));
}

static void unchecked_locks_are_free(void **state)
{
    struct spinlock none = SPINLOCK_INIT(LOCK_NONE);

    spin_lock(&high);
    spin_lock(&none);
    spin_unlock(&high);
    assert_true(lock_none_held());
    spin_unlock(&none);
}

/* Two CPUs take two unchecked locks crosswise: the run must end in a panic, not in a hang. */
static struct spinlock left = SPINLOCK_INIT(LOCK_NONE), right = SPINLOCK_INIT(LOCK_NONE);

static void cross(void *data)
{
    struct spinlock *first = data == NULL ? &left : &right;
    struct spinlock *second = data == NULL ? &right : &left;

    for (;;) {
        spin_lock(first);
        spin_lock(second);
        spin_unlock(second);
        spin_unlock(first);
    }
}

static void a_dead_lock_ends_in_a_panic(void **state)
{
    host_spawn(0, cross, NULL);
    host_spawn(1, cross, &left);
    HOST_EXPECT_PANIC(host_run());
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(takes_and_gives),
        TEST(irqsave_restores),
        TEST(tickets_wrap),
        TEST(one_at_a_time),
        TEST(pairs_do_not_dead_lock),
        TEST(readers_share_and_writers_do_not),
        TEST(wrong_order_is_refused),
        TEST(second_of_a_class_is_refused),
        TEST(taking_twice_is_refused),
        TEST(readers_do_not_nest),
        TEST(interrupt_locks_want_interrupts_off),
        TEST(giving_back_what_is_not_held_is_refused),
        TEST(tries_are_exempt_but_count),
        TEST(unchecked_locks_are_free),
        TEST(a_dead_lock_ends_in_a_panic),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
