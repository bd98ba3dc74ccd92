/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The guest's own memory: frame n of it is mapped at GUEST_BASE + n pages, all of it. */
#ifndef LIB_PAGE_H
#define LIB_PAGE_H

#include "hypervisor/types.h"

#define GUEST_BASE 0xffffffff80000000ul

/* Maps what the builder did not map; free is what lies behind the boot stack. */
void page_init(uint64_t boot_sp);

/* A page of zeros, writable; the guest's end when there is none left. */
void *page_alloc(void);
/* Gives a page back; it must be plain memory, mapped writable again. */
void page_free(void *page);
unsigned int page_free_count(void);

/* Frame numbers of the guest and of the machine. */
static inline uint64_t pfn_of(const volatile void *address)
{
    return ((unsigned long)(uintptr_t)address - GUEST_BASE) >> PAGE_SHIFT;
}

static inline void *page_of_pfn(uint64_t pfn)
{
    return (void *)(uintptr_t)(GUEST_BASE + (pfn << PAGE_SHIFT));
}

uint64_t mfn_of(const volatile void *address);
void *page_of_mfn(uint64_t mfn);

#endif
