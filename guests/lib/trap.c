/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Handlers for all 256 vectors lead to stubs of 16 bytes each; the stubs lead here. A trap inside of
 * trap_guard() unwinds to it, one outside is a fault of this kernel and ends the domain.
 */
#include "lib/trap.h"
#include "lib/check.h"
#include "lib/event.h"
#include "lib/hypercall.h"
#include "lib/vcpu.h"

#include <xen/callback.h>

#define STUB_BYTES 16

volatile uint32_t trap_event_count, trap_nmi_count;
void (*trap_on_events)(void);

static struct trap_info trap_table[257];

static void register_callback(uint16_t type, const char *entry)
{
    struct callback_register op = { .type = type, .address = address_of(entry) };

    must(hypercall_op(__HYPERVISOR_callback_op, CALLBACKOP_register, &op), "callback");
}

void trap_init_vcpu(void)
{
    for (unsigned int vector = 0; vector < 256; vector++) {
        trap_table[vector] = (struct trap_info){
            .vector = (uint8_t)vector,
            .flags = 3, /* user mode may raise it */
            .cs = FLAT_KERNEL_CS,
            .address = address_of(entry_stubs + vector * STUB_BYTES),
        };
    }
    must(hypercall2(__HYPERVISOR_set_trap_table, address_of(trap_table), 0), "trap table");
    must(hypercall4(__HYPERVISOR_set_callbacks, address_of(entry_events),
                    address_of(entry_failsafe), address_of(entry_syscall), 0),
         "callbacks");
    register_callback(CALLBACKTYPE_syscall32, entry_syscall32);
    register_callback(CALLBACKTYPE_sysenter, entry_sysenter);
    register_callback(CALLBACKTYPE_nmi, entry_nmi);
}

static void take_events(void)
{
    trap_event_count++;
    if (trap_on_events) {
        trap_on_events();
    } else {
        event_clear_all();
    }
}

void trap_dispatch(struct trap_frame *frame)
{
    struct vcpu *vcpu = vcpu_self();

    if (frame->vector == TRAP_EVENTS) {
        take_events();
        return;
    }
    if (frame->vector == TRAP_NMI) {
        trap_nmi_count++;
        return;
    }
    vcpu->last = *frame;
    vcpu->last_address = vcpu_info()->arch.cr2;
    if (vcpu->guard_sp) {
        guard_leave(vcpu->guard_sp);
    }
    give_up("vector %#lx (error %#lx) at %#lx, address %#lx, rsp %#lx",
            (unsigned long)frame->vector, (unsigned long)frame->error, (unsigned long)frame->rip,
            (unsigned long)vcpu->last_address, (unsigned long)frame->rsp);
}

long trap_guard(void (*function)(void *), void *argument, struct trap_frame *frame)
{
    struct vcpu *vcpu = vcpu_self();

    if (guard_enter(function, argument, &vcpu->guard_sp)) {
        return 0;
    }
    if (frame) {
        *frame = vcpu->last;
    }
    return TRAPPED(vcpu->last.vector);
}

uint64_t trap_address(void)
{
    return vcpu_self()->last_address;
}

struct access {
    volatile uint64_t *address;
    uint64_t value;
};

static void do_read(void *data)
{
    struct access *access = data;

    access->value = *access->address;
}

static void do_write(void *data)
{
    const struct access *access = data;

    *access->address = access->value;
}

long trap_read(const volatile void *address, uint64_t *value)
{
    struct access access = { (volatile uint64_t *)(uintptr_t)address, 0 };
    long result = trap_guard(do_read, &access, NULL);

    if (value) {
        *value = access.value;
    }
    return result;
}

long trap_write(volatile void *address, uint64_t value)
{
    struct access access = { address, value };

    return trap_guard(do_write, &access, NULL);
}

/* ---- user mode --------------------------------------------------------------------------------- */

static uint8_t user_stack[4096] __aligned(16);

struct iret_context trap_user_context(const void *code)
{
    return (struct iret_context){
        .rip = address_of(code),
        .cs = FLAT_USER_CS,
        .rflags = 2,
        .rsp = address_of(user_stack + sizeof(user_stack)),
        .ss = FLAT_USER_SS,
    };
}

static void do_user(void *data)
{
    /* The way back begins below what this stack holds. */
    uint64_t sp = (address_of(__builtin_frame_address(0)) & ~15ul) - 1024;

    must(hypercall2(__HYPERVISOR_stack_switch, FLAT_KERNEL_SS, sp), "stack");
    frame_return(data);
}

long trap_user(const struct iret_context *context, struct trap_frame *frame)
{
    struct iret_context copy = *context;

    return trap_guard(do_user, &copy, frame);
}
