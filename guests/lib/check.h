/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Checks and their verdicts. A check does one thing to the hypervisor and prints one line:
 *
 *      ok    memory: pin an L1 as L2: EINVAL
 *      WRONG memory: map a frame of dom0: 0, not EPERM
 *
 * A result is what a hypercall returned, or TRAPPED(vector). The last line of a run is
 * "PROBE-END <checks> checks, <wrong> wrong".
 */
#ifndef LIB_CHECK_H
#define LIB_CHECK_H

#include "hypervisor/types.h"
#include "lib/trap.h"

/* A family of checks, chosen by the word probe=<name>[,<name>...]. */
struct probe {
    const char *name;
    void (*run)(void);
};

#define PROBE(id, function)                                         \
    static const struct probe probe_##id __used __section("probes") \
        __aligned(16) = { #id, function }

/* A GNTST_* of an operation on grants as a result. */
#define GRANT_STATUS(status) (0x7b000000l | -(long)(status))

/* Prints the verdict: `result` must be `expected`. What was tried is a format. */
void check(long result, long expected, const char *tried, ...) __printf_like(3, 4);

/* The same where Xenios and Xen answer differently for a reason that stands beside the call. */
void check_differs(long result, long on_xenios, long on_xen, const char *tried, ...)
    __printf_like(4, 5);

/* A result of which the exact value is none of the interface's: any refusal or trap. */
void check_refused(long result, const char *tried, ...) __printf_like(2, 3);

/* True or false instead of a code. */
void check_that(bool holds, const char *what, ...) __printf_like(2, 3);

bool check_failed(void);

/* A result as text: a name of xen/errno.h, a vector, a number. Valid until eight more calls. */
const char *check_code(long result);

/* This kernel's own work must succeed; else give_up(). */
void must(long result, const char *what);
void __noreturn give_up(const char *format, ...) __printf_like(1, 2);

/* Runs the probes of the command line, and prints the last line. */
void check_main(void);

#endif
