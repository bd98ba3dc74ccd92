/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The clock as guests see it: struct vcpu_time_info of xen/xen.h, in the vcpu's vcpu_info and in the
 * area it registered by VCPUOP_register_vcpu_time_memory_area.
 *
 * Version protocol: an odd version while the fields change; a reader that saw an odd or a changed
 * version reads again. The registered area is the guest's memory: it is written by copies, version
 * first, fields, version again, and only while the vcpu is in its kernel's address space; a copy
 * that was not possible is made up for at the next update.
 */
#include "arch/time.h"
#include "asm/clock.h"
#include "hypervisor/atomic.h"
#include "hypervisor/domain.h"
#include "hypervisor/guest.h"

#include "vcpu_time.h"

static void info_fill(struct vcpu_time_info *info, const struct clock_sample *sample)
{
    info->tsc_timestamp = sample->tsc;
    info->system_time = (uint64_t)sample->ns;
    info->tsc_to_system_mul = sample->scale.mul;
    info->tsc_shift = sample->scale.shift;
    info->flags = tsc_reliable ? XEN_PVCLOCK_TSC_STABLE_BIT : 0;
}

/* In the vcpu's info page, which the guest may scribble on: nothing is read back but the version. */
static void info_page_write(struct vcpu *vcpu, const struct clock_sample *sample)
{
    struct vcpu_time_info *info = &vcpu->info->time;
    uint32_t version = READ_ONCE(info->version) | 1;

    WRITE_ONCE(info->version, version);
    write_barrier();
    info_fill(info, sample);
    write_barrier();
    WRITE_ONCE(info->version, version + 1);
}

static bool area_write(struct vcpu *vcpu, uint64_t address, const struct clock_sample *sample)
{
    struct vcpu_time_info info = { .version = 0 };
    uint32_t version = READ_ONCE(vcpu->info->time.version) | 1;
    const size_t head = offsetof(struct vcpu_time_info, tsc_timestamp);

    info_fill(&info, sample);
    if (guest_copy_to(address, &version, sizeof(version)) != 0) {
        return false;
    }
    write_barrier();
    if (guest_copy_to(address + head, (char *)&info + head, sizeof(info) - head) != 0) {
        return false;
    }
    write_barrier();
    version++;
    return guest_copy_to(address, &version, sizeof(version)) == 0;
}

void arch_vcpu_time_update(struct vcpu *vcpu, bool force)
{
    uint64_t generation;
    struct clock_sample host = time_sample_current(&generation);
    struct clock_sample sample = guest_tsc_sample(&vcpu->domain->arch.tsc, &host);
    uint64_t address = vcpu->time_info_guest;

    if (vcpu_is_idle(vcpu) || (!force && vcpu->arch.time_stamp_generation == generation)) {
        return;
    }
    info_page_write(vcpu, &sample);
    if (address != 0) {
        if (vcpu != current_vcpu() || !vcpu->arch.pv.kernel_mode ||
            !area_write(vcpu, address, &sample)) {
            vcpu->arch.time_stamp_generation = 0;
            return;
        }
    }
    vcpu->arch.time_stamp_generation = generation;
}

void vcpu_time_refresh_current(void)
{
    arch_vcpu_time_update(current_vcpu(), false);
}
