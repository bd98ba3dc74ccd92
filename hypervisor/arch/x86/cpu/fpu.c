/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Floating-point and vector state, eager: saved when a vcpu leaves its CPU, loaded before it runs.
 *
 *   struct fpu_area   512 bytes as FXSAVE has them | 64 bytes XSAVE header | components, standard form
 *
 * Invariants:
 *   U1  while a guest's vcpu runs, the registers hold its state and nobody else's: fpu_switch_in loads
 *       every component the processor has enabled, the ones the guest cannot see included;
 *   U2  while a vcpu does not run, all its state is in its area;
 *   U3  XCR0 is the vcpu's own while it runs; fpu_xcr0_supported around saves and loads;
 *   U4  the area came from a guest only through fpu_import_legacy, which keeps XRSTOR from faulting.
 *
 * On AMD processors FXRSTOR and XRSTOR leave the x87 exception pointers alone when no exception is
 * pending; they are wiped by hand then. No locks: the CPU's own state, interrupts off.
 *
 * A vcpu that goes to idle and comes back to the same CPU is saved and loaded like any other.
 */
#include "asm/fpu.h"

#include "asm/cpu_features.h"
#include "asm/domain.h"
#include "asm/extable.h"
#include "asm/msr.h"
#include "hypervisor/bug.h"
#include "hypervisor/domain.h"
#include "hypervisor/error.h"
#include "hypervisor/frame.h"
#include "hypervisor/printk.h"
#include "hypervisor/string.h"

#define XCR0_WANTED (XCR0_X87 | XCR0_SSE | XCR0_AVX | XCR0_AVX512 | XCR0_PKRU)

#define LEGACY_BYTES  512
#define FCW_INITIAL   0x37f
#define MXCSR_INITIAL 0x1f80

struct fpu_area {
    uint16_t fcw, fsw;
    uint8_t ftw, reserved0;
    uint16_t fop;
    uint64_t fip, fdp;
    uint32_t mxcsr, mxcsr_mask;
    uint8_t registers[LEGACY_BYTES - 32];
    uint64_t xstate_bv, xcomp_bv;
    uint8_t reserved1[48];
    uint8_t components[];
};

_Static_assert(offsetof(struct fpu_area, xstate_bv) == LEGACY_BYTES, "XSAVE area");
_Static_assert(offsetof(struct fpu_area, components) == LEGACY_BYTES + 64, "XSAVE area");

uint64_t fpu_xcr0_supported;
uint32_t fpu_area_bytes = sizeof(struct fpu_area);

static unsigned int area_order;
static uint32_t mxcsr_mask = 0xffbf;

void fpu_init(void)
{
    uint32_t out[4];

    if (cpu_has(CPU_XSAVE)) {
        cpuid(0xd, 0, out);
        fpu_xcr0_supported = ((uint64_t)out[3] << 32 | out[0]) & XCR0_WANTED;
        if ((fpu_xcr0_supported & XCR0_AVX512) != XCR0_AVX512) {
            fpu_xcr0_supported &= ~(uint64_t)XCR0_AVX512;
        }
        xcr0_write_raw(fpu_xcr0_supported);
        cpuid(0xd, 0, out);
        fpu_area_bytes = max(out[1], (uint32_t)sizeof(struct fpu_area));
    }
    while ((PAGE_SIZE << area_order) < fpu_area_bytes) {
        area_order++;
    }
    pr_info("FPU: %s, %u bytes a vcpu, components 0x%llx\n",
            cpu_has(CPU_XSAVEOPT) ? "XSAVEOPT"
            : fpu_xcr0_supported  ? "XSAVE"
                                  : "FXSAVE",
            fpu_area_bytes, (unsigned long long)fpu_xcr0_supported);
}

void fpu_init_cpu(void)
{
    struct fpu_area area __aligned(64) = { 0 };

    __asm__ volatile("clts; fninit");
    if (fpu_xcr0_supported != 0) {
        xcr0_write_raw(fpu_xcr0_supported);
    }
    __asm__ volatile("fxsave64 %0" : "=m"(area));
    if (area.mxcsr_mask != 0) {
        mxcsr_mask &= area.mxcsr_mask;
    }
}

int fpu_vcpu_create(struct vcpu *v)
{
    struct fpu_area *area;

    if (vcpu_is_idle(v)) {
        return 0;
    }
    area = frame_alloc_mapped(area_order, ALLOC_ZERO);
    if (area == NULL) {
        return -XEN_ENOMEM;
    }
    area->fcw = FCW_INITIAL;
    area->mxcsr = MXCSR_INITIAL;
    area->xstate_bv = fpu_xcr0_supported & (XCR0_X87 | XCR0_SSE);
    v->arch.fpu = area;
    v->arch.xcr0 = fpu_xcr0_supported & XCR0_X87;
    v->arch.fpu_dirty = false;
    v->arch.fpu_initialised = true;
    v->arch.task_switched = false;
    return 0;
}

