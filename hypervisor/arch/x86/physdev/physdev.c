/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * PHYSDEV_OP (xen/physdev.h): interrupts and PCI devices for the hardware domain, and what every PV
 * guest's kernel asks for itself (I/O privilege, EOI). One row a sub-operation: the argument is
 * copied in once, worked on, and copied out when it has results.
 *
 * A refusal's trace record: argument 0, the value being the struct's first word.
 */
#include "arch/irq.h"
#include "asm/irq.h"
#include "hypervisor/domain.h"
#include "hypervisor/event.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/nospec.h"
#include "hypervisor/pci.h"
#include "hypervisor/security.h"
#include "hypervisor/string.h"
#include "hypervisor/trace.h"

#include "physdev.h"

static long op_eoi(struct domain *d, union physdev_args *args, uint64_t address)
{
    uint32_t port = pirq_auto_unmask(d) ? pirq_port(d, args->eoi.irq) : 0;

    if (port != 0) {
        int rc = event_unmask(d, EVTCHN(port));

        if (rc != 0) {
            return rc;
        }
    }
    return arch_pirq_eoi(d, args->eoi.irq);
}

static long op_irq_status_query(struct domain *d, union physdev_args *args, uint64_t address)
{
    struct physdev_irq_status_query *op = &args->irq_status_query;

    op->flags = 0;
    if (pirq_to_irq(d, op->irq) == IRQ_NONE) {
        return -XEN_EINVAL;
    }
    if (pirq_needs_eoi(d, op->irq)) {
        op->flags |= XENIRQSTAT_needs_eoi;
    }
    if (pirq_is_shared(d, op->irq)) {
        op->flags |= XENIRQSTAT_shared;
    }
    return 0;
}

static long op_eoi_map_v1(struct domain *d, union physdev_args *args, uint64_t address)
{
    return pirq_eoi_map_register(d, args->eoi_map.gmfn, true);
}

static long op_eoi_map_v2(struct domain *d, union physdev_args *args, uint64_t address)
{
    return pirq_eoi_map_register(d, args->eoi_map.gmfn, false);
}

static long op_set_iopl(struct domain *d, union physdev_args *args, uint64_t address)
{
    if (args->set_iopl.iopl > 3) {
        return -XEN_EINVAL;
    }
    current_vcpu()->arch.pv.iopl = args->set_iopl.iopl;
    return 0;
}

/* The bitmap stays in the guest's memory: it is looked at when an access is emulated. */
static long op_set_iobitmap(struct domain *d, union physdev_args *args, uint64_t address)
{
    struct pv_vcpu *pv = &current_vcpu()->arch.pv;

    if (args->set_iobitmap.nr_ports > 65536) {
        return -XEN_EINVAL;
    }
    pv->io_bitmap_guest = (uint8_t *)guest_handle(args->set_iobitmap.bitmap);
    pv->io_bitmap_ports = args->set_iobitmap.nr_ports;
    return 0;
}

static long op_apic_read(struct domain *d, union physdev_args *args, uint64_t address)
{
    args->apic.value = 0;
    return ioapic_register_read(args->apic.apic_physbase, args->apic.reg, &args->apic.value);
}

static long op_alloc_irq_vector(struct domain *d, union physdev_args *args, uint64_t address)
{
    if (!gsi_exists(args->irq.irq)) {
        return -XEN_EINVAL;
    }
    args->irq.vector = READ_ONCE(irq_desc_of(args->irq.irq)->vector);
    return 0;
}

static long op_setup_gsi(struct domain *d, union physdev_args *args, uint64_t address)
{
    struct physdev_setup_gsi *op = &args->setup_gsi;
    int rc;

    if (op->gsi < 0 || op->triggering > 1 || op->polarity > 1) {
        return -XEN_EINVAL;
    }
    rc = gsi_configure((unsigned int)op->gsi, op->triggering != 0, op->polarity != 0);
    if (rc == 0) {
        pirq_eoi_map_update(d, (unsigned int)op->gsi);
    }
    return rc;
}

static long op_get_free_pirq(struct domain *d, union physdev_args *args, uint64_t address)
{
    int pirq = pirq_reserve(d);

    if (pirq < 0) {
        return pirq;
    }
    args->get_free_pirq.pirq = (uint32_t)pirq;
    return 0;
}

/* ---- mapping --------------------------------------------------------------------------------- */

