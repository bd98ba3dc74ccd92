/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* THE ARCH CONTRACT: what a toolstack asks about the machine. */
#ifndef ARCH_SYSCTL_H
#define ARCH_SYSCTL_H

#include "hypervisor/types.h"

struct xen_sysctl;
struct xen_sysctl_physinfo;

/* Fills in cpu_khz, capabilities and hw_cap; the rest of the struct is not touched. */
void arch_physinfo(struct xen_sysctl_physinfo *info);

/* Where an online CPU sits: which package, which core of it. Threads of a core share both. */
void arch_cpu_place(unsigned int cpu, uint32_t *core, uint32_t *socket);

/* NUMA: nodes are 0 .. count-1, count at least 1; distances as ACPI's SLIT has them, 10 is local. */
unsigned int arch_node_count(void);
unsigned int arch_node_distance(unsigned int from, unsigned int to);

/* RAM of a node as the firmware tells of it: the hypervisor's own is part of it. */
uint64_t arch_node_frames(unsigned int node);

/* Width of a machine address. */
unsigned int arch_physical_bits(void);

/*
 * Operations of sysctl that only the architecture knows: works on the local copy `op`, sets
 * *has_result when it is to go back to the guest. -XEN_ENOSYS for one that it does not know either.
 */
long arch_sysctl(struct xen_sysctl *op, bool *has_result);

#endif
