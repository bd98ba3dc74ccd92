/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Registers and entry points that are set by hypercall: non-canonical addresses, addresses of the
 * hypervisor, registers that are not there.
 */
#include "lib/check.h"
#include "lib/guest.h"
#include "lib/hypercall.h"
#include "lib/page.h"
#include "lib/pagetable.h"
#include "lib/vcpu.h"

#include "hypervisor/string.h"

#include <xen/callback.h>
#include <xen/nmi.h>
#include <xen/vcpu.h>

#define NON_CANONICAL 0x0000800000000000ul
#define HYPERVISOR    0xffff82d040200000ul

extern const char vcpu_entry[];

static void check_trap_table(void)
{
    static struct trap_info table[3];

    table[0] = (struct trap_info){ .vector = 200, .cs = FLAT_KERNEL_CS, .address = NON_CANONICAL };
    check(hypercall2(__HYPERVISOR_set_trap_table, address_of(table), 0), -XEN_EINVAL,
          "trap handler at a non-canonical address");
    table[0].address = ~0ul >> 1;
    check(hypercall2(__HYPERVISOR_set_trap_table, address_of(table), 0), -XEN_EINVAL,
          "trap handler at 2^63 - 1");
    table[0].address = HYPERVISOR;
    check(hypercall2(__HYPERVISOR_set_trap_table, address_of(table), 0), 0,
          "trap handler in the hypervisor's range, its own risk");
    table[0].address = address_of(entry_stubs);
    table[0].cs = 0xe008;
    check(hypercall2(__HYPERVISOR_set_trap_table, address_of(table), 0), 0,
          "trap handler with the hypervisor's selector, which is mended");
    check(hypercall2(__HYPERVISOR_set_trap_table, 0x10, 0), -XEN_EFAULT, "table not mapped");
    check(hypercall2(__HYPERVISOR_set_trap_table, HYPERVISOR, 0), -XEN_EFAULT,
          "table in the hypervisor");
    check(hypercall2(__HYPERVISOR_set_trap_table, ~0ul - 15, 0), -XEN_EFAULT,
          "table at the end of the address space");
    trap_init_vcpu();
}

static long register_callback(uint16_t type, uint16_t flags, uint64_t address)
{
    struct callback_register op = { .type = type, .flags = flags, .address = address };

    return hypercall_op(__HYPERVISOR_callback_op, CALLBACKOP_register, &op);
}

static long unregister_callback(uint16_t type)
{
    struct callback_unregister op = { .type = type };

    return hypercall_op(__HYPERVISOR_callback_op, CALLBACKOP_unregister, &op);
}

static void check_callbacks(void)
{
    struct xennmi_callback nmi = { .handler_address = NON_CANONICAL };

    for (unsigned int i = 0; i < 3; i++) {
        uint64_t entry[3] = { address_of(entry_events), address_of(entry_failsafe),
                              address_of(entry_syscall) };

        entry[i] = NON_CANONICAL;
        /* Xen forgets an address that is not canonical, and says nothing. */
        check_differs(hypercall4(__HYPERVISOR_set_callbacks, entry[0], entry[1], entry[2], 0),
                      -XEN_EINVAL, 0, "set_callbacks with number %u at a non-canonical address", i);
    }
    for (uint16_t type = 0; type < 10; type++) {
        bool known = type <= CALLBACKTYPE_syscall32 && type != 3 && type != 6;
        bool one_way = known && type != CALLBACKTYPE_nmi;

        /* Of two things that are wrong, Xen tells the address. */
        check_differs(register_callback(type, 0, NON_CANONICAL), known ? -XEN_EINVAL : -XEN_ENOSYS,
                      -XEN_EINVAL, "callback %u at a non-canonical address", type);
        check(unregister_callback(type),
              one_way ? -XEN_EINVAL
              : known ? 0
                      : -XEN_ENOSYS,
              "no callback %u", type);
    }
    check(hypercall2(__HYPERVISOR_callback_op, CALLBACKOP_register, 0x10), -XEN_EFAULT,
          "callback from memory that is not mapped");
    check(hypercall2(__HYPERVISOR_callback_op, 99, 0), -XEN_ENOSYS, "callback_op 99");
    check(hypercall_op(__HYPERVISOR_nmi_op, XENNMI_register_callback, &nmi), -XEN_EINVAL,
          "NMI handler at a non-canonical address");
    check(hypercall2(__HYPERVISOR_nmi_op, XENNMI_register_callback, 0x10), -XEN_EFAULT,
          "NMI handler from memory that is not mapped");
    check(hypercall2(__HYPERVISOR_nmi_op, 99, 0), -XEN_ENOSYS, "nmi_op 99");
    trap_init_vcpu();
}

