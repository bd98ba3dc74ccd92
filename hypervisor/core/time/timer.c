/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Timers.
 *
 *     timers[cpu]    first ----> the timer that expires first, root of a heap (timer_heap.h)
 *                    programmed  what the hardware of the CPU is set to
 *                    running     the timer whose function runs on this CPU now
 *
 * timer_set() queues; the hardware's interrupt raises SOFTWORK_TIMER, whose handler takes expired
 * timers off the heap and runs their functions, then programs the hardware for what is first now.
 *
 * The hardware is made earlier at once, and later only when it fires for nothing: guests that go
 * idle and come back push their deadline out and pull it in again all the time, and that costs
 * nothing here.
 *
 * Invariants:
 *   1. A timer in state QUEUED is in the heap of timer->cpu, and no other timer is in any heap.
 *   2. programmed <= first->expires, or SOFTWORK_TIMER is pending on that CPU.
 *   3. timer->cpu and timer->state change under the lock of timers[timer->cpu].
 *   4. A function starts only for a timer taken off the heap, `running` set under the lock before:
 *      once a killed timer is nobody's `running`, its function does not run and will not.
 *
 * Locks: timers[cpu].lock (LOCK_TIMER), interrupts off; two at once only to move a timer. Functions run
 * without any.
 * Not guaranteed: order among timers of the same deadline.
 */
#include "timer_heap.h"

#include "arch/time.h"
#include "hypervisor/atomic.h"
#include "hypervisor/bug.h"
#include "hypervisor/cpu.h"
#include "hypervisor/lock.h"
#include "hypervisor/work.h"

enum timer_state { TIMER_IDLE, TIMER_QUEUED, TIMER_KILLED };

struct timer_cpu {
    struct spinlock lock;
    struct timer *first;
    struct timer *running;
    system_time_t programmed;
} __aligned(64);

static DEFINE_PER_CPU(struct timer_cpu, timers) = {
    [0 ... CONFIG_MAX_CPUS - 1] = { .lock = SPINLOCK_INIT(LOCK_TIMER), .programmed = TIME_NEVER },
};

system_time_t time_now(void)
{
    return arch_time_now();
}

/* The CPU the timer is on, locked; flags for spin_unlock_irqrestore. */
static struct timer_cpu *timer_lock(struct timer *timer, unsigned long *flags)
{
    for (;;) {
        unsigned int cpu = READ_ONCE(timer->cpu);
        struct timer_cpu *on = &per_cpu(timers, cpu);

        *flags = spin_lock_irqsave(&on->lock);
        if (likely(timer->cpu == cpu)) {
            return on;
        }
        spin_unlock_irqrestore(&on->lock, *flags);
    }
}

/* The timer was put into the heap of `on`: sees to it that the hardware fires in time. Locked. */
static void first_changed(struct timer_cpu *on, const struct timer *timer)
{
    if (on->first != timer || timer->expires >= READ_ONCE(on->programmed)) {
        return;
    }
    if (timer->cpu != arch_cpu_id()) {
        softwork_raise_on(timer->cpu, SOFTWORK_TIMER);
        return;
    }
    WRITE_ONCE(on->programmed, timer->expires);
    arch_timer_program(timer->expires);
}

static void dequeue(struct timer_cpu *on, struct timer *timer)
{
    if (timer->state == TIMER_QUEUED) {
        timer_heap_remove(&on->first, timer);
        timer->state = TIMER_IDLE;
    }
}

static void enqueue(struct timer_cpu *on, struct timer *timer)
{
    timer_heap_insert(&on->first, timer);
    timer->state = TIMER_QUEUED;
    first_changed(on, timer);
}

void timer_init(struct timer *timer, void (*fn)(void *), void *data, unsigned int cpu)
{
    *timer = (struct timer){ .fn = fn, .data = data, .cpu = (uint16_t)cpu, .state = TIMER_IDLE };
}

