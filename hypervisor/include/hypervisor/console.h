/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The console: a ring of past output (readable by dom0), and the serial line beneath it.
 *
 * Invariants and lock rules: core/console/console.c.
 */
#ifndef HYPERVISOR_CONSOLE_H
#define HYPERVISOR_CONSOLE_H

#include "hypervisor/types.h"

/* A device that takes bytes. put may busy-wait for the transmitter; get returns -1 when empty. */
struct console_device {
    const char *name;
    void (*put)(char byte);
    int (*get)(void);
};

/*
 * Takes output from now on in place of the one before, if any; NULL: none does. What the ring holds
 * so far is sent to a new one first.
 */
void console_attach(const struct console_device *device);

/*
 * Once, after softwork stands: from then on new output raises VIRQ_CON_RING and input VIRQ_CONSOLE
 * to dom0, and the debug keys work. Before it output works already.
 */
void console_init(void);

/* Sizes the ring, a power of two in bytes, once the heap stands (option conring_size). */
void console_ring_resize(uint32_t bytes);

/* The size that the option conring_size asks for, 0 when it was not given. */
uint32_t console_ring_wanted(void);

/* Raw bytes to the device and the ring, unprefixed. */
void console_write(const char *text, size_t bytes);

/* What dom0 writes by CONSOLEIO_write: to the device; to the ring by the option console_to_ring. */
void console_write_guest(const char *text, size_t bytes);

/*
 * Input: the device's interrupt or poll hands over received bytes; three Ctrl-a switch input
 * between dom0 and the hypervisor's debug keys. Raises VIRQ_CONSOLE to dom0. Any context but NMI.
 */
void console_receive(char byte);

/* CONSOLEIO_read: takes at most `bytes` received bytes out of the input ring; returns how many. */
size_t console_read(char *text, size_t bytes);

/*
 * XEN_SYSCTL_readconsole: copies at most *bytes bytes of the output ring from *index on (index
 * counts bytes since boot; an older one is moved up to what is left), updates both. clear forgets
 * what was there, so that a later read from index 0 starts behind it.
 */
void console_ring_read(char *text, uint32_t *bytes, uint32_t *index, bool clear);

/* Breaks locks: called by panic() so that the last words get out. */
void console_force(void);

#endif
