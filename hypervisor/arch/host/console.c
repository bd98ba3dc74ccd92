/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The fake machine's serial line is stderr, when somebody wants to see it. */
#include "inside.h"

#include "hypervisor/console.h"

#include <stdio.h>
#include <stdlib.h>

#define SHOWN_BYTES 4096u

static void put(char byte)
{
    if (byte != '\r') {
        fputc(byte, stderr);
    }
}

static int get(void)
{
    return -1;
}

static const struct console_device stderr_device = { "stderr", put, get };

void host_set_verbose(bool verbose)
{
    console_attach(verbose ? &stderr_device : NULL);
}

void host_console_setup(void)
{
    host_set_verbose(getenv("XENIOS_VERBOSE") != NULL);
}

void host_console_show(void)
{
    char text[SHOWN_BYTES];
    uint32_t bytes, index = 0;

    if (getenv("XENIOS_VERBOSE") != NULL) {
        return; /* shown already */
    }
    do {
        bytes = sizeof(text);
        console_ring_read(text, &bytes, &index, false);
        fwrite(text, 1, bytes, stderr);
    } while (bytes == sizeof(text));
}
