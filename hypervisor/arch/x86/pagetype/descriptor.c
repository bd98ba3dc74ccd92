/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Descriptors of GDTs and LDTs (Intel SDM vol. 3, 3.4.5; AMD APM vol. 2, 4.8).
 *
 * A guest's descriptor table is the hardware's, so each descriptor must be harmless whatever
 * selector is loaded. Harmless are: anything not present (it only faults); code and data segments
 * of ring 3. A lower DPL is raised to 3, and the accessed bit is set so that the CPU never
 * writes to the frame. System segments (TSS, LDT) and gates are refused: a call gate could enter
 * the hypervisor's ring at an address of the guest's choice, and in long mode takes two slots, the
 * second of which could be checked as something else.
 */
#include "internal.h"

#include "arch/memory.h"
#include "hypervisor/error.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/trace.h"

#define DESCRIPTOR_ACCESSED (1ull << 40) /* of the type field, code and data */
#define DESCRIPTOR_S        (1ull << 44) /* code or data, not system */
#define DESCRIPTOR_DPL      (3ull << 45)
#define DESCRIPTOR_PRESENT  (1ull << 47)

bool descriptor_acceptable(uint64_t *raw)
{
    if (!(*raw & DESCRIPTOR_PRESENT)) {
        return true;
    }
    if (!(*raw & DESCRIPTOR_S)) {
        return false;
    }
    *raw |= DESCRIPTOR_DPL | DESCRIPTOR_ACCESSED;
    return true;
}

bool descriptors_validate(uint64_t *descriptors)
{
    for (unsigned int i = 0; i < PAGE_SIZE / sizeof(uint64_t); i++) {
        uint64_t raw = READ_ONCE(descriptors[i]);
        uint64_t adjusted = raw;

        if (!descriptor_acceptable(&adjusted)) {
            return false;
        }
        if (adjusted != raw) {
            WRITE_ONCE(descriptors[i], adjusted);
        }
    }
    return true;
}

int pagetype_get_descriptor_frame(struct domain *domain, mfn_t mfn)
{
    struct frame *frame;
    int rc;

    if (!frame_valid(mfn)) {
        return -XEN_EINVAL;
    }
    frame = frame_of(mfn);
    if (!frame_get(frame, domain)) {
        return -XEN_EINVAL;
    }
    rc = type_get_simple(frame, PAGETYPE_DESCRIPTOR);
    if (rc) {
        frame_put(frame);
    }
    return rc;
}

void pagetype_put_descriptor_frame(mfn_t mfn)
{
    struct frame *frame = frame_of(mfn);

    type_put_simple(frame, PAGETYPE_DESCRIPTOR);
    frame_put(frame);
}

/* Writes to a frame that is held, with whichever of the two types it can have. */
static int write_descriptor(struct frame *frame, unsigned int index, uint64_t raw)
{
    enum pagetype type =
        pagetype_of(frame) == PAGETYPE_DESCRIPTOR ? PAGETYPE_DESCRIPTOR : PAGETYPE_WRITABLE;
    uint64_t *descriptors = mfn_to_virt(frame_mfn(frame));
    int rc = type_get_simple(frame, type);

    if (rc == 0) {
        WRITE_ONCE(descriptors[index], raw);
        type_put_simple(frame, type);
    }
    return rc;
}

/* HYPERVISOR_update_descriptor(u64 machine address, u64 descriptor), xen/xen.h. */
long hypercall_update_descriptor(struct hypercall *call)
{
    paddr_t address = call->arg[0];
    uint64_t raw = call->arg[1];
    mfn_t mfn = paddr_to_mfn(address);
    struct frame *frame;
    int rc;

    if (address % sizeof(raw) || !descriptor_acceptable(&raw)) {
        trace_refuse(call->op, 0, address % sizeof(raw) ? 0 : 1, -XEN_EINVAL, raw, 0, 0);
        return -XEN_EINVAL;
    }
    if (!frame_valid(mfn) || !frame_get(frame_of(mfn), current_domain())) {
        trace_refuse(call->op, 0, 0, -XEN_EINVAL, address, 0, frame_table_end << PAGE_SHIFT);
        return -XEN_EINVAL;
    }
    frame = frame_of(mfn);
    rc = write_descriptor(frame, (address & ~PAGE_MASK) / sizeof(raw), raw);
    frame_put(frame);
    return rc;
}
