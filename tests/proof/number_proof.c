/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Numbers and sizes in texts of up to 4 bytes: no byte behind the text's end is read, and what follows
 * the number lies in the text.
 *
 * cbmc: --bounds-check --pointer-check --pointer-overflow-check --signed-overflow-check
 * cbmc: --undefined-shift-check --unwind 7 --unwinding-assertions
 */
#include "hypervisor/lib/number.c"

#define TEXT_BYTES_MAX 5u

unsigned int nondet_uint(void);

int main(void)
{
    char text[TEXT_BYTES_MAX];
    const char *end;
    unsigned int base = nondet_uint();

    text[TEXT_BYTES_MAX - 1] = '\0';
    __CPROVER_assume(base == 0 || base == 10 || base == 16);
    (void)string_to_u64(text, &end, base);
    __CPROVER_assert(end >= text && end < text + TEXT_BYTES_MAX, "the rest lies in the text");
    __CPROVER_assert(digit_value(*end) >= 10 || (base == 0 && text[0] == '0'), "no digit is left");
    (void)string_to_size(text, &end);
    __CPROVER_assert(end >= text && end < text + TEXT_BYTES_MAX, "the rest lies in the text");
    return 0;
}
