/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Event channels, two-level. The guest runs with upcalls masked unless a probe says otherwise. */
#ifndef LIB_EVENT_H
#define LIB_EVENT_H

#include "hypervisor/types.h"

#include <xen/event_channel.h>

/* EVTCHNOP_*. */
long event_op(unsigned int op, void *argument);

long event_send(uint32_t port);
long event_close(uint32_t port);
/* The new port or the error. */
long event_alloc_unbound(unsigned int domid, unsigned int remote);
long event_bind_virq(unsigned int virq, unsigned int vcpu);
long event_bind_ipi(unsigned int vcpu);
long event_bind_interdomain(unsigned int remote, uint32_t remote_port);

bool event_pending(uint32_t port);
void event_clear(uint32_t port);
void event_clear_all(void);
void event_mask(uint32_t port, bool masked);

/* Waits until the port is pending. */
void event_poll(uint32_t port);
/* Waits for some nanoseconds. */
void event_wait(uint64_t ns);

/* Upcalls of this vcpu on and off. */
void event_upcalls(bool on);

/* System time in nanoseconds. */
uint64_t event_time(void);

#endif