void timer_set(struct timer *timer, system_time_t expires)
{
    unsigned long flags;
    struct timer_cpu *on = timer_lock(timer, &flags);

    dequeue(on, timer);
    if (timer->state != TIMER_KILLED) {
        timer->expires = expires;
        enqueue(on, timer);
    }
    spin_unlock_irqrestore(&on->lock, flags);
}

void timer_stop(struct timer *timer)
{
    unsigned long flags;
    struct timer_cpu *on;

    if (READ_ONCE(timer->state) != TIMER_QUEUED) {
        return;
    }
    on = timer_lock(timer, &flags);
    dequeue(on, timer);
    spin_unlock_irqrestore(&on->lock, flags);
}

void timer_kill(struct timer *timer)
{
    unsigned long flags;
    struct timer_cpu *on = timer_lock(timer, &flags);
    unsigned int cpu;

    dequeue(on, timer);
    timer->state = TIMER_KILLED;
    spin_unlock_irqrestore(&on->lock, flags);
    cpu_for_each_online(cpu)
    {
        while (atomic_read_acquire(&per_cpu(timers, cpu).running) == timer) {
            arch_cpu_relax();
        }
    }
}

void timer_migrate(struct timer *timer, unsigned int cpu)
{
    struct timer_cpu *to = &per_cpu(timers, cpu), *from;
    unsigned long flags = arch_irq_save();
    unsigned int from_cpu;

    for (;;) {
        from_cpu = READ_ONCE(timer->cpu);
        from = &per_cpu(timers, from_cpu);
        spin_lock_pair(&from->lock, &to->lock);
        if (likely(timer->cpu == from_cpu)) {
            break;
        }
        spin_unlock_pair(&from->lock, &to->lock);
    }
    if (timer->state == TIMER_QUEUED && from != to) {
        timer_heap_remove(&from->first, timer);
        timer->cpu = (uint16_t)cpu;
        enqueue(to, timer);
    }
    WRITE_ONCE(timer->cpu, (uint16_t)cpu);
    spin_unlock_pair(&from->lock, &to->lock);
    arch_irq_restore(flags);
}

system_time_t timer_next(unsigned int cpu)
{
    struct timer_cpu *on = &per_cpu(timers, cpu);
    unsigned long flags = spin_lock_irqsave(&on->lock);
    system_time_t next = on->first != NULL ? on->first->expires : TIME_NEVER;

    spin_unlock_irqrestore(&on->lock, flags);
    return next;
}

void timer_interrupt(void)
{
    WRITE_ONCE(this_cpu(timers).programmed, TIME_NEVER);
    softwork_raise(SOFTWORK_TIMER);
}

/* SOFTWORK_TIMER's handler. */
static void timers_run(void)
{
    struct timer_cpu *mine = &this_cpu(timers);
    unsigned long flags = spin_lock_irqsave(&mine->lock);
    struct timer *timer;

    while ((timer = mine->first) != NULL && timer->expires <= time_now()) {
        void (*fn)(void *) = timer->fn;
        void *data = timer->data;

        dequeue(mine, timer);
        mine->running = timer;
        spin_unlock_irqrestore(&mine->lock, flags);
        fn(data);
        flags = spin_lock_irqsave(&mine->lock);
        atomic_write_release(&mine->running, NULL);
    }
    if (timer != NULL && timer->expires != mine->programmed) {
        WRITE_ONCE(mine->programmed, timer->expires);
        arch_timer_program(timer->expires);
    }
    spin_unlock_irqrestore(&mine->lock, flags);
}

void timers_init(void)
{
    softwork_register(SOFTWORK_TIMER, timers_run);
}

bool timers_valid(unsigned int cpu)
{
    struct timer_cpu *on = &per_cpu(timers, cpu);
    unsigned long flags = spin_lock_irqsave(&on->lock);
    const struct timer *timer = on->first;
    bool valid = timer_heap_valid(on->first);

    for (; timer != NULL && valid; timer = timer_heap_next(timer)) {
        valid = timer->state == TIMER_QUEUED && timer->cpu == cpu;
    }
    spin_unlock_irqrestore(&on->lock, flags);
    return valid;
}
