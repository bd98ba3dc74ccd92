/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The decoder of asm/instruction.h.
 */
#include "asm/instruction.h"
#include "hypervisor/string.h"

static bool take_prefix(struct instruction *in, uint8_t byte)
{
    switch (byte) {
    case 0x66:
        in->operand16 = true;
        return true;
    case 0x67:
        in->address32 = true;
        return true;
    case 0xf0:
        in->lock = true;
        return true;
    case 0xf2:
        in->repeat_not = true;
        return true;
    case 0xf3:
        in->repeat = true;
        return true;
    case 0x26:
    case 0x2e:
    case 0x36:
    case 0x3e:
    case 0x64:
    case 0x65:
        in->segment_override = byte;
        return true;
    default:
        return false;
    }
}

/* Bytes of SIB and displacement that follow a ModRM, given the byte after it. */
static unsigned int address_bytes(uint8_t modrm, uint8_t sib)
{
    unsigned int mod = modrm >> 6, rm = modrm & 7, bytes = 0;

    if (mod == 3) {
        return 0;
    }
    if (rm == 4) {
        bytes = 1;
        if (mod == 0 && (sib & 7) == 5) {
            bytes += 4;
        }
    } else if (mod == 0 && rm == 5) {
        bytes = 4;
    }
    return bytes + (mod == 1 ? 1 : mod == 2 ? 4 : 0);
}

bool instruction_decode(struct instruction *in, const uint8_t *bytes, unsigned int count,
                        bool (*has_modrm)(uint8_t opcode, uint8_t map))
{
    unsigned int at = 0;

    memset(in, 0, sizeof(*in));
    while (at < count && take_prefix(in, bytes[at])) {
        at++;
    }
    if (at < count && (bytes[at] & 0xf0) == 0x40) {
        in->rex = bytes[at++];
    }
    if (at < count && bytes[at] == 0x0f) {
        in->map = MAP_0F;
        at++;
    }
    if (at >= count) {
        return false;
    }
    in->opcode = bytes[at++];
    if (has_modrm(in->opcode, in->map)) {
        if (at >= count) {
            return false;
        }
        in->has_modrm = true;
        in->modrm = bytes[at++];
        at += address_bytes(in->modrm, at < count ? bytes[at] : 0);
    }
    in->length = (uint8_t)at;
    return at <= count;
}

uint64_t *instruction_register(struct cpu_user_regs *regs, unsigned int number)
{
    uint64_t *const registers[16] = {
        &regs->rax, &regs->rcx, &regs->rdx, &regs->rbx, &regs->rsp, &regs->rbp,
        &regs->rsi, &regs->rdi, &regs->r8,  &regs->r9,  &regs->r10, &regs->r11,
        &regs->r12, &regs->r13, &regs->r14, &regs->r15,
    };

    return registers[number & 15];
}
