/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The few functions of the C library that the decompression libraries want, and the thread pointer
 * their stack protector reads its canary through. They run at boot, on the boot CPU, before any guest
 * has state in the FS base or the vector registers.
 */
#include "dom0.h"
#include "asm/msr.h"
#include "hypervisor/bug.h"
#include "hypervisor/heap.h"

void *malloc(size_t bytes);
void *calloc(size_t count, size_t bytes);
void free(void *memory);
void __stack_chk_fail(void) __noreturn;

/* The canary lies at offset 0x28 of the thread control block (x86-64 psABI, TLS). */
static uint64_t thread_block[8] = { [5] = 0x9d1c0f5e2ab73400ull };

void *malloc(size_t bytes)
{
    return heap_alloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    return heap_zalloc_array(count, bytes);
}

void free(void *memory)
{
    heap_free(memory);
}

void __stack_chk_fail(void)
{
    panic("a decompression library overran its stack");
}

const char *dom0_decompress(struct bytes payload, uint8_t *to, uint64_t room, uint64_t *length)
{
    const char *problem;

    msr_write(MSR_FS_BASE, (uint64_t)(uintptr_t)thread_block);
    problem = payload_decompress(payload, to, room, length);
    msr_write(MSR_FS_BASE, 0);
    return problem;
}
