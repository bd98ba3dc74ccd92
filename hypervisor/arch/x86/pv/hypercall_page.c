/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The hypercall page: one 32-byte stub a hypercall number, called by the guest's kernel
 * (xen/arch-x86/xen-x86_64.h says which registers the stub may lose: rcx and r11 are kept).
 */
#include "asm/pv.h"
#include "hypervisor/string.h"

#include <xen/xen.h>

#define STUB_BYTES 32

void pv_hypercall_page_fill(void *page)
{
    /* push rcx; push r11; mov $n, eax; syscall; pop r11; pop rcx; ret */
    static const uint8_t plain[] = { 0x51, 0x41, 0x53, 0xb8, 0,    0,    0,
                                     0,    0x0f, 0x05, 0x41, 0x5b, 0x59, 0xc3 };
    /* push rcx; push r11; push rax; mov $23, eax; syscall: does not come back. */
    static const uint8_t iret[] = { 0x51, 0x41, 0x53, 0x50, 0xb8, __HYPERVISOR_iret,
                                    0,    0,    0,    0x0f, 0x05 };
    uint8_t *stub = page;

    memset(page, 0xcc, PAGE_SIZE);
    for (unsigned int number = 0; number < PAGE_SIZE / STUB_BYTES; number++, stub += STUB_BYTES) {
        if (number == __HYPERVISOR_iret) {
            memcpy(stub, iret, sizeof(iret));
            continue;
        }
        memcpy(stub, plain, sizeof(plain));
        memcpy(stub + 4, &number, sizeof(number));
    }
}
