/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * memory_op (xen/memory.h): a domain's reservation. What it does to frames is
 * core/memory/reservation.c; here arguments are read, checked, and results given back.
 *
 * The command's low MEMOP_EXTENT_SHIFT bits are the operation, the others the extent to start with:
 * that is how an operation over many extents continues after a preemption, and the ABI says so, so a
 * guest may start in the middle by itself. increase_reservation, decrease_reservation and
 * populate_physmap return how many extents were done, whatever stopped them.
 *
 * Trace records of refusals: argument 0 the number of extents, 1 the order, 2 mem_flags, 3 an extent's
 * frame number, 4 nr_exchanged.
 */
#include "hypervisor/domain.h"
#include "hypervisor/error.h"
#include "hypervisor/frame.h"
#include "hypervisor/guest.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/memory.h"
#include "hypervisor/security.h"
#include "hypervisor/trace.h"
#include "memory_ops.h"

#define MEMOP_MASK  ((1ul << MEMOP_EXTENT_SHIFT) - 1)
#define EXTENTS_MAX (~0ul >> MEMOP_EXTENT_SHIFT)

#define EXCHANGE_BATCH 32

static void refuse(unsigned int op, unsigned int argument, int error, uint64_t value, uint64_t high)
{
    trace_refuse(__HYPERVISOR_memory_op, (uint16_t)op, (uint16_t)argument, error, value, 0, high);
}

struct domain *memory_op_domain(uint16_t domid, unsigned int security_operation, long *error)
{
    struct domain *domain = domain_get_or_self(DOMAIN_ID(domid));

    if (domain == NULL) {
        *error = -XEN_ESRCH;
        return NULL;
    }
    *error = security_check(current_domain(), domain, (enum security_operation)security_operation);
    if (*error != 0) {
        domain_put(domain);
        return NULL;
    }
    return domain;
}

/* ---- reservations ------------------------------------------------------------------------------ */

/* One operation over extents, as it goes along. */
struct extents {
    struct domain *domain;
    uint64_t list; /* guest address, 0: none given */
    unsigned int order;
    struct memory_placement placement;
};

static int increase_extent(const struct extents *extents, uint64_t i)
{
    mfn_t mfn;
    int error =
        memory_populate(extents->domain, MEMORY_NO_PFN, extents->order, &extents->placement, &mfn);

    if (error == 0 && extents->list != 0) {
        error = guest_write(guest_array_at(extents->list, xen_pfn_t, i), mfn.value);
        if (error != 0) {
            memory_unpopulate(extents->domain, mfn, extents->order);
        }
    }
    return error;
}

static int populate_extent(const struct extents *extents, uint64_t i)
{
    uint64_t address = guest_array_at(extents->list, xen_pfn_t, i), pfn;
    mfn_t mfn;
    int error = guest_read(pfn, address);

    if (error != 0) {
        return error;
    }
    if (pfn + (1ull << extents->order) <= pfn) {
        refuse(XENMEM_populate_physmap, 3, -XEN_EINVAL, pfn, ~0ull);
        return -XEN_EINVAL;
    }
    error = memory_populate(extents->domain, pfn, extents->order, &extents->placement, &mfn);
    if (error == 0) {
        error = guest_write(address, mfn.value);
        if (error != 0) {
            memory_unpopulate(extents->domain, mfn, extents->order);
        }
    }
    return error;
}

static int decrease_extent(const struct extents *extents, uint64_t i)
{
    uint64_t mfn;
    int error = guest_read(mfn, guest_array_at(extents->list, xen_pfn_t, i));

    for (uint64_t frame = 0; error == 0 && frame < 1ull << extents->order; frame++) {
        error = memory_release(extents->domain, MFN(mfn + frame));
        if (error != 0) {
            refuse(XENMEM_decrease_reservation, 3, error, mfn + frame, frame_table_end - 1);
        }
    }
    return error;
}

