/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The console: the ring that xenconsoled reads (xen/io/console.h), and for a domain without one the
 * hypervisor's own console. Only vcpu 0 writes.
 */
#ifndef LIB_CONSOLE_H
#define LIB_CONSOLE_H

#include "hypervisor/types.h"

void console_init(void);

/* Waits for room in the ring; the reader is told when half of it is full. */
void console_write(const char *text, size_t bytes);
void console_print(const char *format, ...) __printf_like(1, 2);

/* Tells the reader what it was not told yet. */
void console_flush(void);
/* The same, and waits until all was read. */
void console_drain(void);

/* Event channel to xenconsoled; 0 without one. */
uint32_t console_port(void);

#endif
