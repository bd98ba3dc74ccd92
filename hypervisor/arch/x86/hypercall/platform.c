/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * PLATFORM_OP (xen/platform.h), for the control domain: the wall clock, processors, firmware, power.
 *
 * What is not there says so: -XEN_ENOSYS where the hypervisor has no such part (EFI run-time
 * services, frequency and C-state control, memory types, hot-plug of processors and memory),
 * -XEN_ESRCH where the firmware gave nothing to report.
 *
 * A refusal's trace record: argument 0, the value being the first word behind the header.
 */
#include "asm/boot_info.h"
#include "asm/cpu_features.h"
#include "asm/efi.h"
#include "asm/paging.h"
#include "asm/smp.h"
#include "hypervisor/acpi.h"
#include "hypervisor/domain.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/sched.h"
#include "hypervisor/string.h"
#include "hypervisor/symbol.h"
#include "hypervisor/timer.h"
#include "hypervisor/trace.h"

#include "arch/memory.h"

#include <xen/platform.h>

#define BIOS_KEYBOARD_FLAGS 0x417
#define MSR_TIME_STAMP      0x10
#define SYMBOL_NAME_MAX     128u
#define RESOURCE_ENTRIES    64u

static long op_settime32(struct xen_platform_op *op)
{
    const struct xenpf_settime32 *args = &op->u.settime32;

    if (args->nsecs >= NS_PER_SECOND) {
        return -XEN_EINVAL;
    }
    wallclock_set(args->secs, args->nsecs, (system_time_t)args->system_time);
    return 0;
}

static long op_settime64(struct xen_platform_op *op)
{
    const struct xenpf_settime64 *args = &op->u.settime64;

    if (args->mbz != 0 || args->nsecs >= NS_PER_SECOND) {
        return -XEN_EINVAL;
    }
    wallclock_set(args->secs, args->nsecs, (system_time_t)args->system_time);
    return 0;
}

/* ---- processors ------------------------------------------------------------------------------- */

static bool is_present(uint32_t cpu)
{
    return cpu < CONFIG_MAX_CPUS && cpu_mask_test(&cpu_present_mask, cpu);
}

static uint32_t max_present(void)
{
    uint32_t cpu, last = 0;

    cpu_for_each(cpu, &cpu_present_mask)
    {
        last = cpu;
    }
    return last;
}

static long op_get_cpuinfo(struct xen_platform_op *op)
{
    struct xenpf_pcpuinfo *args = &op->u.pcpu_info;
    const struct acpi_cpu *known;

    args->max_present = max_present();
    args->apic_id = 0;
    args->acpi_id = 0;
    if (!is_present(args->xen_cpuid)) {
        args->flags = XEN_PCPU_FLAGS_INVALID;
        return 0;
    }
    known = acpi_cpu_find(cpu_apic_id[args->xen_cpuid]);
    args->flags = cpu_is_online(args->xen_cpuid) ? XEN_PCPU_FLAGS_ONLINE : 0;
    args->apic_id = cpu_apic_id[args->xen_cpuid];
    args->acpi_id = known != NULL ? known->acpi_id : ~0u;
    return 0;
}

static long op_get_cpu_version(struct xen_platform_op *op)
{
    struct xenpf_pcpu_version *args = &op->u.pcpu_version;

    args->max_present = max_present();
    memset(args->vendor_id, 0, sizeof(args->vendor_id));
    args->family = args->model = args->stepping = 0;
    if (is_present(args->xen_cpuid) && cpu_is_online(args->xen_cpuid)) {
        memcpy(args->vendor_id, boot_cpu.vendor_id, sizeof(args->vendor_id));
        args->family = boot_cpu.family;
        args->model = boot_cpu.model;
        args->stepping = boot_cpu.stepping;
    }
    return 0;
}

static long op_cpu_online(struct xen_platform_op *op)
{
    if (!is_present(op->u.cpu_ol.cpuid)) {
        return -XEN_EINVAL;
    }
    return cpu_is_online(op->u.cpu_ol.cpuid) ? -XEN_EEXIST : -XEN_EOPNOTSUPP;
}

