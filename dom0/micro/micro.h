/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* What the files of micro share. */
#ifndef MICRO_H
#define MICRO_H

#include <stdint.h>

#define PAGE_BYTES 4096u

struct measurement {
    const char *name;
    unsigned int operations; /* in a round */
    /* Does the operations; 0, or -1 with errno. */
    int (*run)(unsigned int operations);
};

/* By the kernel's monotonic clock. */
uint64_t now_ns(void);

/* The best of a few rounds, in a line; or that it is unavailable, and why. */
void measure(const struct measurement *measurement);

/* Tables that end with a row without a name. */
extern const struct measurement process_measurements[];
extern const struct measurement xen_measurements[];

/* Exit statuses of what the command line can ask for beside the tables. */
int network_serve(void);
int network_measure(const char *label, const char *address);
int disk_measure(const char *device);
int memory_tell(void);

#endif
