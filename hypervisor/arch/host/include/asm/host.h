/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * What tests say to the fake machine. A test of a module looks like this:
 *
 *     static int setup(void **state)    { host_setup(4096, 2); return 0; }
 *     static int teardown(void **state) { host_teardown(); return 0; }
 *
 *     static void sends_an_event(void **state)
 *     {
 *         struct evtchn_send op = { .port = 1 };
 *
 *         host_set_current(0, vcpu);               CPU 0 runs this vcpu's hypercalls from now on
 *         ... .arg = { EVTCHNOP_send, host_guest_map(&op, sizeof(op)) } ...
 *     }
 *
 * and one that looks for races gives each fake CPU something to do:
 *
 *     host_spawn(0, sender, NULL);
 *     host_spawn(1, closer, NULL);
 *     host_run();                                  both to their end, switched as the seed has it
 *
 * Only the modules that the test itself uses are linked and set up: host_setup finds out which by
 * weak references (arch/host/optional.h).
 *
 * All randomness comes from one seed, printed to stderr at the start; XENIOS_SEED=0x... replays it.
 */
#ifndef ASM_HOST_H
#define ASM_HOST_H

#include "hypervisor/types.h"

#include <setjmp.h>

struct domain;
struct frame;
struct vcpu;

/* ---- the machine ----------------------------------------------------------------------------- */

/*
 * `frames` of RAM (the first 16 are not given to the allocator; at most HOST_FRAMES_MAX) and `cpus`
 * fake CPUs, all online with interrupts on. Code runs on CPU 0 with no current vcpu. May be called
 * again after host_teardown: RAM that was given to the allocator stays there, it can only grow.
 */
#define HOST_FRAMES_MAX 262144u
#define HOST_FRAMES_LOW 16u
#define HOST_CPUS_MAX   CONFIG_MAX_CPUS
void host_setup(unsigned int frames, unsigned int cpus);

/*
 * Panics when something is left over: a lock held, a writable reference, a mapped grant; bytes of
 * the heap beyond those in use at the end of host_setup. host_teardown_leaky does not look at the
 * heap: for tests that leave the system's own domains behind.
 */
void host_teardown(void);
void host_teardown_leaky(void);

/* This thread goes on as that CPU, in that vcpu's context. Interrupts of the CPU stay as they are. */
void host_set_current(unsigned int cpu, struct vcpu *vcpu);

/* ---- randomness ------------------------------------------------------------------------------ */

uint64_t host_seed(void);
uint64_t host_random(void);
uint64_t host_random_below(uint64_t limit); /* limit > 0 */

/* One in `odds` calls of hypercall_preempt() says true; 0: never. 8 after host_setup. */
void host_set_preempt_odds(unsigned int odds);

/* A draw with those odds, for other functions that may be preempted. */
bool host_preempts(void);

/* Fuzzers: take the draws from the input instead, then from the seed. */
void host_random_from(const uint8_t *bytes, size_t count);

/* ---- fake CPUs as coroutines ----------------------------------------------------------------- */

/* fn(data) is to run on that CPU by the next host_run. One function a CPU. */
void host_spawn(unsigned int cpu, void (*fn)(void *data), void *data);

/*
 * Runs all to their end. They switch at locks, atomic operations, guest copies and busy waits; a run
 * that makes no end panics.
 */
void host_run(void);

/* One in `odds` switch points switches; 4 after host_setup. */
void host_set_switch_odds(unsigned int odds);

/*
 * Called now and then at switch points of a CPU whose interrupts are on, with interrupts off: finds
 * locks that should have been taken with interrupts off. NULL: none.
 */
void host_set_interrupt(void (*fn)(void));

/* How often the CPU was kicked (arch_cpu_kick) since host_setup or the last call of this. */
unsigned int host_kicks(unsigned int cpu);

/* ---- switching vcpus ------------------------------------------------------------------------- */

/*
 * Runs fn, which may end in arch_context_switch and not return: true then, and the CPU is in the
 * context of the vcpu switched to.
 */
bool host_catch_switch(void (*fn)(void));

/* Deferred work of this CPU (of all, one after the other) until none is pending. */
void host_run_softwork(void);
void host_run_softwork_all(void);

/* ---- time ------------------------------------------------------------------------------------ */

/* The clock stands still but for this; timer interrupts come on their CPUs, in order of deadline. */
void host_advance_time(uint64_t ns);
int64_t host_timer_deadline(unsigned int cpu); /* as programmed; INT64_MAX: none */

/* ---- guest memory ---------------------------------------------------------------------------- */

/*
 * Makes bytes of the test reachable by guest copies of every vcpu, at the guest address that is
 * returned (the pointer's own value). They stay until host_guest_unmap_all or host_teardown; the
 * oldest of HOST_GUEST_RANGES_MAX ranges goes when one too many comes.
 */
#define HOST_GUEST_RANGES_MAX 64u
uint64_t host_guest_map(void *memory, size_t bytes);

/* The same at an address of choice; vcpu NULL: all of them; read-only when not writable. */
void host_guest_map_at(struct vcpu *vcpu, uint64_t address, void *memory, size_t bytes,
                       bool writable);
void host_guest_unmap_all(void);

/*
 * Called before each copy from the guest: a hostile guest's other vcpus, which change memory between
 * two reads. NULL: none.
 */
void host_guest_set_hook(void (*fn)(uint64_t address, size_t bytes));

/* The n-th guest copy from now on fails (1: the next); 0: none does. */
void host_guest_fault_in(unsigned int copies);

/* ---- what the architecture was asked to do --------------------------------------------------- */

bool host_tlb_debt(uint32_t stamp); /* does some CPU hold entries that old? */
uint64_t host_tlb_flushes(void);
uint64_t host_writable_references(void);
void host_never_writable(const struct frame *frame); /* as a page table is; NULL: none is so */

struct host_grant_mapping {
    uint64_t address;
    mfn_t mfn;
    uint32_t flags;
};
unsigned int host_grant_mappings(void);
bool host_grant_mapping(uint64_t address, struct host_grant_mapping *out);

struct host_pirq {
    struct domain *domain; /* NULL: not bound */
    struct vcpu *vcpu;
    uint32_t port;
    bool shareable;
    unsigned int eois;
};
#define HOST_PIRQS 256u
const struct host_pirq *host_pirq(unsigned int pirq);

/* ---- the end of the world -------------------------------------------------------------------- */

/*
 * panic() prints and aborts, unless it is expected:
 *
 *     HOST_EXPECT_PANIC(spin_lock(&lower));        panics itself when there is no panic
 *     host_panic_message()                         what it said
 *
 * Locks the code had taken are forgotten, not given back: do not use them any more. When the panic
 * comes in a function of host_spawn (the statement is host_run() then), all of those end. Not to be
 * used inside of such a function, nor are cmocka's assertions there: BUG_ON.
 */
extern jmp_buf *host_panic_jump;
const char *host_panic_message(void);
void host_panic_missing(const char *statement) __noreturn;

#define HOST_EXPECT_PANIC(statement)        \
    do {                                    \
        jmp_buf host_jump;                  \
        if (setjmp(host_jump) == 0) {       \
            host_panic_jump = &host_jump;   \
            statement;                      \
            host_panic_jump = NULL;         \
            host_panic_missing(#statement); \
        }                                   \
        host_panic_jump = NULL;             \
    } while (0)

/* Output of printk goes to stderr too; on from the start with XENIOS_VERBOSE in the environment. */
void host_set_verbose(bool verbose);

#endif
