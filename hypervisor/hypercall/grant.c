/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * GRANT_TABLE_OP (xen/grant_table.h): arrays of operations. Each is copied in once, done, and copied
 * out with its status; between two of them the call may be continued later, its array pointer and
 * count moved on. The hypercall's own result tells of the array only.
 *
 * A refusal's trace record: argument 0, the value being the sub-operation's count.
 */
#include "hypervisor/grant.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/nospec.h"
#include "hypervisor/security.h"
#include "hypervisor/string.h"
#include "hypervisor/trace.h"

#define UNMAP_BATCH 32 /* mappings a TLB flush */
#define LIST_BATCH  32 /* frame numbers a guest copy */

/* What an array's operations share. */
struct batch {
    struct domain *caller;
    struct grant_peer peers[2];
};

union grant_op {
    struct gnttab_map_grant_ref map;
    struct gnttab_copy copy;
    struct gnttab_swap_grant_ref swap;
    struct gnttab_transfer transfer;
};

static long move_on(struct hypercall *call, unsigned int done, size_t bytes)
{
    call->arg[1] += (uint64_t)done * bytes;
    call->arg[2] -= done;
    return HYPERCALL_CONTINUE;
}

/* Runs `one` on each operation of the array. */
static long for_each_op(struct hypercall *call, size_t bytes,
                        void (*one)(union grant_op *op, struct batch *batch))
{
    struct batch batch = { .caller = current_domain() };
    unsigned int count = (unsigned int)call->arg[2];
    union grant_op op;
    long rc = 0;

    for (unsigned int i = 0; i < count && rc == 0; i++) {
        if (i > 0 && hypercall_preempt()) {
            rc = move_on(call, i, bytes);
            break;
        }
        rc = guest_copy_from(&op, call->arg[1] + i * bytes, bytes);
        if (rc == 0) {
            one(&op, &batch);
            rc = guest_copy_to(call->arg[1] + i * bytes, &op, bytes);
        }
    }
    grant_peer_put(&batch.peers[0]);
    grant_peer_put(&batch.peers[1]);
    return rc;
}

static void map_one(union grant_op *op, struct batch *batch)
{
    grant_map(batch->caller, &op->map, &batch->peers[0]);
}

static void copy_one(union grant_op *op, struct batch *batch)
{
    grant_copy(batch->caller, &op->copy, batch->peers);
}

static void swap_one(union grant_op *op, struct batch *batch)
{
    op->swap.status = grant_swap(batch->caller, op->swap.ref_a, op->swap.ref_b);
}

static void transfer_one(union grant_op *op, struct batch *batch)
{
    grant_transfer(batch->caller, &op->transfer, &batch->peers[0]);
}

static long op_map(struct hypercall *call)
{
    return for_each_op(call, sizeof(struct gnttab_map_grant_ref), map_one);
}

static long op_copy(struct hypercall *call)
{
    return for_each_op(call, sizeof(struct gnttab_copy), copy_one);
}

static long op_swap(struct hypercall *call)
{
    return for_each_op(call, sizeof(struct gnttab_swap_grant_ref), swap_one);
}

static long op_transfer(struct hypercall *call)
{
    return for_each_op(call, sizeof(struct gnttab_transfer), transfer_one);
}

/* ---- unmapping: a TLB flush for UNMAP_BATCH of them ------------------------------------------ */

static int read_unmap(uint64_t address, struct grant_unmap *unmap)
{
    struct gnttab_unmap_grant_ref op;
    int rc = guest_read(op, address);

    if (rc == 0) {
        *unmap = (struct grant_unmap){ .host_address = op.host_addr,
                                       .device_address = op.dev_bus_addr,
                                       .handle = op.handle };
    }
    return rc;
}

static int read_replace(uint64_t address, struct grant_unmap *unmap)
{
    struct gnttab_unmap_and_replace op;
    int rc = guest_read(op, address);

    if (rc == 0) {
        *unmap = (struct grant_unmap){ .host_address = op.host_addr,
                                       .new_address = op.new_addr,
                                       .handle = op.handle,
                                       .replace = true };
    }
    return rc;
}

_Static_assert(sizeof(struct gnttab_unmap_grant_ref) == sizeof(struct gnttab_unmap_and_replace) &&
                   offsetof(struct gnttab_unmap_grant_ref, status) ==
                       offsetof(struct gnttab_unmap_and_replace, status),
               "both unmap operations have their status at the same place");

#define UNMAP_BYTES  sizeof(struct gnttab_unmap_grant_ref)
#define UNMAP_STATUS offsetof(struct gnttab_unmap_grant_ref, status)

