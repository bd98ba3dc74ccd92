/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The checker of lock order, as the locks call it. Private to core/lock. */
#ifndef CORE_LOCK_ORDER_H
#define CORE_LOCK_ORDER_H

#include "hypervisor/lock_class.h"
#include "hypervisor/types.h"

#if defined(CONFIG_LOCK_ORDER_CHECK) || defined(XENIOS_HOST)

enum lock_order_mode {
    LOCK_ORDER_STRICT,     /* above everything held */
    LOCK_ORDER_SAME_CLASS, /* or of a class that is held: the second one of a pair */
    LOCK_ORDER_ANY,        /* a try that has succeeded cannot dead-lock */
};

/* Before waiting for the lock: panics when the order forbids it. caller: for the message. */
void lock_order_check(const void *lock, unsigned int class, enum lock_order_mode mode,
                      const void *caller);
/* The lock is taken (given back) by this CPU. */
void lock_order_push(const void *lock, unsigned int class, const void *caller);
void lock_order_pop(const void *lock, unsigned int class);

#else

#define lock_order_check(lock, class, mode, caller) ((void)0)
#define lock_order_push(lock, class, caller)        ((void)0)
#define lock_order_pop(lock, class)                 ((void)0)

#endif

#endif
