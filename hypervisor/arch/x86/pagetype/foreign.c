/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Whose frames a hypercall is about: the foreigndom arguments of xen/xen.h. */
#include "internal.h"

#include "hypervisor/error.h"
#include "hypervisor/security.h"

struct domain *foreign_domain_get(uint16_t id, int *error)
{
    struct domain *current = current_domain();
    struct domain *domain;

    if (id == DOMID_SELF || id == current->id.value) {
        domain_get_again(current);
        return current;
    }
    if (id == DOMID_IO) {
        domain_get_again(domain_io);
        return domain_io;
    }
    if (id == DOMID_XEN) {
        domain = domain_xen;
        domain_get_again(domain);
    } else {
        domain = domain_get(DOMAIN_ID(id));
    }
    if (!domain) {
        *error = -XEN_ESRCH;
        return NULL;
    }
    *error = security_check(current, domain, SECURITY_MMU_FOREIGN_MAP);
    if (*error) {
        domain_put(domain);
        return NULL;
    }
    return domain;
}
