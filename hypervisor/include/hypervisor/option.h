/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Boot options, declared where they are used:
 *
 *     OPTION_BOOL("nosmp", opt_nosmp, "use one processor only");
 *     OPTION_UINT("maxcpus", opt_max_cpus, "...");
 *     OPTION_SIZE("...", var, "...");  OPTION_STRING("console", opt_console, "...");
 *     OPTION_CUSTOM("dom0_mem", parse_dom0_mem, "...");  int parse(const char *value)
 *
 * "name", "name=yes|on|true|1|enable", "no-name" and "name=no|off|false|0|disable" set booleans.
 * Names are Xen's where the meaning is the same. '-' and '_' are equal in names.
 */
#ifndef HYPERVISOR_OPTION_H
#define HYPERVISOR_OPTION_H

#include "hypervisor/types.h"

enum option_kind {
    OPTION_KIND_BOOL,
    OPTION_KIND_UINT,
    OPTION_KIND_SIZE,
    OPTION_KIND_STRING,
    OPTION_KIND_CUSTOM
};

struct option {
    const char *name;
    const char *help;
    enum option_kind kind;
    uint32_t bytes; /* size of the variable */
    void *variable; /* bool, unsigned int, uint64_t, char[bytes] */
    int (*parse)(const char *value);
};

#define OPTION_ENTRY(tag, ...)                                          \
    static const struct option option_##tag __used __section("options") \
        __aligned(8) = { __VA_ARGS__ }
#define OPTION_BOOL(n, var, h)                                                              \
    OPTION_ENTRY(var, .name = n, .help = h, .kind = OPTION_KIND_BOOL, .bytes = sizeof(var), \
                 .variable = &(var))
#define OPTION_UINT(n, var, h)                                                              \
    OPTION_ENTRY(var, .name = n, .help = h, .kind = OPTION_KIND_UINT, .bytes = sizeof(var), \
                 .variable = &(var))
#define OPTION_SIZE(n, var, h)                                                              \
    OPTION_ENTRY(var, .name = n, .help = h, .kind = OPTION_KIND_SIZE, .bytes = sizeof(var), \
                 .variable = &(var))
#define OPTION_STRING(n, var, h)                                                              \
    OPTION_ENTRY(var, .name = n, .help = h, .kind = OPTION_KIND_STRING, .bytes = sizeof(var), \
                 .variable = (var))
#define OPTION_CUSTOM(n, fn, h) \
    OPTION_ENTRY(fn, .name = n, .help = h, .kind = OPTION_KIND_CUSTOM, .parse = (fn))

/*
 * Parses the hypervisor's command line (the image's own name already removed). An unknown option or
 * a bad value is warned about by name and otherwise ignored.
 */
void options_parse(const char *command_line);

/* For parsers of values: 1 for yes, on, true, 1, enable; 0 for their contraries; -XEN_EINVAL. */
int option_parse_bool(const char *value);

/* Ends of the section "options": of the linker script, or what ld itself defines on the host. */
#ifdef XENIOS_HOST
#define options_start __start_options
#define options_end   __stop_options
#endif
extern const struct option options_start[], options_end[];

#endif
