/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* DOMCTLs about single frames of a domain: the hypercall page, and what its page tables are. */
#include "arch/memory.h"
#include "asm/pagetype.h"
#include "asm/pv.h"
#include "internal.h"

#define BATCH 64u

long domctl_hypercall_init(struct domctl *ctl)
{
    uint64_t gmfn = ctl->op.u.hypercall_init.gmfn;
    struct frame *frame = arch_gfn_get_frame(ctl->domain, GFN(gmfn));
    long result = 0;

    if (frame == NULL) {
        return domctl_refuse(ctl, 0, -XEN_EACCES, gmfn, frame_table_end - 1);
    }
    if (arch_frame_get_writable(frame)) {
        pv_hypercall_page_fill(mfn_to_virt(frame_mfn(frame)));
        arch_frame_put_writable(frame);
    } else {
        result = domctl_refuse(ctl, 0, -XEN_EPERM, gmfn, frame_table_end - 1);
    }
    frame_put(frame);
    return result;
}

/* As XEN_DOMCTL_PFINFO_*. */
static uint64_t describe(const struct domain *domain, uint64_t mfn)
{
    uint64_t type = XEN_DOMCTL_PFINFO_NOTAB;
    enum pagetype table;
    struct frame *frame;

    if (!frame_valid(MFN(mfn)) || !frame_get(frame_of(MFN(mfn)), domain)) {
        return XEN_DOMCTL_PFINFO_XTAB;
    }
    frame = frame_of(MFN(mfn));
    table = pagetype_of(frame);
    if (table >= PAGETYPE_L1 && table <= PAGETYPE_L4) {
        type = (uint64_t)table << XEN_DOMCTL_PFINFO_LTAB_SHIFT;
        if (READ_ONCE(frame->type) & PAGETYPE_PINNED) {
            type |= XEN_DOMCTL_PFINFO_LPINTAB;
        }
    }
    frame_put(frame);
    return type;
}

/* The array is worked off in place; what is left is in the caller's struct when it takes long. */
long domctl_getpageframeinfo3(struct domctl *ctl)
{
    struct xen_domctl_getpageframeinfo3 *arg = &ctl->op.u.getpageframeinfo3;
    uint64_t address = guest_handle(arg->array), batch[BATCH];

    while (arg->num != 0) {
        unsigned int count = (unsigned int)min(arg->num, (uint64_t)BATCH);

        if (guest_copy_from(batch, address, count * sizeof(batch[0]))) {
            return -XEN_EFAULT;
        }
        for (unsigned int i = 0; i < count; i++) {
            batch[i] = describe(ctl->domain, batch[i]);
        }
        if (guest_copy_to(address, batch, count * sizeof(batch[0]))) {
            return -XEN_EFAULT;
        }
        address += count * sizeof(batch[0]);
        arg->num -= count;
        if (arg->num != 0 && hypercall_preempt()) {
            arg->array.p = (xen_pfn_t *)(uintptr_t)address;
            return guest_write(ctl->address, ctl->op) ? -XEN_EFAULT : HYPERCALL_CONTINUE;
        }
    }
    return 0;
}
