/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Read-write locks: many readers, or one writer.
 *
 *     state:  bit 31 a writer holds it or waits for the readers to leave | 30..0 readers
 *
 * A reader adds itself and looks whether bit 31 was set; if so it takes itself off again and waits
 * for the bit to clear. A writer sets bit 31 (waiting for another writer's to clear), then waits for
 * the count of readers to reach 0. So a writer keeps new readers out: it cannot starve; readers can,
 * if writers never stop.
 *
 * Invariants:
 *   1. While bit 31 is set and the writer has seen 0 readers, no reader is inside: those who add
 *      themselves later see the bit and leave. The count may be above 0 for moments.
 *   2. owner is the writer's CPU + 1 while it is inside, else 0.
 *
 * A reader must not read-lock again: with a writer in between it would wait for itself. The order
 * check finds that, as the class would be taken twice.
 */
#include "order.h"

#include "hypervisor/bug.h"
#include "hypervisor/cpu.h"
#include "hypervisor/lock.h"

#define CALLER __builtin_return_address(0)
#define WRITER (1u << 31)

void rwlock_init(struct rwlock *lock, enum lock_class class)
{
    *lock = (struct rwlock)RWLOCK_INIT(class);
}

void read_lock(struct rwlock *lock)
{
    lock_order_check(lock, lock->class, LOCK_ORDER_STRICT, CALLER);
    HOST_SWITCH_POINT();
    while (unlikely(__atomic_fetch_add(&lock->state, 1, __ATOMIC_ACQUIRE) & WRITER)) {
        __atomic_fetch_sub(&lock->state, 1, __ATOMIC_RELAXED);
        do {
            arch_cpu_relax();
        } while (__atomic_load_n(&lock->state, __ATOMIC_RELAXED) & WRITER);
    }
    lock_order_push(lock, lock->class, CALLER);
}

void read_unlock(struct rwlock *lock)
{
    lock_order_pop(lock, lock->class);
    ASSERT((READ_ONCE(lock->state) & ~WRITER) != 0);
    __atomic_fetch_sub(&lock->state, 1, __ATOMIC_RELEASE);
    HOST_SWITCH_POINT();
}

void write_lock(struct rwlock *lock)
{
    lock_order_check(lock, lock->class, LOCK_ORDER_STRICT, CALLER);
    HOST_SWITCH_POINT();
    while (unlikely(__atomic_fetch_or(&lock->state, WRITER, __ATOMIC_ACQUIRE) & WRITER)) {
        do {
            arch_cpu_relax();
        } while (__atomic_load_n(&lock->state, __ATOMIC_RELAXED) & WRITER);
    }
    while (unlikely(__atomic_load_n(&lock->state, __ATOMIC_ACQUIRE) != WRITER)) {
        arch_cpu_relax();
    }
    lock->owner = (uint16_t)(arch_cpu_id() + 1);
    lock_order_push(lock, lock->class, CALLER);
}

void write_unlock(struct rwlock *lock)
{
    lock_order_pop(lock, lock->class);
    ASSERT(lock->owner == arch_cpu_id() + 1);
    lock->owner = 0;
    __atomic_fetch_and(&lock->state, ~WRITER, __ATOMIC_RELEASE);
    HOST_SWITCH_POINT();
}