void fpu_vcpu_free(struct vcpu *v)
{
    if (v->arch.fpu != NULL) {
        frame_free_mapped(v->arch.fpu, area_order);
        v->arch.fpu = NULL;
    }
}

static void xcr0_switch(uint64_t from, uint64_t to)
{
    if (from != to) {
        xcr0_write_raw(to);
    }
}

void fpu_switch_out(struct vcpu *prev)
{
    struct fpu_area *area = prev->arch.fpu;

    if (area == NULL || !prev->arch.fpu_dirty) {
        return;
    }
    __asm__ volatile("clts");
    if (fpu_xcr0_supported == 0) {
        __asm__ volatile("fxsave64 %0" : "=m"(*area));
    } else {
        xcr0_switch(prev->arch.xcr0, fpu_xcr0_supported);
        if (cpu_has(CPU_XSAVEOPT)) {
            __asm__ volatile("xsaveopt64 %0" : "+m"(*area) : "a"(-1), "d"(-1) : "memory");
        } else {
            __asm__ volatile("xsave64 %0" : "+m"(*area) : "a"(-1), "d"(-1) : "memory");
        }
    }
    prev->arch.fpu_dirty = false;
}

/* Loads the area; the x87 pointers of whoever was here before go even where the load skips them. */
static void area_load(struct fpu_area *area)
{
    static const uint32_t zero;

    if (boot_cpu.vendor != CPU_VENDOR_INTEL && !cpu_has(CPU_FP_POINTERS) && !(area->fsw & 0x80)) {
        __asm__ volatile("fnclex; ffree %%st(7); fildl %0" : : "m"(zero));
    }
    if (fpu_xcr0_supported == 0) {
        __asm__ volatile("fxrstor64 %0" : : "m"(*area));
    } else {
        __asm__ volatile("xrstor64 %0" : : "m"(*area), "a"(-1), "d"(-1) : "memory");
    }
}

void fpu_switch_in(struct vcpu *next)
{
    struct fpu_area *area = next->arch.fpu;

    if (area == NULL) {
        return;
    }
    __asm__ volatile("clts");
    area_load(area);
    if (fpu_xcr0_supported != 0) {
        xcr0_switch(fpu_xcr0_supported, next->arch.xcr0);
    }
    next->arch.fpu_dirty = true;
    if (next->arch.task_switched) {
        cr0_write_raw(cr0_read_raw() | CR0_TS);
    }
}

void fpu_set_task_switched(struct vcpu *v, bool set)
{
    v->arch.task_switched = set;
    if (set) {
        cr0_write_raw(cr0_read_raw() | CR0_TS);
    } else {
        __asm__ volatile("clts");
    }
}

bool fpu_device_not_available(struct vcpu *v)
{
    bool was_set = v->arch.task_switched;

    fpu_set_task_switched(v, false);
    return was_set;
}

void fpu_import_legacy(struct vcpu *v, const void *fxsave)
{
    struct fpu_area *area = v->arch.fpu;

    BUG_ON(v->arch.fpu_dirty);
    memcpy(area, fxsave, LEGACY_BYTES);
    area->mxcsr &= mxcsr_mask;
    memset((uint8_t *)area + LEGACY_BYTES, 0, fpu_area_bytes - LEGACY_BYTES);
    area->xstate_bv = fpu_xcr0_supported & (XCR0_X87 | XCR0_SSE);
}

void fpu_export_legacy(struct vcpu *v, void *fxsave)
{
    struct fpu_area *area = v->arch.fpu;

    memcpy(fxsave, area, LEGACY_BYTES);
    if (fpu_xcr0_supported != 0 && !(area->xstate_bv & XCR0_X87)) {
        memset(fxsave, 0, offsetof(struct fpu_area, mxcsr));
        ((struct fpu_area *)fxsave)->fcw = FCW_INITIAL;
    }
}

int fpu_set_xcr0(struct vcpu *v, uint64_t value)
{
    if (fpu_xcr0_supported == 0 || (value & ~fpu_xcr0_supported) || !(value & XCR0_X87)) {
        return -XEN_EINVAL;
    }
    if ((value & XCR0_AVX) && !(value & XCR0_SSE)) {
        return -XEN_EINVAL;
    }
    if ((value & XCR0_AVX512) && ((value & XCR0_AVX512) != XCR0_AVX512 || !(value & XCR0_AVX))) {
        return -XEN_EINVAL;
    }
    if (v->arch.fpu_dirty) {
        xcr0_switch(v->arch.xcr0, value);
    }
    v->arch.xcr0 = value;
    return 0;
}
