/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The guest's memory as seen by hypercalls: copies from and to the *current* vcpu's address space.
 * Never hold a lock across one. Rule 1: copy once into a local, decide on the local only.
 */
#ifndef HYPERVISOR_GUEST_H
#define HYPERVISOR_GUEST_H

#include "arch/guest.h"
#include "hypervisor/error.h"
#include "hypervisor/types.h"

/*
 * Copies bytes; 0, or -XEN_EFAULT when any byte is not the guest's to read (write): outside its
 * range, not mapped, read-only. A partial copy may have happened on failure. May fault and be slow;
 * not preemptible, so callers bound `bytes`.
 */
static inline int __must_check guest_copy_from(void *to, uint64_t guest_address, size_t bytes)
{
    return arch_guest_copy_from(to, guest_address, bytes);
}

static inline int __must_check guest_copy_to(uint64_t guest_address, const void *from, size_t bytes)
{
    return arch_guest_copy_to(guest_address, from, bytes);
}

static inline int __must_check guest_clear(uint64_t guest_address, size_t bytes)
{
    return arch_guest_clear(guest_address, bytes);
}

/* Element i of a guest array (address arithmetic is checked against wrapping by arch_guest_*). */
#define guest_read(local, address)       guest_copy_from(&(local), address, sizeof(local))
#define guest_write(address, local)      guest_copy_to(address, &(local), sizeof(local))
#define guest_array_at(address, type, i) ((uint64_t)(address) + (uint64_t)(i) * sizeof(type))

/* The address in a public XEN_GUEST_HANDLE. */
#define guest_handle(handle) ((uint64_t)(uintptr_t)(handle).p)

#endif
