/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* xen/grant_table.h, one operation a call. */
#include "lib/grant.h"
#include "lib/check.h"
#include "lib/event.h"
#include "lib/hypercall.h"
#include "lib/pagetable.h"

#define TABLE_WINDOW 16

static struct grant_entry_v1 *table;

void grant_init(void)
{
    static uint64_t frames[1];
    struct gnttab_setup_table op = { .dom = DOMID_SELF, .nr_frames = 1 };

    set_xen_guest_handle(op.frame_list, (xen_pfn_t *)frames);
    must(hypercall_ops(__HYPERVISOR_grant_table_op, GNTTABOP_setup_table, &op, 1), "grant table");
    if (op.status != GNTST_okay) {
        give_up("grant table: %s", check_code(GRANT_STATUS(op.status)));
    }
    table = window(TABLE_WINDOW);
    must(va_update(table, pte_for(frames[0], PTE_RW)), "grant table");
}

void grant_set(uint32_t ref, unsigned int domid, uint64_t mfn, uint16_t flags)
{
    WRITE_ONCE(table[ref].flags, 0);
    table[ref].domid = (domid_t)domid;
    table[ref].frame = (uint32_t)mfn;
    barrier();
    WRITE_ONCE(table[ref].flags, flags);
}

uint16_t grant_flags(uint32_t ref)
{
    return READ_ONCE(table[ref].flags);
}

unsigned int grant_own_domid(void)
{
    struct evtchn_status status = { .dom = DOMID_SELF };
    long port = event_alloc_unbound(DOMID_SELF, DOMID_SELF);

    must(port, "a port");
    status.port = (uint32_t)port;
    must(event_op(EVTCHNOP_status, &status), "its status");
    must(event_close((uint32_t)port), "close");
    return status.u.unbound.dom;
}

long grant_map(unsigned int domid, uint32_t ref, uint64_t address, uint32_t flags, uint32_t *handle)
{
    struct gnttab_map_grant_ref op = {
        .host_addr = address, .flags = flags, .ref = ref, .dom = (domid_t)domid, .status = 1
    };
    long result = hypercall_ops(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, &op, 1);

    if (handle) {
        *handle = op.handle;
    }
    return result ? result : GRANT_STATUS(op.status);
}

long grant_unmap(uint32_t handle, uint64_t address, uint64_t device_address)
{
    struct gnttab_unmap_grant_ref op = {
        .host_addr = address, .dev_bus_addr = device_address, .handle = handle, .status = 1
    };
    long result = hypercall_ops(__HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, &op, 1);

    return result ? result : GRANT_STATUS(op.status);
}

long grant_copy(struct grant_end from, struct grant_end to, uint16_t bytes)
{
    struct gnttab_copy op = { .len = bytes, .status = 1 };
    long result;

    op.source.u.gmfn = from.ref_or_mfn;
    op.source.domid = (domid_t)from.domid;
    op.source.offset = from.offset;
    op.dest.u.gmfn = to.ref_or_mfn;
    op.dest.domid = (domid_t)to.domid;
    op.dest.offset = to.offset;
    op.flags =
        (uint16_t)((from.is_ref ? GNTCOPY_source_gref : 0) | (to.is_ref ? GNTCOPY_dest_gref : 0));
    result = hypercall_ops(__HYPERVISOR_grant_table_op, GNTTABOP_copy, &op, 1);
    return result ? result : GRANT_STATUS(op.status);
}

long grant_set_version(uint32_t version)
{
    struct gnttab_set_version op = { .version = version };

    return hypercall_ops(__HYPERVISOR_grant_table_op, GNTTABOP_set_version, &op, 1);
}
