/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * What a guest can make grow in the hypervisor, each kind with a limit that its toolstack set when it
 * was made. The module that owns a kind states the limit once, charges before it grows and gives
 * back what it frees; a domain that is freed owes nothing. Theory: core/domain/quota.c.
 *
 * What is of one size, or replaced by the next of its kind, has no quota: vcpus, their timers and
 * watchdogs, the FIFO ABI's table, the memory map.
 */
#ifndef HYPERVISOR_QUOTA_H
#define HYPERVISOR_QUOTA_H

#include "hypervisor/types.h"

struct domain;

enum quota_kind {
    QUOTA_EVENT_BUCKETS,  /* of ports: a frame each */
    QUOTA_EVENT_PAGES,    /* of a FIFO event array: frames of the guest that are held */
    QUOTA_GRANT_FRAMES,   /* of entries: a frame, and the use counts of its entries */
    QUOTA_GRANT_STATUS,   /* frames of status words, version 2 */
    QUOTA_GRANT_MAPPINGS, /* handles of mapped grants */
    QUOTA_KINDS,
};

struct quota {
    uint32_t used; /* atomic */
    uint32_t limit;
};

/* Once a kind, on creation, before anything is charged; 0 until then. */
void quota_limit(struct domain *domain, enum quota_kind kind, uint32_t limit);

/* Takes `amount` more; false and no change when that would be beyond the limit. Any context. */
bool quota_charge(struct domain *domain, enum quota_kind kind, uint32_t amount) __must_check;

/* Gives back what was charged. */
void quota_release(struct domain *domain, enum quota_kind kind, uint32_t amount);

/* Nothing is charged: for who frees a domain. */
bool quota_settled(const struct domain *domain);

/* Prints what is charged. */
void quota_dump(const struct domain *domain);

#endif
