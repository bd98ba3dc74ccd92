/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Any format with arguments that suit it: the text and its length are those of libc where both know
 * the conversion, and nothing is written beyond the room.
 */
#include <stdio.h>
#include <string.h>

#include "asm/host.h"
#include "hypervisor/bug.h"
#include "hypervisor/string.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#pragma clang diagnostic ignored "-Wformat-nonliteral"
#pragma clang diagnostic ignored "-Wformat-security"

struct input {
    const uint8_t *data;
    size_t left;
};

static uint8_t next(struct input *input)
{
    if (input->left == 0) {
        return 0;
    }
    input->left--;
    return *input->data++;
}

static uint64_t next_word(struct input *input)
{
    uint64_t word = 0;
    unsigned int i, bytes = next(input) % 9;

    for (i = 0; i < bytes; i++) {
        word = word << 8 | next(input);
    }
    return word;
}

/* One conversion, as "%-08.3lx"; what it wants in *conversion. */
static size_t make_format(struct input *input, char *format, char *conversion, bool *wide)
{
    static const char flags[] = "-0+ #", conversions[] = "diuxXosc";
    size_t length = 0;
    unsigned int i;
    uint8_t choice;

    format[length++] = '%';
    for (choice = next(input), i = 0; i < 5; i++) {
        if (choice >> i & 1) {
            format[length++] = flags[i];
        }
    }
    choice = next(input);
    if (choice & 1) {
        length += (size_t)sprintf(format + length, "%u", choice >> 1 & 0x3f);
    }
    choice = next(input);
    if (choice & 1) {
        length += (size_t)sprintf(format + length, ".%u", choice >> 1 & 0x1f);
    }
    *conversion = conversions[next(input) % 8];
    *wide = *conversion != 's' && *conversion != 'c' && (next(input) & 1);
    if (*wide) {
        format[length++] = 'l';
    }
    format[length++] = *conversion;
    format[length] = '\0';
    return length;
}

#define FORMAT_BOTH(argument)                                     \
    do {                                                          \
        our_length = string_format(ours, room, format, argument); \
        their_length = snprintf(theirs, room, format, argument);  \
    } while (0)

static void one_conversion(struct input *input)
{
    char format[32], text[20], ours[96], theirs[96], conversion;
    int our_length, their_length;
    size_t room;
    uint64_t word;
    bool wide;

    make_format(input, format, &conversion, &wide);
    room = next(input) % (sizeof(ours) - 1);
    word = next_word(input);
    memset(ours, '~', sizeof(ours));
    memset(theirs, '~', sizeof(theirs));
    memcpy(text, &word, 8);
    text[8] = '\0';
    if (conversion == 's') {
        FORMAT_BOTH(text);
    } else if (wide) {
        FORMAT_BOTH(word);
    } else {
        FORMAT_BOTH((int)word);
    }
    /* "%#o" and "%#x" with a precision, and odd flags, are where we keep it simpler than ISO C. */
    if (strchr(format, '#') != NULL && conversion == 'o') {
        return;
    }
    if ((conversion == 's' || conversion == 'c') && strpbrk(format, "0+ #") != NULL) {
        return;
    }
    if (our_length != their_length || memcmp(ours, theirs, sizeof(ours)) != 0) {
        panic("%s of %#lx in %zu bytes: \"%.*s\" instead of \"%.*s\"", format, (unsigned long)word,
              room, (int)room, ours, (int)room, theirs);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = { data, size };
    char text[128], format[64];

    while (input.left > 0) {
        one_conversion(&input);
    }
    /* The bytes themselves as a format, with arguments for any of it. */
    size = min(size, sizeof(format) - 1);
    memcpy(format, data, size);
    format[size] = '\0';
    if (strchr(format, 's') == NULL && strchr(format, '*') == NULL) {
        string_format(text, sizeof(text), format, 1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L, 9L, 10L, 11L, 12L,
                      13L, 14L, 15L, 16L, 17L, 18L, 19L, 20L, 21L, 22L, 23L, 24L, 25L, 26L, 27L,
                      28L, 29L, 30L, 31L, 32L);
    }
    return 0;
}
