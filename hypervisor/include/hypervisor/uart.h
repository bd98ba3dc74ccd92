/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The serial ports COM1 and COM2 (16550 and compatible), of which one is the console. Options:
 *
 *     com1=<baud>[,[DPS][,[io-base][,[irq]]]]   115200,8n1,0x3f8,4 when not given; baud may be
 *     com2=...                                  "auto": as the firmware left it; 0x2f8,3
 *     console=com1|com2|none[,...]              the first serial port of the list; com1 when not given
 */
#ifndef HYPERVISOR_UART_H
#define HYPERVISOR_UART_H

#include "hypervisor/types.h"

/*
 * Before anything else: COM1 as the firmware left it takes the output, so that a death before the
 * options are known is not silent.
 */
void uart_init_early(void);

/* After options_parse, boot CPU: sets the line up as the options say and attaches the console. */
void uart_init(void);

/*
 * After irq_init and timers_init: input from now on, by interrupt, or by a timer on the boot CPU when
 * the port's interrupt cannot be had.
 */
void uart_start_input(void);

/* Hands over what was received; for whoever polls. Any context but NMI. */
void uart_poll(void);

/* I/O ports and interrupt (-1: none) that are the hypervisor's; false when no port is in use. */
bool uart_claimed(uint16_t *first_port, uint16_t *last_port, int *irq);

#endif
