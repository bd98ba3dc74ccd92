/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The last records of what happened, a small ring per CPU, dumped by panic() and debug keys. A
 * refused hypercall leaves one: {operation, argument, value, allowed range}.
 */
#ifndef HYPERVISOR_TRACE_H
#define HYPERVISOR_TRACE_H

#include "hypervisor/types.h"

/* `operation` of a refusal by security_check, above all hypercall numbers. */
#define TRACE_OPERATION_SECURITY 0xffff

struct trace_refusal {
    uint16_t operation; /* __HYPERVISOR_* */
    uint16_t sub_operation;
    uint16_t argument; /* index or field number, the handler's choice, stated in its comment */
    int16_t error;     /* the errno returned, negative */
    uint64_t value, allowed_min, allowed_max;
};

/* Any context; lock-free, this CPU's ring. */
void trace_refuse(uint16_t operation, uint16_t sub_operation, uint16_t argument, int error,
                  uint64_t value, uint64_t allowed_min, uint64_t allowed_max);
void trace_dump(void);

/* The last refusal on that CPU; false when there was none. For tests and tools. */
bool trace_last(unsigned int cpu, struct trace_refusal *out);

#endif
