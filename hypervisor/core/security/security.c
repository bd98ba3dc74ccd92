/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Who may do what: one table, operation -> rule, and one function that applies it.
 *
 * Invariants:
 *   1. Every operation has a row; one without a row is refused to everybody (rule 0 is not used).
 *   2. The idle domain (the hypervisor on its own behalf: building dom0, deferred work) may do
 *      everything; it runs no guest's code.
 *   3. Every refusal leaves a trace record: operation TRACE_OPERATION_SECURITY, sub-operation the
 *      enum security_operation, value the object's id, allowed the subject's own id.
 *
 * No locks: a domain's privilege never changes after its creation.
 */
#include "hypervisor/nospec.h"
#include "hypervisor/security.h"

#include "hypervisor/domain.h"
#include "hypervisor/error.h"
#include "hypervisor/trace.h"

struct row {
    bool known;
    enum security_rule rule;
};

#define ROW(r)                   \
    {                            \
        .known = true, .rule = r \
    }

static const struct row rows[SECURITY_OPERATION_COUNT] = {
    [SECURITY_EVENT_UNBOUND] = ROW(SECURITY_SELF_OR_PRIVILEGED),
    [SECURITY_EVENT_BIND] = ROW(SECURITY_ANYONE), /* the port names who may bind to it */
    [SECURITY_EVENT_STATUS] = ROW(SECURITY_SELF_OR_PRIVILEGED),
    [SECURITY_EVENT_RESET] = ROW(SECURITY_SELF_OR_PRIVILEGED),
    [SECURITY_GRANT_QUERY] = ROW(SECURITY_SELF_OR_PRIVILEGED),
    [SECURITY_GRANT_SETUP] = ROW(SECURITY_SELF_OR_PRIVILEGED),
    [SECURITY_MEMORY_ADJUST] = ROW(SECURITY_SELF_OR_PRIVILEGED),
    [SECURITY_MEMORY_STAT] = ROW(SECURITY_SELF_OR_PRIVILEGED),
    [SECURITY_MEMORY_CLAIM] = ROW(SECURITY_PRIVILEGED),
    [SECURITY_MMU_FOREIGN_MAP] = ROW(SECURITY_SELF_OR_PRIVILEGED),
    [SECURITY_MMU_UPDATE] = ROW(SECURITY_SELF_OR_PRIVILEGED),
    [SECURITY_SHUTDOWN_OTHER] = ROW(SECURITY_PRIVILEGED),
    [SECURITY_CONSOLE_IO] = ROW(SECURITY_PRIVILEGED),
    [SECURITY_PHYSDEV] = ROW(SECURITY_HARDWARE),
    [SECURITY_PCI_CONFIG] = ROW(SECURITY_HARDWARE),
    [SECURITY_CACHE_FLUSH] = ROW(SECURITY_HARDWARE),
    [SECURITY_PIN_OVERRIDE] = ROW(SECURITY_HARDWARE),
    [SECURITY_PLATFORM] = ROW(SECURITY_PRIVILEGED),
    [SECURITY_VERSION_PRIVATE] = ROW(SECURITY_PRIVILEGED),
    [SECURITY_HVM_PARAM] = ROW(SECURITY_SELF_OR_PRIVILEGED),
    [SECURITY_DOMCTL] = ROW(SECURITY_PRIVILEGED),
    [SECURITY_SYSCTL] = ROW(SECURITY_PRIVILEGED),
};

static bool allows(enum security_rule rule, const struct domain *subject,
                   const struct domain *object)
{
    if (subject->is_privileged || subject->kind == DOMAIN_KIND_IDLE) {
        return true;
    }
    switch (rule) {
    case SECURITY_SELF_OR_PRIVILEGED:
        return subject == object;
    case SECURITY_HARDWARE:
        return subject->is_hardware;
    case SECURITY_ANYONE:
        return true;
    case SECURITY_PRIVILEGED:
        return false;
    }
    return false;
}

int security_check(const struct domain *subject, const struct domain *object,
                   enum security_operation operation)
{
    if ((unsigned int)operation < ARRAY_SIZE(rows) && rows[operation].known &&
        allows(rows[operation].rule, subject, object)) {
        arch_speculation_fence(); /* what follows is done by nobody who may not */
        return 0;
    }
    trace_refuse(TRACE_OPERATION_SECURITY, (uint16_t)operation, 0, -XEN_EPERM,
                 object != NULL ? object->id.value : DOMID_INVALID, subject->id.value,
                 subject->id.value);
    return -XEN_EPERM;
}