static long op_cpu_offline(struct xen_platform_op *op)
{
    return is_present(op->u.cpu_ol.cpuid) ? -XEN_EOPNOTSUPP : -XEN_EINVAL;
}

static long op_getidletime(struct xen_platform_op *op)
{
    struct xenpf_getidletime *args = &op->u.getidletime;
    uint64_t map = guest_handle(args->cpumap_bitmap), times = guest_handle(args->idletime);

    for (uint32_t first = 0; first < args->cpumap_nr_cpus && first < CONFIG_MAX_CPUS; first += 8) {
        uint8_t bits, there = 0;

        if (guest_read(bits, map + first / 8) != 0) {
            return -XEN_EFAULT;
        }
        for (uint32_t i = 0; i < 8 && first + i < args->cpumap_nr_cpus; i++) {
            bool online = cpu_is_online(first + i);
            uint64_t ns = online ? sched_idle_time_ns(first + i) : 0;

            if (!(bits >> i & 1)) {
                continue;
            }
            there |= online ? 1u << i : 0;
            if (guest_write(guest_array_at(times, uint64_t, first + i), ns) != 0) {
                return -XEN_EFAULT;
            }
        }
        if (guest_write(map + first / 8, there) != 0) {
            return -XEN_EFAULT;
        }
    }
    args->now = (uint64_t)time_now();
    return 0;
}

/* ---- firmware --------------------------------------------------------------------------------- */

/* The name is cut to the caller's room, its end included. */
static long efi_vendor(union xenpf_efi_info *args)
{
    uint64_t to = guest_handle(args->vendor.name);
    uint32_t room = args->vendor.bufsz / sizeof(uint16_t), i;
    uint16_t name[EFI_VENDOR_MAX] = { 0 };

    args->vendor.revision = efi_info.firmware_revision;
    for (i = 0; i + 1 < room && i < EFI_VENDOR_MAX - 1 && efi_info.vendor[i] != 0; i++) {
        name[i] = efi_info.vendor[i];
    }
    if (room == 0) {
        return 0;
    }
    return guest_copy_to(to, name, (i + 1) * sizeof(uint16_t)) != 0 ? -XEN_EFAULT : 0;
}

static long efi_firmware_info(struct xenpf_firmware_info *args)
{
    union xenpf_efi_info *info = &args->u.efi_info;

    if (!efi_info.present) {
        return -XEN_ESRCH;
    }
    switch (args->index) {
    case XEN_FW_EFI_VERSION:
        info->version = efi_info.revision;
        return 0;
    case XEN_FW_EFI_RT_VERSION:
        info->version = efi_info.runtime_revision;
        return 0;
    case XEN_FW_EFI_CONFIG_TABLE:
        info->cfg.addr = efi_info.config_table;
        info->cfg.nent = efi_info.config_table_count;
        return 0;
    case XEN_FW_EFI_VENDOR:
        return efi_vendor(info);
    default:
        return -XEN_ESRCH;
    }
}

static long op_firmware_info(struct xen_platform_op *op)
{
    struct xenpf_firmware_info *args = &op->u.firmware_info;

    switch (args->type) {
    case XEN_FW_KBD_SHIFT_FLAGS:
        if (args->index != 0 || boot_info.efi || !direct_map_covers(BIOS_KEYBOARD_FLAGS, 1)) {
            return -XEN_ESRCH;
        }
        args->u.kbd_shift_flags = *(const uint8_t *)paddr_to_virt(BIOS_KEYBOARD_FLAGS);
        return 0;
    case XEN_FW_DISK_INFO:
    case XEN_FW_DISK_MBR_SIGNATURE:
    case XEN_FW_VBEDDC_INFO:
        return -XEN_ESRCH;
    case XEN_FW_EFI_INFO:
        return efi_firmware_info(args);
    default:
        return -XEN_EINVAL;
    }
}

static long op_enter_acpi_sleep(struct xen_platform_op *op)
{
    return acpi_enter_sleep(&op->u.enter_acpi_sleep);
}

/* ---- registers and symbols --------------------------------------------------------------------- */

