/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* What the builder of this domain told it, and its command line's words. */
#ifndef LIB_GUEST_H
#define LIB_GUEST_H

#include "hypervisor/types.h"

#include <xen/xen.h>

extern const struct start_info *guest_start;
extern struct shared_info *guest_shared;

/* Which hypervisor runs this: some answers differ, and the probes say why. */
extern bool guest_on_xenios;

/* The value of the word `name=value`, or NULL; it ends at a blank. */
const char *guest_option(const char *name);
uint64_t guest_option_number(const char *name, uint64_t otherwise);
/* Is `word` in the list "a,b,c" of the option? */
bool guest_option_has(const char *name, const char *word);

/* The domain is also the one that owns the hardware: booted as the first one, without tools. */
bool guest_is_first(void);

/* Ends the domain: SHUTDOWN_*. */
void __noreturn guest_shutdown(unsigned int reason);

void __noreturn guest_main(const struct start_info *start, uint64_t boot_sp);

#endif
