/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Between the files of arch/x86/time. */
#ifndef X86_TIME_SOURCE_H
#define X86_TIME_SOURCE_H

#include "hypervisor/types.h"

/* Value of clocksource=; "tsc" asks to trust the TSC. */
extern char opt_clock_source[16];

/* Sets clock_source; false when the machine has no counter at all. */
bool clock_source_choose(void);

/* Seconds since 1970 by the battery-backed clock; false when there is none or it is not set. */
bool rtc_read(uint64_t *seconds);

#endif
