/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The embedded symbol table (scripts/symbols makes it): names for addresses of the hypervisor's text. */
#ifndef HYPERVISOR_SYMBOL_H
#define HYPERVISOR_SYMBOL_H

#include "hypervisor/types.h"

/* Name of the function around the address and the offset in it; NULL when it is not in the text. */
const char *symbol_find(uint64_t address, uint64_t *offset);

/* The index-th function by address, NULL beyond the last: XENPF_get_symbol. */
const char *symbol_get(uint32_t index, uint64_t *address);

#endif
