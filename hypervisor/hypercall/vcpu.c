/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * VCPU_OP (xen/vcpu.h): a domain's operations on its own vcpus; and vm_assist, the domain's switches.
 *
 * A vcpu's context is set up by one caller at a time: VCPU_IN_RESET is the claim.
 *
 * A refusal's trace record: argument 1, the value being the vcpu's number.
 */
#include "arch/domain.h"
#include "arch/time.h"
#include "hypervisor/atomic.h"
#include "hypervisor/domain.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/sched.h"
#include "hypervisor/trace.h"

#include <xen/sched.h>
#include <xen/vcpu.h>

static long op_initialise(struct vcpu *vcpu, uint64_t address)
{
    long result;

    if (READ_ONCE(vcpu->initialised)) {
        return -XEN_EEXIST;
    }
    if (atomic_or(&vcpu->pause_flags, VCPU_IN_RESET) & VCPU_IN_RESET) {
        return -XEN_EBUSY;
    }
    if (READ_ONCE(vcpu->initialised)) {
        result = -XEN_EEXIST;
    } else if (vcpu_info_is_dummy(vcpu)) {
        result = -XEN_EINVAL;
    } else {
        result = arch_vcpu_initialise(vcpu, address);
        if (result == 0) {
            atomic_write_release(&vcpu->initialised, true);
        }
    }
    (void)atomic_and(&vcpu->pause_flags, ~VCPU_IN_RESET);
    vcpu_wake(vcpu); /* no-op unless it was up all the time */
    return result == -XEN_ERESTART ? HYPERCALL_CONTINUE : result;
}

static long op_up(struct vcpu *vcpu)
{
    if (!atomic_read_acquire(&vcpu->initialised)) {
        return -XEN_EINVAL;
    }
    (void)atomic_and(&vcpu->pause_flags, ~VCPU_DOWN);
    vcpu_wake(vcpu);
    return 0;
}

/* No vcpu of the domain can ever run again by its own doing. */
static bool all_down(const struct domain *domain)
{
    const struct vcpu *vcpu;
    unsigned int id;

    domain_for_each_vcpu(domain, id, vcpu)
    {
        if (!(atomic_read(&vcpu->pause_flags) & VCPU_DOWN)) {
            return false;
        }
    }
    return true;
}

static long op_down(struct vcpu *vcpu)
{
    if (!(atomic_or(&vcpu->pause_flags, VCPU_DOWN) & VCPU_DOWN)) {
        vcpu_sleep_nosync(vcpu);
        if (all_down(vcpu->domain)) {
            return domain_shutdown(vcpu->domain, SHUTDOWN_poweroff);
        }
    }
    return 0;
}

static long op_get_runstate(struct vcpu *vcpu, uint64_t address)
{
    struct vcpu_runstate_info runstate;

    vcpu_runstate_get(vcpu, &runstate);
    return guest_write(address, runstate);
}

/* The area is filled once in the caller's address space; later whenever the vcpu comes to run. */
static long op_register_runstate(struct vcpu *vcpu, uint64_t address)
{
    struct vcpu_register_runstate_memory_area area;

    if (guest_read(area, address) != 0) {
        return -XEN_EFAULT;
    }
    if (area.addr.p != 0 && op_get_runstate(vcpu, area.addr.p) != 0) {
        return -XEN_EFAULT;
    }
    WRITE_ONCE(vcpu->runstate_guest, area.addr.p);
    return 0;
}

static long op_register_time(struct vcpu *vcpu, uint64_t address)
{
    struct vcpu_register_time_memory_area area;

    if (guest_read(area, address) != 0) {
        return -XEN_EFAULT;
    }
    WRITE_ONCE(vcpu->time_info_guest, area.addr.p);
    arch_vcpu_time_update(vcpu, true);
    return 0;
}

static long op_register_info(struct vcpu *vcpu, uint64_t address)
{
    struct vcpu_register_vcpu_info place;

    if (guest_read(place, address) != 0) {
        return -XEN_EFAULT;
    }
    return vcpu_info_register(vcpu, MFN(place.mfn), place.offset);
}

static long op_set_periodic(struct vcpu *vcpu, uint64_t address)
{
    struct vcpu_set_periodic_timer timer;

    if (guest_read(timer, address) != 0) {
        return -XEN_EFAULT;
    }
    return vcpu_set_periodic_timer(vcpu, timer.period_ns);
}

