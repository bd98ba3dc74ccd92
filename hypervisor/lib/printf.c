/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Formatted text: the conversions d i u x X o p s c and %%, the flags - 0 + # and space, width and
 * precision (also *), the lengths hh h l ll z j t. No floating point, and %n does not exist: an
 * unknown conversion is printed as it stands and takes no argument.
 *
 * `struct output` counts every byte that the full text has and stores those that fit, so that the
 * result is snprintf's: the length without truncation.
 */
#include "hypervisor/string.h"

struct output {
    char *to;
    size_t room;   /* bytes of `to`, the final NUL's included */
    size_t length; /* of the text so far, stored or not */
};

struct conversion {
    bool left, zero, plus, space, alternative;
    bool has_precision;
    unsigned int width, precision;
    unsigned int bytes; /* of the integer argument: 1, 2, 4 or 8 */
};

#define FIELD_MAX 4096u /* larger widths and precisions are cut */

static inline void emit(struct output *out, char c)
{
    if (out->length + 1 < out->room) {
        out->to[out->length] = c;
    }
    out->length++;
}

static void emit_repeated(struct output *out, char c, unsigned int count)
{
    while (count-- > 0) {
        emit(out, c);
    }
}

static void emit_text(struct output *out, const char *text, size_t bytes)
{
    while (bytes-- > 0) {
        emit(out, *text++);
    }
}

/* [spaces] sign-or-prefix [zeros] digits [spaces] */
static void emit_number(struct output *out, const struct conversion *how, const char *prefix,
                        uint64_t value, unsigned int base, bool upper)
{
    const char *symbols = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char digits[24]; /* 2^64 in octal has 22 */
    unsigned int count = 0, zeros = 0, taken, prefix_bytes = (unsigned int)strlen(prefix);

    for (; value != 0; value /= base) {
        digits[sizeof(digits) - ++count] = symbols[value % base];
    }
    if (count == 0 && !(how->has_precision && how->precision == 0)) {
        digits[sizeof(digits) - ++count] = '0';
    }
    taken = prefix_bytes + count;
    if (how->has_precision) {
        zeros = how->precision > count ? how->precision - count : 0;
    } else if (how->zero && !how->left && how->width > taken) {
        zeros = how->width - taken;
    }
    taken += zeros;
    if (!how->left && how->width > taken) {
        emit_repeated(out, ' ', how->width - taken);
    }
    emit_text(out, prefix, prefix_bytes);
    emit_repeated(out, '0', zeros);
    emit_text(out, digits + sizeof(digits) - count, count);
    if (how->left && how->width > taken) {
        emit_repeated(out, ' ', how->width - taken);
    }
}

static void emit_padded(struct output *out, const struct conversion *how, const char *text,
                        size_t length)
{
    if (!how->left && how->width > length) {
        emit_repeated(out, ' ', how->width - (unsigned int)length);
    }
    emit_text(out, text, length);
    if (how->left && how->width > length) {
        emit_repeated(out, ' ', how->width - (unsigned int)length);
    }
}

static void emit_string(struct output *out, const struct conversion *how, const char *text)
{
    if (text == NULL) {
        text = "(null)";
    }
    emit_padded(out, how, text, how->has_precision ? strnlen(text, how->precision) : strlen(text));
}

/* va_list by pointer: it may be an array type, so it travels in a struct. */
struct arguments {
    va_list list;
};

static uint64_t take_unsigned(struct arguments *args, unsigned int bytes)
{
    switch (bytes) {
    case 1:
        return (uint8_t)va_arg(args->list, unsigned int);
    case 2:
        return (uint16_t)va_arg(args->list, unsigned int);
    case 4:
        return va_arg(args->list, unsigned int);
    default:
        return va_arg(args->list, uint64_t);
    }
}

static int64_t take_signed(struct arguments *args, unsigned int bytes)
{
    switch (bytes) {
    case 1:
        return (int8_t)va_arg(args->list, int);
    case 2:
        return (int16_t)va_arg(args->list, int);
    case 4:
        return va_arg(args->list, int);
    default:
        return va_arg(args->list, int64_t);
    }
}

static const char *parse_flags(const char *format, struct conversion *how)
{
    for (;; format++) {
        switch (*format) {
        case '-':
            how->left = true;
            break;
        case '0':
            how->zero = true;
            break;
        case '+':
            how->plus = true;
            break;
        case ' ':
            how->space = true;
            break;
        case '#':
            how->alternative = true;
            break;
        default:
            return format;
        }
    }
}

