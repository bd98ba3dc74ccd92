/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The size of a vcpu's stack, a power of two, for C and assembly. */
#ifndef LIB_STACK_H
#define LIB_STACK_H

#define VCPU_STACK_BYTES 0x4000

#endif
