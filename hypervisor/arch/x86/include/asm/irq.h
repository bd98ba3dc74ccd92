/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Interrupts of devices: descriptors, vectors, IO-APICs, message interrupts, and their binding to
 * guests. Theory, invariants and lock rules: arch/x86/irq/irq.c.
 *
 * irq numbers: 0 .. gsi_count-1 are the GSIs; gsi_count .. irq_count-1 message interrupts.
 */
#ifndef ASM_IRQ_H
#define ASM_IRQ_H

#include "hypervisor/cpu.h"
#include "hypervisor/lock.h"
#include "hypervisor/types.h"
#include "hypervisor/work.h"

struct cpu_user_regs;
struct domain;
struct irq_desc;
struct pci_device;
struct vcpu;

#define IRQ_GUESTS_MAX 8 /* that share one level-triggered line */
#define IRQ_NONE       (-1)

/* What an interrupt comes from; one for IO-APIC pins, one for MSI and MSI-X. All under desc->lock. */
struct irq_controller {
    const char *name;
    void (*mask)(struct irq_desc *desc);
    void (*unmask)(struct irq_desc *desc);
    /* Vector and destination of desc->vector, desc->cpu go to the hardware. */
    void (*route)(struct irq_desc *desc);
};

struct irq_guest {
    struct domain *domain;
    uint32_t port, pirq;
    bool eoi_pending; /* delivered, and the guest has not said EOI yet */
};

struct irq_desc {
    struct spinlock lock; /* LOCK_IRQ, irqsave */
    unsigned int irq;
    const struct irq_controller *controller; /* NULL: there is no such pin or message */
    bool level;                              /* level-triggered */
    bool active_low;
    bool configured; /* by PHYSDEVOP_setup_gsi */
    bool masked;
    bool shareable;
    uint16_t in_progress; /* CPUs that deliver it right now */

    /* Where it goes; vector 0: nowhere. And where it went before a move that is under way. */
    uint8_t vector, old_vector;
    uint16_t cpu, old_cpu;
    bool move_wanted;
    uint16_t move_cpu;
    struct task move_done;

    /* The hypervisor's own handler, or guests; never both. */
    void (*handler)(void *data);
    void *handler_data;
    const char *owner_name;
    unsigned int guest_count;
    unsigned int eoi_waiting; /* guests with eoi_pending */
    struct irq_guest guests[IRQ_GUESTS_MAX];

    struct msi_entry *msi; /* message interrupts */
    uint64_t count, unhandled;
};

extern unsigned int gsi_count, irq_count;

/* NULL when out of range. */
struct irq_desc *irq_desc_of(unsigned int irq);

/* ---- set-up: boot CPU, after acpi_init and heap, before interrupts are on --------------------- */

void irq_init(void);        /* descriptors, vectors, i8259 off, ioapic_init() */
void ioapic_init(void);     /* maps and masks them: gsi_count */
void ioapic_describe(void); /* pins in the descriptors */
void i8259_disable(void);

/* ---- dispatch -------------------------------------------------------------------------------- */

/* Entry code, interrupts off, every vector 0x20 .. 0xff that is no exception. Sends the EOI. */
void interrupt_dispatch(unsigned int vector, struct cpu_user_regs *regs);

/* System vectors (0xf0 up). The handler runs after the EOI, interrupts off. */
void interrupt_set_handler(unsigned int vector, void (*fn)(struct cpu_user_regs *regs));

/* ---- the hypervisor's own -------------------------------------------------------------------- */

/*
 * Takes a GSI for the hypervisor: fn(data) runs in interrupt context on its CPU; the line is
 * unmasked. -XEN_EINVAL, -XEN_EBUSY when a guest or a handler has it, -XEN_ENOSPC without a vector.
 */
int irq_request(unsigned int gsi, const char *name, void (*fn)(void *data),
                void *data) __must_check;
void irq_release(unsigned int gsi);

/* ---- IO-APIC pins ---------------------------------------------------------------------------- */

/*
 * PHYSDEVOP_setup_gsi. 0; -XEN_EEXIST when set up before; -XEN_EBUSY when in use with another
 * setting; -XEN_EINVAL for no such pin.
 */
int gsi_configure(unsigned int gsi, bool level, bool active_low) __must_check;
bool gsi_exists(unsigned int gsi);