/* False: nothing can be done with these arguments. */
static bool reservation_decode(unsigned int op, const struct xen_memory_reservation *reservation,
                               struct extents *extents)
{
    unsigned int order_max = memory_order_max(current_domain());

    extents->list = guest_handle(reservation->extent_start);
    extents->order = reservation->extent_order;
    if (reservation->extent_order > order_max) {
        refuse(op, 1, -XEN_EPERM, reservation->extent_order, order_max);
        return false;
    }
    if (op != XENMEM_decrease_reservation &&
        !memory_placement_decode(reservation->mem_flags, &extents->placement)) {
        refuse(op, 2, -XEN_EINVAL, reservation->mem_flags, 0);
        return false;
    }
    return op == XENMEM_increase_reservation || extents->list != 0;
}

static long reservation_op(struct hypercall *call, unsigned int op, uint64_t start)
{
    struct xen_memory_reservation reservation;
    struct extents extents;
    uint64_t i = start;
    long error = 0;

    if (guest_read(reservation, call->arg[1])) {
        return (long)start;
    }
    if (reservation.nr_extents > EXTENTS_MAX || start >= reservation.nr_extents) {
        refuse(op, 0, -XEN_EINVAL, reservation.nr_extents, EXTENTS_MAX);
        return (long)start;
    }
    extents.domain = memory_op_domain(reservation.domid, SECURITY_MEMORY_ADJUST, &error);
    if (extents.domain == NULL) {
        return error == -XEN_ESRCH ? (long)start : error;
    }
    while (reservation_decode(op, &reservation, &extents) && i < reservation.nr_extents) {
        if (i != start && hypercall_preempt()) {
            call->arg[0] = op | i << MEMOP_EXTENT_SHIFT;
            domain_put(extents.domain);
            return HYPERCALL_CONTINUE;
        }
        error = op == XENMEM_increase_reservation   ? increase_extent(&extents, i)
                : op == XENMEM_decrease_reservation ? decrease_extent(&extents, i)
                                                    : populate_extent(&extents, i);
        if (error != 0) {
            break;
        }
        i++;
    }
    domain_put(extents.domain);
    return (long)i;
}

/* ---- exchange ---------------------------------------------------------------------------------- */

/* What is exchanged at once: a whole number of extents on both sides, the larger side's being one. */
struct exchange_chunk {
    struct memory_placement placement;
    unsigned int in_order, out_order;
    uint64_t in_extents, out_extents; /* of a chunk */
    uint64_t in_list, out_list;       /* guest addresses of the present chunk's entries */
};

static int exchange_take_in(struct memory_exchange *exchange, const struct exchange_chunk *chunk)
{
    uint64_t batch[EXCHANGE_BATCH];

    for (uint64_t done = 0; done < chunk->in_extents;) {
        uint64_t count = min(chunk->in_extents - done, (uint64_t)EXCHANGE_BATCH);
        int error = guest_copy_from(batch, guest_array_at(chunk->in_list, uint64_t, done),
                                    count * sizeof(batch[0]));

        for (uint64_t i = 0; error == 0 && i < count << chunk->in_order; i++) {
            uint64_t mfn = batch[i >> chunk->in_order] + (i & ((1ull << chunk->in_order) - 1));

            error = memory_exchange_take(exchange, MFN(mfn));
            if (error != 0) {
                refuse(XENMEM_exchange, 3, error, mfn, frame_table_end - 1);
            }
        }
        if (error != 0) {
            return error;
        }
        done += count;
    }
    return 0;
}

static int exchange_allocate_out(struct memory_exchange *exchange,
                                 const struct exchange_chunk *chunk)
{
    for (uint64_t i = 0; i < chunk->out_extents; i++) {
        uint64_t pfn;
        int error = guest_read(pfn, guest_array_at(chunk->out_list, uint64_t, i));

        if (error == 0) {
            error = memory_exchange_give(exchange, pfn, &chunk->placement);
        }
        if (error != 0) {
            return error;
        }
    }
    return 0;
}

