/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Ports and the two-level bitmaps in the shared page (xen/event_channel.h). */
#include "lib/event.h"
#include "lib/guest.h"
#include "lib/hypercall.h"
#include "lib/vcpu.h"

#include <xen/sched.h>

long event_op(unsigned int op, void *argument)
{
    return hypercall_op(__HYPERVISOR_event_channel_op, op, argument);
}

long event_send(uint32_t port)
{
    struct evtchn_send op = { port };

    return event_op(EVTCHNOP_send, &op);
}

long event_close(uint32_t port)
{
    struct evtchn_close op = { port };

    return event_op(EVTCHNOP_close, &op);
}

long event_alloc_unbound(unsigned int domid, unsigned int remote)
{
    struct evtchn_alloc_unbound op = { .dom = (domid_t)domid, .remote_dom = (domid_t)remote };
    long result = event_op(EVTCHNOP_alloc_unbound, &op);

    return result ? result : (long)op.port;
}

long event_bind_virq(unsigned int virq, unsigned int vcpu)
{
    struct evtchn_bind_virq op = { .virq = virq, .vcpu = vcpu };
    long result = event_op(EVTCHNOP_bind_virq, &op);

    return result ? result : (long)op.port;
}

long event_bind_ipi(unsigned int vcpu)
{
    struct evtchn_bind_ipi op = { .vcpu = vcpu };
    long result = event_op(EVTCHNOP_bind_ipi, &op);

    return result ? result : (long)op.port;
}

long event_bind_interdomain(unsigned int remote, uint32_t remote_port)
{
    struct evtchn_bind_interdomain op = { .remote_dom = (domid_t)remote,
                                          .remote_port = remote_port };
    long result = event_op(EVTCHNOP_bind_interdomain, &op);

    return result ? result : (long)op.local_port;
}

bool event_pending(uint32_t port)
{
    return READ_ONCE(guest_shared->evtchn_pending[port / 64]) >> (port % 64) & 1;
}

void event_clear(uint32_t port)
{
    __atomic_and_fetch(&guest_shared->evtchn_pending[port / 64], ~(1ul << port % 64),
                       __ATOMIC_SEQ_CST);
}

void event_clear_all(void)
{
    WRITE_ONCE(vcpu_info()->evtchn_upcall_pending, 0);
    __atomic_exchange_n(&vcpu_info()->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
    for (unsigned int i = 0; i < ARRAY_SIZE(guest_shared->evtchn_pending); i++) {
        __atomic_exchange_n(&guest_shared->evtchn_pending[i], 0, __ATOMIC_SEQ_CST);
    }
}

void event_mask(uint32_t port, bool masked)
{
    if (masked) {
        __atomic_or_fetch(&guest_shared->evtchn_mask[port / 64], 1ul << port % 64,
                          __ATOMIC_SEQ_CST);
    } else {
        __atomic_and_fetch(&guest_shared->evtchn_mask[port / 64], ~(1ul << port % 64),
                           __ATOMIC_SEQ_CST);
    }
}

static void poll(uint32_t *ports, unsigned int count, uint64_t timeout)
{
    struct sched_poll op = { .nr_ports = count, .timeout = timeout };

    set_xen_guest_handle(op.ports, ports);
    hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_poll, &op);
}

void event_poll(uint32_t port)
{
    poll(&port, 1, 0);
}

void event_wait(uint64_t ns)
{
    uint64_t end = event_time() + ns;

    while (event_time() < end) {
        poll(NULL, 0, end);
    }
}

void event_upcalls(bool on)
{
    WRITE_ONCE(vcpu_info()->evtchn_upcall_mask, !on);
    if (on && READ_ONCE(vcpu_info()->evtchn_upcall_pending)) {
        hypercall2(__HYPERVISOR_xen_version, 0, 0); /* upcalls come on the way out */
    }
}

uint64_t event_time(void)
{
    const volatile struct vcpu_time_info *time = &vcpu_info()->time;
    uint32_t version, low, high;
    uint64_t delta, now;

    do {
        version = time->version;
        barrier();
        __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
        delta = (low | (uint64_t)high << 32) - time->tsc_timestamp;
        delta = time->tsc_shift < 0 ? delta >> -time->tsc_shift : delta << time->tsc_shift;
        now = time->system_time +
              (uint64_t)((unsigned __int128)delta * time->tsc_to_system_mul >> 32);
        barrier();
    } while ((version & 1) || version != time->version);
    return now;
}
