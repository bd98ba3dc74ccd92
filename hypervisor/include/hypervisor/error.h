/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Errors are negative Xen errno values (xen/errno.h): -XEN_EINVAL and so on. 0 or a positive number
 * is success. HYPERCALL_CONTINUE is internal and never leaves to a guest.
 */
#ifndef HYPERVISOR_ERROR_H
#define HYPERVISOR_ERROR_H

#include "abi/xen.h"

#include <xen/errno.h>

/* Internal, and so behind __XEN__ in the public header: more is to be done, call again. */
#define XEN_ERESTART 85

#endif
