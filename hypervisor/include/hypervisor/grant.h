/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Grant tables: a domain lends frames to another. xen/grant_table.h is the interface. Theory,
 * invariants and lock rules: core/grant/grant.c.
 */
#ifndef HYPERVISOR_GRANT_H
#define HYPERVISOR_GRANT_H

#include "hypervisor/domain.h"

#include <xen/grant_table.h>

int grants_create(struct domain *domain, unsigned int frames_max, unsigned int maptrack_frames_max,
                  unsigned int version_max) __must_check;
/* Gives up what the domain maps of others; preemptible: -XEN_ERESTART. */
int grants_release_mappings(struct domain *domain) __must_check;
void grants_free(struct domain *domain);

/* Frame `index` of the shared table (or of the status table, version 2), growing it when the
 * domain's limit allows; for XENMAPSPACE_grant_table and acquire_resource. */
int grants_frame(struct domain *domain, unsigned int index, bool status, mfn_t *out) __must_check;

bool grants_valid(const struct domain *domain);

#endif
