/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* What arch/x86/domctl takes from modules that are not on the host. */
#include "inside.h"

#include "asm/clock.h"
#include "asm/pv.h"

#include <string.h>

HOST_WEAK uint64_t tsc_hz = 1000000000;
HOST_WEAK bool tsc_reliable = true;

HOST_WEAK void pv_hypercall_page_fill(void *page)
{
    memset(page, 0xcc, PAGE_SIZE);
}
