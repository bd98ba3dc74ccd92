/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * xenconsoled takes a limited number of notifications in a time from one guest, so they are sparse:
 * when half of the ring waits, and when the probe says that it must be out (console_flush).
 */
#include "lib/console.h"
#include "hypervisor/string.h"
#include "lib/check.h"
#include "lib/event.h"
#include "lib/guest.h"
#include "lib/hypercall.h"
#include "lib/page.h"

#include <xen/io/console.h>

static struct xencons_interface *ring;
static uint32_t port;
static uint32_t told; /* out_prod when the reader was last notified */

void console_init(void)
{
    if (!guest_is_first() && guest_start->console.domU.mfn != 0) {
        ring = page_of_mfn(guest_start->console.domU.mfn);
        port = guest_start->console.domU.evtchn;
        told = ring->out_prod;
    }
}

uint32_t console_port(void)
{
    return port;
}

static uint32_t unread(void)
{
    return ring->out_prod - READ_ONCE(ring->out_cons);
}

void console_flush(void)
{
    if (ring && told != ring->out_prod) {
        told = ring->out_prod;
        (void)event_send(port);
    }
}

/* Until not more than `bytes` are unread. */
static void wait_for(uint32_t bytes)
{
    while (unread() > bytes) {
        event_clear(port);
        told = ring->out_prod;
        (void)event_send(port);
        if (unread() > bytes) {
            event_poll(port);
        }
    }
}

void console_drain(void)
{
    if (ring) {
        wait_for(0);
    }
}

void console_write(const char *text, size_t bytes)
{
    if (!ring) {
        hypercall4(__HYPERVISOR_console_io, CONSOLEIO_write, bytes, address_of(text), 0);
        return;
    }
    for (size_t i = 0; i < bytes; i++) {
        if (unread() == sizeof(ring->out)) {
            wait_for(sizeof(ring->out) / 2);
        }
        ring->out[MASK_XENCONS_IDX(ring->out_prod, ring->out)] = text[i];
        barrier();
        ring->out_prod++;
    }
    if (ring->out_prod - told >= sizeof(ring->out) / 2) {
        console_flush();
    }
}

void console_print(const char *format, ...)
{
    char text[256];
    va_list args;
    int length;

    va_start(args, format);
    length = string_vformat(text, sizeof(text), format, args);
    va_end(args);
    console_write(text, min((size_t)length, sizeof(text) - 1));
}
