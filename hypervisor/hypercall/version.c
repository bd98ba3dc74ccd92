/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * xen_version: who we are and what we can do (xen/version.h, xen/features.h).
 */
#include "abi/xen.h"
#include "arch/memory.h"
#include "hypervisor/domain.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/security.h"
#include "hypervisor/string.h"
#include "hypervisor/version.h"

#include <xen/features.h>
#include <xen/version.h>

char version_command_line[1024];

/* Bits of submap 0 for the caller's kind of domain. */
static uint32_t features(const struct domain *domain)
{
    uint32_t bits = 1u << XENFEAT_memory_op_vnode_supported | 1u << XENFEAT_hvm_safe_pvclock;

    if (domain->kind == DOMAIN_KIND_PV) {
        bits |= 1u << XENFEAT_mmu_pt_update_preserve_ad | 1u << XENFEAT_highmem_assist |
                1u << XENFEAT_gnttab_map_avail_bits | 1u << XENFEAT_not_direct_mapped;
        bits &= ~(1u << XENFEAT_hvm_safe_pvclock);
    } else {
        bits |= 1u << XENFEAT_auto_translated_physmap;
    }
    if (domain->is_hardware) {
        bits |= 1u << XENFEAT_dom0;
    }
    return bits;
}

static long get_features(uint64_t guest_address)
{
    struct xen_feature_info info;

    if (guest_read(info, guest_address)) {
        return -XEN_EFAULT;
    }
    info.submap = info.submap_idx == 0 ? features(current_domain()) : 0;
    return guest_write(guest_address, info) ? -XEN_EFAULT : 0;
}

static long copy_text(uint64_t guest_address, const char *text, size_t bytes)
{
    char out[1024];

    memset(out, 0, bytes);
    (void)string_copy(out, text, bytes);
    return guest_copy_to(guest_address, out, bytes) ? -XEN_EFAULT : 0;
}

static long compile_info(uint64_t guest_address)
{
    struct xen_compile_info info;

    memset(&info, 0, sizeof(info));
    (void)string_copy(info.compiler, __VERSION__, sizeof(info.compiler));
    (void)string_copy(info.compile_by, "xenios", sizeof(info.compile_by));
    (void)string_copy(info.compile_domain, "", sizeof(info.compile_domain));
    (void)string_copy(info.compile_date, "", sizeof(info.compile_date));
    return guest_write(guest_address, info) ? -XEN_EFAULT : 0;
}

/* Sub-operations that tell of the build: to the control domain; others get the empty answer. */
static long private_text(unsigned int op, uint64_t guest_address)
{
    bool allowed = !security_check(current_domain(), NULL, SECURITY_VERSION_PRIVATE);

    switch (op) {
    case XENVER_changeset:
        return copy_text(guest_address, allowed ? "unavailable" : "<denied>",
                         sizeof(xen_changeset_info_t));
    default:
        return copy_text(guest_address, allowed ? version_command_line : "<denied>",
                         sizeof(xen_commandline_t));
    }
}

static long platform_parameters(uint64_t guest_address)
{
    struct xen_platform_parameters parameters = { .virt_start = HYPERVISOR_VIRT_START };

    return guest_write(guest_address, parameters) ? -XEN_EFAULT : 0;
}

static long guest_handle_copy(uint64_t guest_address)
{
    return guest_copy_to(guest_address, current_domain()->handle, sizeof(xen_domain_handle_t))
               ? -XEN_EFAULT
               : 0;
}

/* arg[0]: XENVER_*, arg[1]: guest address of its structure. -XEN_ENOSYS for what is unknown. */
long hypercall_xen_version(struct hypercall *call)
{
    switch (call->arg[0]) {
    case XENVER_version:
        return XENIOS_ABI_MAJOR << 16 | XENIOS_ABI_MINOR;
    case XENVER_extraversion:
        return copy_text(call->arg[1], XENIOS_EXTRAVERSION, sizeof(xen_extraversion_t));
    case XENVER_compile_info:
        return compile_info(call->arg[1]);
    case XENVER_capabilities:
        return copy_text(call->arg[1], XENIOS_CAPABILITIES, sizeof(xen_capabilities_info_t));
    case XENVER_changeset:
    case XENVER_commandline:
        return private_text((unsigned int)call->arg[0], call->arg[1]);
    case XENVER_platform_parameters:
        return platform_parameters(call->arg[1]);
    case XENVER_get_features:
        return get_features(call->arg[1]);
    case XENVER_pagesize:
        return PAGE_SIZE;
    case XENVER_guest_handle:
        return guest_handle_copy(call->arg[1]);
    case XENVER_build_id:
        return -XEN_ENODATA;
    default:
        return -XEN_ENOSYS;
    }
}
