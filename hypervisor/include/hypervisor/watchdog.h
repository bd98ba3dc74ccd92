/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The watchdog of the hypervisor itself (options watchdog, watchdog_timeout): finds processors that
 * do not come back to their deferred work. Theory: core/watchdog/watchdog.c.
 */
#ifndef HYPERVISOR_WATCHDOG_H
#define HYPERVISOR_WATCHDOG_H

#include "hypervisor/types.h"

/* Begins to watch, when the option says so: once, on the boot CPU, when all others are online. */
void watchdog_start(void);

/*
 * Around work that may keep a CPU for long and is known to end (debug keys on a slow line): nobody
 * is found meanwhile. Pairs nest. Any context.
 */
void watchdog_pause(void);
void watchdog_resume(void);
bool watchdog_paused(void);

#endif
