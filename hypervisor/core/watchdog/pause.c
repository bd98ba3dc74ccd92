/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* How many want the watchdog to look away. Apart from it: the console needs no more of it than this. */
#include "hypervisor/watchdog.h"

#include "hypervisor/atomic.h"

static unsigned int pauses;

void watchdog_pause(void)
{
    (void)atomic_add(&pauses, 1);
}

void watchdog_resume(void)
{
    (void)atomic_sub(&pauses, 1);
}

bool watchdog_paused(void)
{
    return atomic_read(&pauses) != 0;
}
