/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* memory_op on memory_domains.h's domains, with grant tables of a few fixed frames. */
#ifndef TESTS_SUPPORT_MEMORY_CALLS_H
#define TESTS_SUPPORT_MEMORY_CALLS_H

#include "hypervisor/error.h"
#include "hypervisor/grant.h"
#include "hypervisor/hypercall.h"
#include "support/memory_domains.h"

#define TEST_GRANT_FRAMES 16u

void grants_query(struct domain *domain, struct grants_size *size)
{
    *size = (struct grants_size){ .frames = 1, .frames_max = TEST_GRANT_FRAMES, .version = 1 };
}

int grants_frame(struct domain *domain, unsigned int index, bool status, mfn_t *out)
{
    if (status || index >= TEST_GRANT_FRAMES) {
        return -XEN_EINVAL;
    }
    *out = MFN(1000 + index);
    return 0;
}

static void test_run_as(unsigned int domain)
{
    host_set_current(0, &test_vcpus[domain]);
}

/* To the end, however often it is preempted. `command` may have a start extent. */
static long test_memory_op(unsigned long command, void *argument, size_t bytes)
{
    struct hypercall call = { .op = __HYPERVISOR_memory_op };
    long result;

    call.arg[0] = command;
    call.arg[1] = bytes == 0 ? (uintptr_t)argument : host_guest_map(argument, bytes);
    do {
        result = hypercall_memory_op(&call);
    } while (result == HYPERCALL_CONTINUE);
    return result;
}

#define memory_call(command, argument) test_memory_op(command, &(argument), sizeof(argument))

#endif
