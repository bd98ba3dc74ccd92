/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The life of domains.
 *
 *     domain_create           domain_unpause             domain_kill                 last reference
 *          |                        |                         |                            |
 *     paused, refs = 1  ------>  running  -- shutdown -->  DYING: steps below  --> DEAD --> freed
 *
 *     table[id] --> struct domain --> vcpus[] --> struct vcpu
 *                                 --> shared_info (a page the guest can map)
 *                                 --> tables of events, grants, memory, architecture
 *
 * References: one is the life itself, from domain_create to the end of domain_kill; a domain that
 * owns frames holds one for all of them (core/memory); domain_get gives more. A vcpu lives as long
 * as its domain.
 *
 * Teardown is a row of steps, each of which may ask to be called again, and leaves nothing to do when
 * it is. They undo what creation did, outer things first: who could reach in (events, then page
 * tables, then grants), then memory, then the shared page.
 *
 * Invariants:
 *   1. A domain in the table has refs > 0, or is being freed; its id is not given again before.
 *   2. dying only rises. Tables refuse to grow once it is not DOMAIN_ALIVE; it is raised under
 *      domain->lock, after all vcpus have stopped for good.
 *   3. vcpus[] entries are set once, with everything in them, and do not change until the domain is
 *      freed.
 *   4. pause_flags has VCPU_DOMAIN_PAUSED (VCPU_PAUSED) exactly while the domain's (vcpu's)
 *      pause_count > 0; both change under pause_lock.
 *   5. vcpu->info always points to memory the hypervisor may write: the shared page, a guest's frame
 *      it holds, or the dummy.
 *
 * Locks: domain->lock (LOCK_DOMAIN) for creation of vcpus, dying, registration of vcpu_info;
 * pause_lock (LOCK_PAUSE, any context) for counts and shutdown. Neither is held while a vcpu is put to
 * sleep or woken.
 */
#include "domain_private.h"

#include "arch/domain.h"
#include "hypervisor/event.h"
#include "hypervisor/frame.h"
#include "hypervisor/grant.h"
#include "hypervisor/heap.h"
#include "hypervisor/memory.h"
#include "hypervisor/sched.h"
#include "hypervisor/string.h"
#include "hypervisor/trace_event.h"

#define VCPUS_MAX 8192u

struct domain *domain_hardware;
struct domain *domain_idle, *domain_io, *domain_xen;

static bool has_guest(const struct domain *domain)
{
    return domain->kind != DOMAIN_KIND_IDLE && domain->kind != DOMAIN_KIND_SYSTEM;
}

/* ---- creation -------------------------------------------------------------------------------- */

static struct domain *domain_alloc(domain_id_t id, const struct domain_config *config)
{
    struct domain *domain = heap_new(struct domain);

    if (domain == NULL) {
        return NULL;
    }
    domain->id = id;
    domain->kind = config->kind;
    domain->refs = 1;
    domain->vcpus_max = config->vcpus_max;
    domain->is_privileged = config->privileged;
    domain->is_hardware = config->hardware;
    domain->create_flags = config->create_flags;
    domain->sched_weight = 256;
    memcpy(domain->handle, config->handle, sizeof(domain->handle));
    spin_lock_init(&domain->lock, LOCK_DOMAIN);
    spin_lock_init(&domain->pause_lock, LOCK_PAUSE);
    task_init(&domain->free_task, domain_free, domain);
    watchdogs_init(domain);
    domain_memory_init(domain);
    if (config->vcpus_max != 0) {
        domain->vcpus = heap_new_array(struct vcpu *, config->vcpus_max);
        if (domain->vcpus == NULL) {
            heap_free(domain);
            return NULL;
        }
    }
    return domain;
}

/* What only domains with a guest have. */
static int guest_tables_create(struct domain *domain, const struct domain_config *config)
{
    struct shared_info *shared = frame_alloc_mapped(0, ALLOC_ZERO);
    int error;

    if (shared == NULL) {
        return -XEN_ENOMEM;
    }
    frame_share_with(domain, shared, FRAME_SHARE_WRITABLE);
    domain->shared_info = shared;
    error = events_create(domain, config->event_ports_max);
    if (error == 0) {
        const struct grant_limits limits = { .frames = config->grant_frames_max,
                                             .maptrack_frames = config->maptrack_frames_max,
                                             .version = config->grant_version_max };

        error = grants_create(domain, &limits);
    }
    return error;
}

static int shared_info_release(struct domain *domain)
{
    struct shared_info *shared = domain->shared_info;

    if (shared != NULL) {
        WRITE_ONCE(domain->shared_info, NULL);
        wallclock_publish(domain); /* waits for one that is writing to it */
        frame_unshare(shared);
    }
    return 0;
}

/* Creation failed half-way; nobody else has seen the domain but by domain_of_owner. */
static void domain_abandon(struct domain *domain)
{
    atomic_write(&domain->dying, DOMAIN_DYING);
    while (has_guest(domain) &&
           (events_destroy(domain) != 0 || grants_release_mappings(domain) != 0)) {
        arch_cpu_relax(); /* empty tables: at most a matter of the seed */
    }
    (void)shared_info_release(domain);
    atomic_write(&domain->dying, DOMAIN_DEAD);
    domain_put(domain);
}

static int config_check(domain_id_t id, const struct domain_config *config)
{
    bool system_id = id.value >= DOMID_FIRST_RESERVED;
    bool system = config->kind == DOMAIN_KIND_IDLE || config->kind == DOMAIN_KIND_SYSTEM;

    if (id.value > DOMID_IDLE || system_id != system) {
        return -XEN_EINVAL;
    }
    if (!system && (config->vcpus_max == 0 || config->vcpus_max > VCPUS_MAX)) {
        return -XEN_EINVAL;
    }
    if (config->kind == DOMAIN_KIND_HVM) {
        return -XEN_EOPNOTSUPP;
    }
    return 0;
}

