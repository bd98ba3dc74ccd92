/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The C library's names for string_format, in the freestanding build only. */
#include "hypervisor/string.h"

int vsnprintf(char *to, size_t bytes, const char *format, va_list args)
{
    return string_vformat(to, bytes, format, args);
}

int snprintf(char *to, size_t bytes, const char *format, ...)
{
    va_list args;
    int length;

    va_start(args, format);
    length = string_vformat(to, bytes, format, args);
    va_end(args);
    return length;
}
