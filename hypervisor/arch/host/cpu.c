/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Fake CPUs. Each is a coroutine with its own stack; all run on one thread, so that a run depends on
 * nothing but the seed.
 *
 *     host_run --pick--> coroutine of CPU n --switch point--> host_run --pick--> ...
 *
 * Where a switch may happen: HOST_SWITCH_POINT (locks, atomic operations, guest copies), one in
 * switch_odds; arch_cpu_relax, always. Outside of host_run all of them do nothing.
 *
 * Interrupts are polled: at the same places, and when interrupts go on, a CPU with interrupts on
 * runs the cross-CPU calls posted to it and, now and then, the test's interrupt function.
 *
 * Invariants:
 *   1. host_cpu is the CPU whose code runs; it changes only here (switch, host_as_cpu,
 *      host_set_current).
 *   2. While `pinned` is above 0 nothing switches: the code runs in another CPU's name or in an
 *      interrupt, on a borrowed stack.
 */
#include "inside.h"

#include "arch/cpu.h"
#include "hypervisor/bug.h"
#include "hypervisor/cpu.h"
#include "hypervisor/lock.h"

#include <stdlib.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#define HOST_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HOST_ASAN 1
#endif
#endif

#ifdef HOST_ASAN
#include <sanitizer/common_interface_defs.h>
#else
#define __sanitizer_start_switch_fiber(save, bottom, size)       ((void)0)
#define __sanitizer_finish_switch_fiber(saved, bottom, size_out) ((void)0)
#endif

#ifndef __x86_64__
#error "host_switch_stacks is written for x86-64"
#endif

#define COROUTINE_STACK_BYTES (512u << 10)
#define STEPS_MAX             20000000u
#define INTERRUPT_ODDS        16u

enum coroutine_state { COROUTINE_NONE, COROUTINE_READY };

struct coroutine {
    enum coroutine_state state;
    void *stack_pointer; /* while it does not run */
    void *stack;
    void *asan_stack;
    void (*fn)(void *data);
    void *data;
};

/* A cross-CPU call posted to a CPU. */
struct posted_call {
    void (*fn)(void *data);
    void *data;
    bool waiting; /* to be run */
};

struct host_cpu host_cpus[CONFIG_MAX_CPUS];
struct host_cpu *host_cpu = &host_cpus[0];
unsigned int host_cpu_count = 1;

struct cpu_mask cpu_online_mask, cpu_present_mask;

static struct coroutine coroutines[CONFIG_MAX_CPUS];
static struct posted_call calls[CONFIG_MAX_CPUS];
static unsigned int kicks[CONFIG_MAX_CPUS];
static void *main_stack_pointer;
static void *main_asan_stack;
static const void *main_stack_bottom;
static size_t main_stack_size;
static bool running; /* inside host_run */
static struct coroutine *running_coroutine;
static unsigned int pinned;
static unsigned int switch_odds;
static uint64_t steps;
static void (*interrupt_fn)(void);
static jmp_buf *abandoned_for; /* where an expected panic of a coroutine goes on */

/*
 * Saves the registers a callee must keep and the stack pointer in *save, and goes on where the stack
 * `to` was left, or at the entry that prepare_stack put there.
 */
void host_switch_stacks(void **save, void *to);

__asm__(".text\n"
        ".globl host_switch_stacks\n"
        "host_switch_stacks:\n"
        "    push %rbp\n"
        "    push %rbx\n"
        "    push %r12\n"
        "    push %r13\n"
        "    push %r14\n"
        "    push %r15\n"
        "    mov %rsp, (%rdi)\n"
        "    mov %rsi, %rsp\n"
        "    pop %r15\n"
        "    pop %r14\n"
        "    pop %r13\n"
        "    pop %r12\n"
        "    pop %rbx\n"
        "    pop %rbp\n"
        "    ret\n");

/* A stack that host_switch_stacks enters at `entry`, six saved registers 0. */
static void *prepare_stack(void *stack, void (*entry)(void))
{
    void **top = (void **)(void *)((uint8_t *)stack + COROUTINE_STACK_BYTES);
    unsigned int i;

    *--top = NULL; /* the entry has no caller; keeps the alignment a call would leave */
    *--top = (void *)(uintptr_t)entry;
    for (i = 0; i < 6; i++) {
        *--top = NULL;
    }
    return top;
}

