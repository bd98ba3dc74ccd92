/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Domains built by hand, for tests of the tables that a domain owns: what core/domain and core/sched
 * would do is recorded instead. Included by one file of a test program, which must not link
 * core/domain or core/sched.
 */
#ifndef SUPPORT_FAKE_DOMAIN_H
#define SUPPORT_FAKE_DOMAIN_H

#include "asm/host.h"
#include "arch/memory.h"
#include "hypervisor/atomic.h"
#include "hypervisor/bug.h"
#include "hypervisor/domain.h"
#include "hypervisor/error.h"
#include "hypervisor/event.h"
#include "hypervisor/frame.h"
#include "hypervisor/grant.h"
#include "hypervisor/heap.h"
#include "hypervisor/sched.h"

#include <string.h>

#define FAKE_DOMAINS 8
#define FAKE_VCPUS   4

static struct domain *fake_domains[FAKE_DOMAINS];
static unsigned int fake_unblocks, fake_kicks;

struct domain *domain_hardware, *domain_idle, *domain_io, *domain_xen;

struct domain *domain_of_owner(uint16_t id)
{
    return id < FAKE_DOMAINS ? fake_domains[id] : NULL;
}

struct domain *domain_get(domain_id_t id)
{
    struct domain *domain = domain_of_owner(id.value);

    if (domain == NULL || domain->dying == DOMAIN_DEAD) {
        return NULL;
    }
    domain_get_again(domain);
    return domain;
}

struct domain *domain_get_or_self(domain_id_t id)
{
    return domain_get(id.value == DOMID_SELF ? current_domain()->id : id);
}

void domain_get_again(struct domain *domain)
{
    BUG_ON(atomic_add(&domain->refs, 1) <= 1);
}

static void fake_domain_free(struct domain *domain)
{
    events_free(domain);
    grants_free(domain);
    for (unsigned int i = 0; i < domain->vcpus_max; i++) {
        if (domain->vcpus[i] != NULL) {
            events_vcpu_destroy(domain->vcpus[i]);
            heap_free(domain->vcpus[i]);
        }
    }
    heap_free(domain->vcpus);
    heap_free(domain->shared_info);
    if (fake_domains[domain->id.value] == domain) {
        fake_domains[domain->id.value] = NULL;
    }
    heap_free(domain);
}

void domain_put(struct domain *domain)
{
    if (domain != NULL && atomic_sub(&domain->refs, 1) == 0) {
        fake_domain_free(domain);
    }
}

void vcpu_unblock(struct vcpu *vcpu)
{
    fake_unblocks++;
    (void)atomic_and(&vcpu->pause_flags, ~(VCPU_BLOCKED | VCPU_POLLING));
}

void vcpu_kick(struct vcpu *vcpu)
{
    fake_kicks++;
}

void domain_crash(struct domain *domain, const char *format, ...)
{
    panic("domain %u crashed: %s", domain->id.value, format);
}

void domain_for_each(bool (*fn)(struct domain *domain, void *data), void *data)
{
    for (unsigned int i = 0; i < FAKE_DOMAINS; i++) {
        if (fake_domains[i] != NULL && !fn(fake_domains[i], data)) {
            return;
        }
    }
}

/* A domain with `vcpus` vcpus, event ports and grants; limits of 0 are the defaults. */
static struct domain *fake_domain_create(uint16_t id, unsigned int vcpus, unsigned int ports_max,
                                         unsigned int grant_frames, unsigned int maptrack_frames)
{
    struct domain *domain = heap_new(struct domain);
    struct grant_limits limits;

    BUG_ON(domain == NULL || fake_domains[id] != NULL);
    fake_domains[id] = domain;
    domain->id = DOMAIN_ID(id);
    domain->kind = DOMAIN_KIND_PV;
    domain->refs = 1;
    domain->is_privileged = domain->is_hardware = id == 0;
    spin_lock_init(&domain->lock, LOCK_DOMAIN);
    spin_lock_init(&domain->frame_lock, LOCK_PAGE_LIST);
    domain->frame_list_first = domain->frame_list_last = FRAME_NO_LINK;
    domain->frames_max = 4096;
    domain->shared_info = heap_zalloc(PAGE_SIZE);
    domain->vcpus = heap_new_array(struct vcpu *, vcpus);
    BUG_ON(domain->shared_info == NULL || domain->vcpus == NULL);
    domain->vcpus_max = vcpus;
    BUG_ON(events_create(domain, ports_max) != 0);
    limits =
        (struct grant_limits){ .frames = grant_frames == 0 ? -1 : (int)grant_frames,
                               .maptrack_frames = maptrack_frames == 0 ? -1 : (int)maptrack_frames,
                               .version = 2 };
    BUG_ON(grants_create(domain, &limits) != 0);
    for (unsigned int i = 0; i < vcpus; i++) {
        struct vcpu *vcpu = heap_new(struct vcpu);

        BUG_ON(vcpu == NULL);
        vcpu->id = i;
        vcpu->domain = domain;
        vcpu->info = &domain->shared_info->vcpu_info[i];
        domain->vcpus[i] = vcpu;
        BUG_ON(events_vcpu_create(vcpu) != 0);
    }
    if (id == 0) {
        domain_hardware = domain;
    }
    return domain;
}

/* Its death up to the last reference; what others hold of it may keep it. */
static void fake_domain_kill(struct domain *domain)
{
    if (domain == NULL) {
        return;
    }
    atomic_write(&domain->dying, DOMAIN_DYING);
    while (events_destroy(domain) == -XEN_ERESTART) {
    }
    while (grants_release_mappings(domain) == -XEN_ERESTART) {
    }
    while (domain->frame_list_first != FRAME_NO_LINK) {
        struct frame *frame = &frame_table[domain->frame_list_first];

        if (!frame_clear_allocated(frame)) {
            break; /* lent to others */
        }
        frame_put(frame);
    }
    if (domain == domain_hardware) {
        domain_hardware = NULL;
    }
    atomic_write(&domain->dying, DOMAIN_DEAD);
    fake_domains[domain->id.value] = domain; /* still the owner of what is lent */
    domain_put(domain);
}

/* A frame of the domain's RAM, as its hypervisor address. */
static inline void *fake_ram(struct domain *domain)
{
    struct frame *frame = frame_alloc(0, ALLOC_NODE_ANY, ALLOC_ZERO);

    BUG_ON(frame == NULL || frame_assign(domain, frame, 0, 0) != 0);
    return mfn_to_virt(frame_mfn(frame));
}

static inline uint64_t fake_gfn(const void *address)
{
    return virt_to_mfn(address).value;
}

#endif
