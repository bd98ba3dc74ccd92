/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The doors of the hypervisor.
 *
 * Everything that enters leaves the same frame, the public struct cpu_user_regs, on the stack. From
 * a guest the processor (or the SYSCALL landing) switches to the top of this CPU's stack, so that the
 * frame is cpu_stack_top()->guest_regs; from the hypervisor itself the frame lies where the stack was.
 *
 *      higher addresses          pushed by
 *      ss rsp rflags cs rip      processor; SYSCALL and SYSENTER: by the code here
 *      vector | error code       the stub of the vector (the processor, where there is an error code)
 *      rdi .. r15                SAVE_REGISTERS
 *
 * A vector has one stub, made by the macro below from one table of which vectors carry an error code;
 * the IDT is made from the same stubs (idt.c). A way out restores the frame and returns by IRET, or
 * by SYSRET where the guest came in by SYSCALL and its return address is canonical.
 *
 * Segment registers, GS base and FS base stay the guest's while the hypervisor runs: it uses none.
 */
#include "asm/entry_vectors.h"
#include "asm/extable.h"
#include "asm/layout.h"
#include "asm/offsets.h"
#include "asm/speculation.h"

        .text

.macro SAVE_REGISTERS
        pushq   %rdi
        pushq   %rsi
        pushq   %rdx
        pushq   %rcx
        pushq   %rax
        pushq   %r8
        pushq   %r9
        pushq   %r10
        pushq   %r11
        pushq   %rbx
        pushq   %rbp
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
.endm

/* Leaves rsp at the slot of the vector and error code. */
.macro RESTORE_REGISTERS
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbp
        popq    %rbx
        popq    %r11
        popq    %r10
        popq    %r9
        popq    %r8
        popq    %rax
        popq    %rcx
        popq    %rdx
        popq    %rsi
        popq    %rdi
.endm

/* Interrupt gates leave AC as the guest had it; the direction flag too. */
.macro CLEAN_FLAGS
        cld
        cmpb    $0, entry_smap_enabled(%rip)
        je      1f
        clac
1:
.endm

/*
 * Where a guest's predictions could steer what follows: they are emptied first. Registers are saved.
 */
.macro SCRUB_PREDICTORS
        cmpb    $0, entry_scrub(%rip)
        je      1f
        call    entry_scrub_predictors
1:
.endm

/* The last that reads memory of ours before a guest runs: buffers keep nothing of it. */
.macro CLEAR_BUFFERS
        cmpb    $0, entry_verw(%rip)
        je      1f
        verw    entry_verw_selector(%rip)
1:
.endm

/* ---- stubs: one a vector, 16 bytes each ---------------------------------------------------------- */

        .balign 16
        .globl  entry_stubs
entry_stubs:
        .set    vector, 0
        .rept   256
        .balign 16
        .if     (vector < 32) && ((VECTORS_WITH_ERROR_CODE >> (vector & 31)) & 1)
        .else
        pushq   $0
        .endif
        movl    $vector, 4(%rsp)
        .if     vector == 2
        jmp     entry_nmi
        .elseif vector == 18
        jmp     entry_machine_check
        .elseif vector == 1
        jmp     entry_debug
        .elseif vector < 32
        jmp     entry_exception
        .else
        jmp     entry_interrupt
        .endif
        .set    vector, vector + 1
        .endr

/* ---- exceptions and interrupts ---------------------------------------------------------------- */

entry_exception:
        SAVE_REGISTERS
        CLEAN_FLAGS
        SCRUB_PREDICTORS
        movq    %rsp, %rdi
        call    exception_dispatch
        testb   $3, REGS_CS(%rsp)
        jnz     entry_leave_to_guest
        jmp     entry_leave_to_self

entry_interrupt:
        SAVE_REGISTERS
        CLEAN_FLAGS
        SCRUB_PREDICTORS
        movq    %rsp, %rdi
        call    interrupt_entry
        testb   $3, REGS_CS(%rsp)
        jnz     entry_leave_to_guest
        /* fall through */

/* Back into the hypervisor: interrupts are as the frame says. */
entry_leave_to_self:
        RESTORE_REGISTERS
        addq    $8, %rsp
        iretq

/*
 * NMI and machine check have stacks of their own and come at any time, also between two instructions
 * of the ways out: they touch nothing of the guest's frame and return by IRET.
 */
entry_nmi:
        SAVE_REGISTERS
        CLEAN_FLAGS
        SCRUB_PREDICTORS
        movq    %rsp, %rdi
        call    nmi_handle
        CLEAR_BUFFERS
        jmp     entry_leave_to_self

entry_machine_check:
        SAVE_REGISTERS
        CLEAN_FLAGS
        SCRUB_PREDICTORS
        movq    %rsp, %rdi
        call    machine_check_handle
        CLEAR_BUFFERS
        jmp     entry_leave_to_self

/*
 * #DB has a stack of its own: a breakpoint that MOV SS delays comes after the next instruction, and when
 * that is SYSCALL it comes at the first one of the landing, whose stack is still the guest's. From a
 * guest the frame moves to where those of other exceptions are.
 */
