/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The privilege check, XSM-shaped: may subject do operation to object? One function, one table of
 * operations; today's policy is Xen's "dummy": the control domain may do anything, everybody may act
 * on itself where the table says so. FLASK comes behind the same call.
 */
#ifndef HYPERVISOR_SECURITY_H
#define HYPERVISOR_SECURITY_H

#include "hypervisor/types.h"

struct domain;

enum security_rule {
    SECURITY_SELF_OR_PRIVILEGED, /* object is the subject, or the subject is the control domain */
    SECURITY_PRIVILEGED,         /* the control domain */
    SECURITY_HARDWARE,           /* the hardware domain or the control domain */
    SECURITY_ANYONE,
};

enum security_operation {
    SECURITY_EVENT_UNBOUND, /* allocate an unbound port in object's table */
    SECURITY_EVENT_BIND,    /* bind to object's port */
    SECURITY_EVENT_STATUS,
    SECURITY_EVENT_RESET,
    SECURITY_GRANT_QUERY, /* query_size, get_version, status frames of object */
    SECURITY_GRANT_SETUP,
    SECURITY_MEMORY_ADJUST, /* reservation of object */
    SECURITY_MEMORY_STAT,
    SECURITY_MEMORY_CLAIM,
    SECURITY_MMU_FOREIGN_MAP, /* map object's frames */
    SECURITY_MMU_UPDATE,      /* update object's page tables */
    SECURITY_SHUTDOWN_OTHER,  /* SCHEDOP_remote_shutdown */
    SECURITY_CONSOLE_IO,
    SECURITY_PHYSDEV,      /* hardware interrupts, PCI devices */
    SECURITY_PCI_CONFIG,   /* configuration space by the ports 0xcf8 to 0xcff */
    SECURITY_CACHE_FLUSH,  /* write back the processors' caches */
    SECURITY_PIN_OVERRIDE, /* SCHEDOP_pin_override */
    SECURITY_PLATFORM,
    SECURITY_VERSION_PRIVATE, /* XENVER_* that tell of the build and the command line */
    SECURITY_HVM_PARAM,       /* parameters of object */
    SECURITY_DOMCTL,
    SECURITY_SYSCTL,
    SECURITY_OPERATION_COUNT,
};

/* 0 or -XEN_EPERM. `object` may be NULL for the machine as a whole. Leaves a trace record on refusal. */
int security_check(const struct domain *subject, const struct domain *object,
                   enum security_operation operation) __must_check;

#endif
