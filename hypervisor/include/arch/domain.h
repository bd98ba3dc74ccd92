/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * THE ARCH CONTRACT: domains and vcpus. struct arch_domain and struct arch_vcpu are asm/domain.h's.
 */
#ifndef ARCH_DOMAIN_H
#define ARCH_DOMAIN_H

#include "hypervisor/domain.h"

/* Of each kind, idle and system included. After a failure arch_domain_free clears up. */
int arch_domain_create(struct domain *domain, const struct domain_config *config) __must_check;
/* Gives back what the domain's guests and tables hold of frames; preemptible (-XEN_ERESTART). */
int arch_domain_relinquish(struct domain *domain) __must_check;
void arch_domain_free(struct domain *domain); /* last reference gone */

/* Idle ones too. After a failure arch_vcpu_free clears up. */
int arch_vcpu_create(struct vcpu *vcpu) __must_check;
void arch_vcpu_free(struct vcpu *vcpu);

/*
 * VCPUOP_initialise: reads the public vcpu_guest_context at guest_address (of the current vcpu),
 * validates all of it, takes references, sets the (down) vcpu's context. Preemptible
 * (-XEN_ERESTART). Changes nothing on an error.
 */
int arch_vcpu_initialise(struct vcpu *vcpu, uint64_t guest_address) __must_check;
/* Undoes it: the vcpu holds no reference to guest frames any more. Preemptible. */
int arch_vcpu_reset(struct vcpu *vcpu) __must_check;

/*
 * The toolstack's forms: the context is the caller's copy, the vcpu of another domain, paused and off
 * its CPU. set: as arch_vcpu_initialise, but after an error other than -XEN_ERESTART the vcpu has no
 * context. get: of an initialised vcpu; all of *context is written.
 */
int arch_vcpu_set_context(struct vcpu *vcpu, const struct vcpu_guest_context *context) __must_check;
void arch_vcpu_get_context(struct vcpu *vcpu, struct vcpu_guest_context *context);

/* What of the toolstack's configuration is the architecture's: -XEN_EINVAL for what cannot be. */
struct xen_domctl_createdomain;
int arch_domain_config_check(const struct xen_domctl_createdomain *config) __must_check;
/* The architecture's fields of a description that is zero there. */
struct xen_domctl_getdomaininfo;
void arch_domain_describe(const struct domain *domain, struct xen_domctl_getdomaininfo *info);

/* Hypercalls of vcpu_op that only the architecture knows; -XEN_ENOSYS otherwise. */
long arch_vcpu_op(struct vcpu *vcpu, unsigned int op, uint64_t guest_address);

/* After the vcpu's pending flag went up: make it see an upcall (PV: nothing but a kick). */
void arch_vcpu_mark_pending(struct vcpu *vcpu);

/*
 * Can the guest's kernel addresses be used by the current vcpu's guest_copy_*? Not while a PV guest's
 * user is the context: its page tables need not have them. The architecture calls
 * vcpu_runstate_publish() again at the next entry of the kernel when vcpu->runstate_due is set.
 */
bool arch_vcpu_kernel_in_reach(const struct vcpu *vcpu);

/*
 * The guest's NMI handler would run at once: an NMI waits, and neither a handler that still runs nor
 * the lack of one holds it back. Who makes one wait unblocks the vcpu afterwards.
 */
bool arch_vcpu_nmi_pending(const struct vcpu *vcpu);

/* The vcpu takes upcalls: SCHEDOP_block unmasks them. */
void arch_vcpu_enable_upcalls(struct vcpu *vcpu);

#endif
