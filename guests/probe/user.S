/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Code for the guest's user mode: each ends by something that comes back to the kernel. */
        .text
        .globl  user_breakpoint, user_push, user_syscall, user_sysenter, user_int80
user_push:
        pushq   %rax
user_breakpoint:
        int3
        ud2

user_syscall:
        movl    $17, %eax               /* a hypercall's number is nothing to user mode */
        syscall
        ud2

user_sysenter:
        sysenter
        ud2

user_int80:
        int     $0x80
        ud2

/* A breakpoint that MOV SS holds back until after the next instruction. */
        .globl  user_mov_ss_syscall, user_mov_ss_breakpoint, user_mov_ss_int80
user_mov_ss_syscall:
        movw    (%rsp), %ss
        syscall
        ud2
user_mov_ss_breakpoint:
        movw    (%rsp), %ss
        int3
        ud2
user_mov_ss_int80:
        movw    (%rsp), %ss
        int     $0x80
        ud2

        .globl  user_swapgs, user_hypercall_page
user_swapgs:
        swapgs
        ud2
user_hypercall_page:
        movabsq $hypercall_page + 17 * 32, %rax
        jmp     *%rax

        .section .note.GNU-stack, "", @progbits
