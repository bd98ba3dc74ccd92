/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* DOMCTL: domains and their vcpus come, are paused, and go. */
#include "arch/domain.h"
#include "hypervisor/domain_info.h"
#include "hypervisor/domctl.h"
#include "hypervisor/grant.h"
#include "hypervisor/string.h"
#include "hypervisor/timer.h"

/* xen/domctl.h: "Used for ABI checking". */
#define FLAGS_KNOWN      (2 * XEN_DOMCTL_CDF_MAX - 1)
#define FLAGS_TRANSLATED (XEN_DOMCTL_CDF_hap | XEN_DOMCTL_CDF_oos_off | XEN_DOMCTL_CDF_nested_virt)

#define PV_VCPUS_MAX 8192u

/* ---- creation ---------------------------------------------------------------------------------- */

enum create_argument {
    FLAGS = 2,
    IOMMU,
    VCPUS,
    PORTS,
    GRANTS,
    MAPTRACK,
    VERSION,
    TRACE,
    POOL,
    ARCH
};

/* -XEN_EINVAL for what no domain can be, -XEN_EOPNOTSUPP for what is not there. */
static long check_kind(const struct domctl *ctl)
{
    const struct xen_domctl_createdomain *config = &ctl->op.u.createdomain;
    uint32_t flags = config->flags;

    if (flags & ~(uint32_t)FLAGS_KNOWN) {
        return domctl_refuse(ctl, FLAGS, -XEN_EINVAL, flags, FLAGS_KNOWN);
    }
    if (flags & (XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_iommu | XEN_DOMCTL_CDF_vpmu)) {
        return domctl_refuse(ctl, FLAGS, -XEN_EOPNOTSUPP, flags, XEN_DOMCTL_CDF_xs_domain);
    }
    if (flags & FLAGS_TRANSLATED) {
        return domctl_refuse(ctl, FLAGS, -XEN_EINVAL, flags, XEN_DOMCTL_CDF_xs_domain);
    }
    if (config->iommu_opts != 0) {
        return domctl_refuse(ctl, IOMMU, -XEN_EINVAL, config->iommu_opts, 0);
    }
    if (config->vmtrace_size != 0) {
        return domctl_refuse(ctl, TRACE, -XEN_EOPNOTSUPP, config->vmtrace_size, 0);
    }
    if (config->cpupool_id != 0) {
        return domctl_refuse(ctl, POOL, -XEN_ESRCH, config->cpupool_id, 0);
    }
    return 0;
}

static long check_limits(const struct domctl *ctl)
{
    const struct xen_domctl_createdomain *config = &ctl->op.u.createdomain;
    uint32_t version = XEN_DOMCTL_GRANT_version(config->grant_opts);
    struct grant_limits limits = { .frames = config->max_grant_frames,
                                   .maptrack_frames = config->max_maptrack_frames,
                                   .version = version };
    int error = arch_domain_config_check(config);

    if (config->max_vcpus == 0 || config->max_vcpus > PV_VCPUS_MAX) {
        return domctl_refuse(ctl, VCPUS, -XEN_EINVAL, config->max_vcpus, PV_VCPUS_MAX);
    }
    if (config->grant_opts != version) {
        return domctl_refuse(ctl, VERSION, -XEN_EINVAL, config->grant_opts, 2);
    }
    if (grants_limits_decide(&limits) != 0) {
        return domctl_refuse(ctl, GRANTS, -XEN_EINVAL, (uint64_t)config->max_grant_frames,
                             (uint64_t)config->max_maptrack_frames);
    }
    return error ? domctl_refuse(ctl, ARCH, error, config->arch.emulation_flags, 0) : 0;
}

static void fill_config(const struct xen_domctl_createdomain *from, struct domain_config *config)
{
    const uint32_t last_port = min(from->max_evtchn_port, EVTCHN_FIFO_NR_CHANNELS - 1u);

    *config = (struct domain_config){
        .kind = DOMAIN_KIND_PV,
        .create_flags = from->flags,
        .vcpus_max = from->max_vcpus,
        .event_ports_max = last_port + 1,
        .grant_frames_max = from->max_grant_frames,
        .maptrack_frames_max = from->max_maptrack_frames,
        .grant_version_max = XEN_DOMCTL_GRANT_version(from->grant_opts),
    };
    memcpy(config->handle, from->handle, sizeof(config->handle));
}

