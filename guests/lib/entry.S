/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * How the hypervisor enters this kernel, and how it leaves for its user mode.
 *
 * Each stub turns what lies on the stack, which is [error code or not] behind rcx and r11, into a
 * struct trap_frame (trap.h) and calls trap_dispatch(). What that returns from continues by
 * HYPERVISOR_iret.
 */
#include <xen/xen.h>

        .macro SAVE
        cld
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

        .macro RESTORE
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

        .text
/* vector, rcx, r11, rip...: the slots of rcx and r11 become those of vector and error code. */
entry_plain:
        movq    8(%rsp), %rcx
        movq    16(%rsp), %r11
        popq    (%rsp)
        movq    $0, 8(%rsp)
        jmp     entry_common

/* vector, rcx, r11, error code, rip... */
entry_with_code:
        movq    8(%rsp), %rcx
        movq    16(%rsp), %r11
        popq    8(%rsp)
        addq    $8, %rsp
        jmp     entry_common

/* rcx, r11, ds, es, fs, gs, rip...: the selectors end up as the error code, gs lowest. */
        .globl  entry_failsafe
entry_failsafe:
        movq    (%rsp), %rcx
        movq    8(%rsp), %r11
        addq    $32, %rsp
        movq    $0x101, (%rsp)
        jmp     entry_common

        .globl  entry_events, entry_syscall, entry_syscall32, entry_sysenter, entry_nmi
entry_events:
        pushq   $0x100
        jmp     entry_plain
entry_syscall:
        pushq   $0x102
        jmp     entry_plain
entry_syscall32:
        pushq   $0x103
        jmp     entry_plain
entry_sysenter:
        pushq   $0x104
        jmp     entry_plain
entry_nmi:
        pushq   $0x105
        jmp     entry_plain

entry_common:
        SAVE
        movq    %rsp, %rdi
        movq    %rsp, %rbx
        andq    $-16, %rsp
        call    trap_dispatch
        movq    %rbx, %rsp
        RESTORE
        /* struct iret_context: rax, r11, rcx, flags, and what is there from rip on. */
        movq    $0, 8(%rsp)
        movq    %rcx, (%rsp)
        pushq   %r11
        pushq   %rax
        movl    $__HYPERVISOR_iret, %eax
        syscall
        ud2

        .balign 16
        .globl  entry_stubs
entry_stubs:
        .set    vector, 0
        .rept   256
        .balign 16
        pushq   $vector
        .if (vector == 8) || ((vector >= 10) && (vector <= 14)) || (vector == 17)
        jmp     entry_with_code
        .else
        jmp     entry_plain
        .endif
        .set    vector, vector + 1
        .endr

/*
 * bool guard_enter(void (*function)(void *), void *argument, uint64_t *sp): calls the function; true
 * when it came back. guard_leave(sp), called meanwhile from a trap's handler, makes it return false.
 */
        .globl  guard_enter
guard_enter:
        pushq   %rbp
        pushq   %rbx
        pushq   %r12
        pushq   %r13
        pushq   %r14
        pushq   %r15
        pushq   %rdx
        movq    %rsp, (%rdx)
        movq    %rdi, %rax
        movq    %rsi, %rdi
        call    *%rax
        movl    $1, %eax
1:      popq    %rdx
        movq    $0, (%rdx)
        popq    %r15
        popq    %r14
        popq    %r13
        popq    %r12
        popq    %rbx
        popq    %rbp
        ret

        .globl  guard_leave
guard_leave:
        movq    %rdi, %rsp
        cld
        xorl    %eax, %eax
        jmp     1b

/* void frame_return(const struct iret_context *frame): the hypercall iret with a frame of any content. */
        .globl  frame_return
frame_return:
        movq    %rdi, %rsp
        movl    $__HYPERVISOR_iret, %eax
        syscall
        ud2

/* The first instructions of another vcpu: rdi is what vcpu_start() was given. */
        .globl  vcpu_entry
vcpu_entry:
        xorl    %ebp, %ebp
        call    vcpu_main
        ud2

        .section .note.GNU-stack, "", @progbits
