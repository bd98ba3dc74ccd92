/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Vcpus: creation, the place of their vcpu_info, what they see of their runstate. Theory: domain.c. */
#include "domain_private.h"

#include "arch/domain.h"
#include "arch/memory.h"
#include "arch/time.h"
#include "hypervisor/event.h"
#include "hypervisor/frame.h"
#include "hypervisor/guest.h"
#include "hypervisor/heap.h"
#include "hypervisor/sched.h"
#include "hypervisor/string.h"
#include "hypervisor/trace_event.h"

/*
 * For vcpus beyond those shared_info has room for, until they register a place. No guest sees it; such
 * a vcpu cannot be initialised, so what is written here has no effect.
 */
static struct vcpu_info dummy_info = { .evtchn_upcall_mask = 1 };

static struct vcpu_info *initial_info(struct domain *domain, unsigned int id)
{
    if (domain->shared_info == NULL || id >= XEN_LEGACY_MAX_VCPUS) {
        return &dummy_info;
    }
    return &domain->shared_info->vcpu_info[id];
}

bool vcpu_info_is_dummy(const struct vcpu *vcpu)
{
    return vcpu->info == &dummy_info;
}

/* ---- life ------------------------------------------------------------------------------------ */

void vcpu_free(struct vcpu *vcpu)
{
    trace_event(TRC_SCHED_DOM_REM, vcpu->domain->id.value, vcpu->id);
    sched_vcpu_destroy(vcpu);
    events_vcpu_destroy(vcpu);
    arch_vcpu_free(vcpu);
    heap_free(vcpu);
}

/* Visible to all from here on. -XEN_EINVAL when there is one, or the domain dies. */
static int vcpu_publish(struct vcpu *vcpu)
{
    struct domain *domain = vcpu->domain;
    unsigned long flags;
    int result = -XEN_EINVAL;

    spin_lock(&domain->lock);
    if (domain->vcpus[vcpu->id] == NULL && domain->dying == DOMAIN_ALIVE) {
        flags = spin_lock_irqsave(&domain->pause_lock);
        if (domain->pause_count != 0) {
            vcpu->pause_flags |= VCPU_DOMAIN_PAUSED;
        }
        atomic_write_release(&domain->vcpus[vcpu->id], vcpu);
        spin_unlock_irqrestore(&domain->pause_lock, flags);
        result = 0;
    }
    spin_unlock(&domain->lock);
    return result;
}

static struct vcpu *vcpu_alloc(struct domain *domain, unsigned int id)
{
    struct vcpu *vcpu = heap_new(struct vcpu);

    if (vcpu != NULL) {
        vcpu->id = id;
        vcpu->domain = domain;
        vcpu->info = initial_info(domain, id);
        vcpu->info_mfn = MFN_INVALID;
        vcpu->pause_flags = domain_is_idle(domain) ? 0 : VCPU_DOWN;
    }
    return vcpu;
}

struct vcpu *vcpu_create(struct domain *domain, unsigned int id)
{
    struct vcpu *vcpu = id < domain->vcpus_max ? vcpu_alloc(domain, id) : NULL;

    if (vcpu == NULL) {
        return NULL;
    }
    if (events_vcpu_create(vcpu) != 0) {
        goto no_events;
    }
    if (arch_vcpu_create(vcpu) != 0 || sched_vcpu_init(vcpu) != 0) {
        goto no_arch;
    }
    if (vcpu_publish(vcpu) != 0) {
        vcpu_free(vcpu);
        return NULL;
    }
    trace_event(TRC_SCHED_DOM_ADD, domain->id.value, id);
    return vcpu;
no_arch:
    arch_vcpu_free(vcpu);
    events_vcpu_destroy(vcpu);
no_events:
    heap_free(vcpu);
    return NULL;
}

/* ---- vcpu_info ------------------------------------------------------------------------------- */

/* The frame, referenced and with the writable type; NULL when it is not the domain's to write. */
static struct frame *info_frame_get(struct domain *domain, mfn_t mfn)
{
    struct frame *frame = arch_gfn_get_frame(domain, GFN(mfn.value));

    if (frame != NULL && !arch_frame_get_writable(frame)) {
        frame_put(frame);
        frame = NULL;
    }
    return frame;
}

static void info_frame_put(struct frame *frame)
{
    arch_frame_put_writable(frame);
    frame_put(frame);
}

/*
 * Under domain->lock. Events that are raised meanwhile go to the old place or the new one; so that none
 * is lost, all count as pending in the new one.
 */
