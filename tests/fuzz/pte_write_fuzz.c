/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The decoder of instructions that write page-table entries, on any bytes. */
#include "asm/pte_write.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct cpu_user_regs regs;
    struct pte_write op;
    uint64_t value;
    uint8_t *copy;

    if (bytes > INSTRUCTION_BYTES_MAX) {
        bytes = INSTRUCTION_BYTES_MAX;
    }
    copy = malloc(bytes ? bytes : 1); /* of the exact size: a read beyond it is found */
    memcpy(copy, data, bytes);
    memset(&regs, 0x5a, sizeof(regs));
    if (pte_write_decode(&op, copy, (unsigned int)bytes)) {
        if (op.length > bytes || (op.width & (op.width - 1)) || op.width > 8) {
            abort();
        }
        (void)pte_write_execute(&op, &regs, 0x123456789abcdef0ull, &value);
    }
    free(copy);
    return 0;
}
