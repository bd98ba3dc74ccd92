/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The processor's own instructions compute what is emulated: nothing about flags is written down
 * here that could be wrong. LAHF and SETO bring them out without a stack.
 */
#include "operation.h"

#define FLAG_CF 0x001ull
#define FLAG_PF 0x004ull
#define FLAG_ZF 0x040ull
#define FLAG_SF 0x080ull
#define FLAG_OF 0x800ull

/* ah: SF ZF - AF - PF - CF; al: OF. */
static uint64_t flags_of(uint64_t before, uint64_t lahf)
{
    return (before & ~FLAGS_STATUS) | (lahf >> 8 & 0xd5) | (lahf & 1) << 11;
}

/* `insn` on a and b of one width; CF goes in. */
#define RUN(insn, suffix, modifier, b_constraint)                                        \
    __asm__("bt $0, %k[carry]\n\t" insn suffix " %" modifier "[b], %" modifier "[a]\n\t" \
            "lahf\n\t"                                                                   \
            "seto %%al"                                                                  \
            : [a] "+q"(a), "=&a"(lahf)                                                   \
            : [b] b_constraint(b), [carry] "r"(*flags)                                   \
            : "cc")

#define RUN_WIDTHS(insn)          \
    switch (width) {              \
    case 1:                       \
        RUN(insn, "b", "b", "q"); \
        break;                    \
    case 2:                       \
        RUN(insn, "w", "w", "r"); \
        break;                    \
    case 4:                       \
        RUN(insn, "l", "k", "r"); \
        break;                    \
    default:                      \
        RUN(insn, "q", "q", "r"); \
        break;                    \
    }                             \
    break

uint64_t alu(enum alu_operation operation, unsigned int width, uint64_t a, uint64_t b,
             uint64_t *flags)
{
    uint64_t lahf, before = a;

    switch (operation) {
    case ALU_ADD:
        RUN_WIDTHS("add");
    case ALU_OR:
        RUN_WIDTHS("or");
    case ALU_ADC:
        RUN_WIDTHS("adc");
    case ALU_SBB:
        RUN_WIDTHS("sbb");
    case ALU_AND:
        RUN_WIDTHS("and");
    case ALU_XOR:
        RUN_WIDTHS("xor");
    default:
        RUN_WIDTHS("sub");
    }
    *flags = flags_of(*flags, lahf);
    return (operation == ALU_CMP ? before : a) & width_mask(width);
}

/* The same with the count in CL. The flags go in whole: a count of 0 keeps them. */
#define RUN_SHIFT(insn, suffix, modifier)                                                 \
    __asm__("mov %[in], %%eax\n\t"                                                        \
            "add $0x7f, %%al\n\t" /* OF back from al's lowest bit */                      \
            "sahf\n\t" insn suffix " %%cl, %" modifier "[a]\n\t"                          \
            "lahf\n\t"                                                                    \
            "seto %%al"                                                                   \
            : [a] "+q"(a), "=&a"(lahf)                                                    \
            : "c"(count), [in] "r"((uint32_t)((*flags & 0xd5) << 8 | (*flags >> 11 & 1))) \
            : "cc")

#define RUN_SHIFT_WIDTHS(insn)     \
    switch (width) {               \
    case 1:                        \
        RUN_SHIFT(insn, "b", "b"); \
        break;                     \
    case 2:                        \
        RUN_SHIFT(insn, "w", "w"); \
        break;                     \
    case 4:                        \
        RUN_SHIFT(insn, "l", "k"); \
        break;                     \
    default:                       \
        RUN_SHIFT(insn, "q", "q"); \
        break;                     \
    }                              \
    break

uint64_t shift(enum shift_operation operation, unsigned int width, uint64_t a, uint8_t count,
               uint64_t *flags)
{
    uint64_t lahf;

    switch (operation) {
    case SHIFT_ROL:
        RUN_SHIFT_WIDTHS("rol");
    case SHIFT_ROR:
        RUN_SHIFT_WIDTHS("ror");
    case SHIFT_RCL:
        RUN_SHIFT_WIDTHS("rcl");
    case SHIFT_RCR:
        RUN_SHIFT_WIDTHS("rcr");
    case SHIFT_SHR:
        RUN_SHIFT_WIDTHS("shr");
    case SHIFT_SAR:
        RUN_SHIFT_WIDTHS("sar");
    default:
        RUN_SHIFT_WIDTHS("shl");
    }
    *flags = flags_of(*flags, lahf);
    return a & width_mask(width);
}

uint64_t increment(unsigned int width, uint64_t a, bool down, uint64_t *flags)
{
    uint64_t carry = *flags & FLAG_CF;

    a = alu(down ? ALU_SUB : ALU_ADD, width, a, 1, flags);
    *flags = (*flags & ~FLAG_CF) | carry;
    return a;
}

uint64_t multiply(unsigned int width, bool is_signed, uint64_t a, uint64_t b, uint64_t *high,
                  uint64_t *flags)
{
    unsigned __int128 product;
    uint64_t low;
    bool fits;

    if (is_signed) {
        __int128 wide =
            (__int128)(int64_t)sign_extended(a, width) * (int64_t)sign_extended(b, width);

        product = (unsigned __int128)wide;
        fits = wide == (__int128)(int64_t)sign_extended((uint64_t)product, width);
    } else {
        product = (unsigned __int128)(a & width_mask(width)) * (b & width_mask(width));
        fits = product >> 8 * width == 0;
    }
    low = (uint64_t)product & width_mask(width);
    *high = (uint64_t)(product >> 8 * width) & width_mask(width);
    *flags = (*flags & ~(FLAG_CF | FLAG_OF)) | (fits ? 0 : FLAG_CF | FLAG_OF);
    return low;
}

bool condition(unsigned int code, uint64_t flags)
{
    bool carry = flags & FLAG_CF, zero = flags & FLAG_ZF, sign = flags & FLAG_SF;
    bool overflow = flags & FLAG_OF, parity = flags & FLAG_PF;
    const bool holds[8] = {
        overflow,
        carry,
        zero,
        carry || zero,
        sign,
        parity,
        sign != overflow,
        zero || sign != overflow,
    };

    return holds[code >> 1 & 7] != (code & 1);
}
