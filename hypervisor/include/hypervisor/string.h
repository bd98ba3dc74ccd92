/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The memory and string functions of the C library that the hypervisor provides itself. */
#ifndef HYPERVISOR_STRING_H
#define HYPERVISOR_STRING_H

#include "hypervisor/types.h"

#include <stdarg.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes);
void *memmove(void *to, const void *from, size_t bytes);
void *memset(void *to, int value, size_t bytes);
int memcmp(const void *a, const void *b, size_t bytes);
void *memchr(const void *from, int value, size_t bytes);
size_t strlen(const char *text);
size_t strnlen(const char *text, size_t max_bytes);
int strcmp(const char *a, const char *b);
int strncmp(const char *a, const char *b, size_t max_bytes);
char *strchr(const char *text, int c);
char *strrchr(const char *text, int c);
char *strstr(const char *text, const char *part);
int snprintf(char *to, size_t bytes, const char *format, ...) __printf_like(3, 4);
int vsnprintf(char *to, size_t bytes, const char *format, va_list args);

/*
 * What snprintf and vsnprintf are in the hypervisor, under a name that the host's C library does not
 * have: see printk.h for the conversions. Returns the length the whole text has.
 */
int string_format(char *to, size_t bytes, const char *format, ...) __printf_like(3, 4);
int string_vformat(char *to, size_t bytes, const char *format, va_list args);

/* Copies with truncation, always NUL-terminated (bytes > 0). True when all of it fitted. */
bool string_copy(char *to, const char *from, size_t bytes);

/*
 * Number from text: 0x hexadecimal, 0 octal, decimal otherwise (base 0), digits of `base` otherwise.
 * *end is left after the last digit; no digit leaves *end == text.
 */
uint64_t string_to_u64(const char *text, const char **end, unsigned int base);

/* The same with a K, M, G or T suffix (binary, case does not matter; none means bytes). */
uint64_t string_to_size(const char *text, const char **end);

#endif
