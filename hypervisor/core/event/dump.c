/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Debug key 'e': the ports in use of every domain. Theory: event.c. */
#include "event_private.h"

#include "hypervisor/debug_key.h"
#include "hypervisor/printk.h"

#define DUMP_PORTS_MAX 200 /* a domain */

static const char *const state_names[] = {
    [EVENT_FREE] = "free",         [EVENT_UNBOUND] = "unbound", [EVENT_INTERDOMAIN] = "interdomain",
    [EVENT_PIRQ] = "pirq",         [EVENT_VIRQ] = "virq",       [EVENT_IPI] = "ipi",
    [EVENT_RESERVED] = "reserved",
};

/* What the port is bound to, as two numbers: -1 is none. */
struct binding {
    int first, second;
};

static struct binding binding_of(const struct event_port *port)
{
    switch (port->state) {
    case EVENT_UNBOUND:
        return (struct binding){ port->remote_id, -1 };
    case EVENT_INTERDOMAIN:
        return (struct binding){ port->peer->id.value, (int)port->peer_port };
    case EVENT_PIRQ:
        return (struct binding){ (int)port->pirq, -1 };
    case EVENT_VIRQ:
        return (struct binding){ (int)port->virq, -1 };
    default:
        return (struct binding){ -1, -1 };
    }
}

/* Under the table's lock. */
static void dump_port(struct domain *domain, const struct event_port *port, uint32_t number)
{
    const struct event_abi *abi = domain->events->abi;
    struct binding binding = binding_of(port);

    pr_info("  %4u %c%c vcpu %u priority %u %s %d %d\n", number,
            abi->is_pending(domain, port, number) ? 'P' : '-',
            abi->is_masked(domain, port, number) ? 'M' : '-', port->notify_vcpu, port->priority,
            state_names[port->state], binding.first, binding.second);
}

static void dump_vcpus(struct domain *domain)
{
    struct vcpu *vcpu;
    unsigned int id;

    domain_for_each_vcpu(domain, id, vcpu)
    {
        const struct event_vcpu *events = vcpu->events;
        const struct vcpu_info *info = vcpu->info;

        pr_info("  vcpu %u: pending %u mask %u selector %#lx ready %#x flags %#x\n", id,
                info->evtchn_upcall_pending, info->evtchn_upcall_mask,
                (unsigned long)info->evtchn_pending_sel,
                events != NULL && events->control != NULL ? events->control->ready : 0,
                vcpu->pause_flags);
    }
}

static bool dump_domain(struct domain *domain, void *data)
{
    struct event_table *table = domain->events;
    unsigned int shown = 0;

    if (table == NULL) {
        return true;
    }
    spin_lock(&table->lock);
    pr_info("d%u: %u ports in use of %u, %s\n", domain->id.value, table->ports_used,
            table->ports_max, table->abi->name);
    for (uint32_t number = 1; number < table->ports_valid && shown < DUMP_PORTS_MAX; number++) {
        const struct event_port *port = event_port_of(table, number);

        if (port->state != EVENT_FREE && port->state != EVENT_RESERVED) {
            dump_port(domain, port, number);
            shown++;
        }
    }
    dump_vcpus(domain);
    spin_unlock(&table->lock);
    return true;
}

static void dump_all(char key)
{
    domain_for_each(dump_domain, NULL);
}

void events_init(void)
{
    debug_key_register('e', dump_all, "event channels");
}