entry_debug:
        SAVE_REGISTERS
        CLEAN_FLAGS
        SCRUB_PREDICTORS
        testb   $3, REGS_CS(%rsp)
        jz      1f
        movq    %rsp, %rsi
        movq    %rsp, %rdi
        orq     $(STACK_BYTES - 1), %rdi
        leaq    1 - STACK_TOP_BYTES(%rdi), %rdi
        movq    %rdi, %rdx
        movl    $(REGS_ES / 8), %ecx
        rep movsq
        movq    %rdx, %rsp
        movq    %rsp, %rdi
        call    exception_dispatch
        jmp     entry_leave_to_guest
1:
        movq    %rsp, %rdi
        call    exception_dispatch
        jmp     entry_leave_to_self

/* ---- SYSCALL, SYSENTER -------------------------------------------------------------------------- */

/*
 * LSTAR and CSTAR of CPU n point to landing n: the only registers known are rip, so each landing has
 * the address of its line in syscall_landings[] built in.
 */
.macro LANDING_PADS name, target
        .balign 64
        .globl  \name
\name:
        .set    cpu, 0
        .rept   CONFIG_MAX_CPUS
        .balign 64
        movq    %rsp, syscall_landings + (cpu << SYSCALL_LANDING_SHIFT) + SYSCALL_LANDING_SCRATCH(%rip)
        movq    syscall_landings + (cpu << SYSCALL_LANDING_SHIFT) + SYSCALL_LANDING_STACK(%rip), %rsp
        pushq   $SELECTOR_USER_DS
        pushq   syscall_landings + (cpu << SYSCALL_LANDING_SHIFT) + SYSCALL_LANDING_SCRATCH(%rip)
        jmp     \target
        .set    cpu, cpu + 1
        .endr
.endm

        LANDING_PADS syscall_landing_pads, entry_syscall
        LANDING_PADS syscall32_landing_pads, entry_syscall32

entry_syscall:
        pushq   %r11
        pushq   $SELECTOR_USER_CS64
        pushq   %rcx
        pushq   $0
        movl    $ENTRY_VECTOR_SYSCALL, 4(%rsp)
        SAVE_REGISTERS
        SCRUB_PREDICTORS
        movq    %rsp, %rdi
        call    syscall_dispatch
        jmp     entry_leave_to_guest

entry_syscall32:
        pushq   %r11
        pushq   $SELECTOR_USER_CS32
        pushq   %rcx
        pushq   $0
        movl    $ENTRY_VECTOR_SYSCALL32, 4(%rsp)
        SAVE_REGISTERS
        SCRUB_PREDICTORS
        movq    %rsp, %rdi
        call    exception_dispatch
        jmp     entry_leave_to_guest

/*
 * SYSENTER_ESP is the frame's end; the guest's stack pointer and return address are its own secret. The
 * processor clears IF, and leaves the guest's NT, TF, DF and AC in force: NT would make every later IRET
 * of this CPU fault. The guest had IF set, always.
 */
        .globl  entry_sysenter
entry_sysenter:
        pushq   $SELECTOR_USER_DS
        pushq   $0
        pushfq
        pushq   $SELECTOR_USER_CS64
        pushq   $0
        pushq   $0
        movl    $ENTRY_VECTOR_SYSENTER, 4(%rsp)
        SAVE_REGISTERS
        orl     $0x200, REGS_RFLAGS(%rsp)
        pushq   $2
        popfq
        SCRUB_PREDICTORS
        movq    %rsp, %rdi
        call    exception_dispatch
        /* fall through */

/* ---- the way out to a guest ------------------------------------------------------------------- */

        .globl  entry_leave_to_guest
entry_leave_to_guest:
        call    entry_prepare_exit      /* returns with interrupts off */
        CLEAR_BUFFERS
        cmpl    $ENTRY_VECTOR_SYSCALL, REGS_ENTRY_VECTOR(%rsp)
        jne     1f
        /* SYSRET: cs and ss must be the flat ones, rip canonical (else a fault in ring 0). */
        cmpw    $SELECTOR_USER_CS64, REGS_CS(%rsp)
        jne     1f
        cmpw    $SELECTOR_USER_DS, REGS_SS(%rsp)
        jne     1f
        movq    REGS_RIP(%rsp), %rcx
        movq    %rcx, %rax
        shlq    $16, %rax
        sarq    $16, %rax
        cmpq    %rcx, %rax
        jne     1f
        testl   $0x10100, REGS_RFLAGS(%rsp) /* RF, TF: IRET treats them right */
        jnz     1f
        RESTORE_REGISTERS
        movq    REGS_RIP - REGS_ERROR_CODE(%rsp), %rcx
        movq    REGS_RFLAGS - REGS_ERROR_CODE(%rsp), %r11
        movq    REGS_RSP - REGS_ERROR_CODE(%rsp), %rsp
        sysretq
1:
        RESTORE_REGISTERS
        addq    $8, %rsp
entry_iret_to_guest:
        iretq
        EXTABLE entry_iret_to_guest, entry_iret_fixup

/*
 * The guest's selectors, stack or instruction pointer did not suit IRET. Registers are the guest's
 * still, rsp is at the frame's rip: make the frame whole again and tell the guest.
 */
