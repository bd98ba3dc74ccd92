/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The end of the world, on the host: a message, the console's last lines, the seed, abort(). */
#include "inside.h"

#include "arch/cpu.h"
#include "hypervisor/bug.h"
#include "hypervisor/lock.h"
#include "hypervisor/symbol.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

jmp_buf *host_panic_jump;

static char message[512];

const char *host_panic_message(void)
{
    return message;
}

void panic(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    if (host_panic_jump != NULL) {
        jmp_buf *jump = host_panic_jump;

        host_panic_jump = NULL;
        host_abandon_run(jump);
        lock_held_forget();
        longjmp(*jump, 1);
    }
    host_console_show();
    fprintf(stderr, "PANIC on CPU %u: %s\nreplay: XENIOS_SEED=0x%" PRIx64 "\n", arch_cpu_id(),
            message, host_seed());
    abort();
}

void host_panic_missing(const char *statement)
{
    panic("no panic from: %s", statement);
}

void warn(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

HOST_WEAK const char *symbol_find(uint64_t address, uint64_t *offset)
{
    return NULL;
}

void arch_dump_stack(void)
{
}

HOST_WEAK bool arch_cpu_dump(unsigned int cpu)
{
    return true;
}

HOST_WEAK void arch_dump_vcpu(struct vcpu *vcpu)
{
}

void arch_machine_restart(void)
{
    panic("machine restart");
}

void arch_machine_power_off(void)
{
    panic("machine power off");
}

void arch_machine_halt(void)
{
    panic("machine halt");
}
