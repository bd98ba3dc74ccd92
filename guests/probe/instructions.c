/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Instructions that are the hypervisor's alone, MSRs and ports, all 256 software interrupts, and
 * hypercalls made with registers that were not meant for them.
 */
#include "lib/check.h"
#include "lib/guest.h"
#include "lib/hypercall.h"
#include "lib/pagetable.h"

#include <xen/version.h>

#define NON_CANONICAL 0x0000800000000000ul

/* ---- instructions ------------------------------------------------------------------------------ */

#define INSTRUCTION(id, text)                                                                     \
    static void id(void *data)                                                                    \
    {                                                                                             \
        static uint64_t memory[2];                                                                \
        uint64_t rax = 0, rcx = 0, rdx = 0;                                                       \
        __asm__ volatile(text : "+a"(rax), "+c"(rcx), "+d"(rdx) : "D"(memory) : "rbx", "memory"); \
        (void)data;                                                                               \
    }

INSTRUCTION(do_hlt, "hlt")
INSTRUCTION(do_invd, "invd")
INSTRUCTION(do_invlpg, "invlpg (%%rdi)")
INSTRUCTION(do_lgdt, "lgdt (%%rdi)")
INSTRUCTION(do_lidt, "lidt (%%rdi)")
INSTRUCTION(do_lldt, "lldt %%ax")
INSTRUCTION(do_ltr, "ltr %%ax")
INSTRUCTION(do_lmsw, "lmsw %%ax")
INSTRUCTION(do_read_cr8, "mov %%cr8, %%rax")
INSTRUCTION(do_write_cr0, "mov %%rax, %%cr0")
INSTRUCTION(do_write_cr3, "mov %%rax, %%cr3")
INSTRUCTION(do_write_cr8, "mov %%rax, %%cr8")
INSTRUCTION(do_read_cr0, "mov %%cr0, %%rax")
INSTRUCTION(do_read_cr3, "mov %%cr3, %%rax")
INSTRUCTION(do_read_dr7, "mov %%db7, %%rax")
INSTRUCTION(do_swapgs, "swapgs")
INSTRUCTION(do_sysret, "sysretq")
INSTRUCTION(do_sysenter, "sysenter")
INSTRUCTION(do_sysexit, "sysexitl")
INSTRUCTION(do_rdpmc, "rdpmc")
INSTRUCTION(do_vmrun, ".byte 0x0f, 0x01, 0xd8")
INSTRUCTION(do_vmmcall, ".byte 0x0f, 0x01, 0xd9")
INSTRUCTION(do_vmcall, ".byte 0x0f, 0x01, 0xc1")
INSTRUCTION(do_stgi, ".byte 0x0f, 0x01, 0xdc")
INSTRUCTION(do_clgi, ".byte 0x0f, 0x01, 0xdd")
INSTRUCTION(do_stac, ".byte 0x0f, 0x01, 0xcb")
INSTRUCTION(do_monitor, "monitor")
INSTRUCTION(do_mwait, "mwait")
INSTRUCTION(do_rsm, "rsm")
INSTRUCTION(do_ud2, "ud2")
INSTRUCTION(do_icebp, ".byte 0xf1")
INSTRUCTION(do_in, "inb $0x60, %%al")
INSTRUCTION(do_out, "outb %%al, $0x80")
INSTRUCTION(do_cli, "cli")
INSTRUCTION(do_sti, "sti")
INSTRUCTION(do_iret_ring0, "pushq $0xe010; pushq %%rsp; pushf; pushq $0xe008; pushq $0; iretq")

#define ANY_TRAP (-1l) /* whether the hypervisor turned the extension on makes the difference */

