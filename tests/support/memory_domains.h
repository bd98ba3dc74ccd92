/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Domains that consist of their memory alone, for tests of core/memory: no creation, no scheduler,
 * and references that can be counted. Include it in one file of a program.
 */
#ifndef TESTS_SUPPORT_MEMORY_DOMAINS_H
#define TESTS_SUPPORT_MEMORY_DOMAINS_H

#include "abi/xen.h"
#include "asm/host.h"
#include "hypervisor/atomic.h"
#include "hypervisor/bug.h"
#include "hypervisor/domain.h"
#include "hypervisor/frame.h"
#include "hypervisor/memory.h"

#include <string.h>

#define TEST_DOMAINS 4

static struct domain test_domains[TEST_DOMAINS];
static struct vcpu test_vcpus[TEST_DOMAINS];
struct domain *domain_hardware, *domain_idle, *domain_io, *domain_xen;

/* Domain 0 is privileged; each has one reference, and vcpu i is of domain i. */
static void test_domains_setup(void)
{
    for (unsigned int i = 0; i < TEST_DOMAINS; i++) {
        struct domain *domain = &test_domains[i];

        memset(domain, 0, sizeof(*domain));
        memset(&test_vcpus[i], 0, sizeof(test_vcpus[i]));
        domain->id = DOMAIN_ID((uint16_t)i);
        domain->kind = DOMAIN_KIND_PV;
        domain->refs = 1;
        domain->is_privileged = domain->is_hardware = i == 0;
        spin_lock_init(&domain->lock, LOCK_DOMAIN);
        domain_memory_init(domain);
        test_vcpus[i].domain = domain;
    }
}

struct domain *domain_of_owner(uint16_t id)
{
    return id < TEST_DOMAINS ? &test_domains[id] : NULL;
}

struct domain *domain_get_or_self(domain_id_t id)
{
    struct domain *domain = id.value == DOMID_SELF ? current_domain() : domain_of_owner(id.value);

    if (domain != NULL) {
        domain_get_again(domain);
    }
    return domain;
}

void domain_get_again(struct domain *domain)
{
    BUG_ON(atomic_add(&domain->refs, 1) < 2);
}

void domain_put(struct domain *domain)
{
    if (domain != NULL) {
        BUG_ON(atomic_sub(&domain->refs, 1) == 0); /* the test's own is not to be dropped */
    }
}

void domain_for_each(bool (*fn)(struct domain *domain, void *data), void *data)
{
    for (unsigned int i = 0; i < TEST_DOMAINS; i++) {
        if (!fn(&test_domains[i], data)) {
            break;
        }
    }
}

/* The list has as many frames as the domain counts, linked both ways, all its own. */
static inline bool test_domain_memory_valid(const struct domain *domain)
{
    uint32_t previous = FRAME_NO_LINK;
    uint64_t count = 0;

    for (uint32_t i = domain->frame_list_first; i != FRAME_NO_LINK; i = frame_table[i].next) {
        if (frame_table[i].prev != previous || frame_table[i].owner != domain->id.value ||
            (frame_table[i].count & (FRAME_PRIVATE | FRAME_FREE | FRAME_HYPERVISOR))) {
            return false;
        }
        previous = i;
        count++;
    }
    return domain->frame_list_last == previous && count == domain->frames_total &&
           domain->refs == 1u + (domain->frames_total + domain->frames_hypervisor != 0);
}

static inline bool test_memory_valid(void)
{
    for (unsigned int i = 0; i < TEST_DOMAINS; i++) {
        if (!test_domain_memory_valid(&test_domains[i])) {
            return false;
        }
    }
    return frame_pool_valid();
}

/* All frames of all domains go back; what others still refer to stays. */
static inline void test_domains_relinquish(void)
{
    for (unsigned int i = 0; i < TEST_DOMAINS; i++) {
        test_domains[i].dying = DOMAIN_DYING;
        while (domain_memory_relinquish(&test_domains[i]) != 0) {
        }
        memory_map_set(&test_domains[i], NULL);
    }
}

#endif