static int exchange_tell(const struct memory_exchange *exchange, const struct exchange_chunk *chunk)
{
    mfn_t mfn = memory_exchange_next(exchange, NULL);

    for (uint64_t i = 0; i < chunk->out_extents; i++) {
        int error = guest_write(guest_array_at(chunk->out_list, uint64_t, i), mfn.value);

        if (error != 0) {
            return error;
        }
        mfn = memory_exchange_next(exchange, &mfn);
    }
    return 0;
}

static int exchange_one(struct domain *domain, const struct exchange_chunk *chunk)
{
    struct memory_exchange exchange;
    int error;

    memory_exchange_begin(&exchange, domain, chunk->out_order);
    error = exchange_take_in(&exchange, chunk);
    if (error == 0) {
        error = exchange_allocate_out(&exchange, chunk);
    }
    if (error == 0) {
        error = exchange_tell(&exchange, chunk);
    }
    if (error != 0) {
        memory_exchange_cancel(&exchange);
        return error;
    }
    return memory_exchange_commit(&exchange);
}

/* Checks the numbers and finds the sizes of a chunk; 0 or the error. */
static int exchange_decode(const struct xen_memory_exchange *arg, struct exchange_chunk *chunk)
{
    unsigned int in_order = arg->in.extent_order, out_order = arg->out.extent_order;
    unsigned int order = max(in_order, out_order);
    unsigned int order_max = memory_order_max(current_domain());

    if (order > order_max) {
        refuse(XENMEM_exchange, 1, -XEN_EPERM, order, order_max);
        return -XEN_EPERM;
    }
    *chunk = (struct exchange_chunk){
        .in_order = in_order,
        .out_order = out_order,
        .in_extents = 1ull << (order - in_order),
        .out_extents = 1ull << (order - out_order),
    };
    if (arg->in.nr_extents > EXTENTS_MAX >> order || arg->out.nr_extents > EXTENTS_MAX >> order ||
        arg->in.nr_extents << in_order != arg->out.nr_extents << out_order ||
        arg->in.domid != arg->out.domid) {
        refuse(XENMEM_exchange, 0, -XEN_EINVAL, arg->in.nr_extents, EXTENTS_MAX >> order);
        return -XEN_EINVAL;
    }
    if (arg->nr_exchanged > arg->in.nr_extents || arg->nr_exchanged % chunk->in_extents != 0) {
        refuse(XENMEM_exchange, 4, -XEN_EINVAL, arg->nr_exchanged, arg->in.nr_extents);
        return -XEN_EINVAL;
    }
    if (!memory_placement_decode(arg->out.mem_flags, &chunk->placement)) {
        refuse(XENMEM_exchange, 2, -XEN_ENOMEM, arg->out.mem_flags, 0);
        return -XEN_ENOMEM;
    }
    return 0;
}

static long exchange_op(struct hypercall *call)
{
    struct xen_memory_exchange arg;
    struct exchange_chunk chunk;
    struct domain *domain;
    uint64_t begun;
    long error = 0;

    if (guest_read(arg, call->arg[1])) {
        return -XEN_EFAULT;
    }
    error = exchange_decode(&arg, &chunk);
    if (error != 0) {
        return error;
    }
    domain = memory_op_domain(arg.in.domid, SECURITY_MEMORY_ADJUST, &error);
    if (domain == NULL) {
        return error;
    }
    begun = arg.nr_exchanged;
    while (error == 0 && arg.nr_exchanged < arg.in.nr_extents) {
        uint64_t number = arg.nr_exchanged / chunk.in_extents;

        if (arg.nr_exchanged != begun && hypercall_preempt()) {
            error = HYPERCALL_CONTINUE;
            break;
        }
        chunk.in_list =
            guest_array_at(guest_handle(arg.in.extent_start), uint64_t, arg.nr_exchanged);
        chunk.out_list = guest_array_at(guest_handle(arg.out.extent_start), uint64_t,
                                        number * chunk.out_extents);
        error = exchange_one(domain, &chunk);
        if (error == 0) {
            arg.nr_exchanged += chunk.in_extents;
        }
    }
    domain_put(domain);
    if (guest_write(call->arg[1] + offsetof(struct xen_memory_exchange, nr_exchanged),
                    arg.nr_exchanged)) {
        return -XEN_EFAULT;
    }
    return error;
}

