/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Sequences of GRANT_TABLE_OP by three domains, whose entries hold anything; arrays that fault and
 * calls that are continued included.
 *
 * An operation: kind, then what the kind takes. See the step_* functions.
 */
#include "support/fake_domain.h"
#include "support/fuzz_input.h"

#include "hypervisor/hypercall.h"

#define DOMAINS   3u
#define FRAMES    4u
#define REFS      16u
#define ADDRESSES 16u
#define BATCH     6u
#define STEPS     200u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct domain *domains[DOMAINS];
static void *frames[DOMAINS][FRAMES];

union fuzz_op {
    struct gnttab_map_grant_ref map;
    struct gnttab_unmap_grant_ref unmap;
    struct gnttab_unmap_and_replace replace;
    struct gnttab_copy copy;
    struct gnttab_setup_table setup;
    struct gnttab_query_size size;
    struct gnttab_set_version version;
    struct gnttab_get_status_frames status;
    struct gnttab_get_version get;
    struct gnttab_swap_grant_ref swap;
    struct gnttab_dump_table dump;
    struct gnttab_transfer transfer;
};

static uint64_t fuzz_gfn(struct fuzz_input *input)
{
    uint32_t which = fuzz_mostly_below(input, DOMAINS * FRAMES);

    return which < DOMAINS * FRAMES ? fake_gfn(frames[which / FRAMES][which % FRAMES]) : which;
}

/* Each user has addresses of its own: 0 is none. */
static uint64_t fuzz_address(struct fuzz_input *input, uint32_t d)
{
    uint64_t which = fuzz_u8(input) % ADDRESSES;

    return which == 0 ? 0 : (d * ADDRESSES + which) << 12;
}

static domid_t fuzz_domain(struct fuzz_input *input)
{
    uint32_t which = fuzz_mostly_below(input, DOMAINS + 1);

    return (domid_t)(which == DOMAINS ? DOMID_SELF : which);
}

static void fuzz_copy_end(struct fuzz_input *input, struct gnttab_copy_ptr *end, bool grant)
{
    end->domid = fuzz_domain(input);
    end->offset = (uint16_t)(fuzz_u8(input) * 16);
    if (grant) {
        end->u.ref = fuzz_mostly_below(input, REFS);
    } else {
        end->u.gmfn = fuzz_gfn(input);
    }
}

static size_t fuzz_one(struct fuzz_input *input, uint32_t d, unsigned int sub_op, union fuzz_op *op)
{
    switch (sub_op) {
    case GNTTABOP_map_grant_ref:
        op->map.host_addr = fuzz_address(input, d);
        op->map.flags = fuzz_u8(input);
        op->map.ref = fuzz_mostly_below(input, REFS);
        op->map.dom = fuzz_domain(input);
        return sizeof(op->map);
    case GNTTABOP_unmap_grant_ref:
        op->unmap.host_addr = fuzz_address(input, d);
        op->unmap.dev_bus_addr = fuzz_u8(input) % 4 ? 0 : fuzz_gfn(input) << 12;
        op->unmap.handle = fuzz_mostly_below(input, 16);
        return sizeof(op->unmap);
    case GNTTABOP_unmap_and_replace:
        op->replace.host_addr = fuzz_address(input, d);
        op->replace.new_addr = fuzz_address(input, d);
        op->replace.handle = fuzz_mostly_below(input, 16);
        return sizeof(op->replace);
    case GNTTABOP_copy:
        op->copy.flags = fuzz_u8(input) % 5;
        op->copy.len = (uint16_t)(fuzz_u8(input) * 20);
        fuzz_copy_end(input, &op->copy.source, op->copy.flags & GNTCOPY_source_gref);
        fuzz_copy_end(input, &op->copy.dest, op->copy.flags & GNTCOPY_dest_gref);
        return sizeof(op->copy);
    case GNTTABOP_swap_grant_ref:
        op->swap.ref_a = fuzz_mostly_below(input, REFS);
        op->swap.ref_b = fuzz_mostly_below(input, REFS);
        return sizeof(op->swap);
    case GNTTABOP_transfer:
        op->transfer.mfn = fuzz_gfn(input);
        op->transfer.domid = fuzz_domain(input);
        op->transfer.ref = fuzz_mostly_below(input, REFS);
        return sizeof(op->transfer);
    case GNTTABOP_set_version:
        op->version.version = fuzz_u8(input) % 4;
        return sizeof(op->version);
    case GNTTABOP_get_status_frames:
        op->status.dom = fuzz_domain(input);
        op->status.nr_frames = fuzz_mostly_below(input, 4);
        op->status.frame_list.p = (void *)0x1000;
        return sizeof(op->status);
    case GNTTABOP_setup_table:
        op->setup.dom = fuzz_domain(input);
        op->setup.nr_frames = fuzz_mostly_below(input, 6);
        op->setup.frame_list.p = (void *)0x1000;
        return sizeof(op->setup);
    default:
        op->size.dom = fuzz_domain(input);
        return sizeof(op->size);
    }
}

