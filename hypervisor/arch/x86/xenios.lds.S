/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The image: linked at IMAGE_START, turned into a flat binary that begins with the multiboot headers.
 * Text, read-only data and the rest begin on pages of their own, so that each can be mapped with just
 * the rights it needs. Nothing but .bss may follow .data: the flat binary ends where .data does.
 */
#include "asm/layout.h"

OUTPUT_FORMAT("elf64-x86-64")
OUTPUT_ARCH(i386:x86-64)
ENTRY(boot_start32)

SECTIONS
{
    . = IMAGE_START;
    .text : {
        xenios_start = .;
        KEEP(*(.text.boot))
        *(.text.entry .text.entry.*)
        *(.text .text.*)
        . = ALIGN(4096);
        xenios_text_end = .;
    }

    .rodata : {
        *(.rodata .rodata.* .srodata .srodata.*)
        . = ALIGN(8);
        options_start = .;
        KEEP(*(options))
        options_end = .;
        . = ALIGN(8);
        exception_table_start = .;
        KEEP(*(exception_table))
        exception_table_end = .;
        . = ALIGN(8);
        KEEP(*(.rodata.symbols))
        . = ALIGN(4096);
        xenios_rodata_end = .;
    }

    .data : {
        *(.data.page_aligned)
        *(.data.read_mostly)
        *(.data .data.*)
        *(.got .got.plt)
        . = ALIGN(4096);
        xenios_data_end = .;
    }

    .bss (NOLOAD) : {
        *(.bss.stack)
        *(.bss.page_aligned)
        *(.bss .bss.* COMMON)
        . = ALIGN(4096);
        xenios_end = .;
    }

    /* For the 32-bit code and the headers: physical addresses of an image at its preferred place. */
    image_load_end_paddr = xenios_data_end - IMAGE_START + IMAGE_LOAD_PADDR;
    image_end_paddr = xenios_end - IMAGE_START + IMAGE_LOAD_PADDR;
    image_pages_2m = (xenios_end - IMAGE_START + 0x1fffff) >> 21;

    /DISCARD/ : {
        *(.eh_frame .eh_frame_hdr)
        *(.comment)
        *(.note .note.*)
        *(.interp .dynsym .dynstr .hash .gnu.hash .dynamic)
    }
}

ASSERT(image_pages_2m < 64, "the image is larger than its early page table")
ASSERT(xenios_start == IMAGE_START, "the image does not begin with its headers")
