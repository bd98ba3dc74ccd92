/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Verdicts, one a line. */
#include "lib/check.h"
#include "hypervisor/string.h"
#include "lib/console.h"
#include "lib/guest.h"
#include "lib/hypercall.h"

#include <xen/grant_table.h>
#include <xen/sched.h>

#define TEXT_BYTES 160

extern const struct probe probes_start[], probes_end[];

static const char *family = "start";
static unsigned int checks, wrong;

static const struct {
    int number;
    const char *name;
} error_names[] = {
#define XEN_ERRNO(name, value) { value, #name },
#include <xen/errno.h>
};

static const char *const vector_names[] = {
    "#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "#9",
    "#TS", "#NP", "#SS", "#GP", "#PF", "#15", "#MF", "#AC", "#MC", "#XM",
};

static const char *error_name(long number)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(error_names); i++) {
        if (error_names[i].number == number) {
            return error_names[i].name;
        }
    }
    return NULL;
}

static const char *vector_name(unsigned int vector)
{
    switch (vector) {
    case TRAP_EVENTS:
        return "upcall";
    case TRAP_FAILSAFE:
        return "failsafe callback";
    case TRAP_SYSCALL:
        return "syscall callback";
    case TRAP_SYSCALL32:
        return "syscall32 callback";
    case TRAP_SYSENTER:
        return "sysenter callback";
    default:
        return vector < ARRAY_SIZE(vector_names) ? vector_names[vector] : NULL;
    }
}

static const char *const grant_names[] = {
    "okay",        "general error",   "bad domain",      "bad reference",     "bad handle",
    "bad address", "bad bus address", "no device space", "permission denied", "bad page",
    "bad copy",    "address too big", "try again",       "no space",
};

const char *check_code(long result)
{
    static char ring[8][24];
    static unsigned int turn;
    char *text = ring[turn++ % ARRAY_SIZE(ring)];
    const char *name = NULL;

    if (IS_TRAPPED(result)) {
        name = vector_name(result & 0xfff);
        if (!name) {
            string_format(text, sizeof(ring[0]), "vector %#lx", (unsigned long)result & 0xfff);
        }
    } else if (result < 0 && result > -4096) {
        name = error_name(-result);
    } else if ((result & ~0xffl) == GRANT_STATUS(0) &&
               (result & 0xff) < (long)ARRAY_SIZE(grant_names)) {
        name = grant_names[result & 0xff];
    }
    if (name) {
        string_format(text, sizeof(ring[0]), "%s", name);
    } else if (!IS_TRAPPED(result)) {
        string_format(text, sizeof(ring[0]), result > 4096 ? "%#lx" : "%ld", result);
    }
    return text;
}

static void verdict(bool good, long result, const char *instead, const char *format, va_list args)
{
    char text[TEXT_BYTES];

    checks++;
    wrong += !good;
    string_vformat(text, sizeof(text), format, args);
    console_print("%s %s: %s: %s%s%s\n", good ? "ok   " : "WRONG", family, text, check_code(result),
                  good ? "" : ", not ", good ? "" : instead);
}

void check(long result, long expected, const char *tried, ...)
{
    va_list args;

    va_start(args, tried);
    verdict(result == expected, result, check_code(expected), tried, args);
    va_end(args);
}

void check_differs(long result, long on_xenios, long on_xen, const char *tried, ...)
{
    long expected = guest_on_xenios ? on_xenios : on_xen;
    va_list args;

    va_start(args, tried);
    verdict(result == expected, result, check_code(expected), tried, args);
    va_end(args);
}

void check_refused(long result, const char *tried, ...)
{
    bool refused = IS_TRAPPED(result) || (result < 0 && error_name(-result)) ||
                   (result > GRANT_STATUS(0) && result <= GRANT_STATUS(GNTST_no_space));
    va_list args;

    va_start(args, tried);
    verdict(refused, result, "refused", tried, args);
    va_end(args);
}

void check_that(bool holds, const char *what, ...)
{
    va_list args;

    va_start(args, what);
    verdict(holds, holds, "1", what, args);
    va_end(args);
}

bool check_failed(void)
{
    return wrong != 0;
}

void give_up(const char *format, ...)
{
    char text[TEXT_BYTES];
    va_list args;

    va_start(args, format);
    string_vformat(text, sizeof(text), format, args);
    va_end(args);
    console_print("PROBE-FAULT %s: %s\n", family, text);
    guest_shutdown(SHUTDOWN_crash);
}

void must(long result, const char *what)
{
    if (result < 0) {
        give_up("%s: %s", what, check_code(result));
    }
}

void check_main(void)
{
    console_print("PROBE-START on %s\n", guest_on_xenios ? "Xenios" : "Xen");
    for (const struct probe *probe = probes_start; probe < probes_end; probe++) {
        if (guest_option_has("probe", probe->name)) {
            family = probe->name;
            console_flush();
            probe->run();
        }
    }
    console_print("PROBE-END %u checks, %u wrong\n", checks, wrong);
}
