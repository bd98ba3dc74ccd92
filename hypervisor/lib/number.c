/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Numbers and sizes from text. A number that does not fit becomes UINT64_MAX. */
#include "hypervisor/string.h"

/* Value of a digit in any base up to 36, or 255. */
static unsigned int digit_value(char c)
{
    if (c >= '0' && c <= '9') {
        return (unsigned int)(c - '0');
    }
    if (c >= 'a' && c <= 'z') {
        return (unsigned int)(c - 'a') + 10;
    }
    if (c >= 'A' && c <= 'Z') {
        return (unsigned int)(c - 'A') + 10;
    }
    return 255;
}

static bool has_hex_prefix(const char *text)
{
    return text[0] == '0' && (text[1] == 'x' || text[1] == 'X') && digit_value(text[2]) < 16;
}

uint64_t string_to_u64(const char *text, const char **end, unsigned int base)
{
    uint64_t value = 0;
    bool overflow = false;

    if (base == 0) {
        base = has_hex_prefix(text) ? 16 : text[0] == '0' ? 8 : 10;
    }
    if (base == 16 && has_hex_prefix(text)) {
        text += 2;
    }
    for (; digit_value(*text) < base; text++) {
        overflow |= __builtin_mul_overflow(value, (uint64_t)base, &value);
        overflow |= __builtin_add_overflow(value, (uint64_t)digit_value(*text), &value);
    }
    if (end != NULL) {
        *end = text;
    }
    return overflow ? UINT64_MAX : value;
}

uint64_t string_to_size(const char *text, const char **end)
{
    const char *after;
    uint64_t value = string_to_u64(text, &after, 0);
    unsigned int shift = 0;

    if (after != text) {
        switch (*after | 0x20) {
        case 'k':
            shift = 10;
            break;
        case 'm':
            shift = 20;
            break;
        case 'g':
            shift = 30;
            break;
        case 't':
            shift = 40;
            break;
        }
    }
    if (end != NULL) {
        *end = after + (shift != 0);
    }
    return value > UINT64_MAX >> shift ? UINT64_MAX : value << shift;
}

bool string_copy(char *to, const char *from, size_t bytes)
{
    size_t length = strnlen(from, bytes);
    bool fits = length < bytes;

    if (!fits) {
        length = bytes - 1;
    }
    memcpy(to, from, length);
    to[length] = '\0';
    return fits;
}
