/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* This guest's grant table, version 1, and the operations on grants. Results are GRANT_STATUS(). */
#ifndef LIB_GRANT_H
#define LIB_GRANT_H

#include "hypervisor/types.h"

#include <xen/grant_table.h>

/* Maps the table's first frame. */
void grant_init(void);
/* Writes an entry: the frame becomes the domain's to use, as the flags GTF_* say. */
void grant_set(uint32_t ref, unsigned int domid, uint64_t mfn, uint16_t flags);
/* The entry's flags as they are. */
uint16_t grant_flags(uint32_t ref);

/* The number of this domain. */
unsigned int grant_own_domid(void);

/* One operation each; the handle of a mapping through `handle` when it is not NULL. */
long grant_map(unsigned int domid, uint32_t ref, uint64_t address, uint32_t flags,
               uint32_t *handle);
long grant_unmap(uint32_t handle, uint64_t address, uint64_t device_address);

struct grant_end {
    bool is_ref;
    unsigned int domid;
    uint64_t ref_or_mfn;
    uint16_t offset;
};
long grant_copy(struct grant_end from, struct grant_end to, uint16_t bytes);

/* 0, or the error of the hypercall itself. */
long grant_set_version(uint32_t version);

#endif
