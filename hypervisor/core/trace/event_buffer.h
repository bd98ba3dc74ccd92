/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* A CPU's buffer of event records: between event_buffer.c, which fills it, and event_control.c. */
#ifndef CORE_TRACE_EVENT_BUFFER_H
#define CORE_TRACE_EVENT_BUFFER_H

#include "hypervisor/trace_event.h"

struct event_buffer {
    uint32_t **pages;     /* of the shared buffer; NULL: there is none */
    uint32_t bytes;       /* room for records */
    uint32_t produced;    /* ours; the one in the buffer is for the reader */
    uint32_t lost;        /* records since the last that found room */
    uint64_t lost_cycles; /* when the first of them was lost */
};

DECLARE_PER_CPU(struct event_buffer, event_buffers);

extern struct cpu_mask event_cpus; /* that record */

/* Takes pages (an array of `count`) into use: the CPU records from now on. Once a CPU. */
void event_buffer_install(unsigned int cpu, uint32_t **pages, unsigned int count);

#endif
