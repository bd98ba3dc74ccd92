/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * console_io: the hardware domain's access to the machine's console (xen/xen.h, CONSOLEIO_*). No
 * other domain has it.
 */
#include "abi/xen.h"
#include "hypervisor/console.h"
#include "hypervisor/domain.h"
#include "hypervisor/hypercall.h"

#define CHUNK_BYTES 128u

/* Writes in chunks; preemptible between them. */
static long console_io_write(struct hypercall *call)
{
    unsigned int bytes = (unsigned int)call->arg[1];
    uint64_t from = call->arg[2];
    char chunk[CHUNK_BYTES];

    while (bytes) {
        unsigned int part = min(bytes, CHUNK_BYTES);

        if (guest_copy_from(chunk, from, part)) {
            return -XEN_EFAULT;
        }
        console_write_guest(chunk, part);
        from += part;
        bytes -= part;
        if (bytes && hypercall_preempt()) {
            call->arg[1] = bytes;
            call->arg[2] = from;
            return HYPERCALL_CONTINUE;
        }
    }
    return 0;
}

/* How many bytes were read, 0 when there were none. */
static long console_io_read(uint64_t to, unsigned int bytes)
{
    char chunk[CHUNK_BYTES];
    unsigned int done = 0;

    while (done < bytes) {
        size_t got = console_read(chunk, min(bytes - done, CHUNK_BYTES));

        if (!got) {
            break;
        }
        if (guest_copy_to(to + done, chunk, got)) {
            return -XEN_EFAULT;
        }
        done += (unsigned int)got;
    }
    return done;
}

/* arg[0]: CONSOLEIO_*, arg[1]: bytes, arg[2]: guest buffer. */
long hypercall_console_io(struct hypercall *call)
{
    if ((int)call->arg[1] < 0) {
        return -XEN_EINVAL;
    }
    switch (call->arg[0]) {
    case CONSOLEIO_write:
        return console_io_write(call);
    case CONSOLEIO_read:
        return console_io_read(call->arg[2], (unsigned int)call->arg[1]);
    default:
        return -XEN_ENOSYS;
    }
}
