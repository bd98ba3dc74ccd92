/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The console's deferred half: events to dom0 and debug keys, from softwork, no lock held.
 *
 * printk may be called with any lock held and in any context; an event may not be sent there. So the
 * console leaves notes (console_take_news, console_take_key) and raises SOFTWORK_CONSOLE.
 */
#include "inside.h"

#include "hypervisor/console.h"
#include "hypervisor/debug_key.h"
#include "hypervisor/event.h"
#include "hypervisor/work.h"

static void defer_to_softwork(void)
{
    softwork_raise(SOFTWORK_CONSOLE);
}

static void handle_news(void)
{
    bool input, output = console_take_news(&input);
    int key;

    if (output) {
        event_virq_global(VIRQ_CON_RING);
    }
    if (input) {
        event_virq_global(VIRQ_CONSOLE);
    }
    while ((key = console_take_key()) >= 0) {
        debug_key_run((char)key);
    }
}

void console_init(void)
{
    softwork_register(SOFTWORK_CONSOLE, handle_news);
    console_defer = defer_to_softwork;
}
