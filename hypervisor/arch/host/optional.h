/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Functions of modules that a test program need not have: referred to weakly, so that they are not
 * linked because of arch/host, and tested for presence before each use.
 */
#ifndef ARCH_HOST_OPTIONAL_H
#define ARCH_HOST_OPTIONAL_H

#include "asm/pagetype.h"
#include "hypervisor/domain.h"
#include "hypervisor/frame.h"
#include "hypervisor/heap.h"
#include "hypervisor/sched.h"
#include "hypervisor/timer.h"
#include "hypervisor/work.h"

#pragma weak frame_table
#pragma weak frame_table_end
#pragma weak frame_pool_add
#pragma weak frame_valid
#pragma weak frame_get
#pragma weak pagetype_relinquish
#pragma weak heap_bytes_in_use
#pragma weak softwork_run
#pragma weak softwork_pending
#pragma weak sched_context_saved
#pragma weak timer_interrupt

#define host_has(function) (&(function) != NULL)

#endif
