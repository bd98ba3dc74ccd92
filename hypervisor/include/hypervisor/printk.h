/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Messages to the console and the console ring.
 *
 * A message has a level and a source: the hypervisor's own (loglvl=) or one that a guest can cause
 * (guest_loglvl=, rate limited). "%pv"-like extensions are not supported; plain printf conversions
 * d i u x X o p s c with flags, width, precision, hh h l ll z j t are.
 */
#ifndef HYPERVISOR_PRINTK_H
#define HYPERVISOR_PRINTK_H

#include "hypervisor/compiler.h"

#include <stdarg.h>

enum log_level {
    LOG_ERROR,
    LOG_WARNING,
    LOG_INFO,
    LOG_DEBUG,
};

/*
 * Any context, NMI included (then best effort). Output is prefixed "(XEN) " line by line. A message
 * is one or more whole lines: a last newline that is missing is added. More than about 500 bytes
 * are cut.
 */
void printk(enum log_level level, const char *format, ...) __printf_like(2, 3);
void vprintk(enum log_level level, const char *format, va_list args);

/*
 * A message that a guest's action caused: filtered by guest_loglvl= and rate limited. It is prefixed
 * with the current vcpu, as in "d0v1 ".
 */
void guest_printk(enum log_level level, const char *format, ...) __printf_like(2, 3);

#define pr_error(...)   printk(LOG_ERROR, __VA_ARGS__)
#define pr_warning(...) printk(LOG_WARNING, __VA_ARGS__)
#define pr_info(...)    printk(LOG_INFO, __VA_ARGS__)
#define pr_debug(...)   printk(LOG_DEBUG, __VA_ARGS__)

#endif
