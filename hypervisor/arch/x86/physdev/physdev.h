/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The arguments of PHYSDEV_OP. */
#ifndef X86_PHYSDEV_PHYSDEV_H
#define X86_PHYSDEV_PHYSDEV_H

#include "abi/xen.h"

#include <xen/physdev.h>

union physdev_args {
    uint32_t first_word;
    struct physdev_eoi eoi;
    struct physdev_pirq_eoi_gmfn eoi_map;
    struct physdev_irq_status_query irq_status_query;
    struct physdev_set_iopl set_iopl;
    struct physdev_set_iobitmap set_iobitmap;
    struct physdev_apic apic;
    struct physdev_irq irq;
    struct physdev_map_pirq map_pirq;
    struct physdev_unmap_pirq unmap_pirq;
    struct physdev_manage_pci manage_pci;
    struct physdev_restore_msi restore_msi;
    struct physdev_manage_pci_ext manage_pci_ext;
    struct physdev_setup_gsi setup_gsi;
    struct physdev_get_free_pirq get_free_pirq;
    struct physdev_pci_mmcfg_reserved pci_mmcfg_reserved;
    struct physdev_pci_device_add pci_device_add;
    struct physdev_pci_device pci_device;
    struct physdev_dbgp_op dbgp_op;
};

/* PHYSDEV_OP by the current vcpu; address: of the argument in its memory. */
long physdev_run(unsigned int op, uint64_t address);

#endif
