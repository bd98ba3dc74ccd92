/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * TLB flushes that a guest asks for by vcpu. A vcpu's translations are on the CPU that it runs or
 * is about to run on, and on the one where its address space stayed loaded, which may be another
 * since the vcpu was moved, and may be its own again; on every other CPU they went with a CR3 load.
 */
#include "internal.h"

#include "hypervisor/bitmap.h"
#include "hypervisor/guest.h"
#include "hypervisor/string.h"

static void mask_add(const struct vcpu *vcpu, struct cpu_mask *mask)
{
    uint32_t loaded_on = READ_ONCE(vcpu->arch.loaded_on);

    if (loaded_on < CONFIG_MAX_CPUS) {
        cpu_mask_set(mask, loaded_on);
    }
    cpu_mask_set(mask, READ_ONCE(vcpu->processor));
}

void flush_mask_domain(const struct domain *domain, struct cpu_mask *mask)
{
    struct vcpu *vcpu;
    unsigned int i;

    memset(mask, 0, sizeof(*mask));
    domain_for_each_vcpu(domain, i, vcpu)
    {
        mask_add(vcpu, mask);
    }
}

int flush_mask_guest(const struct domain *domain, uint64_t bitmap, struct cpu_mask *mask)
{
    memset(mask, 0, sizeof(*mask));
    for (unsigned int base = 0; base < domain->vcpus_max; base += BITS_PER_LONG) {
        unsigned int count = min(domain->vcpus_max - base, BITS_PER_LONG);
        unsigned long bits = 0;
        unsigned int bit;

        if (guest_copy_from(&bits, bitmap + base / 8, DIV_ROUND_UP(count, 8u))) {
            return -XEN_EFAULT;
        }
        bitmap_for_each(bit, &bits, count)
        {
            const struct vcpu *vcpu = domain->vcpus[base + bit];

            if (vcpu) {
                mask_add(vcpu, mask);
            }
        }
    }
    return 0;
}
