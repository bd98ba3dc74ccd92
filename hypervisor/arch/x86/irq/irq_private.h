/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Between the files of arch/x86/irq and arch/x86/apic/ioapic.c. */
#ifndef X86_IRQ_PRIVATE_H
#define X86_IRQ_PRIVATE_H

#include "asm/irq.h"

/* irq.c; desc->lock held. The masked state is kept, so that the hardware is only touched on change. */
void irq_mask(struct irq_desc *desc);
void irq_unmask(struct irq_desc *desc);
/* Gives it a vector when it has none and unmasks it. */
int irq_start(struct irq_desc *desc, unsigned int cpu) __must_check;
/* Masks it; a pin also loses its vector (a message keeps it until msi_disable). */
void irq_stop(struct irq_desc *desc);

/* vector.c */
void vectors_init(void);
bool vectors_valid(void);
int vector_irq(unsigned int cpu, unsigned int vector); /* IRQ_NONE */
void irq_move_done(void *desc);                        /* the task */
/* An interrupt came in: ends or does a move. desc->lock held, level-triggered ones masked. */
void irq_move_progress(struct irq_desc *desc, unsigned int vector);
/* The pin is masked and acknowledged: a wanted move can be done. desc->lock held. */
void irq_move_wanted(struct irq_desc *desc);

/* guest.c */
struct irq_guest *irq_guest_find(struct irq_desc *desc, const struct domain *domain);
/* Takes the domain off the irq; waits for deliveries under way. */
void irq_unbind(struct irq_desc *desc, struct domain *domain);
/* The guest is done with the interrupt (or it was not delivered). desc->lock held. */
void irq_guest_eoi(struct irq_desc *desc, struct irq_guest *guest);

#endif
