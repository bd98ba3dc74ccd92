/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Name and version, as XENVER_* and the banner tell them. */
#ifndef HYPERVISOR_VERSION_H
#define HYPERVISOR_VERSION_H

#define XENIOS_ABI_MAJOR    4
#define XENIOS_ABI_MINOR    17
#define XENIOS_EXTRAVERSION "-xenios"
#define XENIOS_VERSION      "4.17" XENIOS_EXTRAVERSION

/* Guest types that can be made: xen/version.h, XENVER_capabilities. */
#define XENIOS_CAPABILITIES "xen-3.0-x86_64"

/* The hypervisor's command line, kept for XENVER_commandline. */
extern char version_command_line[1024];

#endif
