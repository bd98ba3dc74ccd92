/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The wall clock: what time it was at system time 0. A guest adds its system time.
 *
 * Version protocol of shared_info (xen/xen.h): an odd wc_version while the fields change; a reader
 * that saw an odd or a changed version reads again. The page is the guest's to scribble on: nothing
 * but the version is read back, and a wrong one hurts that guest alone.
 *
 * Lock: LOCK_TIME around the base and around each publication, so that a domain's fields come from
 * one writer at a time. Teardown sets domain->shared_info to NULL and then calls wallclock_publish
 * once: when that returns, nobody writes to the page any more.
 */
#include "abi/xen.h"
#include "hypervisor/atomic.h"
#include "hypervisor/domain.h"
#include "hypervisor/lock.h"
#include "hypervisor/timer.h"

static struct spinlock wallclock_lock = SPINLOCK_INIT(LOCK_TIME);
static uint64_t base_seconds;
static uint32_t base_ns;

void wallclock_publish(struct domain *domain)
{
    unsigned long flags = spin_lock_irqsave(&wallclock_lock);
    struct shared_info *shared = domain->shared_info;
    uint64_t seconds = base_seconds + (uint64_t)(int64_t)domain->time_offset_seconds;

    if (shared != NULL) {
        uint32_t version = READ_ONCE(shared->wc_version) | 1;

        WRITE_ONCE(shared->wc_version, version);
        write_barrier();
        WRITE_ONCE(shared->wc_sec, (uint32_t)seconds);
        WRITE_ONCE(shared->wc_nsec, base_ns);
        WRITE_ONCE(shared->wc_sec_hi, (uint32_t)(seconds >> 32));
        write_barrier();
        WRITE_ONCE(shared->wc_version, version + 1);
    }
    spin_unlock_irqrestore(&wallclock_lock, flags);
}

static bool publish_one(struct domain *domain, void *data)
{
    (void)data;
    wallclock_publish(domain);
    return true;
}

void wallclock_set(uint64_t seconds, uint32_t ns, system_time_t at)
{
    /* A clock before 1970 + uptime would be negative at boot: it starts at 0 then. */
    uint64_t now_ns = seconds * NS_PER_SECOND + ns;
    uint64_t base = seconds <= UINT64_MAX / NS_PER_SECOND - 1 && now_ns >= (uint64_t)at
                        ? now_ns - (uint64_t)at
                        : 0;
    unsigned long flags = spin_lock_irqsave(&wallclock_lock);

    base_seconds = base / NS_PER_SECOND;
    base_ns = (uint32_t)(base % NS_PER_SECOND);
    spin_unlock_irqrestore(&wallclock_lock, flags);
    domain_for_each(publish_one, NULL);
}

void wallclock_get(uint64_t *seconds, uint32_t *ns)
{
    unsigned long flags = spin_lock_irqsave(&wallclock_lock);

    *seconds = base_seconds;
    *ns = base_ns;
    spin_unlock_irqrestore(&wallclock_lock, flags);
}
