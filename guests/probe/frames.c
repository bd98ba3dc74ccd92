/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Ways into the guest's user mode and back: frames for iret with registers of every wrong kind, and
 * system calls, interrupts and breakpoints with flags that are not meant for them.
 */
#include "lib/check.h"
#include "lib/guest.h"
#include "lib/hypercall.h"
#include "lib/page.h"
#include "lib/pagetable.h"

#include <xen/sched.h>

#define NON_CANONICAL 0x0000800000000000ul
#define HYPERVISOR    0xffff82d040200000ul

#define FLAG_TF   (1ul << 8)
#define FLAG_IF   (1ul << 9)
#define FLAG_DF   (1ul << 10)
#define FLAG_IOPL (3ul << 12)
#define FLAG_NT   (1ul << 14)
#define FLAG_RF   (1ul << 16)
#define FLAG_VM   (1ul << 17)
#define FLAG_AC   (1ul << 18)
#define FLAG_ID   (1ul << 21)

extern const char user_breakpoint[], user_push[], user_syscall[], user_sysenter[], user_int80[];
extern const char user_mov_ss_syscall[], user_mov_ss_breakpoint[], user_mov_ss_int80[];
extern const char user_swapgs[], user_hypercall_page[];

static struct trap_frame frame; /* of what ended user mode last */

static long user(const char *code)
{
    struct iret_context context = trap_user_context(code);

    return trap_user(&context, &frame);
}

/* ---- registers of the frame -------------------------------------------------------------------- */

static long with_rip(uint64_t rip, uint64_t flags)
{
    struct iret_context context = trap_user_context((void *)rip);

    context.flags = flags;
    return trap_user(&context, &frame);
}

static long with_selectors(uint16_t cs, uint16_t ss)
{
    struct iret_context context = trap_user_context(user_breakpoint);

    context.cs = cs;
    context.ss = ss;
    return trap_user(&context, &frame);
}

static long with_stack(const char *code, uint64_t rsp)
{
    struct iret_context context = trap_user_context(code);

    context.rsp = rsp;
    return trap_user(&context, &frame);
}

/* Xen gives the guest the trap that its own IRET met; Xenios calls the failsafe callback for all. */
static void check_bad_return(long result, const char *tried)
{
    check_differs(result, TRAPPED(TRAP_FAILSAFE), TRAPPED(13), "%s", tried);
}

static void check_frames(void)
{
    check(user(user_breakpoint), TRAPPED(3), "user mode and back");
    /* QEMU's IRET takes any address, and the fault is that of the next instruction. */
    check_refused(with_rip(NON_CANONICAL, 0), "to a non-canonical address");
    check_refused(with_rip(NON_CANONICAL, VGCF_in_syscall), "the same by SYSRET");
    check(with_rip(NON_CANONICAL - 1, VGCF_in_syscall), TRAPPED(14),
          "to the end of the lower half");
    check(with_rip(HYPERVISOR, 0), TRAPPED(14), "to the hypervisor");
    check(with_rip(HYPERVISOR, VGCF_in_syscall), TRAPPED(14), "the same by SYSRET");
    check_bad_return(with_selectors(FLAT_USER_CS, 0), "with a null SS");
    check_bad_return(with_selectors(3, FLAT_USER_SS), "with a null CS");
    check_bad_return(with_selectors(0xe00b, FLAT_USER_SS), "with the hypervisor's CS");
    check_bad_return(with_selectors(FLAT_USER_CS, 0xe010), "with the hypervisor's SS");
    check_bad_return(with_selectors(FLAT_USER_CS, FLAT_USER_CS), "with CS as SS");
    check_bad_return(with_selectors(FLAT_USER_SS, FLAT_USER_SS), "with SS as CS");
    check_bad_return(with_selectors(0xffff, 0xffff), "with selectors 0xffff");
    check_bad_return(with_selectors(0xb, FLAT_USER_SS), "with CS 8, no GDT");
    check_bad_return(with_selectors(7, FLAT_USER_SS), "with CS 4 of no LDT");
    check(with_stack(user_breakpoint, NON_CANONICAL), TRAPPED(3), "with a non-canonical stack");
    check_refused(with_stack(user_push, NON_CANONICAL), "which is then used");
    check(with_stack(user_push, HYPERVISOR), TRAPPED(14), "a stack in the hypervisor, used");
    check(with_stack(user_push, 0), TRAPPED(14), "a stack at 0, used");
}

