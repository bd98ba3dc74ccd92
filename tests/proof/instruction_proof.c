/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * instruction_decode() over every row of up to 15 bytes: none beyond is read, and what was decoded is
 * as long as it says.
 *
 * cbmc: --bounds-check --pointer-check --pointer-overflow-check --conversion-check
 * cbmc: --unwind 17 --unwinding-assertions
 */
#include "hypervisor/arch/x86/emulate/decode.c"

void *malloc(size_t bytes);
unsigned int nondet_uint(void);
bool nondet_bool(void);

static bool some_have_modrm(uint8_t opcode, uint8_t map)
{
    (void)opcode;
    (void)map;
    return nondet_bool();
}

int main(void)
{
    unsigned int count = nondet_uint();
    struct instruction in;
    uint8_t *bytes;

    __CPROVER_assume(count <= INSTRUCTION_BYTES_MAX);
    bytes = malloc(count);
    __CPROVER_assume(bytes);
    if (instruction_decode(&in, bytes, count, some_have_modrm)) {
        __CPROVER_assert(in.length >= 1 && in.length <= count, "the length is in range");
        __CPROVER_assert(in.map == MAP_ONE_BYTE || in.map == MAP_0F, "the map is known");
        __CPROVER_assert(!in.rex || (in.rex & 0xf0) == 0x40, "REX is one");
        __CPROVER_assert(instruction_reg(&in) < 16 && instruction_rm(&in) < 16, "registers exist");
    }
    return 0;
}
