/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The walk over a kernel's notes, for every block of up to 32 bytes: it ends, stays in the block, and
 * the texts it takes are terminated.
 *
 * cbmc: --bounds-check --pointer-check --pointer-overflow-check --signed-overflow-check
 * cbmc: --unwind 5 --unwinding-assertions
 */
#include "hypervisor/string.h"

#include <stddef.h>

uint64_t nondet_uint64(void);
bool nondet_bool(void);

/* A search in a text: any answer. */
static char *some_place(const char *text, const char *name)
{
    (void)name;
    return nondet_bool() ? (char *)text : NULL;
}

#define strstr some_place
#include "hypervisor/arch/x86/dom0/image/elf.c"

#define NOTES_BYTES_MAX 32u

int main(void)
{
    static struct kernel_image image;
    uint8_t block[NOTES_BYTES_MAX];
    uint64_t length = nondet_uint64();
    unsigned int found;

    /* The end of the block is the end of the object. */
    __CPROVER_assume(length <= NOTES_BYTES_MAX);
    found = take_notes(&image, (struct bytes){ block + NOTES_BYTES_MAX - length, length });
    __CPROVER_assert(found <= NOTES_BYTES_MAX / 16, "each note has a header and a name");
    __CPROVER_assert(image.guest_os[sizeof(image.guest_os) - 1] == 0, "texts end");
    __CPROVER_assert(image.loader[sizeof(image.loader) - 1] == 0, "texts end");
    return 0;
}
