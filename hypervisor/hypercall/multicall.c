/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * multicall: a list of hypercalls in one entry. Each entry is copied in, carried out like a hypercall
 * of its own, and its result stored; then the next. Preemptible between entries and inside them: what
 * is left of the list is what the guest issues again.
 */
#include "abi/xen.h"
#include "hypervisor/domain.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/perf_counter.h"

/* An entry that is to be continued: its arguments go back into the list. */
static int entry_put_back(uint64_t address, const struct hypercall *inner)
{
    struct multicall_entry entry = { .op = inner->op };

    for (unsigned int i = 0; i < HYPERCALL_ARGS; i++) {
        entry.args[i] = inner->arg[i];
    }
    return guest_copy_to(address, &entry, sizeof(entry)) ? -XEN_EFAULT : 0;
}

/* 0, HYPERCALL_CONTINUE, or -XEN_EFAULT for a list that is not the guest's memory. */
static long entry_run(uint64_t address)
{
    struct multicall_entry entry;
    struct hypercall inner = { .in_multicall = true };
    long result;

    if (guest_read(entry, address)) {
        return -XEN_EFAULT;
    }
    perf_count(multicalls);
    inner.op = (unsigned int)entry.op;
    for (unsigned int i = 0; i < HYPERCALL_ARGS; i++) {
        inner.arg[i] = entry.args[i];
    }
    result = entry.op == inner.op && inner.op != __HYPERVISOR_multicall ? hypercall_dispatch(&inner)
                                                                        : -XEN_ENOSYS;
    if (result == HYPERCALL_CONTINUE) {
        return entry_put_back(address, &inner) ? -XEN_EFAULT : HYPERCALL_CONTINUE;
    }
    return guest_copy_to(address + offsetof(struct multicall_entry, result), &result,
                         sizeof(result))
               ? -XEN_EFAULT
               : 0;
}

/*
 * arg[0]: guest array of multicall_entry, arg[1]: how many. 0 when all were carried out, whatever
 * their results; -XEN_EINVAL inside a multicall; -XEN_EFAULT.
 */
long hypercall_multicall(struct hypercall *call)
{
    uint64_t list = call->arg[0];
    uint32_t count = (uint32_t)call->arg[1];
    long result;

    if (call->in_multicall) {
        return -XEN_EINVAL;
    }
    for (uint32_t done = 0; done < count; done++) {
        uint64_t entry = guest_array_at(list, struct multicall_entry, done);

        result = done && hypercall_preempt() ? HYPERCALL_CONTINUE : entry_run(entry);
        if (result == HYPERCALL_CONTINUE) {
            call->arg[0] = entry;
            call->arg[1] = count - done;
        }
        if (result) {
            return result;
        }
    }
    return 0;
}
