/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * What UEFI firmware left for an operating system, as far as dom0 asks for it (XEN_FW_EFI_INFO). The
 * runtime services are not called.
 */
#ifndef ASM_EFI_H
#define ASM_EFI_H

#include "asm/boot_info.h"

#define EFI_VENDOR_MAX 64

struct efi_info {
    bool present;
    uint32_t revision, runtime_revision, firmware_revision;
    paddr_t config_table; /* array of EFI_CONFIGURATION_TABLE, 24 bytes each */
    uint32_t config_table_count;
    uint16_t vendor[EFI_VENDOR_MAX]; /* UTF-16, ends with 0 */
};

extern struct efi_info efi_info;

/* Boot CPU, before any memory is handed out. `read` as for boot_info_decode. */
void efi_init(const struct boot_info *info, boot_read_t read);

#endif
