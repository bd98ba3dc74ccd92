/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Stacks of the vcpus, and how all but the first are started and ended. */
#include "lib/vcpu.h"
#include "hypervisor/string.h"
#include "lib/check.h"
#include "lib/guest.h"
#include "lib/hypercall.h"
#include "lib/pagetable.h"

#include <xen/sched.h>
#include <xen/vcpu.h>

uint8_t vcpu_stacks[VCPUS_MAX][VCPU_STACK_BYTES] __aligned(VCPU_STACK_BYTES)
    __section(".bss.stack,\"aw\",@nobits#");

extern const char vcpu_entry[];

struct vcpu *vcpu_self(void)
{
    return (struct vcpu *)(address_of(__builtin_frame_address(0)) & ~(VCPU_STACK_BYTES - 1ul));
}

void vcpu_context(unsigned int id, void (*work)(void), struct vcpu_guest_context *context)
{
    struct vcpu *vcpu = vcpu_of(id);

    vcpu->id = id;
    vcpu->work = work;
    vcpu->finished = false;
    memset(context, 0, sizeof(*context));
    context->flags = VGCF_in_kernel;
    context->user_regs.rip = address_of(vcpu_entry);
    context->user_regs.rsp = address_of(vcpu_stacks[id] + VCPU_STACK_BYTES);
    context->user_regs.rflags = 0x200;
    context->user_regs.cs = FLAT_KERNEL_CS;
    context->user_regs.ss = FLAT_KERNEL_SS;
    context->kernel_ss = FLAT_KERNEL_SS;
    context->kernel_sp = context->user_regs.rsp;
    context->ctrlreg[3] = xen_pfn_to_cr3(root_mfn());
}

void vcpu_main(void)
{
    struct vcpu *vcpu = vcpu_self();

    vcpu_info()->evtchn_upcall_mask = 1;
    trap_init_vcpu();
    for (;;) {
        vcpu->work();
        vcpu->finished = true;
        hypercall4(__HYPERVISOR_vcpu_op, VCPUOP_down, vcpu->id, 0, 0);
    }
}

long vcpu_start(unsigned int id, void (*work)(void))
{
    static struct vcpu_guest_context context;
    static bool known[VCPUS_MAX];
    struct vcpu *vcpu = vcpu_of(id);
    long result = 0;

    if (!known[id]) {
        vcpu_context(id, work, &context);
        result = hypercall4(__HYPERVISOR_vcpu_op, VCPUOP_initialise, id, address_of(&context), 0);
        known[id] = result == 0;
    }
    vcpu->work = work;
    vcpu->finished = false;
    return result ? result : hypercall4(__HYPERVISOR_vcpu_op, VCPUOP_up, id, 0, 0);
}

void vcpu_join(unsigned int id)
{
    while (!vcpu_of(id)->finished ||
           hypercall4(__HYPERVISOR_vcpu_op, VCPUOP_is_up, id, 0, 0) == 1) {
        hypercall2(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
    }
}