/* PHYSDEVOP_apic_read: register of the IO-APIC at this address. -XEN_EINVAL when there is none. */
int ioapic_register_read(paddr_t base, uint32_t reg, uint32_t *value) __must_check;

/* All invariants, of every descriptor (slow): debug keys and tests. */
bool irqs_valid(void);

/* A line of state for each interrupt in use. */
void irq_dump(char key);

/* ---- vectors: arch/x86/irq/vector.c; desc->lock held ----------------------------------------- */

/* A vector on the CPU, or on another one when that has none left. 0 or -XEN_ENOSPC. */
int vector_alloc(struct irq_desc *desc, unsigned int cpu) __must_check;
void vector_free(struct irq_desc *desc); /* both; masked already */

/* Asks for delivery on another CPU: now, or as soon as it is safe. */
void irq_move(struct irq_desc *desc, unsigned int cpu);

/* ---- pirqs of a domain: arch/x86/irq/pirq.c -------------------------------------------------- */

/*
 * Maps irq as pirq `wanted`, or with wanted < 0 as a free one; returns the pirq. An irq mapped before
 * keeps its pirq. -XEN_EINVAL out of range, -XEN_EEXIST when either is taken, -XEN_ENOSPC.
 */
int pirq_map(struct domain *domain, int wanted, unsigned int irq) __must_check;
/* The same for `count` consecutive irqs. */
int pirq_map_range(struct domain *domain, int wanted, unsigned int irq,
                   unsigned int count) __must_check;
/* Unbinds it when bound, forgets it. -XEN_EINVAL when not mapped. */
int pirq_unmap(struct domain *domain, unsigned int pirq) __must_check;
/* A free pirq, reserved until it is mapped: PHYSDEVOP_get_free_pirq. */
int pirq_reserve(struct domain *domain) __must_check;
int pirq_to_irq(const struct domain *domain, unsigned int pirq); /* IRQ_NONE when not mapped */
/* Must the guest say PHYSDEVOP_eoi after each? Is it shared with another guest? */
bool pirq_needs_eoi(const struct domain *domain, unsigned int pirq);
bool pirq_is_shared(const struct domain *domain, unsigned int pirq);
/*
 * PHYSDEVOP_pirq_eoi_gmfn_v1 (auto_unmask) and _v2. -XEN_EBUSY for a second one, -XEN_EINVAL when the
 * frame is not the domain's writable memory.
 */
int pirq_eoi_map_register(struct domain *domain, uint64_t gmfn, bool auto_unmask) __must_check;
/* The hypervisor's references to the page of the map go: part of arch_domain_relinquish. */
void pirq_eoi_map_release(struct domain *domain);
bool pirq_auto_unmask(const struct domain *domain);
/* The event port the pirq is bound to, 0 when it is not. */
uint32_t pirq_port(const struct domain *domain, unsigned int pirq);
/* The irq's trigger mode changed, or it was bound: the shared map follows. */
void pirq_eoi_map_update(struct domain *domain, unsigned int pirq);
bool pirqs_valid(const struct domain *domain);

/* ---- message interrupts: arch/x86/irq/msi.c --------------------------------------------------- */

/*
 * Sets up `count` message interrupts of the device (count > 1: MSI only), masked where the device
 * can; *first and the following ones are their irq numbers. table_base: address of the BAR with the
 * MSI-X table as the hardware domain knows it. Under pci_devices_lock. -XEN_ENODEV without the
 * capability, -XEN_EINVAL bad entry or count, -XEN_EEXIST, -XEN_ENOSPC, -XEN_ENOMEM, -XEN_ENXIO.
 */
int msi_enable(struct pci_device *device, bool msix, unsigned int entry, unsigned int count,
               paddr_t table_base, unsigned int *first) __must_check;
/* Of an irq that is mapped by nobody any more; others are left alone. Under pci_devices_lock. */
void msi_disable(unsigned int irq);
/* Writes all messages again: the device lost them. Under pci_devices_lock. */
int msi_restore(struct pci_device *device) __must_check;
bool msi_in_use(const struct pci_device *device);
/*
 * The hardware domain writes a register of this device: false when the write must be dropped; *value is
 * corrected where part of it is the hypervisor's. Under pci_devices_lock.
 */
bool msi_filter_write(struct pci_device *device, unsigned int reg, unsigned int bytes,
                      uint32_t *value);

#endif
