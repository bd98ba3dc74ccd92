/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Sequences of PHYSDEV_OP by the hardware domain and by another, with event channels bound to what they
 * map, interrupts that come in, and a PCI device whose configuration space changes under them.
 */
#include "support/fake_domain.h"
#include "support/fake_interrupts.h"
#include "support/fuzz_input.h"

#include "../hypervisor/arch/x86/physdev/physdev.h"

#define DOMAINS 2u
#define STEPS   200u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct domain *domains[DOMAINS];

int ioapic_register_read(paddr_t base, uint32_t reg, uint32_t *value)
{
    *value = reg;
    return base == 0xfec00000 ? 0 : -XEN_EINVAL;
}

int pci_window_report(paddr_t base, uint16_t segment, uint8_t bus_first, uint8_t bus_last,
                      bool usable)
{
    return base == 0 ? 0 : -XEN_ENODEV;
}

static void fuzz_map(struct fuzz_input *input, struct physdev_map_pirq *op)
{
    op->domid = (domid_t)(fuzz_u8(input) % 2 ? DOMID_SELF : fuzz_mostly_below(input, DOMAINS + 1));
    op->type = (int)fuzz_mostly_below(input, 5);
    op->index = (int)fuzz_mostly_below(input, PINS + 1) - 1;
    op->pirq = (int)fuzz_mostly_below(input, 40) - 1;
    op->bus = (int)(fuzz_u8(input) % 4 ? fake_device.bus : fuzz_u32(input) & 0xff0001);
    op->devfn = (int)(fuzz_u8(input) % 4 ? fake_device.devfn : fuzz_u32(input));
    op->entry_nr = (int)fuzz_mostly_below(input, FAKE_ENTRIES + 1);
    op->table_base = fuzz_u8(input) % 2 ? FAKE_BAR : 0;
}

static void fuzz_argument(struct fuzz_input *input, struct domain *d, unsigned int op,
                          union physdev_args *args)
{
    switch (op) {
    case PHYSDEVOP_map_pirq:
        fuzz_map(input, &args->map_pirq);
        break;
    case PHYSDEVOP_unmap_pirq:
        args->unmap_pirq.domid = (domid_t)(fuzz_u8(input) % 2 ? DOMID_SELF : 1);
        args->unmap_pirq.pirq = (int)fuzz_mostly_below(input, 40);
        break;
    case PHYSDEVOP_pirq_eoi_gmfn_v1:
    case PHYSDEVOP_pirq_eoi_gmfn_v2:
        args->eoi_map.gmfn = fuzz_u8(input) % 2 ? fake_gfn(fake_ram(d)) : fuzz_u32(input);
        break;
    case PHYSDEVOP_setup_gsi:
        args->setup_gsi.gsi = (int)fuzz_mostly_below(input, PINS + 1);
        args->setup_gsi.triggering = fuzz_u8(input) % 3;
        args->setup_gsi.polarity = fuzz_u8(input) % 3;
        break;
    case PHYSDEVOP_eoi:
    case PHYSDEVOP_irq_status_query:
        args->eoi.irq = fuzz_mostly_below(input, 40);
        break;
    case PHYSDEVOP_set_iobitmap:
        args->set_iobitmap.nr_ports = fuzz_u32(input);
        break;
    case PHYSDEVOP_manage_pci_add:
    case PHYSDEVOP_manage_pci_add_ext:
    case PHYSDEVOP_manage_pci_remove:
    case PHYSDEVOP_restore_msi: /* bus, devfn */
        args->first_word = fuzz_u8(input) % 2 ? fake_device.bus | fake_device.devfn << 8
                                              : fuzz_u32(input) & 0xff01;
        break;
    default: /* mostly segment 0, bus, devfn, flags */
        args->first_word = (uint32_t)fake_device.bus << 16 | (uint32_t)fake_device.devfn << 24;
        if (fuzz_u8(input) % 2) {
            args->first_word = fuzz_u32(input) & 0xff010000;
        }
        args->pci_device_add.flags = fuzz_mostly_below(input, 16);
        break;
    }
}

static void step_hypercall(struct fuzz_input *input, struct domain *d)
{
    unsigned int op = fuzz_mostly_below(input, 34);
    union physdev_args args;

    memset(&args, 0, sizeof(args));
    fuzz_argument(input, d, op, &args);
    host_set_current(0, d->vcpus[0]);
    (void)physdev_run(op, host_guest_map(&args, sizeof(args)));
    host_guest_unmap_all();
}

static void step_event(struct fuzz_input *input, struct domain *d)
{
    struct evtchn_bind_pirq bind = { .pirq = fuzz_mostly_below(input, 40),
                                     .flags = fuzz_u8(input) % 2 };
    evtchn_t port = EVTCHN(fuzz_mostly_below(input, 40));

    switch (fuzz_u8(input) % 4) {
    case 0:
        (void)!event_close(d, port);
        break;
    case 1:
        (void)!event_bind_vcpu(d, port, fuzz_u8(input) % 2);
        break;
    default:
        (void)!event_bind_pirq(d, &bind);
        break;
    }
}

static void step_interrupt(struct fuzz_input *input)
{
    if (fuzz_u8(input) % 2) {
        (void)fake_line(fuzz_u8(input) % PINS);
    } else {
        fake_interrupt(fuzz_u8(input) % 2, 0x20 + fuzz_u8(input) % 0xe0);
    }
}

static void setup(void)
{
    host_setup(4096, 2);
    if (irq_count == 0) {
        acpi_info_reset(&acpi_info);
        irq_init();
    }
    for (unsigned int gsi = 0; gsi < PINS; gsi++) {
        irq_desc_of(gsi)->configured = false;
        irq_desc_of(gsi)->level = gsi >= 16;
    }
    fake_device_setup(0x0180);
    for (unsigned int i = 0; i < DOMAINS; i++) {
        domains[i] = fake_domain_create(i, 2, 64, 0, 0);
        domains[i]->vcpus[1]->processor = 1;
        BUG_ON(arch_pirqs_create(domains[i]) != 0);
    }
}

static void teardown(void)
{
    for (unsigned int i = 0; i < DOMAINS; i++) {
        BUG_ON(!pirqs_valid(domains[i]));
        arch_pirqs_destroy(domains[i]);
    }
    BUG_ON(!irqs_valid() || fake_mappings != 0);
    for (unsigned int i = 0; i < DOMAINS; i++) {
        BUG_ON(!events_valid(domains[i]));
        fake_domain_kill(domains[i]);
    }
    for (unsigned int bus = 0; bus < 2; bus++) {
        for (unsigned int devfn = 0; devfn < 256; devfn++) {
            (void)!pci_device_remove((struct pci_address){ .bus = bus, .devfn = devfn });
        }
    }
    BUG_ON(!pci_devices_valid());
    host_teardown_leaky();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_input input = { .bytes = data, .left = size };

    setup();
    for (unsigned int step = 0; step < STEPS && input.left > 0; step++) {
        struct domain *d = domains[fuzz_u8(&input) % 4 == 0];

        switch (fuzz_u8(&input) % 8) {
        case 0:
            fake_space[fuzz_u8(&input)] = fuzz_u8(&input);
            break;
        case 1:
            step_interrupt(&input);
            break;
        case 2:
        case 3:
            step_event(&input, d);
            break;
        case 4:
            host_run_softwork_all();
            break;
        default:
            step_hypercall(&input, d);
            break;
        }
        BUG_ON(step % 32 == 0 && !irqs_valid());
    }
    host_run_softwork_all();
    teardown();
    return 0;
}