static int map_gsi(struct domain *d, const struct physdev_map_pirq *op)
{
    if (op->index < 0 || !gsi_exists((unsigned int)op->index)) {
        return -XEN_EINVAL;
    }
    return pirq_map(d, op->pirq, (unsigned int)op->index);
}

static int map_message(struct domain *d, const struct physdev_map_pirq *op)
{
    struct pci_address address = { .bus = op->bus & 0xff, .devfn = op->devfn & 0xff };
    bool multiple = op->type == MAP_PIRQ_TYPE_MULTI_MSI;
    bool msix = op->table_base != 0 && !multiple;
    unsigned int irq, count = multiple ? (unsigned int)op->entry_nr : 1;
    struct pci_device *device;
    int rc = -XEN_ENODEV;

    if (op->type != MAP_PIRQ_TYPE_MSI) {
        address.segment = (unsigned int)op->bus >> 16;
    } else if (op->bus & ~0xff) {
        return -XEN_EINVAL;
    }
    if ((op->devfn & ~0xff) || op->entry_nr < 0 || (!multiple && op->index >= 0)) {
        return -XEN_EINVAL;
    }
    pci_devices_lock();
    device = pci_device_find_or_add(address);
    if (device != NULL) {
        rc = msi_enable(device, msix, msix ? (unsigned int)op->entry_nr : 0, count, op->table_base,
                        &irq);
    }
    pci_devices_unlock();
    if (rc != 0) {
        return rc;
    }
    rc = pirq_map_range(d, op->pirq, irq, count);
    if (rc < 0) {
        pci_devices_lock();
        msi_disable(irq);
        pci_devices_unlock();
    }
    return rc;
}

/* The hardware domain maps for itself, or for a guest it gives a device to. */
static struct domain *map_target(struct domain *d, domid_t id, int *rc)
{
    struct domain *target = domain_get_or_self(DOMAIN_ID(id));

    *rc = target == NULL ? -XEN_ESRCH : security_check(d, target, SECURITY_PHYSDEV);
    if (*rc != 0) {
        domain_put(target);
        return NULL;
    }
    return target;
}

static long op_map_pirq(struct domain *d, union physdev_args *args, uint64_t address)
{
    struct physdev_map_pirq *op = &args->map_pirq;
    int rc;
    struct domain *target = map_target(d, op->domid, &rc);

    if (target == NULL) {
        return rc;
    }
    switch (op->type) {
    case MAP_PIRQ_TYPE_GSI:
        rc = map_gsi(target, op);
        break;
    case MAP_PIRQ_TYPE_MSI:
    case MAP_PIRQ_TYPE_MSI_SEG:
    case MAP_PIRQ_TYPE_MULTI_MSI:
        rc = map_message(target, op);
        break;
    default:
        rc = -XEN_EINVAL;
        break;
    }
    if (rc >= 0) {
        op->pirq = rc;
        if (op->type == MAP_PIRQ_TYPE_MULTI_MSI) {
            op->entry_nr = 1;
        }
        rc = 0;
    }
    domain_put(target);
    return rc;
}

static long op_unmap_pirq(struct domain *d, union physdev_args *args, uint64_t address)
{
    struct physdev_unmap_pirq *op = &args->unmap_pirq;
    int rc;
    struct domain *target = map_target(d, op->domid, &rc);

    if (target != NULL) {
        rc = op->pirq < 0 ? -XEN_EINVAL : pirq_unmap(target, (unsigned int)op->pirq);
        domain_put(target);
    }
    return rc;
}

/* ---- PCI devices ------------------------------------------------------------------------------ */

static long op_manage_pci_add(struct domain *d, union physdev_args *args, uint64_t address)
{
    struct pci_device_config config = {
        .address = { .bus = args->manage_pci.bus, .devfn = args->manage_pci.devfn },
        .proximity = ~0u,
    };

    return pci_device_add(&config);
}

static long op_manage_pci_remove(struct domain *d, union physdev_args *args, uint64_t address)
{
    return pci_device_remove(
        (struct pci_address){ .bus = args->manage_pci.bus, .devfn = args->manage_pci.devfn });
}

static long op_manage_pci_add_ext(struct domain *d, union physdev_args *args, uint64_t address)
{
    const struct physdev_manage_pci_ext *op = &args->manage_pci_ext;
    struct pci_device_config config = {
        .address = { .bus = op->bus, .devfn = op->devfn },
        .is_extended_function = op->is_extfn,
        .is_virtual_function = op->is_virtfn,
        .physical_function = { .bus = op->physfn.bus, .devfn = op->physfn.devfn },
        .proximity = ~0u,
    };

    return pci_device_add(&config);
}

