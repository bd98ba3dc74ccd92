/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * What the builder of the domain reads (xen/elfnote.h), and the first instructions. The builder puts
 * struct start_info's address into rsi; rsp is at the end of the boot stack, behind which free memory
 * begins.
 */
#include "lib/stack.h"

#include <xen/elfnote.h>

#define GUEST_BASE 0xffffffff80000000

        .macro NOTE_BEGIN type:req
        .section .note.xen, "a", @note
        .balign 4
        .long   2f - 1f
        .long   4f - 3f
        .long   \type
1:      .asciz  "Xen"
2:      .balign 4
        .endm

        .macro NOTE_TEXT type:req, text:req
        NOTE_BEGIN \type
3:      .asciz  "\text"
4:      .balign 4
        .endm

        .macro NOTE_NUMBER type:req, number:req
        NOTE_BEGIN \type
3:      .quad   \number
4:      .balign 4
        .endm

        NOTE_TEXT XEN_ELFNOTE_GUEST_OS, "xenios-probe"
        NOTE_TEXT XEN_ELFNOTE_GUEST_VERSION, "1"
        NOTE_TEXT XEN_ELFNOTE_XEN_VERSION, "xen-3.0"
        NOTE_TEXT XEN_ELFNOTE_LOADER, "generic"
        NOTE_TEXT XEN_ELFNOTE_FEATURES, "!writable_page_tables|pae_pgdir_above_4gb"
        NOTE_TEXT XEN_ELFNOTE_PAE_MODE, "yes"
        NOTE_NUMBER XEN_ELFNOTE_VIRT_BASE, GUEST_BASE
        NOTE_NUMBER XEN_ELFNOTE_PADDR_OFFSET, 0
        NOTE_NUMBER XEN_ELFNOTE_ENTRY, guest_entry
        NOTE_NUMBER XEN_ELFNOTE_HYPERCALL_PAGE, hypercall_page

        .section .text.hypercall_page, "ax"
        .balign 4096
        .globl  hypercall_page
hypercall_page:
        .fill   4096, 1, 0xcc

        .text
        .globl  guest_entry
guest_entry:
        cld
        movq    %rsi, %rdi
        movq    %rsp, %rsi
        movq    $vcpu_stacks + VCPU_STACK_BYTES, %rsp
        xorl    %ebp, %ebp
        call    guest_main
        ud2

        .section .note.GNU-stack, "", @progbits