static long op_set_singleshot(struct vcpu *vcpu, uint64_t address)
{
    struct vcpu_set_singleshot_timer timer;

    if (guest_read(timer, address) != 0) {
        return -XEN_EFAULT;
    }
    return vcpu_set_singleshot_timer(vcpu, timer.timeout_abs_ns,
                                     timer.flags & VCPU_SSHOTTMR_future);
}

/* The caller's vcpu of that number, or NULL. */
static struct vcpu *vcpu_of_caller(unsigned long id)
{
    struct vcpu *current = current_vcpu();
    const struct domain *domain = current->domain;

    if (likely(id == current->id)) {
        return current;
    }
    return domain_vcpu(domain, id);
}

static long vcpu_op(struct vcpu *vcpu, unsigned int op, uint64_t address)
{
    switch (op) {
    case VCPUOP_initialise:
        return op_initialise(vcpu, address);
    case VCPUOP_up:
        return op_up(vcpu);
    case VCPUOP_down:
        return op_down(vcpu);
    case VCPUOP_is_up:
        return !(atomic_read(&vcpu->pause_flags) & VCPU_DOWN);
    case VCPUOP_get_runstate_info:
        return op_get_runstate(vcpu, address);
    case VCPUOP_register_runstate_memory_area:
        return op_register_runstate(vcpu, address);
    case VCPUOP_register_vcpu_time_memory_area:
        return op_register_time(vcpu, address);
    case VCPUOP_register_vcpu_info:
        return op_register_info(vcpu, address);
    case VCPUOP_set_periodic_timer:
        return op_set_periodic(vcpu, address);
    case VCPUOP_stop_periodic_timer:
        vcpu_stop_periodic_timer(vcpu);
        return 0;
    case VCPUOP_set_singleshot_timer:
        return vcpu == current_vcpu() ? op_set_singleshot(vcpu, address) : -XEN_EINVAL;
    case VCPUOP_stop_singleshot_timer:
        if (vcpu != current_vcpu()) {
            return -XEN_EINVAL;
        }
        vcpu_stop_singleshot_timer(vcpu);
        return 0;
    default:
        return arch_vcpu_op(vcpu, op, address);
    }
}

/* arg[0]: VCPUOP_*, arg[1]: the vcpu's number, arg[2]: address of the operation's struct. */
long hypercall_vcpu_op(struct hypercall *call)
{
    struct vcpu *vcpu = vcpu_of_caller((unsigned int)call->arg[1]);

    if (vcpu == NULL) {
        trace_refuse(__HYPERVISOR_vcpu_op, (uint16_t)call->arg[0], 1, -XEN_ENOENT, call->arg[1], 0,
                     current_domain()->vcpus_max - 1);
        return -XEN_ENOENT;
    }
    return vcpu_op(vcpu, (unsigned int)call->arg[0], call->arg[2]);
}

/*
 * What the domain may switch. 64-bit guests have no 4-GiB segments to assist and all have 64-bit CR3
 * values: those switches are accepted and change nothing.
 */
#define VM_ASSIST_VALID                                                                \
    (1ul << VMASST_TYPE_4gb_segments | 1ul << VMASST_TYPE_4gb_segments_notify |        \
     1ul << VMASST_TYPE_writable_pagetables | 1ul << VMASST_TYPE_pae_extended_cr3 |    \
     1ul << VMASST_TYPE_architectural_iopl | 1ul << VMASST_TYPE_runstate_update_flag | \
     1ul << VMASST_TYPE_m2p_strict)

/* arg[0]: VMASST_CMD_*, arg[1]: VMASST_TYPE_*. */
long hypercall_vm_assist(struct hypercall *call)
{
    struct domain *domain = current_domain();
    unsigned int type = (unsigned int)call->arg[1];

    if (type >= 64 || !(VM_ASSIST_VALID >> type & 1)) {
        return -XEN_EINVAL;
    }
    switch ((unsigned int)call->arg[0]) {
    case VMASST_CMD_enable:
        (void)atomic_or(&domain->vm_assist, 1ul << type);
        return 0;
    case VMASST_CMD_disable:
        (void)atomic_and(&domain->vm_assist, ~(1ul << type));
        return 0;
    default:
        return -XEN_ENOSYS;
    }
}
