/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* What only a privileged domain may do, operation by operation. Means nothing for the first domain. */
#include "lib/check.h"
#include "lib/guest.h"
#include "lib/hypercall.h"
#include "lib/page.h"

#include "hypervisor/string.h"

#include <xen/domctl.h>
#include <xen/physdev.h>
#include <xen/platform.h>
#include <xen/sched.h>
#include <xen/sysctl.h>
#include <xen/version.h>

#define OPERATIONS 96 /* beyond the last of each family */

static uint8_t argument[1024] __aligned(8);

/* How many of the operations were refused by EPERM, with a good version and with a bad one. */
static unsigned int refused(unsigned int number, uint32_t version, domid_t domid)
{
    unsigned int count = 0;

    for (uint32_t command = 0; command < OPERATIONS; command++) {
        memset(argument, 0, sizeof(argument));
        memcpy(argument, &command, sizeof(command));
        memcpy(argument + 4, &version, sizeof(version));
        if (number == __HYPERVISOR_domctl) {
            memcpy(argument + 8, &domid, sizeof(domid));
        }
        count += hypercall2(number, address_of(argument), 0) == -XEN_EPERM;
    }
    return count;
}

static void check_control(void)
{
    static const domid_t domids[] = { 0, DOMID_SELF, DOMID_IO, DOMID_XEN };

    for (unsigned int i = 0; i < ARRAY_SIZE(domids); i++) {
        /* Xen looks at the operation and at the domain first, and has other errors for these. */
        unsigned int count = refused(__HYPERVISOR_domctl, XEN_DOMCTL_INTERFACE_VERSION, domids[i]);

        check_that(count == OPERATIONS || !guest_on_xenios, "domctl 0 to 95 on %#x, EPERM: %u",
                   domids[i], count);
    }
    check(refused(__HYPERVISOR_sysctl, XEN_SYSCTL_INTERFACE_VERSION, 0), OPERATIONS,
          "sysctl 0 to 95, EPERM");
    check(refused(__HYPERVISOR_platform_op, XENPF_INTERFACE_VERSION, 0), OPERATIONS,
          "platform_op 0 to 95, EPERM");
    check_refused(hypercall2(__HYPERVISOR_domctl, 0x10, 0),
                  "domctl from memory that is not mapped");
    check_refused(hypercall2(__HYPERVISOR_sysctl, 0x10, 0),
                  "sysctl from memory that is not mapped");
}

static void check_devices(void)
{
    static const struct {
        unsigned int op;
        const char *name;
    } operations[] = {
        { PHYSDEVOP_apic_read, "apic_read" },
        { PHYSDEVOP_apic_write, "apic_write" },
        { PHYSDEVOP_alloc_irq_vector, "alloc_irq_vector" },
        { PHYSDEVOP_map_pirq, "map_pirq" },
        { PHYSDEVOP_unmap_pirq, "unmap_pirq" },
        { PHYSDEVOP_manage_pci_add, "manage_pci_add" },
        { PHYSDEVOP_manage_pci_remove, "manage_pci_remove" },
        { PHYSDEVOP_restore_msi, "restore_msi" },
        { PHYSDEVOP_setup_gsi, "setup_gsi" },
        { PHYSDEVOP_pci_mmcfg_reserved, "pci_mmcfg_reserved" },
        { PHYSDEVOP_pci_device_add, "pci_device_add" },
        { PHYSDEVOP_pci_device_remove, "pci_device_remove" },
        { PHYSDEVOP_prepare_msix, "prepare_msix" },
        { PHYSDEVOP_dbgp_op, "dbgp_op" },
    };

    for (unsigned int i = 0; i < ARRAY_SIZE(operations); i++) {
        memset(argument, 0, sizeof(argument));
        memset(argument, 0xff, 2); /* DOMID_SELF is not it, nor is anybody */
        check_refused(hypercall_op(__HYPERVISOR_physdev_op, operations[i].op, argument),
                      "physdev_op %s", operations[i].name);
    }
    check(hypercall_op(__HYPERVISOR_physdev_op, 99, argument), -XEN_ENOSYS, "physdev_op 99");
}

static void check_others(void)
{
    static const struct {
        unsigned int number;
        const char *name;
    } absent[] = {
        { __HYPERVISOR_tmem_op, "tmem_op" },      { __HYPERVISOR_argo_op, "argo_op" },
        { __HYPERVISOR_arch_1, "arch_1" },        { __HYPERVISOR_arch_7, "arch_7" },
        { __HYPERVISOR_xenoprof_op, "xenoprof" },
    };
    char text[] = "a guest's word for the console\n";
    struct sched_remote_shutdown remote = { .domain_id = 0, .reason = SHUTDOWN_crash };
    struct sched_pin_override pin = { .pcpu = 0 };
    xen_commandline_t line;

    for (unsigned int i = 0; i < ARRAY_SIZE(absent); i++) {
        check_refused(hypercall2(absent[i].number, 0, address_of(argument)), "%s", absent[i].name);
    }
    check_refused(hypercall2(__HYPERVISOR_kexec_op, 0, address_of(argument)), "kexec_op");
    check_refused(hypercall2(__HYPERVISOR_xsm_op, address_of(argument), 0), "xsm_op");
    check_refused(hypercall4(__HYPERVISOR_dm_op, 0, 0, 0, 0), "dm_op on dom0");
    check_refused(hypercall4(__HYPERVISOR_hypfs_op, 0, 0, 0, 0), "hypfs_op");
    check(
        hypercall4(__HYPERVISOR_console_io, CONSOLEIO_write, sizeof(text) - 1, address_of(text), 0),
        -XEN_EPERM, "write to the hypervisor's console");
    check(hypercall4(__HYPERVISOR_console_io, CONSOLEIO_read, 16, address_of(argument), 0),
          -XEN_EPERM, "read from the hypervisor's console");
    check(hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, &remote), -XEN_EPERM,
          "shut dom0 down");
    remote.domain_id = 0x7000;
    check(hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_remote_shutdown, &remote), -XEN_ESRCH,
          "shut nobody down");
    check(hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_pin_override, &pin), -XEN_EPERM,
          "pin itself to a processor");
    check(hypercall_op(__HYPERVISOR_xen_version, XENVER_commandline, line), 0, "the command line");
    check_that(strcmp(line, "<denied>") == 0, "it is denied");
}

static void run(void)
{
    if (guest_is_first()) {
        return;
    }
    check_control();
    check_devices();
    check_others();
}
PROBE(privileges, run);
