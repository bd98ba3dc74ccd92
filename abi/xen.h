/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The seam to the Xen ABI: the core public header of Debian's libxen-dev, and what we rely on.
 * Nothing of the public headers is copied; every size and offset we depend on is asserted in
 * abi/layout.h.
 */
#ifndef ABI_XEN_H
#define ABI_XEN_H

#include <stddef.h>
#include <stdint.h>

#include <xen/xen.h>

#endif
