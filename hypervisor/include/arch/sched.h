/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* THE ARCH CONTRACT: switching contexts. */
#ifndef ARCH_SCHED_H
#define ARCH_SCHED_H

struct vcpu;

/*
 * Called by schedule() with interrupts off and no lock held: saves prev (the current vcpu), loads
 * next, calls sched_context_saved(prev), and never returns to the caller: continues in the guest
 * exit path or the idle loop of next, on a fresh stack. Lazy state (guest address space, FPU) may
 * stay loaded while only the idle vcpu runs; it is given up when asked by arch_vcpu_sync_state.
 */
void arch_context_switch(struct vcpu *prev, struct vcpu *next) __attribute__((__noreturn__));

/* schedule() chose the vcpu that is already current: continue it. Returns. */
void arch_continue_running(struct vcpu *vcpu);

/* State of a descheduled vcpu that is lazily kept on some CPU is written back. */
void arch_vcpu_sync_state(struct vcpu *vcpu);

#endif
