/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Deferred work: a small fixed set of per-CPU flags ("softwork") handled with interrupts on before
 * a return to a guest and in the idle loop.
 */
#ifndef HYPERVISOR_WORK_H
#define HYPERVISOR_WORK_H

#include "hypervisor/types.h"

enum softwork {
    SOFTWORK_TIMER,    /* expired timers (core/time) */
    SOFTWORK_SCHEDULE, /* pick a vcpu (core/sched) */
    SOFTWORK_NMI,      /* what an NMI or machine check left to do (arch) */
    SOFTWORK_TASK,     /* queued tasks (core/work) */
    SOFTWORK_CONSOLE,  /* console news for dom0, debug keys (core/console) */
    SOFTWORK_MEMORY,   /* memory got low (core/memory) */
    SOFTWORK_TRACE,    /* event records for their reader (core/trace) */
    SOFTWORK_COUNT,
};

void softwork_register(enum softwork work, void (*handler)(void));

/* On this CPU; on another one, with an IPI when it may be running a guest or sleeping. Any context. */
void softwork_raise(enum softwork work);
void softwork_raise_on(unsigned int cpu, enum softwork work);

bool softwork_pending(void); /* on this CPU */

/* Runs handlers until none is pending. Interrupts on, no locks held. May switch vcpu (schedule). */
void softwork_run(void);

/* A function to be run once later on one CPU, not in interrupt context. */
struct task {
    struct task *next;
    void (*fn)(void *data);
    void *data;
    bool queued;
};

void task_init(struct task *task, void (*fn)(void *), void *data);
void task_queue(struct task *task, unsigned int cpu); /* a queued one stays where it is */

#endif