static long op_pci_device_add(struct domain *d, union physdev_args *args, uint64_t address)
{
    const struct physdev_pci_device_add *op = &args->pci_device_add;
    struct pci_device_config config = {
        .address = { .segment = op->seg, .bus = op->bus, .devfn = op->devfn },
        .is_extended_function = op->flags & XEN_PCI_DEV_EXTFN,
        .is_virtual_function = op->flags & XEN_PCI_DEV_VIRTFN,
        .proximity = ~0u,
    };

    if (op->flags & ~(XEN_PCI_DEV_EXTFN | XEN_PCI_DEV_VIRTFN | XEN_PCI_DEV_PXM)) {
        return -XEN_EINVAL;
    }
    if (config.is_virtual_function) {
        config.physical_function = (struct pci_address){ .segment = op->seg,
                                                         .bus = op->physfn.bus,
                                                         .devfn = op->physfn.devfn };
    }
    if ((op->flags & XEN_PCI_DEV_PXM) &&
        guest_read(config.proximity, address + offsetof(struct physdev_pci_device_add, optarr)) !=
            0) {
        return -XEN_EFAULT;
    }
    return pci_device_add(&config);
}

static struct pci_address device_address(const union physdev_args *args)
{
    const struct physdev_pci_device *op = &args->pci_device;

    return (struct pci_address){ .segment = op->seg, .bus = op->bus, .devfn = op->devfn };
}

static long op_pci_device_remove(struct domain *d, union physdev_args *args, uint64_t address)
{
    return pci_device_remove(device_address(args));
}

static long restore(struct pci_address address)
{
    struct pci_device *device;
    long rc;

    pci_devices_lock();
    device = pci_device_find(address);
    rc = device != NULL ? msi_restore(device) : -XEN_ENODEV;
    pci_devices_unlock();
    return rc;
}

static long op_restore_msi(struct domain *d, union physdev_args *args, uint64_t address)
{
    return restore(
        (struct pci_address){ .bus = args->manage_pci.bus, .devfn = args->manage_pci.devfn });
}

static long op_restore_msi_ext(struct domain *d, union physdev_args *args, uint64_t address)
{
    return restore(device_address(args));
}

/* While prepared, the hardware domain promises not to move the BAR of the MSI-X table. */
static long msix_promise(struct pci_address address, bool prepared)
{
    struct pci_device *device;
    long rc = 0;

    pci_devices_lock();
    device = pci_device_find_or_add(address);
    if (device == NULL || device->msix_capability == 0) {
        rc = -XEN_ENODEV;
    } else if (!prepared && msi_in_use(device)) {
        rc = -XEN_EBUSY;
    } else {
        device->msix_prepared = prepared;
    }
    pci_devices_unlock();
    return rc;
}

static long op_prepare_msix(struct domain *d, union physdev_args *args, uint64_t address)
{
    return msix_promise(device_address(args), true);
}

static long op_release_msix(struct domain *d, union physdev_args *args, uint64_t address)
{
    return msix_promise(device_address(args), false);
}

static long op_pci_mmcfg_reserved(struct domain *d, union physdev_args *args, uint64_t address)
{
    const struct physdev_pci_mmcfg_reserved *op = &args->pci_mmcfg_reserved;

    if (op->flags & ~XEN_PCI_MMCFG_RESERVED) {
        return -XEN_EINVAL;
    }
    return pci_window_report(op->address, op->segment, op->start_bus, op->end_bus,
                             op->flags & XEN_PCI_MMCFG_RESERVED);
}

/* The hypervisor's console uses no USB debug port: there is nothing to stop before a reset. */
static long op_dbgp_op(struct domain *d, union physdev_args *args, uint64_t address)
{
    const struct physdev_dbgp_op *op = &args->dbgp_op;

    if ((op->op != PHYSDEVOP_DBGP_RESET_PREPARE && op->op != PHYSDEVOP_DBGP_RESET_DONE) ||
        op->bus > PHYSDEVOP_DBGP_BUS_PCI) {
        return -XEN_EINVAL;
    }
    return 0;
}

/* ---- the table -------------------------------------------------------------------------------- */

struct physdev_row {
    long (*run)(struct domain *d, union physdev_args *args, uint64_t address);
    uint8_t bytes;
    bool has_result;
    bool hardware; /* the hardware domain only; map and unmap ask about their target */
};