static void step_hypercall(struct fuzz_input *input, uint32_t d)
{
    unsigned int sub_op = fuzz_u8(input) % 14, shape = fuzz_u8(input);
    unsigned int count = shape % BATCH, again = 0;
    uint8_t array[BATCH * sizeof(union fuzz_op)];
    uint64_t list[16];
    size_t used = 0;
    struct hypercall call = { .arg = { sub_op, (uintptr_t)array, count } };

    memset(array, 0, sizeof(array));
    for (unsigned int i = 0; i < count; i++) {
        union fuzz_op op;
        size_t bytes;

        memset(&op, 0, sizeof(op));
        bytes = fuzz_one(input, d, sub_op, &op);
        memcpy(array + used, &op, bytes);
        used += bytes;
    }
    host_guest_map_at(NULL, 0x1000, list, sizeof(list), true);
    host_guest_map_at(NULL, (uintptr_t)array, array, shape & 0x80 ? used / 2 : used, true);
    host_set_current(0, domains[d]->vcpus[0]);
    while (hypercall_grant_table_op(&call) == HYPERCALL_CONTINUE) {
        BUG_ON(++again > 10000);
    }
    host_guest_unmap_all();
}

/* An entry of the table's first frame, of either version, or raw bytes of the frame. */
static void step_entry(struct fuzz_input *input, uint32_t d)
{
    uint8_t how = fuzz_u8(input), ref = fuzz_u8(input) % REFS;
    union grant_entry_v2 *v2;
    struct grant_entry_v1 *v1;
    mfn_t mfn;

    BUG_ON(grants_frame(domains[d], 0, false, &mfn) != 0);
    v1 = mfn_to_virt(mfn);
    v2 = mfn_to_virt(mfn);
    if (how % 8 == 0) {
        fuzz_fill(input, (uint8_t *)v1 + ref * 8, 8);
    } else if (how % 2 == 0) {
        v1[ref].frame = (uint32_t)fuzz_gfn(input);
        v1[ref].domid = fuzz_domain(input);
        v1[ref].flags = how % 16 == 2 ? fuzz_u8(input) : GTF_permit_access;
    } else {
        v2[ref].full_page.frame = fuzz_gfn(input);
        v2[ref].sub_page.page_off = v2[ref].sub_page.length = fuzz_u8(input) * 8u;
        v2[ref].hdr.domid = fuzz_domain(input);
        v2[ref].hdr.flags = GTF_permit_access | (how & 2 ? GTF_sub_page : 0);
    }
}

/* What the page tables' end would do. */
static void unmap_all(uint32_t d)
{
    struct host_grant_mapping mapping;

    for (uint64_t i = 1; i < ADDRESSES; i++) {
        if (host_grant_mapping((d * ADDRESSES + i) << 12, &mapping)) {
            BUG_ON(arch_grant_unmap_host(mapping.address, mapping.mfn, 0, 0) != 0);
        }
    }
}

static void create(uint32_t d)
{
    domains[d] = fake_domain_create((uint16_t)d, 1, 8, 3, 1);
    for (unsigned int i = 0; i < FRAMES; i++) {
        frames[d][i] = fake_ram(domains[d]);
    }
}

static void kill_all(void)
{
    for (uint32_t d = 0; d < DOMAINS; d++) {
        BUG_ON(!grants_valid(domains[d]));
        unmap_all(d);
        fake_domain_kill(domains[d]);
    }
    for (uint32_t d = 0; d < DOMAINS; d++) {
        BUG_ON(fake_domains[d] != NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = { data, size };

    host_random_from(data, size);
    host_setup(512, 1);
    for (uint32_t d = 0; d < DOMAINS; d++) {
        create(d);
    }
    for (unsigned int i = 0; i < STEPS && input.left > 0; i++) {
        uint8_t kind = fuzz_u8(&input);

        if (kind % 8 < 5) {
            step_hypercall(&input, kind / 8 % DOMAINS);
        } else {
            step_entry(&input, kind / 8 % DOMAINS);
        }
    }
    kill_all();
    host_teardown();
    return 0;
}
