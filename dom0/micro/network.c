/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * TCP between two machines, one of which serves. The first byte of a connection says what it is for:
 *
 *      ECHO     every byte comes back
 *      TAKE     the server takes STREAM_BYTES and then sends one byte
 *      GIVE     the server sends STREAM_BYTES
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "micro.h"

#define PORT         7007
#define STREAM_BYTES (16u << 20)
#define BLOCK_BYTES  (64u << 10)
#define ROUND_TRIPS  1000u

enum { ECHO = 'e', TAKE = 't', GIVE = 'g' };

static char block[BLOCK_BYTES];
static struct sockaddr_in server = { .sin_family = AF_INET };

static int take(int file, size_t bytes)
{
    while (bytes) {
        ssize_t got = read(file, block, bytes < sizeof(block) ? bytes : sizeof(block));

        if (got <= 0) {
            return -1;
        }
        bytes -= (size_t)got;
    }
    return 0;
}

static int give(int file, size_t bytes)
{
    while (bytes) {
        ssize_t given = write(file, block, bytes < sizeof(block) ? bytes : sizeof(block));

        if (given <= 0) {
            return -1;
        }
        bytes -= (size_t)given;
    }
    return 0;
}

static void set_no_delay(int file)
{
    setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
}

static void serve_one(int file)
{
    char what = 0;

    set_no_delay(file);
    if (read(file, &what, 1) != 1) {
        return;
    }
    if (what == GIVE) {
        give(file, STREAM_BYTES);
    } else if (what == TAKE) {
        if (!take(file, STREAM_BYTES)) {
            give(file, 1);
        }
    } else {
        while (!take(file, 1) && !give(file, 1)) {
        }
    }
}

int network_serve(void)
{
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), file;

    server.sin_port = htons(PORT);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
    if (bind(listener, (struct sockaddr *)&server, sizeof(server)) || listen(listener, 8)) {
        perror("micro --serve");
        return 1;
    }
    if (fork()) {
        return 0; /* the port is open: the caller may go on */
    }
    while ((file = accept(listener, NULL, NULL)) >= 0) {
        serve_one(file);
        close(file);
    }
    return 1;
}

/* A connection for the purpose; -1 with errno. */
static int dial(char what)
{
    int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (file < 0 || connect(file, (struct sockaddr *)&server, sizeof(server)) ||
        write(file, &what, 1) != 1) {
        close(file);
        return -1;
    }
    set_no_delay(file);
    return file;
}

static int run_round_trip(unsigned int operations)
{
    int file = dial(ECHO), result = file < 0 ? -1 : 0;

    for (unsigned int i = 0; i < operations && !result; i++) {
        result = give(file, 1) || take(file, 1) ? -1 : 0;
    }
    close(file);
    return result;
}

static int run_send(unsigned int operations)
{
    (void)operations; /* the stream has one length */
    int file = dial(TAKE);
    int result = file < 0 || give(file, STREAM_BYTES) || take(file, 1) ? -1 : 0;

    close(file);
    return result;
}

static int run_receive(unsigned int operations)
{
    (void)operations;
    int file = dial(GIVE);
    int result = file < 0 || take(file, STREAM_BYTES) ? -1 : 0;

    close(file);
    return result;
}

int network_measure(const char *label, const char *address)
{
    static const struct measurement rows[] = {
        { "round-trip", ROUND_TRIPS, run_round_trip },
        { "send-64k", STREAM_BYTES / BLOCK_BYTES, run_send },
        { "receive-64k", STREAM_BYTES / BLOCK_BYTES, run_receive },
    };

    server.sin_port = htons(PORT);
    if (inet_pton(AF_INET, address, &server.sin_addr) != 1) {
        fprintf(stderr, "micro: %s is no address\n", address);
        return 1;
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char name[64];
        struct measurement row = rows[i];

        snprintf(name, sizeof(name), "%s-%s", label, row.name);
        row.name = name;
        measure(&row);
    }
    return 0;
}