static const struct {
    void (*execute)(void *data);
    long expected;
    const char *name;
} instructions[] = {
    { do_hlt, TRAPPED(13), "hlt" },
    { do_invd, 0, "invd, which does nothing" },
    { do_invlpg, TRAPPED(13), "invlpg" },
    { do_lgdt, TRAPPED(13), "lgdt" },
    { do_lidt, TRAPPED(13), "lidt" },
    { do_lldt, TRAPPED(13), "lldt" },
    { do_ltr, TRAPPED(13), "ltr" },
    { do_lmsw, TRAPPED(13), "lmsw" },
    { do_read_cr0, 0, "read CR0" },
    { do_read_cr3, 0, "read CR3" },
    { do_read_cr8, TRAPPED(13), "read CR8" },
    { do_read_dr7, 0, "read DR7" },
    { do_write_cr0, TRAPPED(13), "clear CR0" },
    { do_write_cr3, TRAPPED(13), "clear CR3" },
    { do_write_cr8, TRAPPED(13), "clear CR8" },
    { do_swapgs, TRAPPED(13), "swapgs" },
    { do_sysret, TRAPPED(13), "sysret" },
    { do_sysexit, TRAPPED(6), "sysexit" },
    { do_sysenter, TRAPPED(6), "sysenter" },
    { do_rdpmc, TRAPPED(13), "rdpmc" },
    { do_vmrun, ANY_TRAP, "vmrun" },
    { do_vmmcall, TRAPPED(6), "vmmcall" },
    { do_vmcall, TRAPPED(6), "vmcall" },
    { do_stgi, ANY_TRAP, "stgi" },
    { do_clgi, ANY_TRAP, "clgi" },
    { do_stac, TRAPPED(6), "stac" },
    { do_monitor, TRAPPED(6), "monitor" },
    { do_mwait, TRAPPED(6), "mwait" },
    { do_rsm, TRAPPED(6), "rsm" },
    { do_ud2, TRAPPED(6), "ud2" },
    { do_icebp, TRAPPED(1), "icebp" },
    { do_in, TRAPPED(13), "in" },
    { do_out, TRAPPED(13), "out" },
    { do_cli, TRAPPED(13), "cli" },
    { do_sti, TRAPPED(13), "sti" },
    { do_iret_ring0, TRAPPED(13), "iretq to ring 0" },
};

static void check_instructions(void)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(instructions); i++) {
        long result = trap_guard(instructions[i].execute, NULL, NULL);

        if (instructions[i].expected == ANY_TRAP) {
            check_refused(result, "%s", instructions[i].name);
        } else {
            check(result, instructions[i].expected, "%s", instructions[i].name);
        }
    }
}

/* ---- MSRs -------------------------------------------------------------------------------------- */

struct msr {
    uint32_t index;
    uint64_t value;
};

static void read_msr(void *data)
{
    struct msr *msr = data;
    uint32_t low, high;

    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr->index));
    msr->value = low | (uint64_t)high << 32;
}

static void write_msr(void *data)
{
    const struct msr *msr = data;

    __asm__ volatile("wrmsr"
                     :
                     : "a"((uint32_t)msr->value), "d"((uint32_t)(msr->value >> 32)),
                       "c"(msr->index));
}

static long try_write(uint32_t index, uint64_t value)
{
    struct msr msr = { index, value };

    return trap_guard(write_msr, &msr, NULL);
}

static void check_msrs(void)
{
    static const struct {
        uint32_t index;
        const char *name;
    } hidden[] = {
        { 0xc0000081, "STAR" },      { 0xc0000082, "LSTAR" },      { 0xc0000083, "CSTAR" },
        { 0xc0000084, "FMASK" },     { 0x174, "SYSENTER_CS" },     { 0x176, "SYSENTER_EIP" },
        { 0x1d9, "DEBUGCTL" },       { 0x48, "SPEC_CTRL" },        { 0x49, "PRED_CMD" },
        { 0x3a, "FEATURE_CONTROL" }, { 0x2ff, "MTRR_DEF_TYPE" },   { 0xda0, "XSS" },
        { 0x6e0, "TSC_DEADLINE" },   { 0x830, "x2APIC ICR" },      { 0xc0010117, "VM_HSAVE_PA" },
        { 0x9e, "SMBASE" },          { 0x40000000, "0x40000000" }, { 0xffffffff, "0xffffffff" },
    };
    static const uint32_t bases[] = { 0xc0000100, 0xc0000101, 0xc0000102 };
    struct msr msr = { 0xc0000080, 0 };

    for (unsigned int i = 0; i < ARRAY_SIZE(hidden); i++) {
        check(try_write(hidden[i].index, 0x1234), TRAPPED(13), "write %s", hidden[i].name);
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(bases); i++) {
        check(try_write(bases[i], NON_CANONICAL), TRAPPED(13),
              "write segment base %u, not canonical", i);
        check(try_write(bases[i], 0x1000), 0, "write segment base %u", i);
        check(try_write(bases[i], 0), 0, "clear segment base %u", i);
    }
    check(trap_guard(read_msr, &msr, NULL), 0, "read EFER");
    check(try_write(0xc0000080, msr.value), 0, "write EFER as it is");
    check_refused(try_write(0xc0000080, msr.value ^ 0x800), "write EFER without NX");
    check_refused(try_write(0xc0000080, msr.value ^ 0x400), "write EFER without long mode");
    check_refused(try_write(0x277, 0), "write PAT");
}

/* ---- software interrupts ----------------------------------------------------------------------- */

