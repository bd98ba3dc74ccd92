/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Ticket spin locks.
 *
 *     ticket_next     the ticket the next comer draws
 *     ticket_serving  the ticket of the holder; equal to ticket_next: free
 *
 * A comer draws a ticket with one atomic add and waits until it is served, so that CPUs are served
 * in the order they came; giving back is a plain store, as only the holder writes `serving`.
 *
 * Invariants:
 *   1. ticket_next - ticket_serving (modulo 2^16) is the holder plus those who wait; it is at most
 *      CONFIG_MAX_CPUS, as a CPU that waits does nothing else but take interrupts, and what those
 *      take is checked to be other locks.
 *   2. owner is the holder's CPU + 1, 0 when free; written by the holder only. It is for assertions
 *      and dumps, so a racing reader may see it late: only "is it mine" is exact.
 *
 * Memory ordering: the draw and the read of `serving` acquire, the store of `serving` releases.
 */
#include "order.h"

#include "hypervisor/bug.h"
#include "hypervisor/cpu.h"
#include "hypervisor/lock.h"

#define CALLER __builtin_return_address(0)

_Static_assert(sizeof(struct spinlock) == 8, "a spin lock is one word");
_Static_assert(CONFIG_MAX_CPUS < UINT16_MAX, "tickets and owners have 16 bits");

void spin_lock_init(struct spinlock *lock, enum lock_class class)
{
    *lock = (struct spinlock)SPINLOCK_INIT(class);
}

static __always_inline void acquire(struct spinlock *lock)
{
    uint16_t ticket;

    HOST_SWITCH_POINT();
    ticket = __atomic_fetch_add(&lock->ticket_next, 1, __ATOMIC_ACQUIRE);
    while (unlikely(__atomic_load_n(&lock->ticket_serving, __ATOMIC_ACQUIRE) != ticket)) {
        arch_cpu_relax();
    }
    lock->owner = (uint16_t)(arch_cpu_id() + 1);
}

static __always_inline void release(struct spinlock *lock)
{
    ASSERT(lock->owner == arch_cpu_id() + 1);
    lock->owner = 0;
    __atomic_store_n(&lock->ticket_serving, (uint16_t)(lock->ticket_serving + 1), __ATOMIC_RELEASE);
    HOST_SWITCH_POINT();
}

void spin_lock(struct spinlock *lock)
{
    lock_order_check(lock, lock->class, LOCK_ORDER_STRICT, CALLER);
    acquire(lock);
    lock_order_push(lock, lock->class, CALLER);
}

void spin_unlock(struct spinlock *lock)
{
    lock_order_pop(lock, lock->class);
    release(lock);
}

bool spin_trylock(struct spinlock *lock)
{
    uint32_t tickets, wanted;

    HOST_SWITCH_POINT();
    tickets = __atomic_load_n(&lock->tickets, __ATOMIC_RELAXED);
    if ((uint16_t)tickets != tickets >> 16) {
        return false;
    }
    /* The low half is ticket_next: one more, without a carry into the other half. */
    wanted = (tickets & 0xffff0000u) | (uint16_t)(tickets + 1);
    if (!__atomic_compare_exchange_n(&lock->tickets, &tickets, wanted, false, __ATOMIC_ACQUIRE,
                                     __ATOMIC_RELAXED)) {
        return false;
    }
    lock->owner = (uint16_t)(arch_cpu_id() + 1);
    lock_order_check(lock, lock->class, LOCK_ORDER_ANY, CALLER);
    lock_order_push(lock, lock->class, CALLER);
    return true;
}

unsigned long spin_lock_irqsave(struct spinlock *lock)
{
    unsigned long flags = arch_irq_save();

    lock_order_check(lock, lock->class, LOCK_ORDER_STRICT, CALLER);
    acquire(lock);
    lock_order_push(lock, lock->class, CALLER);
    return flags;
}

void spin_unlock_irqrestore(struct spinlock *lock, unsigned long flags)
{
    lock_order_pop(lock, lock->class);
    release(lock);
    arch_irq_restore(flags);
}

bool spin_is_held(const struct spinlock *lock)
{
    return READ_ONCE(lock->owner) == arch_cpu_id() + 1;
}

void spin_lock_pair(struct spinlock *a, struct spinlock *b)
{
    struct spinlock *first = a < b ? a : b, *second = a < b ? b : a;

    ASSERT(a->class == b->class);
    lock_order_check(first, first->class, LOCK_ORDER_STRICT, CALLER);
    acquire(first);
    lock_order_push(first, first->class, CALLER);
    if (second != first) {
        lock_order_check(second, second->class, LOCK_ORDER_SAME_CLASS, CALLER);
        acquire(second);
        lock_order_push(second, second->class, CALLER);
    }
}

void spin_unlock_pair(struct spinlock *a, struct spinlock *b)
{
    spin_unlock(a);
    if (b != a) {
        spin_unlock(b);
    }
}
