/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Domains and vcpus: what they are made of, their life, references to them.
 *
 * Life of a domain:  created (paused) -> running <-> paused -> shut down -> dying -> dead -> freed.
 * Every table a domain owns knows "dying": new references and growth are refused from then on, and
 * teardown (domain_kill) is preemptible and idempotent. The struct goes when the last reference does.
 *
 * Fields are grouped by the module that owns them; only that module writes them.
 */
#ifndef HYPERVISOR_DOMAIN_H
#define HYPERVISOR_DOMAIN_H

#include "abi/xen.h"
#include "asm/domain.h"
#include "hypervisor/cpu.h"
#include "hypervisor/lock.h"
#include "hypervisor/nospec.h"
#include "hypervisor/quota.h"
#include "hypervisor/timer.h"
#include "hypervisor/types.h"
#include "hypervisor/work.h"

#include <xen/vcpu.h>

enum domain_kind {
    DOMAIN_KIND_IDLE,   /* one vcpu a processor */
    DOMAIN_KIND_SYSTEM, /* DOMID_IO, DOMID_XEN, DOMID_COW: owners of frames, no vcpus */
    DOMAIN_KIND_PV,
    DOMAIN_KIND_HVM, /* later: HVM and PVH */
};

enum domain_dying { DOMAIN_ALIVE, DOMAIN_DYING, DOMAIN_DEAD };

/* vcpu->pause_flags: the vcpu may run only when it is 0. */
#define VCPU_DOWN          (1u << 0) /* not yet up, or VCPUOP_down */
#define VCPU_BLOCKED       (1u << 1) /* SCHEDOP_block, waiting for an event */
#define VCPU_POLLING       (1u << 2) /* SCHEDOP_poll, always with VCPU_BLOCKED */
#define VCPU_PAUSED        (1u << 3) /* pause_count > 0 */
#define VCPU_DOMAIN_PAUSED (1u << 4) /* domain->pause_count > 0 */
#define VCPU_IN_RESET      (1u << 5) /* context being replaced */
#define VCPU_CAPPED        (1u << 6) /* its domain used up its CPU time: core/sched/cap.c */

struct vcpu {
    unsigned int id;
    struct domain *domain;

    /* core/domain */
    uint32_t pause_flags;     /* VCPU_*, atomic */
    int32_t pause_count;      /* under the domain's pause_lock */
    bool initialised;         /* has a register context */
    struct vcpu_info *info;   /* where the guest sees it, by a hypervisor address; never NULL */
    mfn_t info_mfn;           /* frame held for it, MFN_INVALID while in shared_info or the dummy */
    uint64_t runstate_guest;  /* guest address registered by VCPUOP_register_runstate_memory_area */
    bool runstate_due;        /* not written yet: the guest's kernel memory was not in reach */
    uint64_t time_info_guest; /* VCPUOP_register_vcpu_time_memory_area */

    /* core/event */
    struct event_vcpu *events; /* FIFO queues */
    uint32_t virq_port[24];    /* port bound to each VIRQ, 0 when none; under LOCK_EVENT */
    uint32_t poll_port;        /* SCHEDOP_poll: the one port, or 0 for several */

    /* core/sched */
    unsigned int processor;   /* CPU whose run queue it is on; stable under that queue's lock */
    bool running;             /* is (still) the context of `processor` */
    bool moved;               /* to another processor since it ran last */
    struct sched_unit *sched; /* the policy's own data */
    struct cpu_mask affinity_hard, affinity_soft;
    struct cpu_mask affinity; /* what counts: the hard one, or the one CPU of a pin override */
    int pin_override;         /* SCHEDOP_pin_override: CPU, -1 when none */
    struct vcpu_runstate_info runstate; /* under the run queue's lock */
    struct timer singleshot_timer;      /* VCPUOP_set_singleshot_timer, set_timer_op */
    struct timer periodic_timer;
    struct timer poll_timer;
    uint64_t periodic_period_ns; /* 0 when off */
    system_time_t periodic_last;

    struct arch_vcpu arch;
};

/* SCHEDOP_watchdog: a timer the domain must push out in time. core/domain/watchdog.c */
#define DOMAIN_WATCHDOGS 2u
struct domain_watchdog {
    struct timer timer;
    bool armed; /* under pause_lock */
};

struct domain {
    domain_id_t id;
    enum domain_kind kind;
    uint32_t refs; /* atomic; 0 only while being freed */

    /* core/domain */
    struct spinlock lock;
    struct vcpu **vcpus; /* vcpus_max entries; a NULL one does not exist (yet) */
    unsigned int vcpus_max;
    int32_t pause_count; /* under pause_lock */
    uint8_t dying;       /* enum domain_dying, atomic */
    bool is_privileged;  /* control domain */
    bool is_hardware;    /* owns the hardware: dom0 */
    bool created;        /* creation complete: event, grant and other tables exist */
    bool is_shutting_down, is_shut_down;
    uint8_t shutdown_code; /* SHUTDOWN_* */
    bool crash_reported;
    uint8_t handle[16];
    struct shared_info *shared_info;
    unsigned long vm_assist; /* VMASST_TYPE_* */
    uint32_t create_flags;   /* XEN_DOMCTL_CDF_* */
    unsigned int teardown_step;
    int32_t time_offset_seconds;
    uint8_t control_pauses; /* of pause_count, the toolstack's; under pause_lock */
    bool creation_finished; /* the toolstack has let it run: what it was made of is settled */

    struct spinlock pause_lock; /* LOCK_PAUSE: pause counts and flags, shutting down, watchdogs */
    bool shutdown_code_latched; /* SCHEDOP_shutdown_code: shutdown_code is decided */
    struct domain_watchdog watchdogs[DOMAIN_WATCHDOGS];
    struct task free_task; /* the last reference went: the rest is done without locks */

