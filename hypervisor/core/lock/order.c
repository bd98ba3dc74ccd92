/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The order of locks, checked at run time in debug and host builds.
 *
 * Each CPU has a small stack of the locks it holds, oldest first, with the place each was taken:
 *
 *     cpu 1: [LOCK_MMU, taken at A] [LOCK_FRAME_POOL, taken at B]     depth = 2
 *
 * Invariants:
 *   1. A CPU that waits for a lock holds only locks of classes that stand above it in lock_class.h;
 *      for the second lock of a pair, the same class with a lower address is allowed.
 *   2. A lock of a class at or below LOCK_INTERRUPT is taken with interrupts off.
 *   3. A class above LOCK_INTERRUPT in the list is never taken by an interrupt handler. That follows
 *      from 1 when the interrupted code held something, and is otherwise the caller's word.
 *
 * With these no cycle of waiting CPUs can form: along a cycle the classes would have to rise for
 * ever. A lock that was only tried is exempt from 1 (the CPU did not wait), and counts as held.
 * LOCK_NONE is not looked at.
 *
 * A stack is touched by its own CPU only; an interrupt handler pops what it pushed before it
 * returns. An NMI handler must not take locks.
 */
#include "order.h"

#include "hypervisor/bug.h"
#include "hypervisor/cpu.h"
#include "hypervisor/lock.h"
#include "hypervisor/printk.h"
#include "hypervisor/symbol.h"

#if defined(CONFIG_LOCK_ORDER_CHECK) || defined(XENIOS_HOST)

#define HELD_MAX 16

struct held_lock {
    const void *lock;
    const void *caller;
    unsigned int class;
};

struct held_locks {
    unsigned int depth;
    struct held_lock locks[HELD_MAX];
};

static DEFINE_PER_CPU(struct held_locks, held);

static const char *const class_names[] = {
    [LOCK_NONE] = "none",
    [LOCK_DOMCTL] = "domctl",
    [LOCK_DOMAIN_LIST] = "domain list",
    [LOCK_DOMAIN] = "domain",
    [LOCK_VCPU_STATE] = "vcpu state",
    [LOCK_PCI_DEVICES] = "pci devices",
    [LOCK_IRQ_MAP] = "irq map",
    [LOCK_MMU] = "mmu",
    [LOCK_GRANT] = "grant",
    [LOCK_GRANT_MAP] = "grant map",
    [LOCK_GRANT_ACTIVE] = "grant active",
    [LOCK_DESCRIPTOR] = "descriptor",
    [LOCK_P2M] = "p2m",
    [LOCK_EVENT] = "event",
    [LOCK_PAGE_LIST] = "page list",
    [LOCK_RANGESET] = "rangeset",
    [LOCK_HEAP] = "heap",
    [LOCK_FRAME_POOL] = "frame pool",
    [LOCK_PAGING] = "paging",
    [LOCK_CALL] = "call",
    [LOCK_INTERRUPT] = "interrupt",
    [LOCK_EVENT_PORT] = "event port",
    [LOCK_EVENT_QUEUE] = "event queue",
    [LOCK_PCI] = "pci",
    [LOCK_IRQ] = "irq",
    [LOCK_IRQ_VECTOR] = "irq vector",
    [LOCK_IOAPIC] = "ioapic",
    [LOCK_PAUSE] = "pause",
    [LOCK_WORK] = "work",
    [LOCK_TIMER] = "timer",
    [LOCK_SCHED] = "sched",
    [LOCK_SCHED_CAP] = "sched cap",
    [LOCK_TIME] = "time",
    [LOCK_TRACE] = "trace",
    [LOCK_CONSOLE] = "console",
};

static const char *class_name(unsigned int class)
{
    const char *name = class < ARRAY_SIZE(class_names) ? class_names[class] : NULL;

    return name != NULL ? name : "unnamed";
}

/* Prints a holder: "what: class at lock, taken by function+offset". */
static void print_holder(const char *what, const void *lock, unsigned int class, const void *caller)
{
    uint64_t offset = 0;
    const char *function = symbol_find((uintptr_t)caller, &offset);

    pr_error("  %s: lock %p of class %s (%u) at %s+%#lx [%p]\n", what, lock, class_name(class),
             class, function != NULL ? function : "?", (unsigned long)offset, caller);
}

static void __noinline __noreturn refuse(const char *why, const void *lock, unsigned int class,
                                         const void *caller)
{
    pr_error("Lock order: %s on CPU %u\n", why, arch_cpu_id());
    lock_held_dump();
    print_holder("wanted", lock, class, caller);
    panic("lock order: %s (class %s)", why, class_name(class));
}

void lock_order_check(const void *lock, unsigned int class, enum lock_order_mode mode,
                      const void *caller)
{
    const struct held_locks *mine = &this_cpu(held);
    unsigned int i;

    if (class == LOCK_NONE) {
        return;
    }
    if (class > LOCK_INTERRUPT && arch_irq_enabled()) {
        refuse("interrupts are on for a lock that interrupts take", lock, class, caller);
    }
    for (i = 0; i < mine->depth; i++) {
        const struct held_lock *other = &mine->locks[i];

        if (unlikely(other->lock == lock)) {
            refuse("taken twice", lock, class, caller);
        }
        if (likely(other->class < class) || mode == LOCK_ORDER_ANY) {
            continue;
        }
        if (other->class != class || mode != LOCK_ORDER_SAME_CLASS || other->lock > lock) {
            refuse("wrong order", lock, class, caller);
        }
    }
}

void lock_order_push(const void *lock, unsigned int class, const void *caller)
{
    struct held_locks *mine = &this_cpu(held);

    if (class == LOCK_NONE) {
        return;
    }
    if (unlikely(mine->depth >= HELD_MAX)) {
        refuse("too many locks held", lock, class, caller);
    }
    mine->locks[mine->depth] = (struct held_lock){ lock, caller, class };
    barrier(); /* an interrupt from here on sees the entry complete */
    mine->depth++;
}

void lock_order_pop(const void *lock, unsigned int class)
{
    struct held_locks *mine = &this_cpu(held);
    unsigned int i;

    if (class == LOCK_NONE) {
        return;
    }
    for (i = mine->depth; i-- > 0;) {
        if (likely(mine->locks[i].lock == lock)) {
            for (; i + 1 < mine->depth; i++) {
                mine->locks[i] = mine->locks[i + 1];
            }
            mine->depth--;
            return;
        }
    }
    refuse("given back but not held", lock, class, __builtin_return_address(0));
}

bool lock_none_held(void)
{
    return this_cpu(held).depth == 0;
}

void lock_held_dump(void)
{
    const struct held_locks *mine = &this_cpu(held);
    unsigned int i;

    for (i = 0; i < mine->depth && i < HELD_MAX; i++) {
        print_holder("held", mine->locks[i].lock, mine->locks[i].class, mine->locks[i].caller);
    }
}

void lock_held_forget(void)
{
    this_cpu(held).depth = 0;
}

#else

/* Nothing is known of what is held in a release build. */
bool lock_none_held(void)
{
    return true;
}

void lock_held_dump(void)
{
}

void lock_held_forget(void)
{
}

#endif
