/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Every hypercall number with arguments drawn at random from what is hostile: numbers at boundaries,
 * addresses that are not mapped, not canonical or the hypervisor's, and a page of structs whose fields
 * are drawn the same way. The words seed= and calls= (for each number) replay a run.
 *
 * What it must not draw is what ends or changes this guest itself by the rules of the interface; these
 * operations have probes of their own.
 */
#include "lib/check.h"
#include "lib/console.h"
#include "lib/guest.h"
#include "lib/hypercall.h"
#include "lib/page.h"
#include "lib/pagetable.h"
#include "lib/random.h"
#include "lib/vcpu.h"

#include "hypervisor/string.h"

#include <xen/event_channel.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

#define NUMBERS 64
#define CALLS   200
#define SCRATCH 2 /* pages */

struct call {
    uint64_t number;
    uint64_t argument[6];
};

static uint64_t *scratch;
static uint64_t scratch_mfn[SCRATCH];
static uint64_t *canary;

/* ---- arguments --------------------------------------------------------------------------------- */

static uint64_t draw_number(void)
{
    static const uint64_t boundaries[] = {
        0x7f,       0x80,       0xff,        0x7fef,      0x7ff0,    0x7ff1,
        0x7ff2,     0x7ff4,     0x7fff,      0x8000,      0xffff,    0x10000,
        0x7fffffff, 0x80000000, 0xffffffff,  0x100000000, 1ul << 52, 1ul << 62,
        ~0ul >> 1,  1ul << 63,  ~0ul - 4095, ~0ul - 7,    ~0ul,      0x15,
    };

    switch (random_below(4)) {
    case 0:
        return boundaries[random_below(ARRAY_SIZE(boundaries))];
    case 1:
        return random_next() >> random_below(64);
    default:
        return random_below(40);
    }
}

static uint64_t draw_address(void)
{
    static const uint64_t bad[] = {
        0,
        0x10,
        0x00007fffffffffff,
        0x0000800000000000,
        0xffff7fffffffffff,
        0xffff800000000000,
        0xffff82d040200000,
        0xffff87fffffffff8,
        ~0ul - 15,
    };

    switch (random_below(8)) {
    case 0:
        return bad[random_below(ARRAY_SIZE(bad))];
    case 1: /* so that the end of what is mapped comes amid the struct */
        return address_of(window(0)) - random_below(64);
    case 2:
        return address_of(scratch) + SCRATCH * PAGE_SIZE - random_below(64);
    default:
        return address_of(scratch) + 8 * random_below(64);
    }
}

static uint64_t draw(void)
{
    switch (random_below(4)) {
    case 0:
        return draw_address();
    case 1:
        return scratch_mfn[0] << (random_below(2) ? PAGE_SHIFT : 0);
    default:
        return draw_number();
    }
}

/* Structs of any kind: words, half words and smaller ones at random. */
static void fill_scratch(void)
{
    uint32_t *halves = (uint32_t *)(void *)scratch;

    for (unsigned int i = 0; i < 32; i++) {
        if (random_below(2)) {
            scratch[i] = draw();
        } else {
            halves[2 * i] = (uint32_t)draw_number();
            halves[2 * i + 1] = (uint32_t)draw_number();
        }
    }
}

/* ---- what would end this guest ------------------------------------------------------------------ */

static bool is_own_end(const struct call *call)
{
    uint32_t op = (uint32_t)call->argument[0];

    switch ((uint32_t)call->number) {
    case __HYPERVISOR_iret:
        return true;
    case __HYPERVISOR_sched_op_compat:
        return op == SCHEDOP_block || op == SCHEDOP_shutdown;
    case __HYPERVISOR_sched_op:
        return op != SCHEDOP_yield && op != SCHEDOP_shutdown_code && op <= SCHEDOP_watchdog;
    case __HYPERVISOR_vcpu_op:
        return op == VCPUOP_down || op == VCPUOP_register_vcpu_info;
    case __HYPERVISOR_event_channel_op_compat:
        return true; /* its operation is in the struct, and may close the console's port */
    case __HYPERVISOR_event_channel_op:
        return op == EVTCHNOP_close || op == EVTCHNOP_reset || op == EVTCHNOP_init_control;
    default:
        return false;
    }
}

/* A list of calls that end nobody; what they get is drawn. */
static void fill_multicall(void)
{
    static const uint8_t numbers[] = {
        __HYPERVISOR_xen_version,    __HYPERVISOR_memory_op,
        __HYPERVISOR_multicall,      __HYPERVISOR_mmuext_op,
        __HYPERVISOR_grant_table_op, __HYPERVISOR_mmu_update,
        __HYPERVISOR_set_timer_op,   60,
    };
    struct multicall_entry *entries = (void *)scratch;

    for (unsigned int i = 0; i < 16; i++) {
        entries[i].op = random_below(8) ? numbers[random_below(ARRAY_SIZE(numbers))] : ~0u;
        for (unsigned int j = 0; j < 6; j++) {
            entries[i].args[j] = draw();
        }
    }
}

static void map_scratch(void)
{
    for (unsigned int i = 0; i < SCRATCH; i++) {
        must(va_update(window(4 + i), pte_for(scratch_mfn[i], PTE_RW)), "scratch");
    }
}

