/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The two-level ABI (struct shared_info of xen/xen.h): a pending and a mask bit a port in
 * shared_info, and in the vcpu's info a selector with one bit for each word of pending bits.
 *
 *   evtchn_upcall_pending <- evtchn_pending_sel bit w <- evtchn_pending[w] bit b, port = 64 w + b
 *
 * The guest goes the same way down, clearing what it takes, so each step here is an atomic
 * test-and-set, upwards, and stops at a bit that was set: whoever set it is (or was) on the way up.
 * All of it is the guest's memory; nothing is decided here that its lies could hurt.
 */
#include "event_private.h"

static unsigned long *pending_map(struct domain *domain)
{
    return domain->shared_info->evtchn_pending;
}

static unsigned long *mask_map(struct domain *domain)
{
    return domain->shared_info->evtchn_mask;
}

static void select_word(struct domain *domain, const struct event_port *port, uint32_t number)
{
    struct vcpu *vcpu = domain_vcpu(domain, atomic_read(&port->notify_vcpu));

    if (vcpu != NULL &&
        !bit_test_and_set(&vcpu->info->evtchn_pending_sel, number / BITS_PER_LONG)) {
        event_vcpu_notify(vcpu);
    }
}

static void two_level_set_pending(struct domain *domain, struct event_port *port, uint32_t number)
{
    if (bit_test_and_set(pending_map(domain), number)) {
        return;
    }
    if (!bit_test(mask_map(domain), number)) {
        select_word(domain, port, number);
    }
    event_wake_pollers(domain, number);
}

static void two_level_clear_pending(struct domain *domain, struct event_port *port, uint32_t number)
{
    (void)bit_test_and_clear(pending_map(domain), number);
}

static bool two_level_is_pending(struct domain *domain, const struct event_port *port,
                                 uint32_t number)
{
    return bit_test(pending_map(domain), number);
}

static bool two_level_is_masked(struct domain *domain, const struct event_port *port,
                                uint32_t number)
{
    return bit_test(mask_map(domain), number);
}

static void two_level_unmask(struct domain *domain, struct event_port *port, uint32_t number)
{
    if (bit_test_and_clear(mask_map(domain), number) && bit_test(pending_map(domain), number)) {
        select_word(domain, port, number);
    }
}

const struct event_abi event_abi_two_level = {
    .name = "2-level",
    .ports_max = EVTCHN_2L_NR_CHANNELS,
    .set_pending = two_level_set_pending,
    .clear_pending = two_level_clear_pending,
    .is_pending = two_level_is_pending,
    .is_masked = two_level_is_masked,
    .unmask = two_level_unmask,
};
