/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Deferred work.
 *
 *     pending[cpu]   one bit for each enum softwork, a cache line a CPU
 *     tasks[cpu]     last queued task -> ... -> first queued task
 *
 * Interrupts, hypercalls and other CPUs raise bits; the CPU itself takes them, one at a time, before
 * it returns to a guest and in its idle loop, with interrupts on.
 *
 * Invariants:
 *   1. A bit is cleared before its handler runs: what is raised meanwhile is handled again.
 *   2. Only one bit is cleared at a time, SOFTWORK_SCHEDULE last: its handler may leave for another
 *      vcpu and not come back, and what is still pending is then taken by that vcpu's exit.
 *   3. A CPU whose word is not 0 looks at it soon: the one who made it non-zero was that CPU itself,
 *      in the hypervisor, or has kicked it. So only the first who raises needs to kick.
 *   4. A task is in at most one list; task->queued is the claim to it.
 *
 * No locks. A list of tasks is pushed to by compare-and-exchange and taken as a whole by its CPU, so
 * there is no ABA problem. All atomics are full barriers: what was written before a raise is seen by
 * the handler.
 */
#include "hypervisor/work.h"

#include "hypervisor/atomic.h"
#include "hypervisor/bug.h"
#include "hypervisor/cpu.h"

struct work_cpu {
    uint32_t pending;
    struct task *tasks;
} __aligned(64);

static DEFINE_PER_CPU(struct work_cpu, work);

static void tasks_run(void);

static void (*handlers[SOFTWORK_COUNT])(void) = { [SOFTWORK_TASK] = tasks_run };

_Static_assert(SOFTWORK_COUNT <= 32, "one word of bits");

void softwork_register(enum softwork number, void (*handler)(void))
{
    BUG_ON(number >= SOFTWORK_COUNT);
    handlers[number] = handler;
}

void softwork_raise(enum softwork number)
{
    (void)atomic_or(&this_cpu(work).pending, 1u << number);
}

void softwork_raise_on(unsigned int cpu, enum softwork number)
{
    if (atomic_or(&per_cpu(work, cpu).pending, 1u << number) == 0 && cpu != arch_cpu_id()) {
        arch_cpu_kick(cpu);
    }
}

bool softwork_pending(void)
{
    return READ_ONCE(this_cpu(work).pending) != 0;
}

void softwork_run(void)
{
    const uint32_t schedule_bit = 1u << SOFTWORK_SCHEDULE;
    struct work_cpu *mine = &this_cpu(work);
    uint32_t pending;

    while ((pending = READ_ONCE(mine->pending)) != 0) {
        uint32_t others = pending & ~schedule_bit;
        unsigned int number = (unsigned int)__builtin_ctz(others != 0 ? others : pending);

        (void)atomic_and(&mine->pending, ~(1u << number));
        if (likely(handlers[number] != NULL)) {
            handlers[number]();
        }
    }
}

void task_init(struct task *task, void (*fn)(void *), void *data)
{
    *task = (struct task){ .fn = fn, .data = data };
}

void task_queue(struct task *task, unsigned int cpu)
{
    struct work_cpu *to = &per_cpu(work, cpu);
    struct task *first;

    if (atomic_exchange(&task->queued, true)) {
        return;
    }
    first = atomic_read(&to->tasks);
    do {
        task->next = first;
    } while (!atomic_compare_exchange(&to->tasks, &first, task));
    softwork_raise_on(cpu, SOFTWORK_TASK);
}

/* The list as it was queued, oldest first. */
static struct task *tasks_take(void)
{
    struct task *taken = atomic_exchange(&this_cpu(work).tasks, NULL);
    struct task *oldest_first = NULL;

    while (taken != NULL) {
        struct task *next = taken->next;

        taken->next = oldest_first;
        oldest_first = taken;
        taken = next;
    }
    return oldest_first;
}

static void tasks_run(void)
{
    struct task *task = tasks_take();

    while (task != NULL) {
        struct task *next = task->next;
        void (*fn)(void *) = task->fn;
        void *data = task->data;

        /* From here on it may be queued again, or cease to be when fn frees it. */
        atomic_write_release(&task->queued, false);
        fn(data);
        task = next;
    }
}
