/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* What the files of core/domain share. The theory is at the top of domain.c. */
#ifndef CORE_DOMAIN_PRIVATE_H
#define CORE_DOMAIN_PRIVATE_H

#include "hypervisor/atomic.h"
#include "hypervisor/bug.h"
#include "hypervisor/domain.h"
#include "hypervisor/error.h"

/* ---- table.c --------------------------------------------------------------------------------- */

/* The id is the domain's from now on; domain_get finds it once domain->created. -XEN_EEXIST. */
int domain_table_insert(struct domain *domain) __must_check;

/* Returns when nobody finds the domain, and nobody who found it is still about to take a reference. */
void domain_table_remove(struct domain *domain);

/* ---- domain.c -------------------------------------------------------------------------------- */

/* free_task's function: the last reference is gone. */
void domain_free(void *data);

/* ---- vcpu.c ---------------------------------------------------------------------------------- */

void vcpu_free(struct vcpu *vcpu);

/* Nothing of the guest's memory is used for vcpu_info any more. Events were destroyed before. */
void vcpu_info_detach(struct vcpu *vcpu);

/* ---- watchdog.c ------------------------------------------------------------------------------ */

void watchdogs_init(struct domain *domain);
void watchdogs_kill(struct domain *domain);

/* ---- dump.c ---------------------------------------------------------------------------------- */

void domain_dump_init(void);

#endif