/* What a call may have changed of how this kernel is entered, and of the scratch pages. */
static void mend(uint64_t number)
{
    switch (number) {
    case __HYPERVISOR_set_trap_table:
    case __HYPERVISOR_set_callbacks:
    case __HYPERVISOR_callback_op:
    case __HYPERVISOR_nmi_op:
        trap_init_vcpu();
        break;
    case __HYPERVISOR_set_debugreg:
        must(hypercall2(__HYPERVISOR_set_debugreg, 7, 0), "no breakpoints");
        break;
    case __HYPERVISOR_update_va_mapping:
    case __HYPERVISOR_update_va_mapping_otherdomain:
        map_scratch();
        break;
    default:
        break;
    }
}

/* ---- the calls --------------------------------------------------------------------------------- */

struct tally {
    unsigned int calls, good, unknown;
    unsigned int codes[128];
};

static void do_call(void *data)
{
    struct call *call = data;
    const uint64_t *a = call->argument;

    call->number = (uint64_t)hypercall6(call->number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

/* Those whose list comes first. */
static bool is_list(uint64_t number)
{
    return number == __HYPERVISOR_mmu_update || number == __HYPERVISOR_mmuext_op;
}

static void make_call(uint64_t number, struct tally *tally)
{
    struct call call = { .number = number };
    long trapped, result;

    fill_scratch();
    do {
        for (unsigned int i = 0; i < 6; i++) {
            call.argument[i] = random_below(3) ? draw() : draw_address();
        }
        if (random_below(4)) {
            /* The shape of most: an operation, its struct or list, a count, a domain. */
            call.argument[0] = random_below(random_below(2) ? 16 : 40);
            call.argument[1] = draw_address();
            call.argument[2] = random_below(4);
            call.argument[3] = DOMID_SELF;
        }
        if (number == __HYPERVISOR_vcpu_op) {
            call.argument[1] = random_below(3);
            call.argument[2] = draw_address();
        }
        if (is_list(number)) {
            call.argument[1] = random_below(4);
            call.argument[0] = draw_address();
        }
    } while (is_own_end(&call));
    if (number == __HYPERVISOR_multicall) {
        fill_multicall();
        call.argument[0] = address_of(scratch);
        call.argument[1] = random_below(16);
    }
    trapped = trap_guard(do_call, &call, NULL);
    result = (long)call.number;
    mend(number);
    tally->calls++;
    if (trapped) {
        tally->unknown++;
    } else if (result >= 0 || result < -4095) {
        tally->good++; /* numbers, addresses and masks of all 64 bits come back, too */
    } else if (result > -128) {
        tally->codes[-result]++;
    } else {
        tally->unknown++;
    }
}

static void tell(uint64_t number, const struct tally *tally)
{
    char text[128];
    int at = string_format(text, sizeof(text), "hypercall %lu: %u calls, %u good",
                           (unsigned long)number, tally->calls, tally->good);

    for (int code = 1; code < 128; code++) {
        if (tally->codes[code] && (size_t)at < sizeof(text)) {
            at += string_format(text + at, sizeof(text) - (size_t)at, ", %s %u", check_code(-code),
                                tally->codes[code]);
        }
    }
    check_that(tally->unknown == 0, "%s", text);
}

/* Numbers that nobody has, for any arguments. */
static bool is_unknown(uint64_t number)
{
    return number == 11 || (number > __HYPERVISOR_hypfs_op && number < __HYPERVISOR_arch_0) ||
           number > __HYPERVISOR_arch_7;
}

static void check_number(uint64_t number, unsigned int calls)
{
    struct tally tally = { 0 };

    if (number == __HYPERVISOR_iret || number == __HYPERVISOR_event_channel_op_compat) {
        return;
    }
    for (unsigned int i = 0; i < calls; i++) {
        make_call(number, &tally);
    }
    tell(number, &tally);
    if (is_unknown(number)) {
        check(tally.codes[XEN_ENOSYS], tally.calls, "hypercall %lu, ENOSYS", (unsigned long)number);
    }
}

static void run(void)
{
    unsigned int calls = (unsigned int)guest_option_number("calls", CALLS);

    console_print("seed=%lu calls=%u\n", (unsigned long)random_seed(), calls);
    /* Two pages that follow each other, and what must stay as it is beside them. */
    canary = page_alloc();
    memset(canary, 0x5a, PAGE_SIZE);
    scratch = window(4);
    for (unsigned int i = 0; i < SCRATCH; i++) {
        scratch_mfn[i] = mfn_of(page_alloc());
    }
    map_scratch();
    for (uint64_t number = 0; number < NUMBERS; number++) {
        check_number(number, calls);
    }
    for (unsigned int i = 0; i < PAGE_SIZE / sizeof(*canary); i++) {
        if (canary[i] != 0x5a5a5a5a5a5a5a5a) {
            check_that(false, "a page that no call was given is as it was, word %u", i);
            break;
        }
    }
    must(va_update(window(4), 0), "no scratch");
    must(va_update(window(5), 0), "no scratch");
}
PROBE(hypercalls, run);
