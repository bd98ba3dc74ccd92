/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * When the hypervisor itself is wrong. A guest's fault never ends here (DESIGN rule 10): it gets an
 * error code, or domain_crash().
 */
#ifndef HYPERVISOR_BUG_H
#define HYPERVISOR_BUG_H

#include "hypervisor/compiler.h"

#include <stdbool.h>

/*
 * Stop the machine: message, registers, symbolised stack, last trace records; then reboot unless
 * the option "noreboot" was given. Callable in any context, NMI included. On the host: abort().
 */
void panic(const char *format, ...) __printf_like(1, 2) __noreturn;

extern bool opt_noreboot; /* option "noreboot": stop rather than restart; core/domain/shutdown.c */

/* One line and a stack dump, once per place is the caller's care; the machine goes on. */
void warn(const char *format, ...) __printf_like(1, 2);

#define BUG() panic("BUG at %s:%d", __FILE__, __LINE__)
#define BUG_ON(condition)                                              \
    do {                                                               \
        if (unlikely(condition)) {                                     \
            panic("BUG at %s:%d: %s", __FILE__, __LINE__, #condition); \
        }                                                              \
    } while (0)

#define WARN_ON(condition)                                             \
    do {                                                               \
        if (unlikely(condition)) {                                     \
            warn("WARN at %s:%d: %s", __FILE__, __LINE__, #condition); \
        }                                                              \
    } while (0)

/* Invariant checks: in debug and host builds only. */
#if defined(CONFIG_DEBUG) || defined(XENIOS_HOST)
#define ASSERT(condition) BUG_ON(!(condition))
#else
#define ASSERT(condition) ((void)sizeof(!(condition)))
#endif

#endif
