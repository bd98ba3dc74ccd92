/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Ways for a guest to end itself, one a run: the word case= names it. The domain must be crashed (or
 * shut down with the reason that was given), nothing else. What a run prints before is what it tries.
 */
#include "lib/check.h"
#include "lib/console.h"
#include "lib/event.h"
#include "lib/grant.h"
#include "lib/guest.h"
#include "lib/hypercall.h"
#include "lib/page.h"
#include "lib/pagetable.h"
#include "lib/vcpu.h"

#include "hypervisor/string.h"

#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

#define NON_CANONICAL 0x0000800000000000ul

extern const char user_breakpoint[];

static void end_by_stack(void)
{
    __asm__ volatile("mov %0, %%rsp; ud2" : : "r"(NON_CANONICAL));
}

/* The frame of a trap cannot be written where the hypervisor is, either. */
static void end_by_hypervisor_stack(void)
{
    __asm__ volatile("mov %0, %%rsp; ud2" : : "r"(0xffff830000001000ul));
}

static void end_by_missing_handler(void)
{
    must(hypercall2(__HYPERVISOR_set_trap_table, 0, 0), "no trap table");
    __asm__ volatile("ud2");
}

/* Each fault of the handler pushes one more frame, down to what is not writable. */
static void end_by_double_fault(void)
{
    static struct trap_info table[2] = {
        { .vector = 14, .cs = FLAT_KERNEL_CS, .address = 0x1000 },
    };

    must(hypercall2(__HYPERVISOR_set_trap_table, address_of(table), 0), "trap table");
    __asm__ volatile("movq $0, 0x10");
}

static void end_by_upcall(void)
{
    long port = event_bind_ipi(0);

    must(hypercall4(__HYPERVISOR_set_callbacks, 0x1000, 0x1000, 0x1000, 0), "callbacks");
    must(hypercall2(__HYPERVISOR_set_trap_table, 0, 0), "no trap table");
    WRITE_ONCE(vcpu_info()->evtchn_upcall_mask, 0);
    (void)event_send((uint32_t)port);
}

static void end_by_iret_frame(void)
{
    frame_return((void *)NON_CANONICAL);
}

static void end_by_user_root(void)
{
    struct iret_context context = trap_user_context(user_breakpoint);

    frame_return(&context);
}

static void end_by_unmapping(void)
{
    (void)mmu_update((root_mfn() << PAGE_SHIFT) + 8 * pte_index(GUEST_BASE, 4), 0);
    (void)mmuext(MMUEXT_TLB_FLUSH_LOCAL, 0, 0);
}

/* All frames of the domain, those of its tables, its stack and this code included. */
static void end_by_giving_back(void)
{
    static struct xen_memory_reservation op = { .domid = DOMID_SELF };

    set_xen_guest_handle(op.extent_start, (xen_pfn_t *)guest_start->mfn_list);
    op.nr_extents = guest_start->nr_pages;
    (void)hypercall_op(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, &op);
    __asm__ volatile("movq $0, 0x10");
}

static void end_by_watchdog(void)
{
    struct sched_watchdog op = { .id = 0, .timeout = 1 };

    must(hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_watchdog, &op), "watchdog");
    for (;;) {
    }
}

static void end_by_reset(void)
{
    struct evtchn_reset op = { .dom = DOMID_SELF };
    struct sched_shutdown reason = { SHUTDOWN_poweroff };

    must(event_op(EVTCHNOP_reset, &op), "reset");
    hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &reason);
}

static void end_by_reason(void)
{
    struct sched_shutdown op = { 6 };
    unsigned int reason = (unsigned int)guest_option_number("reason", SHUTDOWN_poweroff);

    check(hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &op), -XEN_EINVAL, "reason 6");
    op.reason = ~0u;
    check(hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &op), -XEN_EINVAL, "reason -1");
    check(hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_shutdown, (void *)0x10), -XEN_EFAULT,
          "a reason that is not mapped");
    guest_shutdown(reason);
}