/* Of the registers, the time stamp only, which reads as system time; from any CPU, it is the same. */
static bool resource_read(struct xenpf_resource_entry *entry)
{
    if (entry->rsvd != 0 || entry->u.cmd > XEN_RESOURCE_OP_MSR_WRITE) {
        entry->u.ret = -XEN_EINVAL;
    } else if (entry->u.cmd != XEN_RESOURCE_OP_MSR_READ || entry->idx != MSR_TIME_STAMP) {
        entry->u.ret = -XEN_EACCES;
    } else {
        entry->val = (uint64_t)time_now();
        entry->u.ret = 0;
        return true;
    }
    return false;
}

static long op_resource_op(struct xen_platform_op *op)
{
    const struct xenpf_resource_op *args = &op->u.resource_op;
    uint64_t entries = guest_handle(args->entries);
    uint32_t done;

    if (args->nr_entries == 0 || args->nr_entries > RESOURCE_ENTRIES) {
        return -XEN_EINVAL;
    }
    if (!cpu_is_online(args->cpu)) {
        return -XEN_ENODEV;
    }
    for (done = 0; done < args->nr_entries; done++) {
        uint64_t at = guest_array_at(entries, struct xenpf_resource_entry, done);
        struct xenpf_resource_entry entry;
        bool ok;

        if (guest_read(entry, at) != 0) {
            return -XEN_EFAULT;
        }
        ok = resource_read(&entry);
        if (guest_write(at, entry) != 0) {
            return -XEN_EFAULT;
        }
        if (!ok) {
            break;
        }
    }
    return done;
}

static long op_get_symbol(struct xen_platform_op *op)
{
    struct xenpf_symdata *args = &op->u.symdata;
    uint32_t room = args->namelen;
    const char *name = symbol_get(args->symnum, &args->address);
    size_t length;

    args->namelen = 0;
    args->type = 0;
    if (name == NULL) {
        args->address = 0;
        return 0;
    }
    length = strnlen(name, SYMBOL_NAME_MAX);
    args->type = 't';
    args->namelen = (uint32_t)length;
    args->symnum++;
    length = min(length + 1, (size_t)room);
    return guest_copy_to(guest_handle(args->name), name, length) != 0 ? -XEN_EFAULT : 0;
}

/* ---- the table -------------------------------------------------------------------------------- */

static const struct {
    uint32_t cmd;
    long (*run)(struct xen_platform_op *op);
    bool has_result;
} rows[] = {
    { XENPF_settime32, op_settime32, false },
    { XENPF_settime64, op_settime64, false },
    { XENPF_get_cpuinfo, op_get_cpuinfo, true },
    { XENPF_get_cpu_version, op_get_cpu_version, true },
    { XENPF_cpu_online, op_cpu_online, false },
    { XENPF_cpu_offline, op_cpu_offline, false },
    { XENPF_getidletime, op_getidletime, true },
    { XENPF_firmware_info, op_firmware_info, true },
    { XENPF_enter_acpi_sleep, op_enter_acpi_sleep, false },
    { XENPF_resource_op, op_resource_op, false },
    { XENPF_get_symbol, op_get_symbol, true },
};

static long platform_run(struct xen_platform_op *op, bool *has_result)
{
    if (op->interface_version != XENPF_INTERFACE_VERSION) {
        return -XEN_EACCES;
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].cmd == op->cmd) {
            *has_result = rows[i].has_result;
            return rows[i].run(op);
        }
    }
    return -XEN_ENOSYS;
}

long hypercall_platform_op(struct hypercall *call)
{
    struct xen_platform_op op;
    bool has_result = false;
    long rc;

    if (guest_read(op, call->arg[0]) != 0) {
        return -XEN_EFAULT;
    }
    rc = platform_run(&op, &has_result);
    if (rc < 0) {
        trace_refuse(__HYPERVISOR_platform_op, op.cmd, 0, (int)rc, op.u.cpu_ol.cpuid, 0, 0);
        return rc;
    }
    return has_result && guest_write(call->arg[0], op) != 0 ? -XEN_EFAULT : rc;
}
