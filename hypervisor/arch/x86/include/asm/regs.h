/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The register frame that every entry from a guest (and every exception) leaves on the stack: the
 * public struct cpu_user_regs, segment selectors included, so that it can be shown to tools as is.
 */
#ifndef ASM_REGS_H
#define ASM_REGS_H

#include "abi/xen.h"

#endif
