/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Context switches: the host has no guests to continue, so that a switch makes the next vcpu current
 * and jumps back to whoever called host_catch_switch on this CPU.
 */
#include "inside.h"
#include "optional.h"

#include "arch/sched.h"
#include "hypervisor/bug.h"

static jmp_buf *jumps[CONFIG_MAX_CPUS];

bool host_catch_switch(void (*fn)(void))
{
    jmp_buf jump, *before = jumps[arch_cpu_id()];
    volatile bool switched = true;

    if (setjmp(jump) == 0) {
        jumps[arch_cpu_id()] = &jump;
        fn();
        switched = false;
    }
    jumps[arch_cpu_id()] = before;
    return switched;
}

void arch_context_switch(struct vcpu *prev, struct vcpu *next)
{
    jmp_buf *jump = jumps[arch_cpu_id()];

    BUG_ON(arch_irq_enabled() || !lock_none_held() || prev != arch_current_vcpu());
    arch_set_current_vcpu(next);
    if (host_has(sched_context_saved)) {
        sched_context_saved(prev);
    }
    if (jump == NULL) {
        panic("context switch outside of host_catch_switch");
    }
    arch_irq_enable();
    longjmp(*jump, 1);
}

void arch_continue_running(struct vcpu *vcpu)
{
    BUG_ON(vcpu != arch_current_vcpu());
}

void arch_vcpu_sync_state(struct vcpu *vcpu)
{
}

static bool work_is_pending(void)
{
    return host_has(softwork_pending) && softwork_pending();
}

void host_run_softwork(void)
{
    while (work_is_pending()) {
        (void)host_catch_switch(softwork_run);
    }
}

void host_run_softwork_all(void)
{
    struct host_cpu *before = host_cpu;
    unsigned int cpu, again;

    do {
        again = 0;
        for (cpu = 0; cpu < host_cpu_count; cpu++) {
            host_cpu = &host_cpus[cpu];
            again += work_is_pending();
            host_run_softwork();
        }
    } while (again != 0);
    host_cpu = before;
}