/* The next id that is free, after the one given out last: an id comes back as late as can be. */
static struct domain *create_anywhere(const struct domain_config *config, int *error)
{
    static uint16_t last; /* one operation at a time */

    *error = -XEN_ENOMEM;
    for (unsigned int tries = 1; tries < DOMID_FIRST_RESERVED; tries++) {
        struct domain *domain;

        last = last + 1u < DOMID_FIRST_RESERVED ? (uint16_t)(last + 1) : 1;
        if (domain_of_owner(last)) {
            continue;
        }
        domain = domain_create(DOMAIN_ID(last), config, error);
        if (domain != NULL || *error != -XEN_EEXIST) {
            return domain;
        }
    }
    return NULL;
}

long domctl_createdomain(struct domctl *ctl)
{
    uint16_t id = ctl->op.domain;
    struct domain_config config;
    struct domain *domain;
    int error;
    long result = check_kind(ctl);

    if (result == 0) {
        result = check_limits(ctl);
    }
    if (result != 0) {
        return result;
    }
    fill_config(&ctl->op.u.createdomain, &config);
    domain = id != 0 && id < DOMID_FIRST_RESERVED ? domain_create(DOMAIN_ID(id), &config, &error)
                                                  : create_anywhere(&config, &error);
    if (domain == NULL) {
        return error;
    }
    domain->control_pauses = 1; /* the one it was created with */
    domain->frames_max = 0;     /* until max_mem */
    ctl->op.domain = domain->id.value;
    if (guest_write(ctl->address, ctl->op)) {
        while (domain_kill(domain) == -XEN_ERESTART) {
            arch_cpu_relax(); /* it has nothing yet */
        }
        return -XEN_EFAULT;
    }
    return 0;
}

/* Exactly as many as createdomain said. Those that are there already are kept. */
long domctl_max_vcpus(struct domctl *ctl)
{
    struct domain *domain = ctl->domain;
    uint32_t count = ctl->op.u.max_vcpus.max;

    if (count != domain->vcpus_max) {
        return domctl_refuse(ctl, 0, -XEN_EINVAL, count, domain->vcpus_max);
    }
    for (unsigned int id = 0, made = 0; id < count; id++) {
        if (domain->vcpus[id] != NULL) {
            continue;
        }
        if (made++ != 0 && hypercall_preempt()) {
            return HYPERCALL_CONTINUE;
        }
        if (vcpu_create(domain, id) == NULL) {
            return domain->dying != DOMAIN_ALIVE ? -XEN_EINVAL : -XEN_ENOMEM;
        }
    }
    return 0;
}

/* ---- running, death ----------------------------------------------------------------------------- */

long domctl_destroydomain(struct domctl *ctl)
{
    int result = domain_kill(ctl->domain);

    return result == -XEN_ERESTART ? HYPERCALL_CONTINUE : result;
}

long domctl_pausedomain(struct domctl *ctl)
{
    return domain_control_pause(ctl->domain);
}

/* Toolstacks clear the shared page when they build a domain; the wall clock is in it. */
long domctl_unpausedomain(struct domctl *ctl)
{
    wallclock_publish(ctl->domain);
    WRITE_ONCE(ctl->domain->creation_finished, true);
    return domain_control_unpause(ctl->domain);
}

long domctl_resumedomain(struct domctl *ctl)
{
    domain_resume(ctl->domain);
    return 0;
}

/* ---- description -------------------------------------------------------------------------------- */

/*
 * Of the domain with that id, or the next above: the toolstack walks the domains this way. A dead one
 * counts while its id is in use.
 */
long domctl_getdomaininfo(struct domctl *ctl)
{
    for (unsigned int id = ctl->op.domain; id < DOMID_FIRST_RESERVED; id++) {
        struct domain *domain =
            domain_of_owner((uint16_t)id) ? domain_get_remains(DOMAIN_ID((uint16_t)id)) : NULL;

        if (domain != NULL) {
            memset(&ctl->op.u, 0, sizeof(ctl->op.u));
            domain_info_fill(domain, &ctl->op.u.getdomaininfo);
            ctl->op.domain = domain->id.value;
            domain_put(domain);
            return 0;
        }
    }
    return -XEN_ESRCH;
}
