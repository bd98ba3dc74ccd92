/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Atomic operations under short names: all sequentially consistent unless the name says otherwise.
 * They are compiler built-ins; the host build's scheduler may switch at each (HOST_SWITCH_POINT).
 */
#ifndef HYPERVISOR_ATOMIC_H
#define HYPERVISOR_ATOMIC_H

#include "hypervisor/types.h"

/* On the host another fake CPU may run before each. */
#define ATOMIC_STEP(operation) \
    ({                         \
        HOST_SWITCH_POINT();   \
        operation;             \
    })

#define atomic_read(p)             ATOMIC_STEP(__atomic_load_n(p, __ATOMIC_RELAXED))
#define atomic_read_acquire(p)     ATOMIC_STEP(__atomic_load_n(p, __ATOMIC_ACQUIRE))
#define atomic_write(p, v)         ATOMIC_STEP(__atomic_store_n(p, v, __ATOMIC_RELAXED))
#define atomic_write_release(p, v) ATOMIC_STEP(__atomic_store_n(p, v, __ATOMIC_RELEASE))
#define atomic_exchange(p, v)      ATOMIC_STEP(__atomic_exchange_n(p, v, __ATOMIC_SEQ_CST))
/* These two return the new value. */
#define atomic_add(p, v) ATOMIC_STEP(__atomic_add_fetch(p, v, __ATOMIC_SEQ_CST))
#define atomic_sub(p, v) ATOMIC_STEP(__atomic_sub_fetch(p, v, __ATOMIC_SEQ_CST))
/* And these the old one. */
#define atomic_or(p, v)  ATOMIC_STEP(__atomic_fetch_or(p, v, __ATOMIC_SEQ_CST))
#define atomic_and(p, v) ATOMIC_STEP(__atomic_fetch_and(p, v, __ATOMIC_SEQ_CST))
/* On failure *expected is updated with what was found. */
#define atomic_compare_exchange(p, expected, v) \
    ATOMIC_STEP(                                \
        __atomic_compare_exchange_n(p, expected, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
#define memory_barrier() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define write_barrier()  __atomic_thread_fence(__ATOMIC_RELEASE)
#define read_barrier()   __atomic_thread_fence(__ATOMIC_ACQUIRE)

#endif
