/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Building dom0: arch/x86/dom0/build.c. */
#ifndef ASM_DOM0_H
#define ASM_DOM0_H

struct boot_info;

/*
 * Makes dom0 from the boot modules (kernel, then initramfs) and lets it run. What makes that
 * impossible is said in one line, and the machine stops. Once, on the boot CPU, all CPUs up.
 */
void dom0_build(const struct boot_info *info);

#endif
