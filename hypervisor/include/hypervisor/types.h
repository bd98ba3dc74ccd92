/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The types whose mixing must not compile: frame numbers, event ports, grant references, domain
 * ids. Each is a struct of one member; make one with MFN(x), read it with .value.
 */
#ifndef HYPERVISOR_TYPES_H
#define HYPERVISOR_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hypervisor/compiler.h"

/* Machine frame number: a 4 KiB frame of the real machine. */
typedef struct {
    uint64_t value;
} mfn_t;

/* Guest frame number: a frame as the guest's interface names it (for a PV guest, gfn == mfn). */
typedef struct {
    uint64_t value;
} gfn_t;

/* Pseudo-physical frame number: what a PV guest's kernel calls its physical frame. */
typedef struct {
    uint64_t value;
} pfn_t;

/* Event channel port, local to a domain. Port 0 is never allocated. */
typedef struct {
    uint32_t value;
} evtchn_t;

/* Grant reference, local to a domain. */
typedef struct {
    uint32_t value;
} grant_ref_id_t;

/* Domain id in the range of the public domid_t, DOMID_* included. */
typedef struct {
    uint16_t value;
} domain_id_t;

typedef uint64_t paddr_t; /* machine physical address, in bytes */

#define MFN(v)       ((mfn_t){ (v) })
#define GFN(v)       ((gfn_t){ (v) })
#define PFN(v)       ((pfn_t){ (v) })
#define EVTCHN(v)    ((evtchn_t){ (v) })
#define DOMAIN_ID(v) ((domain_id_t){ (v) })

#define MFN_INVALID MFN(~0ull)

static inline bool mfn_equal(mfn_t a, mfn_t b)
{
    return a.value == b.value;
}

static inline mfn_t mfn_add(mfn_t mfn, uint64_t frames)
{
    return MFN(mfn.value + frames);
}

#define PAGE_SHIFT 12
#define PAGE_SIZE  (1ull << PAGE_SHIFT)
#define PAGE_MASK  (~(PAGE_SIZE - 1))

static inline mfn_t paddr_to_mfn(paddr_t pa)
{
    return MFN(pa >> PAGE_SHIFT);
}

static inline paddr_t mfn_to_paddr(mfn_t mfn)
{
    return mfn.value << PAGE_SHIFT;
}

#define NS_PER_SECOND 1000000000ull
#define NS_PER_MS     1000000ull
#define NS_PER_US     1000ull

#endif
