/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Domains that stop: because they ask to, because they crashed, because the watchdog bit. The vcpus
 * are paused, the toolstack is told by VIRQ_DOM_EXC and decides. The hardware domain takes the machine
 * with it.
 */
#include "domain_private.h"

#include "arch/cpu.h"
#include "hypervisor/event.h"
#include "hypervisor/option.h"
#include "hypervisor/printk.h"
#include "hypervisor/trace_event.h"

#include <xen/sched.h>

bool opt_noreboot;
OPTION_BOOL("noreboot", opt_noreboot, "stop where the machine would restart");

static void machine_restart(void) __noreturn;
static void machine_restart(void)
{
    if (opt_noreboot) {
        pr_error("Halted: restart by hand (noreboot).\n");
        arch_machine_halt();
    }
    arch_machine_restart();
}

static void hardware_domain_shutdown(uint8_t reason) __noreturn;
static void hardware_domain_shutdown(uint8_t reason)
{
    switch (reason) {
    case SHUTDOWN_poweroff:
        pr_info("Domain 0 is done: power off.\n");
        arch_machine_power_off();
    case SHUTDOWN_reboot:
        pr_info("Domain 0 is done: restart.\n");
        break;
    case SHUTDOWN_watchdog:
        pr_error("Domain 0 did not feed its watchdog: restart.\n");
        break;
    default:
        pr_error("Domain 0 crashed: restart.\n");
        break;
    }
    machine_restart();
}

/* True when it is the caller who shuts down; the code is what counts then. */
static bool shutdown_begin(struct domain *domain, uint8_t *reason)
{
    unsigned long flags = spin_lock_irqsave(&domain->pause_lock);
    bool first = !domain->is_shutting_down;

    if (first) {
        domain->is_shutting_down = true;
        if (!domain->shutdown_code_latched) {
            domain->shutdown_code = *reason;
        }
        *reason = domain->shutdown_code;
    }
    spin_unlock_irqrestore(&domain->pause_lock, flags);
    return first;
}

/* Suspending has a port of its own, where the toolstack subscribed (XEN_DOMCTL_subscribe). */
static void tell_toolstack(struct domain *domain, uint8_t reason)
{
    evtchn_t port = { READ_ONCE(domain->suspend_port) };

    if (reason != SHUTDOWN_suspend || port.value == 0 || event_send(domain, port) != 0) {
        event_virq_global(VIRQ_DOM_EXC);
    }
}

/* A code that this domain may shut down with. */
static bool reason_acceptable(const struct domain *domain, uint8_t reason)
{
    return reason <= SHUTDOWN_MAX &&
           !(domain->is_hardware && (reason == SHUTDOWN_suspend || reason == SHUTDOWN_soft_reset));
}

int domain_shutdown(struct domain *domain, uint8_t reason)
{
    if (!reason_acceptable(domain, reason)) {
        return -XEN_EINVAL;
    }
    if (!shutdown_begin(domain, &reason)) {
        return 0;
    }
    if (domain->is_hardware) {
        hardware_domain_shutdown(reason);
    }
    trace_event(TRC_SCHED_SHUTDOWN, domain->id.value, 0, reason);
    domain_pause_nosync(domain);
    atomic_write_release(&domain->is_shut_down, true);
    tell_toolstack(domain, reason);
    return 0;
}

int domain_shutdown_latch(struct domain *domain, uint8_t reason)
{
    unsigned long flags;

    if (!reason_acceptable(domain, reason)) {
        return -XEN_EINVAL;
    }
    flags = spin_lock_irqsave(&domain->pause_lock);
    if (!domain->is_shutting_down) {
        domain->shutdown_code = reason;
        domain->shutdown_code_latched = true;
    }
    spin_unlock_irqrestore(&domain->pause_lock, flags);
    return 0;
}

void domain_resume(struct domain *domain)
{
    unsigned long flags = spin_lock_irqsave(&domain->pause_lock);
    bool resumed = domain->is_shut_down;

    if (resumed) {
        domain->is_shut_down = domain->is_shutting_down = false;
        domain->shutdown_code_latched = false;
        domain->shutdown_code = 0;
    }
    spin_unlock_irqrestore(&domain->pause_lock, flags);
    if (resumed) {
        domain_unpause(domain);
    }
}

void domain_crash(struct domain *domain, const char *format, ...)
{
    va_list args;

    if (!atomic_exchange(&domain->crash_reported, true)) {
        pr_error("Domain %u crashed, stopped on CPU %u:\n", domain->id.value, arch_cpu_id());
        va_start(args, format);
        vprintk(LOG_ERROR, format, args);
        va_end(args);
        if (current_domain() == domain) {
            arch_dump_vcpu(current_vcpu());
        }
    }
    if (domain_is_idle(domain)) {
        panic("the idle domain crashed");
    }
    (void)domain_shutdown(domain, SHUTDOWN_crash);
}
