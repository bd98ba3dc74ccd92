/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * From the boot loader to C.
 *
 * A multiboot 1 or 2 loader puts the flat image at 2 MiB (multiboot 2: at any multiple of 2 MiB below
 * 4 GiB) and jumps to boot_start32: protected mode, no paging, flat segments, no stack, interrupts
 * off, eax the magic number, ebx what the loader tells. Here:
 *
 *   ebp   physical address of the image; all symbols are reached relative to it
 *   edi   the loader's magic number
 *   esi   physical address of the loader's information
 *
 * The early page tables map the first 4 GiB with 2 MiB pages, writable and executable, twice:
 *
 *   0x0000000000000000   identity, for this code and later for the processors' trampoline
 *   DIRECT_MAP_START     where C expects memory
 *   IMAGE_START          the image
 *
 * paging_init() replaces them; they go when the last processor has started.
 */
#include "asm/layout.h"
#include "asm/msr.h"
#include "asm/offsets.h"
#include "asm/page.h"

#define MB1_MAGIC 0x1badb002
#define MB1_FLAGS 0x00010003 /* page-aligned modules, memory map; address fields follow */
#define MB2_MAGIC 0xe85250d6

#define TABLE_FLAGS (PTE_PRESENT | PTE_WRITE | PTE_ACCESSED | PTE_DIRTY)
#define PAGE_FLAGS  (TABLE_FLAGS | PTE_HUGE)

#define COM1 0x3f8

/* Offset from the start of the image, for a symbol of any section. */
#define RVA(symbol) (symbol - boot_image)
#define PADDR(label) (IMAGE_LOAD_PADDR + RVA(label))

    .section .text.boot, "ax", @progbits
    .code32
boot_image:
    jmp     boot_start32

    .balign 8
multiboot1_header:
    .long   MB1_MAGIC
    .long   MB1_FLAGS
    .long   -(MB1_MAGIC + MB1_FLAGS)
    .long   PADDR(multiboot1_header)
    .long   IMAGE_LOAD_PADDR
    .long   image_load_end_paddr
    .long   image_end_paddr
    .long   PADDR(boot_start32)

    .balign 8
multiboot2_header:
    .long   MB2_MAGIC
    .long   0 /* i386 */
    .long   multiboot2_header_end - multiboot2_header
    .long   -(MB2_MAGIC + multiboot2_header_end - multiboot2_header)

    .balign 8
1:  .short  1, 0 /* wanted: the memory map */
    .long   2f - 1b
    .long   6
2:
    .balign 8
1:  .short  1, 1 /* welcome: command line, loader, modules, EFI, ACPI old and new, framebuffer */
    .long   2f - 1b
    .long   1, 2, 3, 12, 14, 15, 8
2:
    .balign 8
1:  .short  2, 0 /* addresses */
    .long   2f - 1b
    .long   PADDR(multiboot2_header)
    .long   IMAGE_LOAD_PADDR
    .long   image_load_end_paddr
    .long   image_end_paddr
2:
    .balign 8
1:  .short  3, 0 /* entry */
    .long   2f - 1b
    .long   PADDR(boot_start32)
2:
    .balign 8
1:  .short  4, 1 /* console: text mode is fine */
    .long   2f - 1b
    .long   2
2:
    .balign 8
1:  .short  6, 0 /* modules on page boundaries */
    .long   2f - 1b
2:
    .balign 8
1:  .short  10, 1 /* may be relocated: lowest, highest address, alignment, lowest preferred */
    .long   2f - 1b
    .long   0x200000, 0xf0000000, 0x200000, 1
2:
    .balign 8
1:  .short  0, 0
    .long   2f - 1b
2:
multiboot2_header_end:

    .globl  boot_start32
boot_start32:
    cld
    cli
    mov     %eax, %edi
    mov     %ebx, %esi

    /* Where are we? The first word of the loader's information lends itself as a stack. */
    mov     (%ebx), %ecx
    lea     4(%ebx), %esp
    call    1f
1:  pop     %ebp
    mov     %ecx, (%ebx)
    sub     $RVA(1b), %ebp
    lea     RVA(boot_stack_top)(%ebp), %esp

    cmp     $0x2badb002, %edi
    je      1f
    cmp     $0x36d76289, %edi
    lea     RVA(boot_no_multiboot)(%ebp), %eax
    jne     boot_stop
1:
    test    $0x1fffff, %ebp
    lea     RVA(boot_misplaced)(%ebp), %eax
    jnz     boot_stop

    /* Long mode and PAE's NX, or not. */
    mov     $0x80000000, %eax
    cpuid
    mov     %eax, %ecx
    lea     RVA(boot_no_long_mode)(%ebp), %eax
    cmp     $0x80000001, %ecx
    jb      boot_stop
    mov     $0x80000001, %eax
    cpuid
    lea     RVA(boot_no_long_mode)(%ebp), %eax
    bt      $29, %edx
    jnc     boot_stop
    mov     %edx, RVA(boot_extended_features)(%ebp)

    call    boot_make_tables
    call    boot_enter_long_mode_32

    /* Not reached: the above returns into 64-bit code. */
    ud2

/* Early page tables; ebp kept, esi and edi kept. */
boot_make_tables:
    lea     RVA(boot_l2_low)(%ebp), %ebx
    mov     $PAGE_FLAGS, %eax
    xor     %ecx, %ecx
