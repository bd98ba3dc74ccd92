/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* What the files of core/console share. */
#ifndef CORE_CONSOLE_INSIDE_H
#define CORE_CONSOLE_INSIDE_H

#include "hypervisor/types.h"

/* Whole lines, each behind the prefix, not mixed with other output; newlines are added. */
void console_emit_lines(const char *prefix, const char *text, size_t bytes);

/* Asks for notify.c's half to run soon; NULL until console_init. Any context. */
extern void (*console_defer)(void);

/* A byte for the debug keys, or -1. */
int console_take_key(void);

/* True when output came since the last call; *input likewise for input to dom0. */
bool console_take_news(bool *input);

#endif