/* The first `count` operations of the array; what was begun is finished whatever happens. */
static long unmap_batch(uint64_t address, unsigned int count,
                        int (*read)(uint64_t address, struct grant_unmap *unmap))
{
    struct grant_unmap unmaps[UNMAP_BATCH];
    unsigned int begun = 0;
    int rc = 0, written;

    while (begun < count) {
        rc = read(address + begun * UNMAP_BYTES, &unmaps[begun]);
        if (rc != 0) {
            break;
        }
        grant_unmap_begin(current_domain(), &unmaps[begun]);
        begun++;
    }
    grant_unmap_finish(current_domain(), unmaps, begun);
    for (unsigned int i = 0; i < begun; i++) {
        written = guest_write(address + i * UNMAP_BYTES + UNMAP_STATUS, unmaps[i].status);
        rc = rc != 0 ? rc : written;
    }
    return rc;
}

static long unmap_all(struct hypercall *call,
                      int (*read)(uint64_t address, struct grant_unmap *unmap))
{
    unsigned int count = (unsigned int)call->arg[2], done = 0;
    long rc = 0;

    while (done < count && rc == 0) {
        unsigned int some = min(count - done, (unsigned int)UNMAP_BATCH);

        if (done > 0 && hypercall_preempt()) {
            return move_on(call, done, UNMAP_BYTES);
        }
        rc = unmap_batch(call->arg[1] + done * UNMAP_BYTES, some, read);
        done += some;
    }
    return rc;
}

static long op_unmap(struct hypercall *call)
{
    return unmap_all(call, read_unmap);
}

static long op_unmap_and_replace(struct hypercall *call)
{
    return unmap_all(call, read_replace);
}

/* ---- one operation of a table as a whole ----------------------------------------------------- */

/* The table's domain when the caller may; NULL and *status otherwise. */
static struct domain *table_owner(domid_t id, enum security_operation operation, int16_t *status)
{
    struct domain *domain = domain_get_or_self(DOMAIN_ID(id));

    *status = GNTST_okay;
    if (domain == NULL || domain->grants == NULL) {
        *status = GNTST_bad_domain;
    } else if (security_check(current_domain(), domain, operation) != 0) {
        *status = GNTST_permission_denied;
    }
    if (*status != GNTST_okay) {
        domain_put(domain);
        domain = NULL;
    }
    return domain;
}

/* Frame numbers 0 .. count-1 of the table into the guest's list. */
static int write_frame_list(struct domain *domain, uint64_t list, unsigned int count, bool status)
{
    uint64_t numbers[LIST_BATCH];
    unsigned int some;
    mfn_t mfn;
    int rc = 0;

    for (unsigned int done = 0; done < count && rc == 0; done += some) {
        some = min(count - done, (unsigned int)LIST_BATCH);
        for (unsigned int i = 0; i < some && rc == 0; i++) {
            rc = grants_frame(domain, done + i, status, &mfn);
            numbers[i] = mfn.value;
        }
        if (rc == 0) {
            rc = guest_copy_to(guest_array_at(list, uint64_t, done), numbers,
                               some * sizeof(numbers[0]));
        }
    }
    return rc;
}

static long op_setup_table(struct hypercall *call)
{
    struct gnttab_setup_table op;
    struct domain *domain;
    long rc = guest_read(op, call->arg[1]);

    if (rc != 0) {
        return rc;
    }
    domain = table_owner(op.dom, SECURITY_GRANT_SETUP, &op.status);
    if (domain != NULL) {
        rc = grants_grow(domain, op.nr_frames);
        if (rc == 0) {
            rc = write_frame_list(domain, guest_handle(op.frame_list), op.nr_frames, false);
        } else if (rc != -XEN_ERESTART) {
            op.status = GNTST_general_error;
            rc = 0;
        }
        domain_put(domain);
    }
    return rc != 0 ? rc : guest_write(call->arg[1], op);
}

static long op_get_status_frames(struct hypercall *call)
{
    struct gnttab_get_status_frames op;
    struct grants_size size;
    struct domain *domain;
    long rc = guest_read(op, call->arg[1]);

    if (rc != 0) {
        return rc;
    }
    domain = table_owner(op.dom, SECURITY_GRANT_SETUP, &op.status);
    if (domain != NULL) {
        grants_query(domain, &size);
        if (size.version != 2 || op.nr_frames > size.status_frames) {
            op.status = GNTST_general_error;
        } else {
            rc = write_frame_list(domain, guest_handle(op.frame_list), op.nr_frames, true);
        }
        domain_put(domain);
    }
    return rc != 0 ? rc : guest_write(call->arg[1], op);
}

