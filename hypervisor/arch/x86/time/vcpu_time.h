/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Between the files of arch/x86/time. */
#ifndef X86_TIME_VCPU_TIME_H
#define X86_TIME_VCPU_TIME_H

#include "asm/clock.h"

/* This CPU's sample; *generation is unique to this state of it among all CPUs. */
struct clock_sample time_sample_current(uint64_t *generation);

/* The sample changed: the running vcpu sees it. Interrupts on. */
void vcpu_time_refresh_current(void);

#endif