1:  mov     %eax, (%ebx, %ecx, 8)
    add     $0x200000, %eax
    inc     %ecx
    cmp     $(4 * 512), %ecx
    jb      1b

    lea     RVA(boot_l3_low)(%ebp), %edx
    lea     TABLE_FLAGS(%ebx), %eax
    xor     %ecx, %ecx
1:  mov     %eax, (%edx, %ecx, 8)
    add     $4096, %eax
    inc     %ecx
    cmp     $4, %ecx
    jb      1b

    lea     RVA(boot_l2_image)(%ebp), %ebx
    lea     PAGE_FLAGS(%ebp), %eax
    mov     $1, %ecx
1:  mov     %eax, (%ebx, %ecx, 8)
    add     $0x200000, %eax
    inc     %ecx
    cmp     $image_pages_2m, %ecx
    jbe     1b

    lea     RVA(boot_l3_image)(%ebp), %ecx
    lea     TABLE_FLAGS(%ebx), %eax
    mov     %eax, (PTE_INDEX(IMAGE_REGION, L3_SHIFT) * 8)(%ecx)

    lea     RVA(boot_l4)(%ebp), %ebx
    lea     TABLE_FLAGS(%edx), %eax
    mov     %eax, (%ebx)
    mov     %eax, (SLOT_DIRECT_MAP * 8)(%ebx)
    lea     TABLE_FLAGS(%ecx), %eax
    mov     %eax, (SLOT_VMAP * 8)(%ebx)
    ret

/* Paging and long mode on, then the 64-bit code. */
boot_enter_long_mode_32:
    lea     RVA(boot_gdt)(%ebp), %eax
    mov     %eax, RVA(boot_gdt_pointer + 2)(%ebp)
    lgdt    RVA(boot_gdt_pointer)(%ebp)

    mov     $CR4_PAE, %eax
    mov     %eax, %cr4
    lea     RVA(boot_l4)(%ebp), %eax
    mov     %eax, %cr3

    mov     $MSR_EFER, %ecx
    rdmsr
    or      $EFER_LME, %eax
    btl     $20, RVA(boot_extended_features)(%ebp)
    jnc     1f
    or      $EFER_NXE, %eax
1:  wrmsr

    mov     $(CR0_PG | CR0_WP | CR0_NE | CR0_ET | CR0_MP | CR0_PE), %eax
    mov     %eax, %cr0

    push    $8
    lea     RVA(boot_start64)(%ebp), %eax
    push    %eax
    lret

/* eax: a message. Serial line, text screen, stop. */
boot_stop:
    mov     %eax, %esi
    mov     $0xb8000, %ebx
1:  lodsb
    test    %al, %al
    jz      3f
    movb    %al, (%ebx)
    movb    $0x0f, 1(%ebx)
    add     $2, %ebx
    mov     %al, %ah
    mov     $(COM1 + 5), %edx
    mov     $0x10000, %ecx
2:  in      %dx, %al
    test    $0x20, %al
    loopz   2b
    mov     %ah, %al
    mov     $COM1, %edx
    out     %al, %dx
    jmp     1b
3:  cli
    hlt
    jmp     3b

    .code64
boot_start64:
    movabs  $boot_start_high, %rax
    jmp     *%rax
boot_start_high:
    lea     boot_gdt(%rip), %rax
    mov     %rax, boot_gdt_pointer + 2(%rip)
    lgdt    boot_gdt_pointer(%rip)
    xor     %eax, %eax
    mov     %eax, %ss
    mov     %eax, %ds
    mov     %eax, %es
    mov     %eax, %fs
    mov     %eax, %gs

    /* The boot CPU's stack for good: struct cpu_stack_top above, all zero: CPU 0, no vcpu. */
    lea     boot_stack_top - STACK_TOP_BYTES(%rip), %rsp
    and     $~15, %rsp
    mov     %ebp, %edx
    xor     %ebp, %ebp
    mov     %esi, %esi
    call    boot_start_c
    ud2

    .section .rodata.boot, "a", @progbits
boot_no_multiboot:
    .asciz  "Xenios: not started by a multiboot loader.\r\n"
boot_misplaced:
    .asciz  "Xenios: the loader put the image at an address that is no multiple of 2 MiB.\r\n"
boot_no_long_mode:
    .asciz  "Xenios: this processor has no 64-bit mode.\r\n"

    .section .data.boot, "aw", @progbits
    .balign 8
boot_gdt:
    .quad   0
    .quad   0x00af9b000000ffff /* 0x08: 64-bit code */
    .quad   0x00cf93000000ffff /* 0x10: data */
    .quad   0x00cf9b000000ffff /* 0x18: 32-bit code */
boot_gdt_end:
    .short  0, 0, 0
boot_gdt_pointer:
    .short  boot_gdt_end - boot_gdt - 1
    .quad   0
    .balign 4
boot_extended_features:
    .long   0

    .section .bss.stack, "aw", @nobits
    .balign STACK_BYTES
    .globl  boot_stack
    .hidden boot_stack
boot_stack:
    .skip   STACK_BYTES
boot_stack_top:

    .section .bss.page_aligned, "aw", @nobits
    .balign 4096
    .globl  boot_l4
    .hidden boot_l4
boot_l4:
    .skip   4096
boot_l3_low:
    .skip   4096
boot_l3_image:
    .skip   4096
boot_l2_image:
    .skip   4096
boot_l2_low:
    .skip   4 * 4096

    .section .note.GNU-stack, "", @progbits
