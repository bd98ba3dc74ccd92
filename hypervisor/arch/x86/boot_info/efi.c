/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The UEFI system table (UEFI 2.10, 4.3), once the boot services are gone: where the configuration
 * tables are, which dom0 needs to find ACPI and SMBIOS, and who made the firmware. Copied before the
 * memory that holds it may be given to somebody else.
 */
#include "asm/efi.h"

#include "hypervisor/string.h"

#define SYSTEM_TABLE_SIGNATURE 0x5453595320494249ull /* "IBI SYST" */
#define CONFIG_TABLES_MAX      1024u

struct efi_table_header {
    uint64_t signature;
    uint32_t revision, header_bytes, checksum, reserved;
};

struct efi_system_table {
    struct efi_table_header header;
    uint64_t vendor;
    uint32_t firmware_revision, pad;
    uint64_t console_in[2], console_out[2], standard_error[2];
    uint64_t runtime_services, boot_services;
    uint64_t config_table_count, config_table;
};

_Static_assert(sizeof(struct efi_system_table) == 120, "UEFI system table");

struct efi_info efi_info;

static void read_vendor(paddr_t from, boot_read_t read)
{
    unsigned int i;

    for (i = 0; i < EFI_VENDOR_MAX - 1; i++) {
        if (!read(from + 2 * i, &efi_info.vendor[i], 2)) {
            efi_info.vendor[i] = 0;
        }
        if (efi_info.vendor[i] == 0) {
            return;
        }
    }
}

void efi_init(const struct boot_info *info, boot_read_t read)
{
    struct efi_table_header runtime;
    struct efi_system_table table;

    memset(&efi_info, 0, sizeof(efi_info));
    if (!info->efi || !read(info->efi_system_table, &table, sizeof(table)) ||
        table.header.signature != SYSTEM_TABLE_SIGNATURE || table.config_table == 0 ||
        table.config_table_count > CONFIG_TABLES_MAX) {
        return;
    }
    efi_info.revision = table.header.revision;
    efi_info.firmware_revision = table.firmware_revision;
    efi_info.config_table = table.config_table;
    efi_info.config_table_count = (uint32_t)table.config_table_count;
    efi_info.runtime_revision = read(table.runtime_services, &runtime, sizeof(runtime))
                                    ? runtime.revision
                                    : table.header.revision;
    read_vendor(table.vendor, read);
    efi_info.present = true;
}
