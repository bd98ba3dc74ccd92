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
    const struct irq_controller *controller;
    bool level; /* level-triggered */
    bool active_low;
    bool configured; /* trigger and polarity were set by the firmware or PHYSDEVOP_setup_gsi */
    bool masked;
    bool shareable;
    bool in_progress; /* being delivered on some CPU */

    uint8_t vector;     /* 0: none */
    uint16_t cpu;       /* destination */
    uint8_t old_vector; /* of a move under way, 0 none */
    uint16_t old_cpu;
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

void irq_init(void);     /* descriptors, vectors, i8259 off, ioapic_init() */
void irq_init_cpu(void); /* on each further CPU, interrupts off, before it is online */
void ioapic_init(void);
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

/* A line of state for each interrupt in use. */
void irq_dump(char key);

/* ---- vectors: arch/x86/irq/vector.c ---------------------------------------------------------- */

int vector_alloc(struct irq_desc *desc, unsigned int cpu) __must_check; /* desc->lock held */
void vector_free(struct irq_desc *desc);                                /* desc->lock held */
/* Asks for delivery on another CPU; done at once or when it is safe. desc->lock held. */
void irq_move(struct irq_desc *desc, unsigned int cpu);
int vector_irq(unsigned int cpu, unsigned int vector);

/* ---- pirqs of a domain: arch/x86/irq/pirq.c -------------------------------------------------- */

/* Map: returns the pirq (wanted >= 0: that one) or an error. */
int pirq_map(struct domain *domain, int wanted, unsigned int irq) __must_check;
int pirq_unmap(struct domain *domain, unsigned int pirq) __must_check;
/* `count` free consecutive pirqs, reserved until mapped; first one or -XEN_ENOSPC. */
int pirq_reserve(struct domain *domain, unsigned int count) __must_check;
int pirq_to_irq(struct domain *domain, unsigned int pirq); /* IRQ_NONE when not mapped */
bool pirq_needs_eoi(struct domain *domain, unsigned int pirq);
bool pirq_shared(struct domain *domain, unsigned int pirq);
/* PHYSDEVOP_pirq_eoi_gmfn_v1/v2. auto_unmask: v1. */
int pirq_eoi_map_register(struct domain *domain, uint64_t gmfn, bool auto_unmask) __must_check;
bool pirqs_valid(struct domain *domain);

/* ---- message interrupts: arch/x86/irq/msi.c -------------------------------------------------- */

/* `count` message interrupts of a device (count > 1: MSI only); *first and the following irqs. */
int msi_enable(struct pci_device *device, bool msix, unsigned int entry, unsigned int count,
               paddr_t table_base, unsigned int *first) __must_check;
void msi_disable(unsigned int irq);
int msi_restore(struct pci_device *device) __must_check;

#endif
