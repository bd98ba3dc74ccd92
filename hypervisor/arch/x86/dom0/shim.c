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
#include "hypervisor/frame.h"
#include "hypervisor/heap.h"

void *malloc(size_t bytes);
void *calloc(size_t count, size_t bytes);
void free(void *memory);
void __stack_chk_fail(void) __noreturn;
unsigned long long ZSTD_trace_decompress_begin(const void *context);
void ZSTD_trace_decompress_end(unsigned long long context, const void *trace);

/* The canary lies at offset 0x28 of the thread control block (x86-64 psABI, TLS). */
static uint64_t thread_block[8] = { [5] = 0x9d1c0f5e2ab73400ull };

/* What is too large for the heap comes in whole frames; few are in use at a time. */
#define HEAP_BYTES_MAX (1u << 20)
#define LARGE_MAX      8u

static struct {
    void *memory;
    unsigned int order;
} large[LARGE_MAX];

static void *large_alloc(size_t bytes)
{
    unsigned int order = 0;

    while ((PAGE_SIZE << order) < bytes) {
        if (++order > FRAME_ORDER_MAX) {
            return NULL;
        }
    }
    for (unsigned int i = 0; i < LARGE_MAX; i++) {
        if (!large[i].memory) {
            large[i].memory = frame_alloc_mapped(order, ALLOC_NO_SCRUB);
            large[i].order = order;
            return large[i].memory;
        }
    }
    return NULL;
}

void *dom0_buffer_alloc(uint64_t bytes)
{
    return bytes > HEAP_BYTES_MAX ? large_alloc(bytes) : heap_alloc(bytes);
}

void *malloc(size_t bytes)
{
    return dom0_buffer_alloc(bytes);
}

void *calloc(size_t count, size_t bytes)
{
    return heap_zalloc_array(count, bytes);
}

void free(void *memory)
{
    for (unsigned int i = 0; memory && i < LARGE_MAX; i++) {
        if (large[i].memory == memory) {
            frame_free_mapped(memory, large[i].order);
            large[i].memory = NULL;
            return;
        }
    }
    heap_free(memory);
}

void dom0_buffer_free(void *buffer)
{
    free(buffer);
}

void __stack_chk_fail(void)
{
    panic("a decompression library overran its stack");
}

/* libzstd's tracing hooks: weak there, and a weak symbol at address 0 is out of the image's reach. */
unsigned long long ZSTD_trace_decompress_begin(const void *context)
{
    return 0; /* not traced */
}

void ZSTD_trace_decompress_end(unsigned long long context, const void *trace)
{
}

const char *dom0_decompress(struct bytes payload, uint8_t *to, uint64_t room, uint64_t *length)
{
    const char *problem;

    msr_write(MSR_FS_BASE, (uint64_t)(uintptr_t)thread_block);
    problem = payload_decompress(payload, to, room, length);
    msr_write(MSR_FS_BASE, 0);
    return problem;
}
