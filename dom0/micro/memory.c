/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* What the hypervisor keeps for itself: memory that is neither free nor a domain's. xen/sysctl.h. */
#define _GNU_SOURCE
#define __XEN_TOOLS__ 1
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <xen/sysctl.h>
#include <xen/sys/privcmd.h>

#include "micro.h"

#define DOMAINS_MAX 64

/* The hypervisor reads and writes it: it must not be paged out or copied on write. */
static struct {
    struct xen_sysctl call;
    struct xen_domctl_getdomaininfo domains[DOMAINS_MAX];
} * shared;

static int sysctl_call(int file, uint32_t what)
{
    struct privcmd_hypercall hypercall = { .op = __HYPERVISOR_sysctl,
                                           .arg = { (uintptr_t)&shared->call } };

    shared->call.cmd = what;
    shared->call.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    return ioctl(file, IOCTL_PRIVCMD_HYPERCALL, &hypercall);
}

static int count_pages(int file, uint64_t *pages)
{
    if (sysctl_call(file, XEN_SYSCTL_physinfo)) {
        return -1;
    }
    *pages = shared->call.u.physinfo.total_pages - shared->call.u.physinfo.free_pages;
    memset(&shared->call, 0, sizeof(shared->call));
    shared->call.u.getdomaininfolist.max_domains = DOMAINS_MAX;
    set_xen_guest_handle(shared->call.u.getdomaininfolist.buffer, shared->domains);
    if (sysctl_call(file, XEN_SYSCTL_getdomaininfolist) < 0) {
        return -1;
    }
    for (uint32_t i = 0; i < shared->call.u.getdomaininfolist.num_domains; i++) {
        *pages -= shared->domains[i].tot_pages;
    }
    return 0;
}

int memory_tell(void)
{
    int file = open("/dev/xen/privcmd", O_RDWR | O_CLOEXEC);
    uint64_t pages;

    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED | MAP_POPULATE, -1, 0);
    if (file < 0 || shared == MAP_FAILED || count_pages(file, &pages)) {
        perror("micro --memory");
        return 1;
    }
    printf("%llu\n", (unsigned long long)(pages * PAGE_BYTES));
    return 0;
}
