/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * A disk, past the page cache: 4 KiB at scattered places one after the other, and long stretches in
 * pieces of 64 KiB. What was on it is lost.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/fs.h>

#include "micro.h"

#define PIECE_BYTES (64u << 10)
#define STRIDE      37u /* pages: prime, so that the places are far apart and all different */

static int file;
static char *buffer;
static uint64_t disk_bytes;

static int access_at(bool write, size_t bytes, uint64_t at)
{
    ssize_t done =
        write ? pwrite(file, buffer, bytes, (off_t)at) : pread(file, buffer, bytes, (off_t)at);

    return done == (ssize_t)bytes ? 0 : -1;
}

static int scattered(bool write, unsigned int operations)
{
    uint64_t pages = disk_bytes / PAGE_BYTES;
    int result = 0;

    for (unsigned int i = 0; i < operations && !result; i++) {
        result = access_at(write, PAGE_BYTES, i * (uint64_t)STRIDE % pages * PAGE_BYTES);
    }
    return result;
}

static int in_a_row(bool write, unsigned int operations)
{
    uint64_t pieces = disk_bytes / PIECE_BYTES;
    int result = 0;

    for (unsigned int i = 0; i < operations && !result; i++) {
        result = access_at(write, PIECE_BYTES, i % pieces * PIECE_BYTES);
    }
    return result;
}

static int run_read_page(unsigned int operations)
{
    return scattered(false, operations);
}

static int run_write_page(unsigned int operations)
{
    return scattered(true, operations);
}

static int run_read_stream(unsigned int operations)
{
    return in_a_row(false, operations);
}

static int run_write_stream(unsigned int operations)
{
    return in_a_row(true, operations);
}

int disk_measure(const char *device)
{
    static const struct measurement rows[] = {
        { "disk-write-4k", 500, run_write_page },
        { "disk-read-4k", 500, run_read_page },
        { "disk-write-64k", 256, run_write_stream },
        { "disk-read-64k", 256, run_read_stream },
    };

    file = open(device, O_RDWR | O_DIRECT | O_CLOEXEC);
    if (file < 0 || ioctl(file, BLKGETSIZE64, &disk_bytes) || disk_bytes < PIECE_BYTES ||
        posix_memalign((void **)&buffer, PAGE_BYTES, PIECE_BYTES)) {
        perror(device);
        return 1;
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        measure(&rows[i]);
    }
    return 0;
}
