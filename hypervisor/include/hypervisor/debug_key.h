/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Debug keys: one letter on the console (after three Ctrl-a) or XEN_SYSCTL_debug_keys runs a dump. */
#ifndef HYPERVISOR_DEBUG_KEY_H
#define HYPERVISOR_DEBUG_KEY_H

/* At boot; a key has one function (a second is a bug). `description` is kept by reference. */
void debug_key_register(char key, void (*fn)(char key), const char *description);
void debug_key_run(char key); /* not in interrupt context; 'h' lists the keys */

#endif
