/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Building the control domain. arch/x86/dom0. */
#ifndef ASM_DOM0_H
#define ASM_DOM0_H

#include "asm/boot_info.h"

/*
 * Boot CPU, last, all processors online, interrupts on: makes dom0 from module 0 (kernel) and module
 * 1 (initramfs, may be missing), gives the modules' frames back (boot_module_release), and unpauses
 * it. Panics in one line when that cannot be done.
 */
void dom0_build(const struct boot_info *info);

#endif
