/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* What the files of arch/host share. */
#ifndef ARCH_HOST_INSIDE_H
#define ARCH_HOST_INSIDE_H

#include "asm/current.h"
#include "asm/host.h"

#define HOST_WEAK __attribute__((__weak__))

extern struct host_cpu host_cpus[CONFIG_MAX_CPUS];
extern unsigned int host_cpu_count;

void host_random_setup(void);
void host_cpus_setup(unsigned int cpus);
void host_memory_setup(unsigned int frames);
void host_memory_check(void);
void host_time_setup(void);
void host_guest_setup(void);
void host_irq_setup(void);
void host_console_setup(void);

/* The ring's contents to stderr, for a panic. */
void host_console_show(void);

/*
 * An expected panic: inside host_run, ends all coroutines and has host_run jump; returns outside of it.
 */
void host_abandon_run(jmp_buf *jump);

/* Runs fn as another CPU, which stands still meanwhile, with its interrupts off. */
void host_as_cpu(unsigned int cpu, void (*fn)(void *data), void *data);

#endif