static long op_query_size(struct hypercall *call)
{
    struct gnttab_query_size op;
    struct grants_size size;
    struct domain *domain;
    long rc = guest_read(op, call->arg[1]);

    if (rc != 0) {
        return rc;
    }
    op.nr_frames = op.max_nr_frames = 0;
    domain = table_owner(op.dom, SECURITY_GRANT_QUERY, &op.status);
    if (domain != NULL) {
        grants_query(domain, &size);
        op.nr_frames = size.frames;
        op.max_nr_frames = size.frames_max;
        domain_put(domain);
    }
    return guest_write(call->arg[1], op);
}

static long op_dump_table(struct hypercall *call)
{
    struct gnttab_dump_table op;
    struct domain *domain;
    long rc = guest_read(op, call->arg[1]);

    if (rc != 0) {
        return rc;
    }
    domain = table_owner(op.dom, SECURITY_GRANT_QUERY, &op.status);
    if (domain != NULL) {
        /* It goes to the machine's console, which is not a guest's to fill. */
        if (security_check(current_domain(), NULL, SECURITY_CONSOLE_IO) != 0) {
            op.status = GNTST_permission_denied;
        } else {
            grants_dump(domain);
        }
        domain_put(domain);
    }
    return guest_write(call->arg[1], op);
}

/* The version in force is written back even when it could not be changed. */
static long op_set_version(struct hypercall *call)
{
    struct gnttab_set_version op;
    struct grants_size size;
    long rc = guest_read(op, call->arg[1]), written;

    if (rc != 0) {
        return rc;
    }
    rc = grants_set_version(current_domain(), op.version);
    if (rc == -XEN_ERESTART) {
        return HYPERCALL_CONTINUE;
    }
    grants_query(current_domain(), &size);
    op.version = size.version;
    written = guest_write(call->arg[1], op);
    return rc != 0 ? rc : written;
}

static long op_get_version(struct hypercall *call)
{
    struct gnttab_get_version op;
    struct grants_size size;
    struct domain *domain;
    int16_t status;
    long rc = guest_read(op, call->arg[1]);

    if (rc != 0) {
        return rc;
    }
    domain = table_owner(op.dom, SECURITY_GRANT_QUERY, &status);
    if (domain == NULL) {
        return status == GNTST_bad_domain ? -XEN_ESRCH : -XEN_EPERM;
    }
    grants_query(domain, &size);
    domain_put(domain);
    op.version = size.version;
    return guest_write(call->arg[1], op);
}

/* Not offered: memory here is coherent with devices, no cache needs flushing. */
static long op_unsupported(struct hypercall *call)
{
    return -XEN_EOPNOTSUPP;
}

static const struct grant_row {
    long (*run)(struct hypercall *call);
    bool single; /* the count must be 1 */
} grant_rows[] = {
    [GNTTABOP_map_grant_ref] = { op_map, false },
    [GNTTABOP_unmap_grant_ref] = { op_unmap, false },
    [GNTTABOP_setup_table] = { op_setup_table, true },
    [GNTTABOP_dump_table] = { op_dump_table, true },
    [GNTTABOP_transfer] = { op_transfer, false },
    [GNTTABOP_copy] = { op_copy, false },
    [GNTTABOP_query_size] = { op_query_size, true },
    [GNTTABOP_unmap_and_replace] = { op_unmap_and_replace, false },
    [GNTTABOP_set_version] = { op_set_version, true },
    [GNTTABOP_get_status_frames] = { op_get_status_frames, true },
    [GNTTABOP_get_version] = { op_get_version, true },
    [GNTTABOP_swap_grant_ref] = { op_swap, false },
    [GNTTABOP_cache_flush] = { op_unsupported, false },
};

long hypercall_grant_table_op(struct hypercall *call)
{
    unsigned long sub_op = call->arg[0];
    long rc = -XEN_EINVAL;

    if (sub_op >= ARRAY_SIZE(grant_rows)) {
        return -XEN_ENOSYS;
    }
    sub_op = index_nospec(sub_op, ARRAY_SIZE(grant_rows));
    if (current_domain()->grants == NULL) {
        return -XEN_EOPNOTSUPP;
    }
    call->arg[2] = (unsigned int)call->arg[2];
    if (call->arg[2] <= INT32_MAX && (!grant_rows[sub_op].single || call->arg[2] == 1)) {
        rc = grant_rows[sub_op].run(call);
    }
    if (rc < 0 && rc != HYPERCALL_CONTINUE) {
        trace_refuse(__HYPERVISOR_grant_table_op, (uint16_t)sub_op, 0, (int)rc, call->arg[2], 1, 1);
    }
    return rc;
}
