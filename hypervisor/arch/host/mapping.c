/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Writable references and grant mappings, counted. Where arch/x86/pagetype is linked, its functions
 * take the place of the weak ones here.
 */
#include "inside.h"

#include "arch/memory.h"
#include "hypervisor/bug.h"
#include "hypervisor/error.h"

#include <xen/grant_table.h>

#define MAPPINGS_MAX 1024u

static uint64_t writable_references;
static const struct frame *never_writable;
static struct host_grant_mapping mappings[MAPPINGS_MAX];
static unsigned int mapping_count;

void host_never_writable(const struct frame *frame)
{
    never_writable = frame;
}

HOST_WEAK bool arch_frame_get_writable(struct frame *frame)
{
    if (frame == never_writable) {
        return false;
    }
    writable_references++;
    return true;
}

HOST_WEAK void arch_frame_put_writable(struct frame *frame)
{
    BUG_ON(writable_references == 0);
    writable_references--;
}

uint64_t host_writable_references(void)
{
    return writable_references;
}

static struct host_grant_mapping *find(uint64_t address)
{
    unsigned int i;

    for (i = 0; i < mapping_count; i++) {
        if (mappings[i].address == address) {
            return &mappings[i];
        }
    }
    return NULL;
}

HOST_WEAK int arch_grant_map_host(uint64_t host_address, mfn_t mfn, uint32_t flags,
                                  uint64_t pte_flags)
{
    if (host_address == 0) {
        return GNTST_bad_virt_addr;
    }
    if (mapping_count == MAPPINGS_MAX || find(host_address) != NULL) {
        return GNTST_general_error;
    }
    mappings[mapping_count++] = (struct host_grant_mapping){ host_address, mfn, flags };
    return GNTST_okay;
}

HOST_WEAK int arch_grant_unmap_host(uint64_t host_address, mfn_t mfn, uint64_t new_address,
                                    uint32_t flags)
{
    struct host_grant_mapping *mapping = find(host_address);

    if (mapping == NULL || !mfn_equal(mapping->mfn, mfn)) {
        return GNTST_general_error;
    }
    *mapping = mappings[--mapping_count];
    return GNTST_okay;
}

unsigned int host_grant_mappings(void)
{
    return mapping_count;
}

bool host_grant_mapping(uint64_t address, struct host_grant_mapping *out)
{
    const struct host_grant_mapping *mapping = find(address);

    if (mapping != NULL) {
        *out = *mapping;
    }
    return mapping != NULL;
}

void host_memory_check(void)
{
    if (writable_references != 0) {
        panic("%lu writable references are left over", (unsigned long)writable_references);
    }
    if (mapping_count != 0) {
        panic("%u grant mappings are left over", mapping_count);
    }
}