void host_cpus_setup(unsigned int cpus)
{
    unsigned int cpu;

    BUG_ON(cpus == 0 || cpus > CONFIG_MAX_CPUS);
    cpu_online_mask = cpu_present_mask = (struct cpu_mask){ { 0 } };
    host_cpu_count = cpus;
    for (cpu = 0; cpu < CONFIG_MAX_CPUS; cpu++) {
        host_cpus[cpu] = (struct host_cpu){ .id = cpu, .irq_enabled = true };
        coroutines[cpu].state = COROUTINE_NONE;
        calls[cpu].waiting = false;
        kicks[cpu] = 0;
        if (cpu < cpus) {
            cpu_mask_set(&cpu_online_mask, cpu);
            cpu_mask_set(&cpu_present_mask, cpu);
        }
    }
    host_cpu = &host_cpus[0];
    switch_odds = 4;
    interrupt_fn = NULL;
    running = false;
    pinned = 0;
}

void host_set_current(unsigned int cpu, struct vcpu *vcpu)
{
    BUG_ON(cpu >= host_cpu_count || running);
    host_cpu = &host_cpus[cpu];
    host_cpu->current = vcpu;
}

void host_set_switch_odds(unsigned int odds)
{
    switch_odds = odds;
}

void host_set_interrupt(void (*fn)(void))
{
    interrupt_fn = fn;
}

unsigned int host_kicks(unsigned int cpu)
{
    unsigned int count = kicks[cpu];

    kicks[cpu] = 0;
    return count;
}

/* ---- coroutines ------------------------------------------------------------------------------ */

/* Leaves the coroutine for good. */
static void __noreturn finish(struct coroutine *self)
{
    self->state = COROUTINE_NONE;
    __sanitizer_start_switch_fiber(NULL, main_stack_bottom, main_stack_size);
    host_switch_stacks(&self->stack_pointer, main_stack_pointer);
    abort();
}

static void coroutine_main(void)
{
    struct coroutine *self = &coroutines[host_cpu->id];

    __sanitizer_finish_switch_fiber(NULL, &main_stack_bottom, &main_stack_size);
    self->fn(self->data);
    BUG_ON(!lock_none_held());
    finish(self);
}

void host_abandon_run(jmp_buf *jump)
{
    unsigned int cpu;

    if (!running) {
        return;
    }
    abandoned_for = jump;
    for (cpu = 0; cpu < CONFIG_MAX_CPUS; cpu++) {
        host_cpu = &host_cpus[cpu];
        lock_held_forget();
        coroutines[cpu].state = COROUTINE_NONE;
        calls[cpu].waiting = false;
    }
    finish(running_coroutine);
}

