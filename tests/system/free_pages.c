/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Prints how many pages of memory belong to nobody, and how many of them wait to be cleared. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#define __XEN_TOOLS__ 1
#include <xen/sysctl.h>
#include <xen/xen.h>

/* As Linux's include/uapi/xen/privcmd.h has it. */
struct privcmd_hypercall {
    uint64_t op, arg[5];
};

int main(void)
{
    static struct xen_sysctl sysctl = { .cmd = XEN_SYSCTL_physinfo,
                                        .interface_version = XEN_SYSCTL_INTERFACE_VERSION };
    struct privcmd_hypercall call = { .op = __HYPERVISOR_sysctl, .arg = { (uintptr_t)&sysctl } };
    int file = open("/dev/xen/privcmd", O_RDWR);

    if (mlock(&sysctl, sizeof(sysctl)) != 0 ||
        ioctl(file, _IOC(_IOC_NONE, 'P', 0, sizeof(call)), &call) != 0) {
        perror("free_pages");
        return 1;
    }
    printf("free %lu scrub %lu\n", (unsigned long)sysctl.u.physinfo.free_pages,
           (unsigned long)sysctl.u.physinfo.scrub_pages);
    return 0;
}
