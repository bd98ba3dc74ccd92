/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The guests' x87, SSE, AVX ... registers: saved and loaded eagerly at every switch of vcpus, so that
 * nothing of one domain is ever in the registers while another runs. The hypervisor uses none of them.
 * Theory: arch/x86/cpu/fpu.c.
 */
#ifndef ASM_FPU_H
#define ASM_FPU_H

#include "hypervisor/types.h"

struct vcpu;

#define XCR0_X87    0x1u
#define XCR0_SSE    0x2u
#define XCR0_AVX    0x4u
#define XCR0_MPX    0x18u
#define XCR0_AVX512 0xe0u
#define XCR0_PKRU   0x200u

/* Boot CPU: finds out what there is; each CPU: makes it usable. */
void fpu_init(void);
void fpu_init_cpu(void);

/* State components guests may enable, 0 without XSAVE; bytes of the save area for all of them. */
extern uint64_t fpu_xcr0_supported;
extern uint32_t fpu_area_bytes;

int fpu_vcpu_create(struct vcpu *v) __must_check; /* initial state; -XEN_ENOMEM */
void fpu_vcpu_free(struct vcpu *v);

/* Interrupts off, on the CPU that runs (will run) the vcpu. Idle vcpus have no state. */
void fpu_switch_out(struct vcpu *prev);
void fpu_switch_in(struct vcpu *next); /* also sets CR0.TS as v->arch.task_switched says */

/* fpu_taskswitch and CR0 writes of the current vcpu: TS as the guest wants it. */
void fpu_set_task_switched(struct vcpu *v, bool set);

/*
 * #NM in the current guest: clears TS as the ABI promises to the guest's handler. True: give the
 * trap to the guest; false: it was not the guest's doing, continue.
 */
bool fpu_device_not_available(struct vcpu *v);

/* State of a vcpu that does not run, from the 512 bytes of FXSAVE; reserved MXCSR bits are cleared. */
void fpu_import_legacy(struct vcpu *v, const void *fxsave);
void fpu_export_legacy(struct vcpu *v, void *fxsave);

/* XSETBV of the current vcpu: 0 or -XEN_EINVAL as the processor would #GP. */
int fpu_set_xcr0(struct vcpu *v, uint64_t value) __must_check;

#endif
