/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Indirect branches that a processor cannot mispredict to where a guest wants: the compiler makes each
 * a call of the thunk of its register (-mindirect-branch=thunk-extern). The target goes to where the
 * return address is, and the return is predicted from the call before it: to the loop, which waits.
 */
        .text

.macro THUNK name, register
        .balign 16
        .globl  \name
\name:
        call    2f
1:      pause
        lfence
        jmp     1b
2:      movq    %\register, (%rsp)
        ret
.endm

        .irp    register, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
        THUNK   __x86_indirect_thunk_\register, \register
        .endr

/* As clang calls the only one that it uses. */
        THUNK   __llvm_retpoline_r11, r11

        .section .note.GNU-stack, "", @progbits