static void check_bases(void)
{
    /* Xen forgets this one too. */
    check_differs(hypercall2(__HYPERVISOR_stack_switch, FLAT_KERNEL_SS, NON_CANONICAL), -XEN_EINVAL,
                  0, "kernel stack at a non-canonical address");
    check(hypercall2(__HYPERVISOR_stack_switch, 0xffff, address_of(window(1))), 0,
          "kernel stack with a selector that is mended");
    for (unsigned int which = SEGBASE_FS; which <= SEGBASE_GS_KERNEL; which++) {
        check(hypercall2(__HYPERVISOR_set_segment_base, which, NON_CANONICAL), -XEN_EINVAL,
              "segment base %u at a non-canonical address", which);
        check(hypercall2(__HYPERVISOR_set_segment_base, which, HYPERVISOR), 0,
              "segment base %u in the hypervisor's range, its own risk", which);
        check(hypercall2(__HYPERVISOR_set_segment_base, which, 0), 0, "segment base %u is 0",
              which);
    }
    check(hypercall2(__HYPERVISOR_set_segment_base, SEGBASE_GS_USER_SEL, 0xe010), 0,
          "the hypervisor's data as user's GS, which becomes null");
    check(hypercall2(__HYPERVISOR_set_segment_base, SEGBASE_GS_USER_SEL, 0xfffff), 0,
          "selector 0xffff as user's GS");
    check(hypercall2(__HYPERVISOR_set_segment_base, SEGBASE_GS_USER_SEL, 0), 0,
          "null as user's GS");
    check(hypercall2(__HYPERVISOR_set_segment_base, 4, 0), -XEN_EINVAL, "segment base 4");
    check(hypercall2(__HYPERVISOR_set_segment_base, ~0u, 0), -XEN_EINVAL, "segment base -1");
}

static long set_debug(unsigned long reg, uint64_t value)
{
    return hypercall2(__HYPERVISOR_set_debugreg, reg, value);
}

static void check_debug_registers(void)
{
    for (unsigned int i = 0; i < 4; i++) {
        check(set_debug(i, HYPERVISOR), -XEN_EPERM, "breakpoint %u on the hypervisor", i);
        check(set_debug(i, NON_CANONICAL), -XEN_EPERM, "breakpoint %u, not canonical", i);
        check(set_debug(i, 0x1000 * i), 0, "breakpoint %u", i);
    }
    check(hypercall2(__HYPERVISOR_get_debugreg, 3, 0), 0x3000, "it reads back");
    check(set_debug(7, 2u << 16 | 3), -XEN_EPERM, "a breakpoint on I/O");
    check_differs(set_debug(7, 1u << 18 | 3), -XEN_EPERM, 0,
                  "a breakpoint on two bytes of an instruction, which no processor has");
    check_differs(set_debug(7, 1u << 13), 0, -XEN_EPERM, "general detect, which Xenios takes off");
    check(hypercall2(__HYPERVISOR_get_debugreg, 7, 0) & 1 << 13, 0, "it reads back as 0");
    check_differs(set_debug(7, ~0ul), 0, -XEN_EINVAL, "DR7 of ones, the same");
    check_differs(set_debug(6, ~0ul), 0, -XEN_EINVAL,
                  "DR6 of ones, of which Xenios takes some off");
    check(set_debug(8, 0), -XEN_ENODEV, "debug register 8");
    check_differs(set_debug(1ul << 32, 0), -XEN_ENODEV, 0, "debug register 2^32");
    check(hypercall2(__HYPERVISOR_get_debugreg, 8, 0), -XEN_ENODEV, "read debug register 8");
    check(hypercall2(__HYPERVISOR_get_debugreg, ~0ul, 0), -XEN_ENODEV, "read debug register -1");
    must(set_debug(7, 0), "no breakpoints");
    must(set_debug(6, 0), "no breakpoints");
}

