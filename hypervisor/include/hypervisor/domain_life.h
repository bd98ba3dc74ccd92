/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Domains come, shut down and die. Comes with hypervisor/domain.h. */
#ifndef HYPERVISOR_DOMAIN_LIFE_H
#define HYPERVISOR_DOMAIN_LIFE_H

#include "hypervisor/domain.h"

/* ---- creation and death ---------------------------------------------------------------------- */

struct domain_config {
    enum domain_kind kind;
    uint32_t create_flags;
    unsigned int vcpus_max;
    unsigned int event_ports_max;              /* highest usable port + 1, 0 for the ABI's limit */
    int grant_frames_max, maptrack_frames_max; /* below 0: what the options allow */
    unsigned int grant_version_max;
    bool privileged, hardware;
    uint8_t handle[16];
};

/* System and idle domains; once, on the boot CPU, when the heap works and after sched_init. */
void domains_init(void);

/*
 * A domain without memory or vcpus, paused once. NULL and *error on failure, nothing left behind:
 * -XEN_EEXIST when the id is taken, -XEN_EINVAL when it is none or config is absurd, -XEN_ENOMEM.
 * The caller has a reference for as long as domain_kill() has not said 0.
 */
struct domain *domain_create(domain_id_t id, const struct domain_config *config,
                             int *error) __must_check;

/* vcpu `id`, down, on a processor the scheduler chooses. NULL when there is no memory. */
struct vcpu *vcpu_create(struct domain *domain, unsigned int id) __must_check;

/*
 * Marks dying and gives back what it owns, step by step: -XEN_ERESTART wants to be called again.
 * Drops the reference of domain_create with its first 0; later calls find nothing to do. One at a
 * time a domain (LOCK_DOMCTL). -XEN_EINVAL for the caller's own domain and those without a life.
 */
int domain_kill(struct domain *domain) __must_check;

/*
 * Guest-visible shutdown; SHUTDOWN_* of xen/sched.h. Pauses all vcpus; the hardware domain's stops or
 * restarts the machine and does not return. No-op for a domain that is already shut down. Any
 * context but NMI. -XEN_EINVAL for a reason that is none, or that the hardware domain may not have.
 */
int domain_shutdown(struct domain *domain, uint8_t reason);

/* SCHEDOP_shutdown_code: the code of a later shutdown, whatever that one says. */
int domain_shutdown_latch(struct domain *domain, uint8_t reason) __must_check;

/* XEN_DOMCTL_resumedomain: goes on after a shutdown. */
void domain_resume(struct domain *domain);

/*
 * SCHEDOP_watchdog: id 0 sets one up and returns its id (1..2), else sets it to fire `timeout_seconds`
 * from now, 0 ends it. -XEN_EINVAL for a bad id or an id 0 without a timeout, -XEN_ENOSPC, -XEN_EEXIST
 * when that watchdog is not in use.
 */
int domain_watchdog(struct domain *domain, uint32_t id, uint32_t timeout_seconds) __must_check;

/* The domain did what cannot go on. Prints the reason (with registers of the current vcpu when it is its own)
 * and shuts it down with SHUTDOWN_crash. Returns; the caller unwinds with an error. */
void domain_crash(struct domain *domain, const char *format, ...) __printf_like(2, 3);

#endif
