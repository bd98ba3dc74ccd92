/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Debug keys. Registration happens at boot, on one CPU; afterwards the table is only read, so it has
 * no lock.
 */
#include "hypervisor/debug_key.h"

#include "hypervisor/bug.h"
#include "hypervisor/printk.h"
#include "hypervisor/types.h"
#include "hypervisor/watchdog.h"

struct debug_key {
    void (*fn)(char key);
    const char *description;
};

static void list_keys(char key);

static struct debug_key debug_keys[128] = {
    ['h'] = { list_keys, "list the debug keys" },
};

static void list_keys(char key)
{
    unsigned int i;

    pr_error("Debug keys ('%c' pressed):\n", key);
    for (i = 0; i < ARRAY_SIZE(debug_keys); i++) {
        if (debug_keys[i].fn != NULL) {
            pr_error(" key '%c' => %s\n", (char)i, debug_keys[i].description);
        }
    }
}

void debug_key_register(char key, void (*fn)(char key), const char *description)
{
    unsigned int index = (unsigned char)key;

    BUG_ON(index >= ARRAY_SIZE(debug_keys) || debug_keys[index].fn != NULL);
    debug_keys[index] = (struct debug_key){ fn, description };
}

void debug_key_run(char key)
{
    unsigned int index = (unsigned char)key;

    if (index < ARRAY_SIZE(debug_keys) && debug_keys[index].fn != NULL) {
        watchdog_pause(); /* a slow line may need long for what it prints */
        debug_keys[index].fn(key);
        watchdog_resume();
    } else if (key >= ' ' && index < ARRAY_SIZE(debug_keys)) {
        pr_error("No debug key '%c'; 'h' lists them\n", key);
    }
}
