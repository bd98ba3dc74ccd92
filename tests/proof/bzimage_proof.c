/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * bzimage_payload() over every file of up to 0x440 bytes: nothing is read outside of the file, and an
 * accepted payload lies in it.
 *
 * cbmc: --bounds-check --pointer-check --pointer-overflow-check --signed-overflow-check
 * cbmc: --unwind 16 --unwinding-assertions
 */
#include "hypervisor/arch/x86/dom0/image/bzimage.c"

#define FILE_BYTES_MAX 0x440u

void *malloc(size_t bytes);
uint64_t nondet_uint64(void);

int main(void)
{
    uint64_t length = nondet_uint64();
    struct bytes file, payload;

    __CPROVER_assume(length <= FILE_BYTES_MAX);
    file = (struct bytes){ malloc(length), length };
    __CPROVER_assume(file.data);
    if (!bzimage_payload(file, &payload)) {
        __CPROVER_assert(payload.data >= file.data && payload.length <= file.length &&
                             (uint64_t)(payload.data - file.data) <= file.length - payload.length,
                         "the payload lies in the file");
        (void)payload_format(payload);
        __CPROVER_assert(payload_unpacked_bytes(payload) <= UNPACKED_BYTES_MAX,
                         "what a file can ask for is bounded");
    }
    return 0;
}