entry_iret_fixup:
        pushq   $0
        movl    $ENTRY_VECTOR_NONE, 4(%rsp)
        SAVE_REGISTERS
        CLEAN_FLAGS
        movq    %rsp, %rdi
        call    entry_iret_failed
        jmp     entry_leave_to_guest

/* ---- predictors --------------------------------------------------------------------------------- */

/* Below the return address lies the frame. From the hypervisor itself there is nothing to do. */
entry_scrub_predictors:
        testb   $3, 8 + REGS_CS(%rsp)
        jz      2f
        testb   $ENTRY_SCRUB_IBPB, entry_scrub(%rip)
        jz      1f
        movl    $0x49, %ecx             /* MSR_PRED_CMD: IBPB */
        movl    $1, %eax
        xorl    %edx, %edx
        wrmsr
1:
        testb   $ENTRY_SCRUB_RSB, entry_scrub(%rip)
        jz      2f
        call    entry_refill_rsb
2:
        ret

/*
 * void entry_refill_rsb(void): 32 calls, so that the return addresses that the processor predicts are
 * ours; a return that goes wrong waits where it lands.
 */
        .globl  entry_refill_rsb
entry_refill_rsb:
        movl    $16, %ecx
1:
        call    3f
2:      pause
        lfence
        jmp     2b
3:
        call    5f
4:      pause
        lfence
        jmp     4b
5:
        decl    %ecx
        jnz     1b
        addq    $(32 * 8), %rsp
        ret

        .section .rodata
entry_verw_selector:
        .word   SELECTOR_USER_DS
        .text

/* void entry_resume_guest(void): forget this stack, continue the current vcpu's guest. */
        .globl  entry_resume_guest
entry_resume_guest:
        orq     $(STACK_BYTES - 1), %rsp
        leaq    1 - STACK_TOP_BYTES(%rsp), %rsp
        jmp     entry_leave_to_guest

        .globl  entry_resume_idle
entry_resume_idle:
        orq     $(STACK_BYTES - 1), %rsp
        leaq    1 - STACK_TOP_BYTES(%rsp), %rsp
        andq    $-16, %rsp
        xorl    %ebp, %ebp
        sti
        call    idle_loop

/* ---- guest memory ------------------------------------------------------------------------------- */

/*
 * uint64_t guest_copy_raw(void *to, const void *from, uint64_t bytes): how many bytes were NOT
 * copied. Either side may fault. AC is set around it where SMAP is on.
 */
        .globl  guest_copy_raw
guest_copy_raw:
        cmpb    $0, entry_smap_enabled(%rip)
        je      1f
        stac
1:
        movq    %rdx, %rcx
        andl    $7, %edx
        shrq    $3, %rcx
2:      rep movsq
        movl    %edx, %ecx
3:      rep movsb
        xorl    %eax, %eax
4:
        cmpb    $0, entry_smap_enabled(%rip)
        je      5f
        clac
5:
        ret
6:      leaq    (%rdx, %rcx, 8), %rax
        jmp     4b
7:      movq    %rcx, %rax
        jmp     4b
        EXTABLE 2b, 6b
        EXTABLE 3b, 7b

/* uint64_t guest_clear_raw(void *to, uint64_t bytes): how many bytes were NOT cleared. */
        .globl  guest_clear_raw
guest_clear_raw:
        cmpb    $0, entry_smap_enabled(%rip)
        je      1f
        stac
1:
        movq    %rsi, %rcx
        xorl    %eax, %eax
2:      rep stosb
3:
        movq    %rcx, %rax
        cmpb    $0, entry_smap_enabled(%rip)
        je      4f
        clac
4:
        ret
        EXTABLE 2b, 3b

/*
 * int guest_compare_exchange_raw(void *at, uint64_t *expected, uint64_t value, unsigned int bytes):
 * 0 when the access did not fault (*expected is what was found), 1 when it did.
 */
        .globl  guest_compare_exchange_raw
guest_compare_exchange_raw:
        movq    %rdx, %r8
        movl    %ecx, %r9d
        movq    (%rsi), %rax
        cmpb    $0, entry_smap_enabled(%rip)
        je      1f
        stac
1:
        cmpl    $8, %r9d
        je      8f
        cmpl    $4, %r9d
        je      4f
        cmpl    $2, %r9d
        je      2f
11:     lock cmpxchgb %r8b, (%rdi)
        jmp     9f
2:      lock cmpxchgw %r8w, (%rdi)
        jmp     9f
4:      lock cmpxchgl %r8d, (%rdi)
        jmp     9f
8:      lock cmpxchgq %r8, (%rdi)
9:      movq    %rax, (%rsi)
        xorl    %eax, %eax
10:
        cmpb    $0, entry_smap_enabled(%rip)
        je      12f
        clac
12:
        ret
13:     movl    $1, %eax
        jmp     10b
        EXTABLE 11b, 13b
        EXTABLE 2b, 13b
        EXTABLE 4b, 13b
        EXTABLE 8b, 13b

        .section .note.GNU-stack, "", @progbits
