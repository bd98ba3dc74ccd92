/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Records of events for a tool in the control domain (xentrace), which maps the buffers and reads
 * them while they are written: xen/trace.h, XEN_SYSCTL_tbuf_op. Theory: core/trace/event_buffer.c.
 *
 *     trace_event(TRC_SCHED_WAKE, vcpu->domain->id.value, vcpu->id);
 *
 * Off, that costs a load and a branch not taken.
 */
#ifndef HYPERVISOR_TRACE_EVENT_H
#define HYPERVISOR_TRACE_EVENT_H

#include "hypervisor/cpu.h"
#include "hypervisor/types.h"

#include <xen/trace.h>

/* Classes (bits 16..27) and subclasses (bits 12..15) that are recorded; 0: none at all. */
extern uint32_t trace_events_wanted;

static inline bool trace_event_wanted(uint32_t event)
{
    uint32_t match = READ_ONCE(trace_events_wanted) & event;

    return unlikely((match & 0x0fff0000u) != 0 && (match & 0xf000u) != 0);
}

/*
 * One record of this CPU with up to TRACE_EXTRA_MAX words, and the time stamp counter. Any context but
 * NMI, any lock. When the buffer is full the record is counted as lost.
 */
void trace_event_write(uint32_t event, const uint32_t *words, unsigned int count);

#define trace_event(event, ...)                                                       \
    do {                                                                              \
        if (trace_event_wanted(event)) {                                              \
            const uint32_t trace_words[] = { __VA_ARGS__ };                           \
                                                                                      \
            trace_event_write(event, trace_words, (unsigned)ARRAY_SIZE(trace_words)); \
        }                                                                             \
    } while (0)

/* A 64-bit value is two words of a record, and its event has TRC_64_FLAG. */
#define TRACE_U64(value) (uint32_t)(value), (uint32_t)((uint64_t)(value) >> 32)

/* ---- control: core/trace/event_control.c ------------------------------------------------------- */

/* Once, when softwork stands and all processors run: options tbuf_size and tevt_mask. */
void trace_events_init(void);

/*
 * Makes buffers of that many pages for each processor; once. -XEN_EINVAL: none, too many, or other
 * ones are there; -XEN_ENOMEM. No lock held.
 */
int trace_events_set_size(unsigned int pages) __must_check;

/* Starts and stops recording: -XEN_EINVAL without buffers. */
int trace_events_enable(bool on) __must_check;

/* What is recorded: classes and subclasses, as trace_events_wanted; processors. */
void trace_events_set_mask(uint32_t mask);
void trace_events_set_cpus(const struct cpu_mask *cpus);

struct trace_events_info {
    uint32_t mask;
    uint64_t info_mfn;   /* first frame of the struct t_info, 0 without buffers */
    uint32_t info_bytes; /* whole pages */
};
void trace_events_get_info(struct trace_events_info *info);

#endif
