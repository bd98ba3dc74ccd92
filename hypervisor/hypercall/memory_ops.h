/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The parts of memory_op: one function a family. `guest_address` is the operation's structure. */
#ifndef HYPERCALL_MEMORY_OPS_H
#define HYPERCALL_MEMORY_OPS_H

#include "hypervisor/hypercall.h"
#include "hypervisor/types.h"

struct domain;

/* arg[0]: the operation in the low bits, the extent to go on with in the others. */
#define MEMOP_EXTENT_SHIFT 6

/*
 * The domain an operation names (DOMID_SELF understood), with a reference, if the caller may do
 * that to it; else NULL and *error: -XEN_ESRCH, -XEN_EPERM.
 */
struct domain *memory_op_domain(uint16_t domid, unsigned int security_operation,
                                long *error) __must_check;

/* memory_map.c */
long memory_op_maximum_ram_page(void);
long memory_op_reservation(unsigned int op, uint64_t guest_address);
long memory_op_machphys_list(uint64_t guest_address);
long memory_op_machphys_mapping(uint64_t guest_address);
long memory_op_memory_map(uint64_t guest_address);
long memory_op_machine_memory_map(uint64_t guest_address);
long memory_op_set_memory_map(uint64_t guest_address);
long memory_op_reserved_device_memory(uint64_t guest_address);

/* memory_physmap.c */
long memory_op_add_to_physmap(uint64_t guest_address);
long memory_op_add_to_physmap_batch(uint64_t guest_address);
long memory_op_remove_from_physmap(uint64_t guest_address);
long memory_op_acquire_resource(struct hypercall *call);
long memory_op_pod_target(unsigned int op, uint64_t guest_address);
long memory_op_virtual_numa(uint64_t guest_address);

#endif
