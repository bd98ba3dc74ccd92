/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The 256 interrupt vectors:
 *
 *   0x00 .. 0x1f  exceptions
 *   0x20 .. 0xef  devices, handed out by arch/x86/irq; without 0x80 and 0x82, which are guests' int
 *   0xf0 .. 0xff  the hypervisor's own
 */
#ifndef ASM_VECTORS_H
#define ASM_VECTORS_H

#define VECTOR_DEVICE_FIRST 0x20
#define VECTOR_DEVICE_LAST  0xef
#define VECTOR_INT80        0x80 /* the guest's system calls */
#define VECTOR_INT82        0x82 /* hypercalls of 32-bit guests: reserved */

#define VECTOR_SYSTEM_FIRST 0xf0
#define VECTOR_TIMER        0xf9
#define VECTOR_KICK         0xfb
#define VECTOR_CALL         0xfc
#define VECTOR_TLB          0xfd
#define VECTOR_ERROR        0xfe
#define VECTOR_SPURIOUS     0xff

#endif
