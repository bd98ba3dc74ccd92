/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Quotas: what a domain has made the hypervisor keep for it.
 *
 * Invariants:
 *   1. used <= limit, for each kind, at any time.
 *   2. What a module holds of a kind is what it charged: quota_settled() when it has freed all.
 *
 * No locks: `used` is changed by compare-and-exchange, limits are set before a guest exists.
 */
#include "hypervisor/quota.h"

#include "hypervisor/atomic.h"
#include "hypervisor/bug.h"
#include "hypervisor/domain.h"
#include "hypervisor/printk.h"

static const char *const names[QUOTA_KINDS] = {
    [QUOTA_EVENT_BUCKETS] = "event buckets",   [QUOTA_EVENT_PAGES] = "event pages",
    [QUOTA_GRANT_FRAMES] = "grant frames",     [QUOTA_GRANT_STATUS] = "grant status frames",
    [QUOTA_GRANT_MAPPINGS] = "grant mappings",
};

void quota_limit(struct domain *domain, enum quota_kind kind, uint32_t limit)
{
    ASSERT(domain->quotas[kind].used == 0);
    domain->quotas[kind].limit = limit;
}

bool quota_charge(struct domain *domain, enum quota_kind kind, uint32_t amount)
{
    struct quota *quota = &domain->quotas[kind];
    uint32_t used = atomic_read(&quota->used);

    do {
        if (amount > quota->limit - used) {
            return false;
        }
    } while (!atomic_compare_exchange(&quota->used, &used, used + amount));
    return true;
}

void quota_release(struct domain *domain, enum quota_kind kind, uint32_t amount)
{
    uint32_t left = atomic_sub(&domain->quotas[kind].used, amount);

    BUG_ON(left > domain->quotas[kind].limit);
}

bool quota_settled(const struct domain *domain)
{
    for (unsigned int kind = 0; kind < QUOTA_KINDS; kind++) {
        if (atomic_read(&domain->quotas[kind].used) != 0) {
            return false;
        }
    }
    return true;
}

void quota_dump(const struct domain *domain)
{
    for (unsigned int kind = 0; kind < QUOTA_KINDS; kind++) {
        const struct quota *quota = &domain->quotas[kind];

        if (atomic_read(&quota->used) != 0) {
            pr_info("  %s: %u of %u\n", names[kind], atomic_read(&quota->used), quota->limit);
        }
    }
}
