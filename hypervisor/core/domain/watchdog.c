/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* SCHEDOP_watchdog: a domain that does not push out its deadline in time is shut down. */
#include "domain_private.h"

#include <xen/sched.h>

static void watchdog_fired(void *data)
{
    (void)domain_shutdown(data, SHUTDOWN_watchdog);
}

void watchdogs_init(struct domain *domain)
{
    unsigned int i;

    for (i = 0; i < DOMAIN_WATCHDOGS; i++) {
        timer_init(&domain->watchdogs[i].timer, watchdog_fired, domain, 0);
    }
}

void watchdogs_kill(struct domain *domain)
{
    unsigned int i;

    for (i = 0; i < DOMAIN_WATCHDOGS; i++) {
        timer_kill(&domain->watchdogs[i].timer);
    }
}

/* Under pause_lock: a free one gets the timeout. */
static int watchdog_start(struct domain *domain, system_time_t expires)
{
    unsigned int i;

    for (i = 0; i < DOMAIN_WATCHDOGS; i++) {
        if (!domain->watchdogs[i].armed) {
            domain->watchdogs[i].armed = true;
            timer_set(&domain->watchdogs[i].timer, expires);
            return (int)i + 1;
        }
    }
    return -XEN_ENOSPC;
}

static int watchdog_poke(struct domain_watchdog *watchdog, bool keep, system_time_t expires)
{
    if (!watchdog->armed) {
        return -XEN_EEXIST;
    }
    if (keep) {
        timer_set(&watchdog->timer, expires);
    } else {
        watchdog->armed = false;
        timer_stop(&watchdog->timer);
    }
    return 0;
}

int domain_watchdog(struct domain *domain, uint32_t id, uint32_t timeout_seconds)
{
    system_time_t expires = time_now() + (system_time_t)(timeout_seconds * NS_PER_SECOND);
    unsigned long flags;
    int result;

    if (id > DOMAIN_WATCHDOGS || (id == 0 && timeout_seconds == 0)) {
        return -XEN_EINVAL;
    }
    flags = spin_lock_irqsave(&domain->pause_lock);
    if (id == 0) {
        result = watchdog_start(domain, expires);
    } else {
        result = watchdog_poke(&domain->watchdogs[id - 1], timeout_seconds != 0, expires);
    }
    spin_unlock_irqrestore(&domain->pause_lock, flags);
    return result;
}
