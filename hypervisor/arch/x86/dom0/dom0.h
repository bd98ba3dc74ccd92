/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Inside arch/x86/dom0: what its files share while dom0 is built. */
#ifndef DOM0_H
#define DOM0_H

#include "asm/kernel_image.h"
#include "hypervisor/domain.h"

/* permission.c: ports, device memory and interrupts of the hardware domain. */
int dom0_grant_hardware(struct domain *domain);

/* shim.c: room for a kernel, of any size; NULL when there is none. */
void *dom0_buffer_alloc(uint64_t bytes) __must_check;
void dom0_buffer_free(void *buffer);

/* shim.c: payload_decompress() with what the libraries need around them. */
const char *dom0_decompress(struct bytes payload, uint8_t *to, uint64_t room, uint64_t *length);

#endif
