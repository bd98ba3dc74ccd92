/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Where a processor starts: a copy of this page below 1 MiB, real mode, cs = page / 16, ip 0. Straight
 * to long mode on the boot page tables (identity for this page), then to the image, then on the
 * hypervisor's own tables, with the stack that smp.c made for it. All addresses that depend on the
 * page are filled in by smp.c: the fields of struct trampoline_data at the page's end.
 */
#include "asm/msr.h"

    .section .rodata.trampoline, "a", @progbits
    .balign 16
    .globl  trampoline_start, trampoline_end, trampoline_data
    .hidden trampoline_start, trampoline_end, trampoline_data

    .code16
trampoline_start:
    cli
    cld
    mov     %cs, %ax
    mov     %ax, %ds

    lgdtl   gdt_pointer - trampoline_start
    mov     $CR4_PAE, %eax
    mov     %eax, %cr4
    mov     boot_cr3 - trampoline_start, %eax
    mov     %eax, %cr3
    mov     $MSR_EFER, %ecx
    xor     %edx, %edx
    mov     boot_efer - trampoline_start, %eax
    wrmsr
    mov     $(CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE), %eax
    mov     %eax, %cr0
    ljmpl   *(far_pointer - trampoline_start)

    .code64
trampoline_64:
    movabs  $smp_start_high, %rax
    jmp     *%rax

    .balign 8
gdt:
    .quad   0
    .quad   0x00af9b000000ffff
gdt_end:

/* struct trampoline_data of smp.c */
    .balign 8
trampoline_data:
    .short  0, 0, 0
gdt_pointer:
    .short  gdt_end - gdt - 1
    .long   gdt - trampoline_start
far_pointer:
    .long   trampoline_64 - trampoline_start
    .short  8, 0
boot_cr3:
    .long   0
boot_efer:
    .long   0
trampoline_end:

    .text
smp_start_high:
    mov     hypervisor_root_cr3(%rip), %rax
    mov     %rax, %cr3
    mov     smp_start_stack(%rip), %rsp
    and     $~15, %rsp
    xor     %eax, %eax
    mov     %eax, %ss
    mov     %eax, %ds
    mov     %eax, %es
    mov     %eax, %fs
    mov     %eax, %gs
    xor     %ebp, %ebp
    call    smp_start_c
    ud2

    .section .note.GNU-stack, "", @progbits
