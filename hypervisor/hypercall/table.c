/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The table of hypercalls and the one place that calls through it. A number without a handler gets
 * -XEN_ENOSYS. The column `security` says who may call it at all, or that the handler decides by what
 * is asked for.
 */
#include "abi/layout.h"
#include "hypervisor/bug.h"
#include "hypervisor/domain.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/nospec.h"
#include "hypervisor/perf_counter.h"
#include "hypervisor/security.h"
#include "hypervisor/trace_event.h"

#define ROW(number, function, count, who) \
    [__HYPERVISOR_##number] = { hypercall_##function, #number, count, who }

const struct hypercall_row hypercall_table[] = {
    ROW(memory_op, memory_op, 2, HYPERCALL_SUB_OPERATION),
    ROW(multicall, multicall, 2, HYPERCALL_OWN),
    ROW(set_timer_op, set_timer_op, 1, HYPERCALL_OWN),
    ROW(event_channel_op_compat, event_channel_op_compat, 1, HYPERCALL_SUB_OPERATION),
    ROW(xen_version, xen_version, 2, HYPERCALL_SUB_OPERATION),
    ROW(console_io, console_io, 3, SECURITY_CONSOLE_IO),
    ROW(grant_table_op, grant_table_op, 3, HYPERCALL_SUB_OPERATION),
    ROW(vm_assist, vm_assist, 2, HYPERCALL_OWN),
    ROW(vcpu_op, vcpu_op, 3, HYPERCALL_OWN),
    ROW(sched_op_compat, sched_op_compat, 2, HYPERCALL_OWN),
    ROW(sched_op, sched_op, 2, HYPERCALL_SUB_OPERATION),
    ROW(event_channel_op, event_channel_op, 2, HYPERCALL_SUB_OPERATION),
    ROW(hvm_op, hvm_op, 2, HYPERCALL_SUB_OPERATION),
    ROW(sysctl, sysctl, 1, SECURITY_SYSCTL),
    ROW(domctl, domctl, 1, SECURITY_DOMCTL),
#ifdef CONFIG_PV
    ROW(set_trap_table, set_trap_table, 1, HYPERCALL_OWN),
    ROW(mmu_update, mmu_update, 4, HYPERCALL_SUB_OPERATION),
    ROW(set_gdt, set_gdt, 2, HYPERCALL_OWN),
    ROW(stack_switch, stack_switch, 2, HYPERCALL_OWN),
    ROW(set_callbacks, set_callbacks, 3, HYPERCALL_OWN),
    ROW(fpu_taskswitch, fpu_taskswitch, 1, HYPERCALL_OWN),
    ROW(platform_op, platform_op, 1, SECURITY_PLATFORM),
    ROW(set_debugreg, set_debugreg, 2, HYPERCALL_OWN),
    ROW(get_debugreg, get_debugreg, 1, HYPERCALL_OWN),
    ROW(update_descriptor, update_descriptor, 2, HYPERCALL_OWN),
    ROW(update_va_mapping, update_va_mapping, 3, HYPERCALL_OWN),
    ROW(update_va_mapping_otherdomain, update_va_mapping_otherdomain, 4, HYPERCALL_SUB_OPERATION),
    ROW(iret, iret, 0, HYPERCALL_OWN),
    ROW(set_segment_base, set_segment_base, 2, HYPERCALL_OWN),
    ROW(mmuext_op, mmuext_op, 4, HYPERCALL_SUB_OPERATION),
    ROW(nmi_op, nmi_op, 2, HYPERCALL_OWN),
    ROW(callback_op, callback_op, 2, HYPERCALL_OWN),
    ROW(physdev_op_compat, physdev_op_compat, 1, HYPERCALL_SUB_OPERATION),
    ROW(physdev_op, physdev_op, 2, HYPERCALL_SUB_OPERATION),
#endif
};

const unsigned int hypercall_table_count = ARRAY_SIZE(hypercall_table);

/*
 * Event record: word 0 says which arguments follow, and how wide each is (xen/trace.h,
 * TRC_PV_HYPERCALL_V2); those that find no room are left out.
 */
static __noinline void record_call(const struct hypercall *call, const struct hypercall_row *row)
{
    uint32_t words[TRACE_EXTRA_MAX] = { call->op };
    unsigned int count = 1;

    for (unsigned int i = 0; i < row->args; i++) {
        bool wide = call->arg[i] > UINT32_MAX;

        if (count + 1 + wide > TRACE_EXTRA_MAX) {
            break;
        }
        words[0] |= wide ? TRC_PV_HYPERCALL_V2_ARG_64(i) : TRC_PV_HYPERCALL_V2_ARG_32(i);
        words[count++] = (uint32_t)call->arg[i];
        if (wide) {
            words[count++] = (uint32_t)(call->arg[i] >> 32);
        }
    }
    trace_event_write(call->in_multicall ? TRC_PV_HYPERCALL_SUBCALL : TRC_PV_HYPERCALL_V2, words,
                      count);
}

long hypercall_dispatch(struct hypercall *call)
{
    const struct hypercall_row *row;

    if (unlikely(call->op >= hypercall_table_count)) {
        return -XEN_ENOSYS;
    }
    row = &hypercall_table[index_nospec(call->op, hypercall_table_count)];
    if (unlikely(!row->handler)) {
        return -XEN_ENOSYS;
    }
    perf_count_at(hypercalls, call->op);
    if (trace_event_wanted(call->in_multicall ? TRC_PV_HYPERCALL_SUBCALL : TRC_PV_HYPERCALL_V2)) {
        record_call(call, row);
    }
    if (row->security < SECURITY_OPERATION_COUNT) {
        int error = security_check(current_domain(), NULL, row->security);

        if (unlikely(error != 0)) {
            return error;
        }
    }
    return row->handler(call);
}