/* ---- claims ------------------------------------------------------------------------------------ */

static long claim_op(uint64_t guest_address)
{
    struct xen_memory_reservation reservation;
    struct domain *domain;
    long error;

    if (guest_read(reservation, guest_address)) {
        return -XEN_EFAULT;
    }
    if (guest_handle(reservation.extent_start) != 0 || reservation.extent_order != 0 ||
        reservation.mem_flags != 0) {
        refuse(XENMEM_claim_pages, 1, -XEN_EINVAL, reservation.extent_order, 0);
        return -XEN_EINVAL;
    }
    domain = memory_op_domain(reservation.domid, SECURITY_MEMORY_CLAIM, &error);
    if (domain == NULL) {
        return error;
    }
    error = frame_claim(domain, reservation.nr_extents);
    domain_put(domain);
    return error;
}

/* ---- the table --------------------------------------------------------------------------------- */

static long query_op(unsigned int op, uint64_t guest_address)
{
    switch (op) {
    case XENMEM_maximum_ram_page:
        return memory_op_maximum_ram_page();
    case XENMEM_current_reservation:
    case XENMEM_maximum_reservation:
    case XENMEM_maximum_gpfn:
        return memory_op_reservation(op, guest_address);
    case XENMEM_machphys_mfn_list:
        return memory_op_machphys_list(guest_address);
    case XENMEM_machphys_mapping:
        return memory_op_machphys_mapping(guest_address);
    case XENMEM_memory_map:
        return memory_op_memory_map(guest_address);
    case XENMEM_machine_memory_map:
        return memory_op_machine_memory_map(guest_address);
    case XENMEM_set_memory_map:
        return memory_op_set_memory_map(guest_address);
    case XENMEM_reserved_device_memory_map:
        return memory_op_reserved_device_memory(guest_address);
    case XENMEM_get_vnumainfo:
        return memory_op_virtual_numa(guest_address);
    case XENMEM_get_sharing_freed_pages:
    case XENMEM_get_sharing_shared_pages:
        return 0; /* no frame is shared by content */
    default:
        return -XEN_ENOSYS;
    }
}

long hypercall_memory_op(struct hypercall *call)
{
    unsigned int op = call->arg[0] & MEMOP_MASK;
    uint64_t guest_address = call->arg[1];

    switch (op) {
    case XENMEM_increase_reservation:
    case XENMEM_decrease_reservation:
    case XENMEM_populate_physmap:
        return reservation_op(call, op, call->arg[0] >> MEMOP_EXTENT_SHIFT);
    case XENMEM_exchange:
        return exchange_op(call);
    case XENMEM_claim_pages:
        return claim_op(guest_address);
    case XENMEM_add_to_physmap:
        return memory_op_add_to_physmap(guest_address);
    case XENMEM_add_to_physmap_batch:
        return memory_op_add_to_physmap_batch(guest_address);
    case XENMEM_remove_from_physmap:
        return memory_op_remove_from_physmap(guest_address);
    case XENMEM_acquire_resource:
        return memory_op_acquire_resource(call);
    case XENMEM_set_pod_target:
    case XENMEM_get_pod_target:
        return memory_op_pod_target(op, guest_address);
    case XENMEM_paging_op:
    case XENMEM_access_op:
    case XENMEM_sharing_op:
        return -XEN_EOPNOTSUPP;
    default:
        return query_op(op, guest_address);
    }
}
