/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* THE ARCH CONTRACT: the current guest's memory. See hypervisor/guest.h for what each must do. */
#ifndef ARCH_GUEST_H
#define ARCH_GUEST_H

#include "hypervisor/types.h"

int arch_guest_copy_from(void *to, uint64_t guest_address, size_t bytes) __must_check;
int arch_guest_copy_to(uint64_t guest_address, const void *from, size_t bytes) __must_check;
int arch_guest_clear(uint64_t guest_address, size_t bytes) __must_check;

/*
 * Compare-and-exchange of 1, 2, 4 or 8 aligned bytes of guest memory. 0 with *expected updated to
 * what was found (equal to the old *expected: exchanged); -XEN_EFAULT when it faults.
 */
int arch_guest_compare_exchange(uint64_t guest_address, uint64_t *expected, uint64_t value,
                                unsigned int bytes) __must_check;

#endif
