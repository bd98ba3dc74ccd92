/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * hold_frame DOMAIN FRAME: maps a frame of a PV guest into this process, in dom0, and keeps it until
 * the process is killed. So it is known what becomes of a guest that dies meanwhile.
 *
 * The interface is that of Linux's /dev/xen/privcmd.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

struct mmapbatch {
    unsigned int count;
    uint16_t domain;
    uint64_t address;
    const uint64_t *frames;
    int *errors;
};

#define PRIVCMD_MMAPBATCH_V2 _IOC(_IOC_NONE, 'P', 4, sizeof(struct mmapbatch))

int main(int count, char **words)
{
    uint64_t frame = count == 3 ? strtoull(words[2], NULL, 0) : 0;
    struct mmapbatch batch = { .count = 1, .frames = &frame };
    int privcmd = open("/dev/xen/privcmd", O_RDWR), error = 0;
    volatile uint8_t *page;

    if (privcmd < 0 || frame == 0) {
        fprintf(stderr, "hold_frame DOMAIN FRAME: %s\n", strerror(errno));
        return 1;
    }
    page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, privcmd, 0);
    batch.domain = (uint16_t)atoi(words[1]);
    batch.address = (uintptr_t)page;
    batch.errors = &error;
    if (page == MAP_FAILED || ioctl(privcmd, PRIVCMD_MMAPBATCH_V2, &batch) != 0 || error != 0) {
        fprintf(stderr, "hold_frame: %s, %d\n", strerror(errno), error);
        return 1;
    }
    printf("holding frame %#lx: %#x\n", (unsigned long)frame, page[0]);
    fflush(stdout);
    for (;;) {
        pause();
    }
}