struct domain *domain_create(domain_id_t id, const struct domain_config *config, int *error)
{
    struct domain *domain;

    *error = config_check(id, config);
    if (*error != 0) {
        return NULL;
    }
    domain = domain_alloc(id, config);
    if (domain == NULL) {
        *error = -XEN_ENOMEM;
        return NULL;
    }
    *error = domain_table_insert(domain);
    if (*error != 0) {
        heap_free(domain->vcpus);
        heap_free(domain);
        return NULL;
    }
    *error = arch_domain_create(domain, config);
    if (*error == 0 && has_guest(domain)) {
        domain->pause_count = 1;
        *error = guest_tables_create(domain, config);
    }
    if (*error != 0) {
        domain_abandon(domain);
        return NULL;
    }
    if (config->hardware) {
        domain_hardware = domain;
    }
    wallclock_publish(domain);
    atomic_write_release(&domain->created, true);
    trace_event(TRC_DOM0_DOM_ADD, id.value);
    return domain;
}

static struct domain *system_domain(uint16_t id, enum domain_kind kind, unsigned int vcpus_max)
{
    const struct domain_config config = { .kind = kind, .vcpus_max = vcpus_max };
    struct domain *domain;
    int error;

    domain = domain_create(DOMAIN_ID(id), &config, &error);
    if (domain == NULL) {
        panic("domain %u cannot be created: error %d", id, error);
    }
    return domain;
}

void domains_init(void)
{
    domain_idle = system_domain(DOMID_IDLE, DOMAIN_KIND_IDLE, CONFIG_MAX_CPUS);
    domain_io = system_domain(DOMID_IO, DOMAIN_KIND_SYSTEM, 0);
    domain_xen = system_domain(DOMID_XEN, DOMAIN_KIND_SYSTEM, 0);
    domain_dump_init();
}

struct vcpu *domain_idle_vcpu(unsigned int cpu)
{
    struct vcpu *vcpu = domain_idle->vcpus[cpu];

    if (vcpu == NULL) {
        vcpu = vcpu_create(domain_idle, cpu);
    }
    if (vcpu == NULL) {
        panic("no memory for the idle vcpu of CPU %u", cpu);
    }
    return vcpu;
}

/* ---- death ----------------------------------------------------------------------------------- */

static int vcpus_detach(struct domain *domain)
{
    struct vcpu *vcpu;
    unsigned int id;

    domain_for_each_vcpu(domain, id, vcpu)
    {
        vcpu_stop_singleshot_timer(vcpu);
        vcpu_stop_periodic_timer(vcpu);
        timer_stop(&vcpu->poll_timer);
        vcpu_info_detach(vcpu);
    }
    return 0;
}

static int (*const teardown_steps[])(struct domain *domain) = {
    events_destroy,           vcpus_detach,        arch_domain_relinquish, grants_release_mappings,
    domain_memory_relinquish, shared_info_release,
};

int domain_kill(struct domain *domain)
{
    int result;

    if (!has_guest(domain) || domain->is_hardware || domain == current_domain()) {
        return -XEN_EINVAL;
    }
    if (domain->dying == DOMAIN_DEAD) {
        return 0;
    }
    if (domain->dying == DOMAIN_ALIVE) {
        domain_pause(domain);
        watchdogs_kill(domain);
        spin_lock(&domain->lock);
        atomic_write_release(&domain->dying, DOMAIN_DYING);
        spin_unlock(&domain->lock);
    }
    while (domain->teardown_step < ARRAY_SIZE(teardown_steps)) {
        result = teardown_steps[domain->teardown_step](domain);
        if (result != 0) {
            return result;
        }
        domain->teardown_step++;
    }
    atomic_write_release(&domain->dying, DOMAIN_DEAD);
    event_virq_global(VIRQ_DOM_EXC);
    domain_put(domain);
    return 0;
}

void domain_free(void *data)
{
    struct domain *domain = data;
    struct vcpu *vcpu;
    unsigned int id;

    domain_table_remove(domain);
    trace_event(TRC_DOM0_DOM_REM, domain->id.value);
    sched_domain_destroy(domain);
    domain_for_each_vcpu(domain, id, vcpu)
    {
        vcpu_free(vcpu);
    }
    watchdogs_kill(domain);
    events_free(domain);
    grants_free(domain);
    domain_memory_free(domain);
    arch_domain_free(domain);
    ASSERT(quota_settled(domain));
    heap_free(domain->vcpus);
    heap_free(domain);
}

/* ---- invariants ------------------------------------------------------------------------------ */

static bool vcpu_valid(const struct vcpu *vcpu, unsigned int id)
{
    uint32_t flags = vcpu->pause_flags;

    return vcpu->id == id && vcpu->info != NULL &&
           !(flags & VCPU_PAUSED) == (vcpu->pause_count == 0) &&
           !(flags & VCPU_DOMAIN_PAUSED) == (vcpu->domain->pause_count == 0) &&
           (!(flags & VCPU_POLLING) || (flags & VCPU_BLOCKED));
}

bool domain_valid(const struct domain *domain)
{
    const struct vcpu *vcpu;
    unsigned int id;

    domain_for_each_vcpu(domain, id, vcpu)
    {
        if (vcpu->domain != domain || !vcpu_valid(vcpu, id)) {
            return false;
        }
    }
    return domain->refs != 0 && domain->pause_count >= 0 &&
           domain_of_owner(domain->id.value) == domain &&
           (!domain->is_shut_down || domain->is_shutting_down) &&
           (domain->shared_info != NULL ||
            !(has_guest(domain) && domain->created && domain->dying == DOMAIN_ALIVE));
}