/* Digits or '*'; a negative '*' is told by *negative. */
static const char *parse_count(const char *format, struct arguments *args, unsigned int *count,
                               bool *negative)
{
    uint64_t value;

    *negative = false;
    if (*format == '*') {
        int64_t given = va_arg(args->list, int);

        *negative = given < 0;
        value = (uint64_t)(given < 0 ? -given : given);
        format++;
    } else {
        value = string_to_u64(format, &format, 10);
    }
    *count = value > FIELD_MAX ? FIELD_MAX : (unsigned int)value;
    return format;
}

static const char *parse_length(const char *format, struct conversion *how)
{
    how->bytes = 4;
    switch (*format) {
    case 'h':
        how->bytes = format[1] == 'h' ? 1 : 2;
        return format + (format[1] == 'h' ? 2 : 1);
    case 'l':
        how->bytes = 8;
        return format + (format[1] == 'l' ? 2 : 1);
    case 'z':
    case 'j':
    case 't':
        how->bytes = 8;
        return format + 1;
    default:
        return format;
    }
}

static const char *parse_conversion(const char *format, struct arguments *args,
                                    struct conversion *how)
{
    bool negative;

    *how = (struct conversion){ .bytes = 4 };
    format = parse_flags(format, how);
    format = parse_count(format, args, &how->width, &negative);
    how->left |= negative;
    if (*format == '.') {
        format = parse_count(format + 1, args, &how->precision, &negative);
        how->has_precision = !negative;
    }
    return parse_length(format, how);
}

static void convert_signed(struct output *out, const struct conversion *how, struct arguments *args)
{
    int64_t value = take_signed(args, how->bytes);
    const char *sign = value < 0 ? "-" : how->plus ? "+" : how->space ? " " : "";

    emit_number(out, how, sign, value < 0 ? -(uint64_t)value : (uint64_t)value, 10, false);
}

static void convert_hexadecimal(struct output *out, const struct conversion *how,
                                struct arguments *args, bool upper)
{
    uint64_t value = take_unsigned(args, how->bytes);
    const char *prefix = !how->alternative || value == 0 ? "" : upper ? "0X" : "0x";

    emit_number(out, how, prefix, value, 16, upper);
}

/* Pointers: all 16 digits, unless a width asks for less. */
static void convert_pointer(struct output *out, struct conversion *how, struct arguments *args)
{
    uint64_t value = (uintptr_t)va_arg(args->list, void *);

    if (how->width == 0 && !how->has_precision) {
        how->has_precision = true;
        how->precision = 16;
    }
    emit_number(out, how, how->alternative ? "0x" : "", value, 16, false);
}

/* False: not a conversion. */
static bool convert(struct output *out, char which, struct conversion *how, struct arguments *args)
{
    char byte;

    switch (which) {
    case 'd':
    case 'i':
        convert_signed(out, how, args);
        return true;
    case 'u':
        emit_number(out, how, "", take_unsigned(args, how->bytes), 10, false);
        return true;
    case 'x':
    case 'X':
        convert_hexadecimal(out, how, args, which == 'X');
        return true;
    case 'o':
        emit_number(out, how, how->alternative ? "0" : "", take_unsigned(args, how->bytes), 8,
                    false);
        return true;
    case 'p':
        convert_pointer(out, how, args);
        return true;
    case 's':
        emit_string(out, how, va_arg(args->list, const char *));
        return true;
    case 'c':
        byte = (char)va_arg(args->list, int);
        emit_padded(out, how, &byte, 1);
        return true;
    case '%':
        emit(out, '%');
        return true;
    default:
        return false;
    }
}

int string_vformat(char *to, size_t bytes, const char *format, va_list list)
{
    struct output out = { .to = to, .room = bytes };
    struct arguments args;
    struct conversion how;

    va_copy(args.list, list);
    while (*format != '\0') {
        const char *start = format;

        if (*format++ != '%') {
            emit(&out, *start);
            continue;
        }
        format = parse_conversion(format, &args, &how);
        if (convert(&out, *format, &how, &args)) {
            format++;
        } else {
            emit_text(&out, start, (size_t)(format - start));
        }
    }
    va_end(args.list);
    if (bytes > 0) {
        to[out.length < bytes ? out.length : bytes - 1] = '\0';
    }
    return (int)out.length;
}

int string_format(char *to, size_t bytes, const char *format, ...)
{
    va_list args;
    int length;

    va_start(args, format);
    length = string_vformat(to, bytes, format, args);
    va_end(args);
    return length;
}
