/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* THE ARCH CONTRACT: time. */
#ifndef ARCH_TIME_H
#define ARCH_TIME_H

#include "hypervisor/types.h"

struct vcpu;

int64_t arch_time_now(void); /* ns since boot, monotonic, any context */

uint64_t arch_cycles(void); /* the finest counter there is, of this CPU; any context */

/* One-shot interrupt on this CPU at a system time (past: at once); INT64_MAX disarms. */
void arch_timer_program(int64_t deadline);

/* Writes vcpu_time_info of the vcpu (its info page and secondary area) when it is stale. */
void arch_vcpu_time_update(struct vcpu *vcpu, bool force);

#endif
