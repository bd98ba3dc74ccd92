/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* THE ARCH CONTRACT: physical interrupts bound to guests (pirqs), as core/event uses them. */
#ifndef ARCH_IRQ_H
#define ARCH_IRQ_H

#include "hypervisor/types.h"

struct domain;
struct vcpu;

/*
 * Binds a pirq of the domain (known by PHYSDEVOP_map_pirq or identity for dom0) so that it raises
 * event `port`. -XEN_EPERM when not the domain's, -XEN_EINVAL, -XEN_EBUSY when not shareable.
 */
int arch_pirq_bind(struct vcpu *vcpu, unsigned int pirq, uint32_t port,
                   bool shareable) __must_check;
void arch_pirq_unbind(struct domain *domain, unsigned int pirq);

/* Event of the pirq is now handled by this vcpu: steer the hardware to its processor. */
void arch_pirq_set_vcpu(struct domain *domain, unsigned int pirq, struct vcpu *vcpu);

/* The port bound to the pirq was unmasked or the guest said PHYSDEVOP_eoi. */
int arch_pirq_eoi(struct domain *domain, unsigned int pirq) __must_check;

int arch_pirqs_create(struct domain *domain) __must_check;
void arch_pirqs_destroy(struct domain *domain);

#endif