/* ---- with everything in use -------------------------------------------------------------------- */

static void storm(void)
{
    uint64_t *table = page_alloc();

    must(page_set_rights(table, PTE_RO), "rights");
    for (unsigned int turn = 0;; turn++) {
        (void)mmuext(MMUEXT_PIN_L1_TABLE + (turn & 3), mfn_of(table), 0);
        (void)event_send(console_port());
        (void)va_update(window(100), turn & 1 ? pte_for(mfn_of(table), PTE_RO) : 0);
        (void)mmuext(MMUEXT_UNPIN_TABLE, mfn_of(table), 0);
    }
}

/* Pins, roots, descriptor tables, areas that the hypervisor writes, timers, grants to itself. */
static void use_everything(void)
{
    struct vcpu_register_runstate_memory_area area = { .addr.p = address_of(page_alloc()) };
    struct vcpu_set_periodic_timer timer = { 1000000 };
    uint64_t *root = page_alloc(), *gdt = page_alloc(), *lent = page_alloc();
    uint64_t frames[1] = { mfn_of(gdt) };

    memcpy(root, (const void *)guest_start->pt_base, PAGE_SIZE);
    memset(root + 256, 0, 16 * sizeof(*root));
    must(page_set_rights(root, PTE_RO), "rights");
    must(page_set_rights(gdt, PTE_RO), "rights");
    must(mmuext(MMUEXT_NEW_USER_BASEPTR, mfn_of(root), 0), "user root");
    for (unsigned int i = 0; i < 32; i++) {
        uint64_t *table = page_alloc();

        must(page_set_rights(table, PTE_RO), "rights");
        must(mmuext(MMUEXT_PIN_L1_TABLE + (i & 3), mfn_of(table), 0), "pin");
    }
    must(hypercall2(__HYPERVISOR_set_gdt, address_of(frames), 512), "GDT");
    must(mmuext(MMUEXT_SET_LDT, address_of(gdt), 512), "LDT");
    must(hypercall4(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0,
                    address_of(&area), 0),
         "runstate");
    must(hypercall4(__HYPERVISOR_vcpu_op, VCPUOP_set_periodic_timer, 0, address_of(&timer), 0),
         "timer");
    grant_init();
    grant_set(20, grant_own_domid(), mfn_of(lent), GTF_permit_access);
    for (unsigned int i = 0; i < 16; i++) {
        must(grant_map(grant_own_domid(), 20, address_of(window(64 + i)), GNTMAP_host_map, NULL),
             "grant");
    }
    must(vcpu_start(1, storm), "vcpu 1");
}

static void end_in_use(void)
{
    use_everything();
    guest_shutdown(SHUTDOWN_crash);
}

/* Until somebody ends it. */
static void wait_in_use(void)
{
    use_everything();
    console_print("PROBE-STORM\n");
    console_drain();
    storm();
}

static const struct {
    const char *name;
    void (*end)(void);
} ends[] = {
    { "stack", end_by_stack },
    { "hypervisor-stack", end_by_hypervisor_stack },
    { "missing-handler", end_by_missing_handler },
    { "double-fault", end_by_double_fault },
    { "upcall", end_by_upcall },
    { "iret-frame", end_by_iret_frame },
    { "user-root", end_by_user_root },
    { "unmapping", end_by_unmapping },
    { "giving-back", end_by_giving_back },
    { "watchdog", end_by_watchdog },
    { "reset", end_by_reset },
    { "reason", end_by_reason },
    { "in-use", end_in_use },
    { "storm", wait_in_use },
};

static void run(void)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(ends); i++) {
        if (guest_option_has("case", ends[i].name)) {
            console_print("PROBE-SUICIDE %s\n", ends[i].name);
            console_drain();
            ends[i].end();
            check_that(false, "the guest outlived it");
            return;
        }
    }
    give_up("no such case");
}
PROBE(suicide, run);