static void info_move(struct vcpu *vcpu, struct vcpu_info *to)
{
    memcpy(to, vcpu->info, sizeof(*to));
    WRITE_ONCE(vcpu->info, to);
    memory_barrier();
    WRITE_ONCE(to->evtchn_pending_sel, ~0ul);
    WRITE_ONCE(to->evtchn_upcall_pending, 1);
}

int vcpu_info_register(struct vcpu *vcpu, mfn_t mfn, unsigned int offset)
{
    struct domain *domain = vcpu->domain;
    struct frame *frame;
    int result = -XEN_EINVAL;

    if (offset > PAGE_SIZE - sizeof(struct vcpu_info) || offset % sizeof(uint64_t) != 0) {
        return -XEN_EINVAL;
    }
    frame = info_frame_get(domain, mfn);
    if (frame == NULL) {
        return -XEN_EINVAL;
    }
    spin_lock(&domain->lock);
    if (mfn_equal(vcpu->info_mfn, MFN_INVALID) && domain->dying == DOMAIN_ALIVE &&
        (vcpu == current_vcpu() || (atomic_read(&vcpu->pause_flags) & VCPU_DOWN))) {
        vcpu->info_mfn = frame_mfn(frame);
        info_move(vcpu, (struct vcpu_info *)((char *)mfn_to_virt(frame_mfn(frame)) + offset));
        result = 0;
    }
    spin_unlock(&domain->lock);
    if (result != 0) {
        info_frame_put(frame);
        return result;
    }
    arch_vcpu_time_update(vcpu, true);
    return 0;
}

static void info_leave(struct vcpu *vcpu, struct vcpu_info *to)
{
    mfn_t mfn;

    spin_lock(&vcpu->domain->lock);
    mfn = vcpu->info_mfn;
    WRITE_ONCE(vcpu->info, to);
    vcpu->info_mfn = MFN_INVALID;
    spin_unlock(&vcpu->domain->lock);
    if (!mfn_equal(mfn, MFN_INVALID)) {
        info_frame_put(frame_of(mfn));
    }
}

void vcpu_info_unregister(struct vcpu *vcpu)
{
    info_leave(vcpu, initial_info(vcpu->domain, vcpu->id));
}

void vcpu_info_detach(struct vcpu *vcpu)
{
    info_leave(vcpu, &dummy_info);
}

/* ---- runstate -------------------------------------------------------------------------------- */

/*
 * With VMASST_TYPE_runstate_update_flag the guest sees XEN_RUNSTATE_UPDATE in state_entry_time while the
 * rest changes. The area is the guest's memory: when it cannot be written, it stays as it is.
 */
static void runstate_write(uint64_t address, struct vcpu_runstate_info *runstate, bool flag)
{
    const uint64_t entry_address = address + offsetof(struct vcpu_runstate_info, state_entry_time);
    const uint64_t entry_time = runstate->state_entry_time;

    if (flag) {
        runstate->state_entry_time |= XEN_RUNSTATE_UPDATE;
        if (guest_write(entry_address, runstate->state_entry_time) != 0) {
            return;
        }
        write_barrier();
    }
    if (guest_copy_to(address, runstate, sizeof(*runstate)) != 0 || !flag) {
        return;
    }
    write_barrier();
    if (guest_write(entry_address, entry_time) != 0) {
        return; /* the guest took the memory away meanwhile */
    }
}

void vcpu_runstate_publish(struct vcpu *vcpu)
{
    uint64_t address = READ_ONCE(vcpu->runstate_guest);
    struct vcpu_runstate_info runstate;

    if (unlikely(READ_ONCE(vcpu->moved))) {
        WRITE_ONCE(vcpu->moved, false);
        event_vcpu_moved(vcpu);
    }
    if (address == 0) {
        return;
    }
    WRITE_ONCE(vcpu->runstate_due, !arch_vcpu_kernel_in_reach(vcpu));
    if (vcpu->runstate_due) {
        return;
    }
    /* The runstate of a vcpu that runs changes only when its CPU switches. */
    memset(&runstate, 0, sizeof(runstate));
    runstate.state = vcpu->runstate.state;
    runstate.state_entry_time = vcpu->runstate.state_entry_time;
    memcpy(runstate.time, vcpu->runstate.time, sizeof(runstate.time));
    runstate_write(address, &runstate,
                   vcpu->domain->vm_assist & 1ul << VMASST_TYPE_runstate_update_flag);
}
