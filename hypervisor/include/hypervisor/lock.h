/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Spin locks and read-write locks. Every lock has a class; lock_class.h lists them all with their
 * level. A CPU takes locks in rising level only; two locks of one class are taken by
 * spin_lock_pair() in address order. Debug and host builds check that and print both holders.
 *
 * No lock is held across a guest copy, a TLB-flush wait or a wake-up (DESIGN section 4).
 */
#ifndef HYPERVISOR_LOCK_H
#define HYPERVISOR_LOCK_H

#include "hypervisor/lock_class.h"
#include "hypervisor/types.h"

/* A ticket lock: fair, 8 bytes. */
struct spinlock {
    union {
        struct {
            uint16_t ticket_next;
            uint16_t ticket_serving;
        };
        uint32_t tickets; /* both at once */
    };
    uint16_t class; /* enum lock_class */
    uint16_t owner; /* cpu + 1 while held; 0 when free: for assertions and dumps */
};

/* Readers count up, a writer sets the top bit and waits; writers have preference. */
struct rwlock {
    uint32_t state;
    uint16_t class;
    uint16_t owner;
};

#define SPINLOCK_INIT(lock_class) \
    {                             \
        .class = (lock_class)     \
    }
#define RWLOCK_INIT(lock_class) \
    {                           \
        .class = (lock_class)   \
    }

void spin_lock_init(struct spinlock *lock, enum lock_class class);
void rwlock_init(struct rwlock *lock, enum lock_class class);

/* Classes whose lock is also taken in interrupt context must use the irqsave forms everywhere. */
void spin_lock(struct spinlock *lock);
void spin_unlock(struct spinlock *lock);
bool spin_trylock(struct spinlock *lock) __must_check;
unsigned long spin_lock_irqsave(struct spinlock *lock);
void spin_unlock_irqrestore(struct spinlock *lock, unsigned long flags);
bool spin_is_held(const struct spinlock *lock); /* by this CPU */

/* Both of one class, in address order; a == b is taken once. */
void spin_lock_pair(struct spinlock *a, struct spinlock *b);
void spin_unlock_pair(struct spinlock *a, struct spinlock *b);

void read_lock(struct rwlock *lock);
void read_unlock(struct rwlock *lock);
void write_lock(struct rwlock *lock);
void write_unlock(struct rwlock *lock);

/* True when this CPU holds no checked lock: asserted before guest copies and on exit to a guest. */
bool lock_none_held(void);

/* Prints what this CPU holds, where that is known: for panics. */
void lock_held_dump(void);

/* What this CPU holds does not count any more: panic() calls it, so that its own locks are not refused. */
void lock_held_forget(void);

#endif