static uint8_t interrupt_code[3] __aligned(16) __section(".data.code") = { 0xcd, 0, 0xc3 };

static void raise_interrupt(void *data)
{
    void (*code)(void) = (void (*)(void))(uintptr_t)interrupt_code;

    (void)data;
    code();
}

static bool has_error_code(unsigned int vector)
{
    return vector == 8 || (vector >= 10 && vector <= 14) || vector == 17;
}

static void check_software_interrupts(void)
{
    unsigned int right = 0;

    for (unsigned int vector = 0; vector < 256; vector++) {
        struct trap_frame frame = { .error = 0 };
        long result;

        interrupt_code[1] = (uint8_t)vector;
        result = trap_guard(raise_interrupt, NULL, &frame);
        if (has_error_code(vector)) {
            /* Its handler takes the word of an error code off, and a software interrupt has none. */
            right += result == TRAPPED(vector) && frame.error == address_of(interrupt_code + 2);
        } else {
            right += result == TRAPPED(vector) && frame.rip == address_of(interrupt_code + 2);
        }
        if (right != vector + 1) {
            check_that(false, "int %u: %s at %#lx", vector, check_code(result),
                       (unsigned long)frame.rip);
            right = vector + 1;
        }
    }
    check(right, 256, "int n of all 256, with a handler for user mode");
}

/* ---- hypercalls with odd registers -------------------------------------------------------------- */

static long version_with_flags(uint64_t flags)
{
    long result = __HYPERVISOR_xen_version;

    __asm__ volatile("pushq %1; popfq; syscall; pushq $2; popfq"
                     : "+a"(result)
                     : "r"(flags), "D"(XENVER_version), "S"(0)
                     : "rcx", "r11", "memory", "cc");
    return result;
}

static void call_with_step(void *data)
{
    (void)data;
    (void)version_with_flags(2 | 1ul << 8);
}

/* Not a stack at all while the hypervisor works; upcalls are masked. */
static long version_with_stack(uint64_t rsp)
{
    long result = __HYPERVISOR_xen_version;

    __asm__ volatile("mov %%rsp, %%rbx; mov %1, %%rsp; syscall; mov %%rbx, %%rsp"
                     : "+a"(result)
                     : "r"(rsp), "D"(XENVER_version), "S"(0)
                     : "rbx", "rcx", "r11", "memory", "cc");
    return result;
}

static void call_page(void *data)
{
    extern const char hypercall_page[];
    long result;

    __asm__ volatile("call *%1"
                     : "=a"(result)
                     : "r"(hypercall_page + 32ul * *(unsigned int *)data), "D"(0ul), "S"(0ul)
                     : "rcx", "r11", "memory");
    *(long *)data = result;
}

static void check_odd_hypercalls(void)
{
    static const uint64_t flags[] = { 1ul << 10, 3ul << 12, 1ul << 14,
                                      1ul << 18, 1ul << 21, 0x247fd5ul & ~0x100ul };
    long version = hypercall2(__HYPERVISOR_xen_version, XENVER_version, 0);
    union {
        unsigned int number;
        long result;
    } call = { .number = __HYPERVISOR_xen_version };
    unsigned int unknown = 0;

    for (unsigned int i = 0; i < ARRAY_SIZE(flags); i++) {
        check(version_with_flags(2 | flags[i]), version, "hypercall with flags %#lx", flags[i]);
    }
    check(trap_guard(call_with_step, NULL, NULL), TRAPPED(1), "single step of a hypercall");
    check(version_with_stack(0), version, "hypercall with rsp 0");
    check(version_with_stack(NON_CANONICAL), version, "hypercall with a non-canonical rsp");
    check(version_with_stack(0xffff82d040200000ul), version, "hypercall with the hypervisor's rsp");
    check(trap_guard(call_page, &call, NULL), 0, "a hypercall through the page");
    check(call.result, version, "its answer");
    for (unsigned int number = 56; number < 128; number++) {
        call.number = number;
        unknown += trap_guard(call_page, &call, NULL) == 0 && call.result == -XEN_ENOSYS;
    }
    check(unknown, 72, "the page's entries 56 to 127 answer ENOSYS");
    check(hypercall2(~0ul, 0, 0), -XEN_ENOSYS, "hypercall -1");
    check_differs(hypercall2(1ul << 32 | __HYPERVISOR_xen_version, XENVER_version, 0), version,
                  -XEN_ENOSYS, "hypercall 2^32 + 17, of which Xenios takes 32 bits");
}

static void run(void)
{
    check_instructions();
    check_msrs();
    check_software_interrupts();
    check_odd_hypercalls();
}
PROBE(instructions, run);