/* ---- contexts of new vcpus --------------------------------------------------------------------- */

static void nothing(void)
{
}

static struct vcpu_guest_context context;

static long initialise(unsigned int id)
{
    long result = hypercall4(__HYPERVISOR_vcpu_op, VCPUOP_initialise, id, address_of(&context), 0);

    vcpu_context(1, nothing, &context);
    return result;
}

static void check_context_addresses(void)
{
    static const struct {
        size_t offset;
        const char *name;
    } fields[] = {
        { offsetof(struct vcpu_guest_context, user_regs.rip), "rip" },
        { offsetof(struct vcpu_guest_context, kernel_sp), "kernel stack" },
        { offsetof(struct vcpu_guest_context, event_callback_eip), "event callback" },
        { offsetof(struct vcpu_guest_context, failsafe_callback_eip), "failsafe callback" },
        { offsetof(struct vcpu_guest_context, syscall_callback_eip), "syscall callback" },
        { offsetof(struct vcpu_guest_context, fs_base), "FS base" },
        { offsetof(struct vcpu_guest_context, gs_base_kernel), "GS base" },
        { offsetof(struct vcpu_guest_context, gs_base_user), "user's GS base" },
        { offsetof(struct vcpu_guest_context, trap_ctxt[14].address), "trap handler" },
    };

    vcpu_context(1, nothing, &context);
    for (unsigned int i = 0; i < ARRAY_SIZE(fields); i++) {
        *(uint64_t *)(void *)((uint8_t *)&context + fields[i].offset) = NON_CANONICAL;
        check(initialise(1), -XEN_EINVAL, "vcpu 1 with a %s that is not canonical", fields[i].name);
    }
}

static void check_contexts(void)
{
    void *plain = page_alloc();

    check_context_addresses();
    context.ctrlreg[3] = xen_pfn_to_cr3(mfn_of(plain));
    check(initialise(1), -XEN_EINVAL, "vcpu 1 with a writable page as root");
    context.ctrlreg[3] = 0;
    check_refused(initialise(1), "vcpu 1 without a root");
    context.ctrlreg[3] = ~0ul;
    check(initialise(1), -XEN_EINVAL, "vcpu 1 with root -1");
    context.ctrlreg[1] = xen_pfn_to_cr3(mfn_of(plain));
    check(initialise(1), -XEN_EINVAL, "vcpu 1 with a writable page as user root");
    context.gdt_ents = 512;
    context.gdt_frames[0] = mfn_of(plain);
    check(initialise(1), -XEN_EINVAL, "vcpu 1 with a writable page as GDT");
    context.gdt_ents = 0x10000;
    check(initialise(1), -XEN_EINVAL, "vcpu 1 with 65536 GDT entries");
    context.ldt_ents = 8193;
    check(initialise(1), -XEN_EINVAL, "vcpu 1 with 8193 LDT entries");
    context.ldt_ents = 1;
    context.ldt_base = address_of(plain) + 8;
    check(initialise(1), -XEN_EINVAL, "vcpu 1 with an LDT amid a page");
    context.flags = 0;
    check(initialise(1), -XEN_EINVAL, "vcpu 1 in user mode without a user root");
    check(hypercall4(__HYPERVISOR_vcpu_op, VCPUOP_initialise, 1, 0x10, 0), -XEN_EFAULT,
          "vcpu 1 from memory that is not mapped");
    check(hypercall4(__HYPERVISOR_vcpu_op, VCPUOP_up, 1, 0, 0), -XEN_EINVAL,
          "start vcpu 1, which has no context");
    check(initialise(0), -XEN_EEXIST, "vcpu 0, which runs");
    check(initialise(2), -XEN_ENOENT, "vcpu 2, which there is not");
    check(initialise(~0u), -XEN_ENOENT, "vcpu -1");
    check(hypercall4(__HYPERVISOR_vcpu_op, VCPUOP_down, 7, 0, 0), -XEN_ENOENT, "stop vcpu 7");
    page_free(plain);
}

static void run(void)
{
    check_trap_table();
    check_callbacks();
    check_bases();
    check_debug_registers();
    check_contexts();
}
PROBE(callbacks, run);
