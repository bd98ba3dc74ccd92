/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The FIFO interface of event channels: control blocks and arrays in frames of every wrong kind, and
 * words that another vcpu scribbles on. There is no way back from it: a run of its own.
 */
#include "lib/check.h"
#include "lib/event.h"
#include "lib/guest.h"
#include "lib/hypercall.h"
#include "lib/page.h"
#include "lib/pagetable.h"
#include "lib/random.h"
#include "lib/vcpu.h"

#include <xen/sched.h>

static uint64_t *block;
static uint32_t *words;

static long init_control(uint64_t mfn, uint32_t offset, uint32_t vcpu)
{
    struct evtchn_init_control op = { .control_gfn = mfn, .offset = offset, .vcpu = vcpu };

    return event_op(EVTCHNOP_init_control, &op);
}

static long expand_array(uint64_t mfn)
{
    struct evtchn_expand_array op = { .array_gfn = mfn };

    return event_op(EVTCHNOP_expand_array, &op);
}

static long set_priority(uint32_t port, uint32_t priority)
{
    struct evtchn_set_priority op = { .port = port, .priority = priority };

    return event_op(EVTCHNOP_set_priority, &op);
}

static void check_frames(void)
{
    uint64_t l1 = table_mfn(address_of(block), 1), mfn = mfn_of(block);

    check_refused(expand_array(mfn), "an array before a control block");
    check_refused(init_control(l1, 0, 0), "a control block in a live L1");
    check_refused(init_control(root_mfn(), 0, 0), "a control block in the root");
    check(init_control(~0ul, 0, 0), -XEN_EINVAL, "a control block in frame -1");
    if (!guest_is_first()) {
        check(init_control(1, 0, 0), -XEN_EINVAL, "a control block in frame 1");
    }
    check(init_control(mfn, 4, 0), -XEN_EINVAL, "a control block at offset 4");
    check(init_control(mfn, 4096 - 64, 0), -XEN_EINVAL, "a control block over the end of a page");
    check(init_control(mfn, ~7u, 0), -XEN_EINVAL, "a control block at offset -8");
    check(init_control(mfn, 0, 9), -XEN_ENOENT, "a control block of vcpu 9");
    check(init_control(mfn, 4096 - 128, 0), 0, "a control block");
    check(init_control(mfn, 0, 0), -XEN_EINVAL, "another one");
    check(init_control(mfn, 4096 - 128, 1), 0, "vcpu 1's in the same place");
    check_refused(expand_array(l1), "an array in a live L1");
    check_refused(expand_array(~0ul), "an array in frame -1");
    if (!guest_is_first()) {
        check_refused(expand_array(1), "an array in frame 1");
    }
    check(expand_array(mfn_of(words)), 0, "an array");
    check(expand_array(mfn), 0, "its second page is the control block's");
    check_refused(set_priority(0, 3), "priority of port 0");
    check(set_priority(1, 16), -XEN_EINVAL, "priority 16");
    check(set_priority(~0u, 3), -XEN_EINVAL, "priority of port -1");
    check(page_set_rights(block, PTE_RO), 0, "the guest's own mapping is its own business");
    check(page_set_rights(block, PTE_RW), 0, "and back");
    check(mmuext(MMUEXT_PIN_L1_TABLE, mfn, 0), -XEN_EINVAL, "pin the control block as L1");
}

static volatile bool storm_over;

/* Links, flags and ready bits of any value. */
static void storm(void)
{
    uint64_t mix = 1;

    for (unsigned int turn = 0; !storm_over; turn++) {
        mix = mix * 6364136223846793005ul + 1442695040888963407ul;
        WRITE_ONCE(words[mix >> 33 & 1023], (uint32_t)(mix >> 24));
        if (turn % 8 == 0) {
            WRITE_ONCE(block[496 + (mix >> 50 & 15)], mix);
        }
        if (turn % 64 == 0) {
            hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
        }
    }
}

static void check_scribbles(void)
{
    long result = vcpu_start(1, storm);
    unsigned int sent = 0;
    uint32_t ports[8];

    check(result, 0, "start vcpu 1");
    for (unsigned int i = 0; i < ARRAY_SIZE(ports); i++) {
        long port = event_bind_ipi(0);

        must(port, "an IPI");
        ports[i] = (uint32_t)port;
    }
    for (unsigned int turn = 0; turn < 5000; turn++) {
        uint32_t port = ports[turn % ARRAY_SIZE(ports)];
        struct evtchn_unmask unmask = { .port = port };

        sent += event_send(port) == 0;
        if (turn % 3 == 0) {
            (void)event_op(EVTCHNOP_unmask, &unmask);
            (void)set_priority(port, turn & 15);
        }
        if (turn % 16 == 0) {
            hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
        }
    }
    storm_over = true;
    vcpu_join(1);
    check(sent, 5000, "events sent while vcpu 1 scribbles on the words");
    for (unsigned int i = 0; i < ARRAY_SIZE(ports); i++) {
        must(event_close(ports[i]), "close");
    }
}

static void run(void)
{
    block = page_alloc();
    words = page_alloc();
    check_frames();
    check_scribbles();
}
PROBE(fifo, run);
