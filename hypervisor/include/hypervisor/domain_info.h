/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* What the toolstack is told of a domain: XEN_DOMCTL_getdomaininfo, XEN_SYSCTL_getdomaininfolist. */
#ifndef HYPERVISOR_DOMAIN_INFO_H
#define HYPERVISOR_DOMAIN_INFO_H

#include "hypervisor/types.h"

#include "abi/xen.h"

#include <xen/domctl.h>

struct domain;

/* All of *info, padding included. The numbers are of moments close together, not of one. */
void domain_info_fill(struct domain *domain, struct xen_domctl_getdomaininfo *info);

#endif