/* ---- flags ------------------------------------------------------------------------------------- */

static long with_flags(const char *code, uint64_t rflags)
{
    struct iret_context context = trap_user_context(code);

    context.rflags = rflags;
    return trap_user(&context, &frame);
}

static void check_flags(void)
{
    static const struct {
        const char *code;
        long comes_by;
        const char *name;
    } ways[] = {
        { user_breakpoint, TRAPPED(3), "int3" },
        { user_syscall, TRAPPED(TRAP_SYSCALL), "syscall" },
        { user_int80, TRAPPED(0x80), "int 0x80" },
    };
    static const uint64_t harmless[] = { 0,       FLAG_DF, FLAG_IOPL, FLAG_NT, FLAG_RF,
                                         FLAG_VM, FLAG_AC, FLAG_ID,   FLAG_IF, ~FLAG_TF };

    for (unsigned int way = 0; way < ARRAY_SIZE(ways); way++) {
        for (unsigned int i = 0; i < ARRAY_SIZE(harmless); i++) {
            long result = with_flags(ways[way].code, 2 | harmless[i]);

            if (result != ways[way].comes_by) {
                check(result, ways[way].comes_by, "%s with flags %#lx", ways[way].name,
                      harmless[i]);
            }
        }
        check(with_flags(ways[way].code, 2 | FLAG_NT), ways[way].comes_by,
              "%s with NT, after it with each other flag", ways[way].name);
        check_that(!(frame.rflags & (FLAG_VM | FLAG_IOPL)), "VM and IOPL do not stay");
    }
    check(with_flags(user_push, 2 | FLAG_TF), TRAPPED(1), "single step");
    check(with_flags(user_breakpoint, 2 | FLAG_TF), TRAPPED(3), "single step of int3");
    check(with_flags(user_int80, 2 | FLAG_TF), TRAPPED(0x80), "single step of int 0x80");
    check(with_flags(user_syscall, 2 | FLAG_TF), TRAPPED(1), "single step of syscall");
}

/* ---- other ways in ----------------------------------------------------------------------------- */

static void check_entries(void)
{
    check_refused(user(user_sysenter), "sysenter of user mode");
    check(user(user_swapgs), TRAPPED(13), "swapgs of user mode");
    check(user(user_hypercall_page), TRAPPED(TRAP_SYSCALL), "the hypercall page in user mode");
    check(user(user_int80), TRAPPED(0x80), "int 0x80");
}

/* A breakpoint on the word that MOV SS reads: its trap comes after the instruction behind. */
static void check_delayed_breakpoints(void)
{
    static uint16_t selectors[4] __aligned(8) = { FLAT_USER_SS };

    must(hypercall2(__HYPERVISOR_set_debugreg, 0, address_of(selectors)), "breakpoint");
    must(hypercall2(__HYPERVISOR_set_debugreg, 7, 1 | 3u << 16 | 1u << 18), "breakpoint");
    check_refused(with_stack(user_mov_ss_syscall, address_of(selectors)), "MOV SS, then syscall");
    check_refused(with_stack(user_mov_ss_breakpoint, address_of(selectors)), "MOV SS, then int3");
    check_refused(with_stack(user_mov_ss_int80, address_of(selectors)), "MOV SS, then int 0x80");
    must(hypercall2(__HYPERVISOR_set_debugreg, 7, 0), "no breakpoint");
    check(user(user_breakpoint), TRAPPED(3), "user mode is as before");
}

static void run(void)
{
    must(mmuext(MMUEXT_NEW_USER_BASEPTR, root_mfn(), 0), "a user root");
    check_frames();
    check_flags();
    check_entries();
    check_delayed_breakpoints();
    must(mmuext(MMUEXT_NEW_USER_BASEPTR, 0, 0), "no user root");
}
PROBE(frames, run);
