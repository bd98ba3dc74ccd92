/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The hypervisor's own services, by way of Linux's device files for them. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xen/xen.h>
#include <xen/sys/evtchn.h>
#include <xen/sys/gntalloc.h>
#include <xen/sys/gntdev.h>
#include <xen/sys/privcmd.h>
#include <xen/io/xs_wire.h>

#include "micro.h"

#define HYPERCALL_XEN_VERSION 17

static int run_hypercall(unsigned int operations)
{
    /* XENVER_version: reads nothing, copies nothing. */
    struct privcmd_hypercall call = { .op = HYPERCALL_XEN_VERSION, .arg = { 0 } };
    int file = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
    int result = 0;

    if (file < 0) {
        return -1;
    }
    for (unsigned int i = 0; i < operations && result >= 0; i++) {
        result = ioctl(file, IOCTL_PRIVCMD_HYPERCALL, &call);
    }
    close(file);
    return result < 0 ? -1 : 0;
}

/* Two ports of this domain, bound to each other: an event sent to `near` is read as `far`. */
struct loop {
    int file;
    struct ioctl_evtchn_notify near;
    uint32_t far;
};

/* 0, or -1 with errno. */
static int loop_open(struct loop *loop)
{
    struct ioctl_evtchn_bind_unbound_port unbound = { .remote_domain = DOMID_SELF };
    struct ioctl_evtchn_bind_interdomain bind = { .remote_domain = DOMID_SELF };
    uint32_t port;

    loop->file = open("/dev/xen/evtchn", O_RDWR | O_CLOEXEC);
    if (loop->file < 0) {
        return -1;
    }
    int near = ioctl(loop->file, IOCTL_EVTCHN_BIND_UNBOUND_PORT, &unbound);
    bind.remote_port = loop->near.port = (unsigned int)near;
    int far = near < 0 ? -1 : ioctl(loop->file, IOCTL_EVTCHN_BIND_INTERDOMAIN, &bind);
    if (far < 0) {
        return -1;
    }
    loop->far = (uint32_t)far;
    /* A freshly bound port may have one event pending; non-blocking reads take it away. */
    int flags = fcntl(loop->file, F_GETFL);
    fcntl(loop->file, F_SETFL, flags | O_NONBLOCK);
    while (read(loop->file, &port, sizeof(port)) == sizeof(port)) {
        if (write(loop->file, &port, sizeof(port)) != sizeof(port)) {
            return -1;
        }
    }
    fcntl(loop->file, F_SETFL, flags);
    return 0;
}

/* Sends an event from one port of this domain to another, reads it and unmasks. */
static int run_event(unsigned int operations)
{
    struct loop loop;
    int result = loop_open(&loop);
    uint32_t port;

    for (unsigned int i = 0; i < operations && !result; i++) {
        if (ioctl(loop.file, IOCTL_EVTCHN_NOTIFY, &loop.near) ||
            read(loop.file, &port, sizeof(port)) != sizeof(port) || port != loop.far ||
            write(loop.file, &port, sizeof(port)) != sizeof(port)) {
            result = -1;
        }
    }
    close(loop.file);
    return result;
}

/* Sends an event that is pending and masked already: only the hypercall. */
static int run_event_send(unsigned int operations)
{
    struct loop loop;
    int result = loop_open(&loop);

    for (unsigned int i = 0; i < operations && !result; i++) {
        result = ioctl(loop.file, IOCTL_EVTCHN_NOTIFY, &loop.near);
    }
    close(loop.file);
    return result;
}

static bool is_control_domain(void)
{
    char text[64];
    int file = open("/proc/xen/capabilities", O_RDONLY | O_CLOEXEC);
    ssize_t got = file < 0 ? -1 : read(file, text, sizeof(text) - 1);

    close(file);
    text[got < 0 ? 0 : got] = '\0';
    return strstr(text, "control_d") != NULL;
}

/* This domain's id, -1 with errno. What may map a grant of its own must name itself by number. */
static int own_domain(void)
{
    const char path[] = "domid";
    struct xsd_sockmsg head = { .type = XS_READ, .len = sizeof(path) };
    char message[sizeof(head) + sizeof(path)], text[16] = "";

    if (is_control_domain()) {
        return 0; /* and there may be no store yet */
    }
    int file = open("/dev/xen/xenbus", O_RDWR | O_CLOEXEC);
    if (file < 0) {
        return -1;
    }
    memcpy(message, &head, sizeof(head));
    memcpy(message + sizeof(head), path, sizeof(path));
    bool good = write(file, message, sizeof(message)) == (ssize_t)sizeof(message) &&
                read(file, &head, sizeof(head)) == (ssize_t)sizeof(head) && head.type == XS_READ &&
                head.len < sizeof(text) && read(file, text, head.len) == (ssize_t)head.len;
    close(file);
    if (!good) {
        errno = EIO;
        return -1;
    }
    return atoi(text);
}

/* Maps a granted page, reads it, unmaps it. */
static int map_grant(int file, uint32_t domain, uint32_t reference)
{
    struct ioctl_gntdev_map_grant_ref map = { .count = 1,
                                              .refs = { { .domid = domain, .ref = reference } } };

    if (ioctl(file, IOCTL_GNTDEV_MAP_GRANT_REF, &map)) {
        return -1;
    }
    volatile char *page = mmap(NULL, PAGE_BYTES, PROT_READ, MAP_SHARED, file, (off_t)map.index);
    if (page == MAP_FAILED) {
        return -1;
    }
    bool good = page[0] == 'x';
    munmap((void *)page, PAGE_BYTES);
    struct ioctl_gntdev_unmap_grant_ref unmap = { .index = map.index, .count = 1 };
    if (!good) {
        errno = EIO;
    }
    return ioctl(file, IOCTL_GNTDEV_UNMAP_GRANT_REF, &unmap) || !good ? -1 : 0;
}

static int run_grant(unsigned int operations)
{
    int source = open("/dev/xen/gntalloc", O_RDWR | O_CLOEXEC);
    int file = open("/dev/xen/gntdev", O_RDWR | O_CLOEXEC);
    int domain = own_domain();
    struct ioctl_gntalloc_alloc_gref grant = { .domid = (uint16_t)domain, .count = 1 };

    if (domain < 0 || source < 0 || file < 0) {
        return -1;
    }
    grant.flags = GNTALLOC_FLAG_WRITABLE;
    if (ioctl(source, IOCTL_GNTALLOC_ALLOC_GREF, &grant)) {
        return -1;
    }
    char *page =
        mmap(NULL, PAGE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, source, (off_t)grant.index);
    if (page == MAP_FAILED) {
        return -1;
    }
    page[0] = 'x';
    int result = 0;
    for (unsigned int i = 0; i < operations && !result; i++) {
        result = map_grant(file, (uint32_t)domain, grant.gref_ids[0]);
    }
    munmap(page, PAGE_BYTES);
    close(file);
    close(source);
    return result;
}

const struct measurement xen_measurements[] = {
    { "hypercall", 20000, run_hypercall },
    { "event", 2000, run_event },
    { "event-send", 20000, run_event_send },
    { "grant-map", 500, run_grant },
    { .run = 0 },
};