    /* core/sched */
    uint32_t sched_weight;       /* share of CPU time; 256 is normal */
    uint32_t sched_cap_percent;  /* of one CPU, at most; 0: no limit */
    struct sched_cap *sched_cap; /* NULL when there never was a limit */

    /* core/memory */
    struct spinlock frame_lock;                 /* LOCK_PAGE_LIST: list and counts below */
    uint32_t frame_list_first, frame_list_last; /* FRAME_NO_LINK when empty */
    uint64_t frames_total;                      /* owned and counted */
    uint64_t frames_max;
    uint64_t frames_hypervisor; /* shared hypervisor frames (uncounted) */
    uint64_t frames_claimed;
    uint64_t frames_unvisited; /* what domain_memory_relinquish has still to look at */
    bool frames_relinquishing;
    uint64_t node_affinity; /* nodes new frames come from when nobody says otherwise; 0: any */
    struct memory_map *memory_map; /* XENMEM_set_memory_map, NULL when never set; frame_lock */

    struct quota quotas[QUOTA_KINDS]; /* core/domain/quota.c */

    /* core/event, core/grant, arch irq */
    struct event_table *events;
    uint32_t suspend_port; /* told of SHUTDOWN_suspend instead of VIRQ_DOM_EXC; 0: none */
    struct grant_table *grants;
    struct pirq_table *pirqs;

    struct arch_domain arch;
};

/* ---- references ------------------------------------------------------------------------------ */

/*
 * By id, DOMID_SELF and system domains not resolved; NULL when there is none (or it is dead). Put it
 * with domain_put. No lock, any context.
 */
struct domain *domain_get(domain_id_t id) __must_check;

/* The same, and what is left of a dead domain whose last reference somebody has yet to give back. */
struct domain *domain_get_remains(domain_id_t id) __must_check;

/* By id, with DOMID_SELF meaning the caller's. */
struct domain *domain_get_or_self(domain_id_t id) __must_check;
void domain_get_again(struct domain *domain);
void domain_put(struct domain *domain); /* NULL is fine; any context */

/* The idle vcpu of a CPU, made when it is not there yet. Panics without memory. */
struct vcpu *domain_idle_vcpu(unsigned int cpu);

/* The domain's vcpu of that number, which a guest may have chosen; NULL when there is none. */
static inline struct vcpu *domain_vcpu(const struct domain *domain, uint64_t id)
{
    if (id >= domain->vcpus_max || domain->vcpus == NULL) {
        return NULL;
    }
    return __atomic_load_n(&domain->vcpus[index_nospec(id, domain->vcpus_max)], __ATOMIC_ACQUIRE);
}

/* By id without a reference, for frame owners: valid while the caller holds one of its frames. */
struct domain *domain_of_owner(uint16_t id);

extern struct domain *domain_hardware; /* dom0; NULL before it is built */
extern struct domain *domain_idle, *domain_io, *domain_xen;

#define domain_for_each_vcpu(d, i, v)          \
    for ((i) = 0; (i) < (d)->vcpus_max; (i)++) \
        if (((v) = (d)->vcpus[i]) != NULL)

/* Calls fn for each domain in id order, remains too, a reference held; stops when it returns false. */
void domain_for_each(bool (*fn)(struct domain *domain, void *data), void *data);

/* ---- running or not -------------------------------------------------------------------------- */

/*
 * Nested. The sync forms wait until the vcpu is off its processor (never for the current vcpu): no lock
 * held, interrupts on. The others and unpause: any context but NMI.
 */
void vcpu_pause(struct vcpu *vcpu);
void vcpu_pause_nosync(struct vcpu *vcpu);
void vcpu_unpause(struct vcpu *vcpu);
void domain_pause(struct domain *domain);
void domain_pause_nosync(struct domain *domain);
void domain_unpause(struct domain *domain);

/*
 * The toolstack's pauses, counted apart from the hypervisor's own. -XEN_E2BIG: too many;
 * -XEN_EINVAL: there is none to take back.
 */
int domain_control_pause(struct domain *domain) __must_check; /* sync */
int domain_control_unpause(struct domain *domain) __must_check;

static inline bool vcpu_runnable(const struct vcpu *vcpu)
{
    return READ_ONCE(vcpu->pause_flags) == 0;
}

/*
 * vcpu_info registration (VCPUOP_register_vcpu_info): see xen/vcpu.h. -XEN_EINVAL when there is one
 * already, the place is not within a page or not aligned to 8, the frame is not the domain's to
 * write, or the vcpu is neither the caller nor down.
 */
int vcpu_info_register(struct vcpu *vcpu, mfn_t mfn, unsigned int offset) __must_check;
void vcpu_info_unregister(struct vcpu *vcpu);

/* No place for it yet (vcpus from 32 on, before they registered one): the vcpu cannot come up. */
bool vcpu_info_is_dummy(const struct vcpu *vcpu);

/*
 * Called by arch code after a switch to the (current) vcpu, interrupts on: runstate seen by the guest
 * at its registered address, and whatever else follows a vcpu that came to another processor.
 */
void vcpu_runstate_publish(struct vcpu *vcpu);

static inline struct vcpu *current_vcpu(void)
{
    return arch_current_vcpu();
}

static inline struct domain *current_domain(void)
{
    return arch_current_vcpu()->domain;
}

static inline bool domain_is_idle(const struct domain *domain)
{
    return domain->kind == DOMAIN_KIND_IDLE;
}

static inline bool vcpu_is_idle(const struct vcpu *vcpu)
{
    return domain_is_idle(vcpu->domain);
}

bool domain_valid(const struct domain *domain); /* invariants, for debug builds and tests */

#include "hypervisor/domain_life.h"

#endif
