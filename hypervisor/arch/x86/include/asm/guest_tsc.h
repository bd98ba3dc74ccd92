/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The time-stamp counter of a PV domain: the machine's, or one that is made up from system time. */
#ifndef ASM_GUEST_TSC_H
#define ASM_GUEST_TSC_H

#include "asm/clock.h"

struct vcpu;

/* Values of xen_domctl_tsc_info.tsc_mode (xen/arch-x86/cpuid.h). */
#define GUEST_TSC_DEFAULT 0u
#define GUEST_TSC_EMULATE 1u
#define GUEST_TSC_NATIVE  2u

/* All zeros: the machine's own counter, in default mode. */
struct guest_tsc {
    uint32_t mode;
    uint32_t khz; /* 0: the machine's */
    uint32_t incarnation;
    bool emulated;
    /* Of an emulated one: system time at its count 0, its rate, and the highest count read. */
    int64_t start_ns;
    struct clock_scale scale;
    uint64_t newest;
};

/*
 * For a domain that has not run yet. elapsed_ns: its age, and so its counter's. khz 0: as the machine's
 * counter. In default mode another rate than the machine's makes an emulated counter.
 * -XEN_EINVAL: no such mode, or native with another rate; -XEN_ERANGE: a rate nobody can have.
 */
int guest_tsc_set(struct guest_tsc *tsc, uint32_t mode, uint32_t khz, uint64_t elapsed_ns,
                  uint32_t incarnation, int64_t now_ns);

/* What an emulated counter shows at a system time. Never less than what it has shown. */
uint64_t guest_tsc_count(struct guest_tsc *tsc, int64_t now_ns);

/* Rate in kHz as the guest is told. */
uint32_t guest_tsc_khz(const struct guest_tsc *tsc);

/* What turns the domain's counter into system time, where `host` does for the machine's. */
struct clock_sample guest_tsc_sample(const struct guest_tsc *tsc, const struct clock_sample *host);

/* ---- on the metal: arch/x86/pv ----------------------------------------------------------------- */

/* RDTSC as the running vcpu's domain has it. */
uint64_t pv_tsc_read(struct vcpu *vcpu);

/* Interrupts off, the vcpu's state is loaded or being loaded here: has RDTSC trap if it must. */
void pv_tsc_load_trap(const struct vcpu *vcpu);

#endif
