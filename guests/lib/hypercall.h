/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The hypercalls (xen/xen.h): by number, and those that many probes use by name. */
#ifndef LIB_HYPERCALL_H
#define LIB_HYPERCALL_H

#include "hypervisor/types.h"

#include <xen/xen.h>
#include <xen/errno.h>

/* Any number with six arguments; the result is the hypercall's rax. */
static inline long hypercall6(unsigned long number, unsigned long a, unsigned long b,
                              unsigned long c, unsigned long d, unsigned long e, unsigned long f)
{
    register unsigned long r10 __asm__("r10") = d;
    register unsigned long r8 __asm__("r8") = e;
    register unsigned long r9 __asm__("r9") = f;
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result), "+D"(a), "+S"(b), "+d"(c), "+r"(r10), "+r"(r8), "+r"(r9)
                     : "0"(number)
                     : "rcx", "r11", "memory");
    return result;
}

static inline long hypercall4(unsigned long number, unsigned long a, unsigned long b,
                              unsigned long c, unsigned long d)
{
    return hypercall6(number, a, b, c, d, 0, 0);
}

static inline long hypercall2(unsigned long number, unsigned long a, unsigned long b)
{
    return hypercall6(number, a, b, 0, 0, 0, 0);
}

/* `argument` of the operations that take a struct. */
static inline long hypercall_op(unsigned long number, unsigned long op, const void *argument)
{
    return hypercall2(number, op, (unsigned long)(uintptr_t)argument);
}

/* The same with a count, for grant_table_op. */
static inline long hypercall_ops(unsigned long number, unsigned long op, const void *argument,
                                 unsigned long count)
{
    return hypercall4(number, op, (unsigned long)(uintptr_t)argument, count, 0);
}

static inline unsigned long address_of(const volatile void *pointer)
{
    return (unsigned long)(uintptr_t)pointer;
}

#endif
