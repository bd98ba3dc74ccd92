/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The memory and string functions of the C library, for the freestanding build only: on the host
 * they are libc's, and the sanitizers watch those.
 *
 * Bulk goes by string instructions eight bytes wide: about as fast as anything on real processors,
 * and eight times fewer steps than bytes where the processor is emulated. Short copies are two
 * possibly overlapping moves. Nothing here may be turned by the compiler into a call of itself:
 * loops that look like one of these functions hold a barrier().
 */
#include "hypervisor/string.h"

#define SHORT_BYTES 16

static inline uint64_t load64(const void *from)
{
    uint64_t value;

    __builtin_memcpy(&value, from, sizeof(value));
    return value;
}

static inline void store64(void *to, uint64_t value)
{
    __builtin_memcpy(to, &value, sizeof(value));
}

static inline uint32_t load32(const void *from)
{
    uint32_t value;

    __builtin_memcpy(&value, from, sizeof(value));
    return value;
}

static inline void store32(void *to, uint32_t value)
{
    __builtin_memcpy(to, &value, sizeof(value));
}

/* At most SHORT_BYTES; everything is read before anything is written, so overlap is fine. */
static inline void copy_short(void *to, const void *from, size_t bytes)
{
    const uint8_t *in = from;
    uint8_t *out = to;

    if (bytes >= 8) {
        uint64_t head = load64(in), tail = load64(in + bytes - 8);

        store64(out, head);
        store64(out + bytes - 8, tail);
    } else if (bytes >= 4) {
        uint32_t head = load32(in), tail = load32(in + bytes - 4);

        store32(out, head);
        store32(out + bytes - 4, tail);
    } else if (bytes > 0) {
        uint8_t first = in[0], middle = in[bytes / 2], last = in[bytes - 1];

        out[0] = first;
        out[bytes / 2] = middle;
        out[bytes - 1] = last;
    }
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    void *out = to;
    size_t words = bytes / 8;
    uint64_t tail;

    if (bytes <= SHORT_BYTES) {
        copy_short(to, from, bytes);
        return to;
    }
    tail = load64((const uint8_t *)from + bytes - 8);
    __asm__ volatile("rep movsq" : "+D"(out), "+S"(from), "+c"(words) : : "memory");
    store64((uint8_t *)to + bytes - 8, tail);
    return to;
}

/* From the end down, for a target that lies inside the source. */
static void copy_backwards(void *to, const void *from, size_t bytes)
{
    uint64_t head = load64(from);
    size_t words = bytes / 8;
    uint8_t *out = (uint8_t *)to + bytes - 8;
    const uint8_t *in = (const uint8_t *)from + bytes - 8;

    __asm__ volatile("std; rep movsq; cld" : "+D"(out), "+S"(in), "+c"(words) : : "memory", "cc");
    store64(to, head);
}

void *memmove(void *to, const void *from, size_t bytes)
{
    uintptr_t distance = (uintptr_t)to - (uintptr_t)from;

    if (bytes <= SHORT_BYTES) {
        copy_short(to, from, bytes);
        return to;
    }
    if (distance < bytes) {
        copy_backwards(to, from, bytes);
        return to;
    }
    return memcpy(to, from, bytes);
}

void *memset(void *to, int value, size_t bytes)
{
    uint64_t pattern = (uint8_t)value * 0x0101010101010101ull;
    uint8_t *out = to;
    size_t words = bytes / 8;

    if (bytes >= 8) {
        store64(out + bytes - 8, pattern);
        __asm__ volatile("rep stosq" : "+D"(out), "+c"(words) : "a"(pattern) : "memory");
    } else if (bytes >= 4) {
        store32(out, (uint32_t)pattern);
        store32(out + bytes - 4, (uint32_t)pattern);
    } else if (bytes > 0) {
        out[0] = (uint8_t)value;
        out[bytes / 2] = (uint8_t)value;
        out[bytes - 1] = (uint8_t)value;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
    const uint8_t *left = a, *right = b;

    while (bytes >= 8 && load64(left) == load64(right)) {
        left += 8;
        right += 8;
        bytes -= 8;
    }
    for (; bytes > 0; bytes--, left++, right++) {
        if (*left != *right) {
            return *left < *right ? -1 : 1;
        }
    }
    return 0;
}

void *memchr(const void *from, int value, size_t bytes)
{
    const uint8_t *in = from;

    for (; bytes > 0; bytes--, in++) {
        if (*in == (uint8_t)value) {
            return (void *)(uintptr_t)in;
        }
    }
    return NULL;
}

size_t strlen(const char *text)
{
    const char *end = text;

    while (*end != '\0') {
        barrier();
        end++;
    }
    return (size_t)(end - text);
}

size_t strnlen(const char *text, size_t max_bytes)
{
    size_t length = 0;

    while (length < max_bytes && text[length] != '\0') {
        barrier();
        length++;
    }
    return length;
}

int strcmp(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b) {
        a++;
        b++;
    }
    return (int)(uint8_t)*a - (int)(uint8_t)*b;
}

int strncmp(const char *a, const char *b, size_t max_bytes)
{
    for (; max_bytes > 0; max_bytes--, a++, b++) {
        if (*a != *b || *a == '\0') {
            return (int)(uint8_t)*a - (int)(uint8_t)*b;
        }
    }
    return 0;
}

char *strchr(const char *text, int c)
{
    for (;; text++) {
        if (*text == (char)c) {
            return (char *)(uintptr_t)text;
        }
        if (*text == '\0') {
            return NULL;
        }
    }
}

char *strrchr(const char *text, int c)
{
    const char *found = NULL;

    for (;; text++) {
        if (*text == (char)c) {
            found = text;
        }
        if (*text == '\0') {
            return (char *)(uintptr_t)found;
        }
    }
}

char *strstr(const char *text, const char *part)
{
    size_t length = strlen(part);

    for (;; text++) {
        if (strncmp(text, part, length) == 0) {
            return (char *)(uintptr_t)text;
        }
        if (*text == '\0') {
            return NULL;
        }
    }
}