#define ROW(op, type, result, hardware_only) \
    [PHYSDEVOP_##op] = { op_##op, sizeof(struct physdev_##type), result, hardware_only }

static const struct physdev_row rows[] = {
    ROW(irq_status_query, irq_status_query, true, false),
    ROW(set_iopl, set_iopl, false, false),
    ROW(set_iobitmap, set_iobitmap, false, false),
    ROW(apic_read, apic, true, true),
    ROW(alloc_irq_vector, irq, true, true),
    ROW(eoi, eoi, false, false),
    ROW(map_pirq, map_pirq, true, false),
    ROW(unmap_pirq, unmap_pirq, false, false),
    ROW(manage_pci_add, manage_pci, false, true),
    ROW(manage_pci_remove, manage_pci, false, true),
    [PHYSDEVOP_pirq_eoi_gmfn_v1] = { op_eoi_map_v1, sizeof(struct physdev_pirq_eoi_gmfn), false,
                                     false },
    ROW(restore_msi, restore_msi, false, true),
    ROW(manage_pci_add_ext, manage_pci_ext, false, true),
    ROW(setup_gsi, setup_gsi, false, true),
    ROW(get_free_pirq, get_free_pirq, true, true),
    ROW(pci_mmcfg_reserved, pci_mmcfg_reserved, false, true),
    ROW(pci_device_add, pci_device_add, false, true),
    ROW(pci_device_remove, pci_device, false, true),
    ROW(restore_msi_ext, pci_device, false, true),
    [PHYSDEVOP_pirq_eoi_gmfn_v2] = { op_eoi_map_v2, sizeof(struct physdev_pirq_eoi_gmfn), false,
                                     false },
    ROW(dbgp_op, dbgp_op, false, true),
    ROW(prepare_msix, pci_device, false, true),
    ROW(release_msix, pci_device, false, true),
};

/* A result that cannot be handed out is undone where it would otherwise be lost. */
static void undo(struct domain *d, unsigned int op, const union physdev_args *args)
{
    struct physdev_unmap_pirq unmap = { .domid = DOMID_SELF };

    if (op == PHYSDEVOP_map_pirq) {
        unmap.domid = args->map_pirq.domid;
        unmap.pirq = args->map_pirq.pirq;
    } else if (op == PHYSDEVOP_get_free_pirq) {
        unmap.pirq = (int)args->get_free_pirq.pirq;
    } else {
        return;
    }
    (void)!op_unmap_pirq(d, &(union physdev_args){ .unmap_pirq = unmap }, 0);
}

long physdev_run(unsigned int op, uint64_t address)
{
    const struct physdev_row *row =
        op < ARRAY_SIZE(rows) ? &rows[index_nospec(op, ARRAY_SIZE(rows))] : NULL;
    struct domain *d = current_domain();
    union physdev_args args;
    long rc;

    if (row == NULL || row->run == NULL) {
        return -XEN_ENOSYS;
    }
    memset(&args, 0, sizeof(args));
    if (guest_copy_from(&args, address, row->bytes) != 0) {
        return -XEN_EFAULT;
    }
    rc = row->hardware ? security_check(d, d, SECURITY_PHYSDEV) : 0;
    if (rc == 0) {
        rc = row->run(d, &args, address);
    }
    if (rc < 0) {
        trace_refuse(__HYPERVISOR_physdev_op, op, 0, (int)rc, args.first_word, 0, 0);
        return rc;
    }
    if (row->has_result && guest_copy_to(address, &args, row->bytes) != 0) {
        undo(d, op, &args);
        return -XEN_EFAULT;
    }
    return rc;
}

long hypercall_physdev_op(struct hypercall *call)
{
    return physdev_run((unsigned int)call->arg[0], call->arg[1]);
}

/* struct physdev_op: the operation's number and its argument in one; only the oldest ones. */
long hypercall_physdev_op_compat(struct hypercall *call)
{
    uint64_t address = call->arg[0];
    uint32_t op;

    if (guest_read(op, address) != 0) {
        return -XEN_EFAULT;
    }
    switch (op) {
    case PHYSDEVOP_irq_status_query:
    case PHYSDEVOP_set_iopl:
    case PHYSDEVOP_set_iobitmap:
    case PHYSDEVOP_apic_read:
    case PHYSDEVOP_alloc_irq_vector:
        return physdev_run(op, address + offsetof(struct physdev_op, u));
    default:
        return -XEN_ENOSYS;
    }
}