void host_spawn(unsigned int cpu, void (*fn)(void *data), void *data)
{
    struct coroutine *coroutine = &coroutines[cpu];

    BUG_ON(cpu >= host_cpu_count || coroutine->state != COROUTINE_NONE);
    if (coroutine->stack == NULL) {
        coroutine->stack = mmap(NULL, COROUTINE_STACK_BYTES, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        BUG_ON(coroutine->stack == MAP_FAILED);
    }
    coroutine->stack_pointer = prepare_stack(coroutine->stack, coroutine_main);
    coroutine->fn = fn;
    coroutine->data = data;
    coroutine->state = COROUTINE_READY;
}

/* A ready CPU of the seed's choice, or NULL. */
static struct coroutine *pick(unsigned int *cpu_out)
{
    unsigned int ready = 0, cpu;
    uint64_t choice;

    for (cpu = 0; cpu < host_cpu_count; cpu++) {
        ready += coroutines[cpu].state == COROUTINE_READY;
    }
    if (ready == 0) {
        return NULL;
    }
    choice = host_random_below(ready);
    for (cpu = 0; cpu < host_cpu_count; cpu++) {
        if (coroutines[cpu].state == COROUTINE_READY && choice-- == 0) {
            break;
        }
    }
    *cpu_out = cpu;
    return &coroutines[cpu];
}

void host_run(void)
{
    struct host_cpu *before = host_cpu;
    struct coroutine *next;
    unsigned int cpu;

    BUG_ON(running);
    running = true;
    steps = 0;
    abandoned_for = NULL;
    while (abandoned_for == NULL && (next = pick(&cpu)) != NULL) {
        host_cpu = &host_cpus[cpu];
        running_coroutine = next;
        __sanitizer_start_switch_fiber(&main_asan_stack, next->stack, COROUTINE_STACK_BYTES);
        host_switch_stacks(&main_stack_pointer, next->stack_pointer);
        __sanitizer_finish_switch_fiber(main_asan_stack, NULL, NULL);
    }
    running = false;
    pinned = 0;
    host_cpu = before;
    if (abandoned_for != NULL) {
        longjmp(*abandoned_for, 1);
    }
}

static void yield(void)
{
    struct coroutine *self = running_coroutine;

    if (++steps > STEPS_MAX) {
        lock_held_dump();
        panic("host_run makes no end: CPU %u waits for ever", host_cpu->id);
    }
    __sanitizer_start_switch_fiber(&self->asan_stack, main_stack_bottom, main_stack_size);
    host_switch_stacks(&self->stack_pointer, main_stack_pointer);
    __sanitizer_finish_switch_fiber(self->asan_stack, &main_stack_bottom, &main_stack_size);
}

/* ---- interrupts ------------------------------------------------------------------------------ */

static void run_posted_call(struct posted_call *call)
{
    pinned++;
    host_cpu->irq_enabled = false;
    call->fn(call->data);
    host_cpu->irq_enabled = true;
    pinned--;
    call->waiting = false;
}

static void poll_interrupts(void)
{
    struct posted_call *call = &calls[host_cpu->id];

    if (!running || pinned != 0 || !host_cpu->irq_enabled) {
        return;
    }
    if (call->waiting) {
        run_posted_call(call);
    }
    if (interrupt_fn != NULL && host_random_below(INTERRUPT_ODDS) == 0) {
        pinned++;
        host_cpu->irq_enabled = false;
        interrupt_fn();
        host_cpu->irq_enabled = true;
        pinned--;
    }
}

void host_interrupts_enabled(void)
{
    poll_interrupts();
}

void host_switch_point(void)
{
    if (!running || pinned != 0) {
        return;
    }
    poll_interrupts();
    if (switch_odds != 0 && host_random_below(switch_odds) == 0) {
        yield();
    }
}

void host_relax(void)
{
    if (!running) {
        panic("CPU %u waits for ever: nobody else runs", host_cpu->id);
    }
    if (pinned != 0) {
        panic("CPU %u waits in an interrupt or a call for what its own code holds", host_cpu->id);
    }
    poll_interrupts();
    yield();
}

/* ---- the contract ---------------------------------------------------------------------------- */

void host_as_cpu(unsigned int cpu, void (*fn)(void *data), void *data)
{
    struct host_cpu *before = host_cpu;
    bool irq_enabled;

    pinned++;
    host_cpu = &host_cpus[cpu];
    irq_enabled = host_cpu->irq_enabled;
    host_cpu->irq_enabled = false;
    fn(data);
    host_cpu->irq_enabled = irq_enabled;
    host_cpu = before;
    pinned--;
}

void arch_cpu_call(const struct cpu_mask *mask, void (*fn)(void *data), void *data)
{
    unsigned int cpu;

    cpu_for_each(cpu, mask)
    {
        if (!cpu_is_online(cpu)) {
            continue;
        }
        if (!running || pinned != 0 || cpu == host_cpu->id ||
            coroutines[cpu].state != COROUTINE_READY) {
            host_as_cpu(cpu, fn, data);
            continue;
        }
        while (calls[cpu].waiting) {
            host_relax();
        }
        calls[cpu] = (struct posted_call){ fn, data, true };
        while (calls[cpu].waiting && coroutines[cpu].state == COROUTINE_READY) {
            host_relax();
        }
        if (calls[cpu].waiting) { /* its program ended before it looked */
            calls[cpu].waiting = false;
            host_as_cpu(cpu, fn, data);
        }
    }
}

void cpu_call(const struct cpu_mask *mask, void (*fn)(void *data), void *data)
{
    arch_cpu_call(mask, fn, data);
}

void arch_cpu_kick(unsigned int cpu)
{
    kicks[cpu]++;
}

void arch_cpu_idle(void)
{
    if (running && pinned == 0) {
        host_relax();
    }
}

unsigned int arch_cpu_node(unsigned int cpu)
{
    return 0;
}

unsigned int cpu_node(unsigned int cpu)
{
    return arch_cpu_node(cpu);
}
