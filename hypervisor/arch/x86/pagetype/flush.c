/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * TLB flushes that a guest asks for by vcpu. A vcpu's translations are on the CPU it runs on, or ran
 * on last (its address space may still be loaded there); on every other CPU they went with a CR3 load.
 */
#include "internal.h"

#include "hypervisor/bitmap.h"
#include "hypervisor/guest.h"
#include "hypervisor/string.h"

void flush_mask_domain(const struct domain *domain, struct cpu_mask *mask)
{
    struct vcpu *vcpu;
    unsigned int i;

    memset(mask, 0, sizeof(*mask));
    domain_for_each_vcpu(domain, i, vcpu)
    {
        cpu_mask_set(mask, READ_ONCE(vcpu->processor));
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
                cpu_mask_set(mask, READ_ONCE(vcpu->processor));
            }
        }
    }
    return 0;
}
