/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The console's rings and its device.
 *
 *     printk --> emit() --+--> output ring (past output; the oldest bytes are lost)
 *     dom0's writes ------+--> device (serial line), "\n" as "\r\n"
 *     device's interrupt --> console_receive --+--> input ring  --> console_read, dom0
 *                                              +--> key ring    --> debug keys, in softwork
 *
 * Indices count bytes since boot, modulo 2^32; a ring's byte i is at i mod its size, a power of two.
 *
 * Invariants:
 *   1. produced - kept <= size of the output ring: bytes [kept, produced) can be read.
 *   2. the same for the input and key rings, with a full one dropping what comes.
 *   3. What one call emits is not interleaved with another CPU's.
 *
 * Locks: one lock, LOCK_CONSOLE, the last of all, so that anybody may print; nothing is called with
 * it held but the device. A CPU that comes here while it is inside already (an NMI, a fault in the
 * device's code) goes ahead without the lock: a torn line is better than none. After
 * console_force nobody waits for it any more.
 *
 * Events to dom0 and debug keys are not raised here: the console only asks for softwork
 * (console_defer), and notify.c does the rest without locks.
 */
#include "hypervisor/console.h"

#include "inside.h"

#include "hypervisor/cpu.h"
#include "hypervisor/heap.h"
#include "hypervisor/lock.h"
#include "hypervisor/option.h"
#include "hypervisor/printk.h"
#include "hypervisor/string.h"

#define RING_BYTES_FIRST 16384u /* until the heap stands */
#define RING_BYTES_MAX   (16u << 20)
#define INPUT_BYTES      256u
#define CTRL_A           '\001'

struct byte_ring {
    uint32_t produced, kept;
    uint32_t size; /* a power of two */
    char *bytes;
};

static char output_first[RING_BYTES_FIRST];
static char input_bytes[INPUT_BYTES], key_bytes[INPUT_BYTES];
static struct byte_ring output = { .size = RING_BYTES_FIRST, .bytes = output_first };
static struct byte_ring input = { .size = INPUT_BYTES, .bytes = input_bytes };
static struct byte_ring keys = { .size = INPUT_BYTES, .bytes = key_bytes };

static struct spinlock console_lock = SPINLOCK_INIT(LOCK_CONSOLE);
static DEFINE_PER_CPU(bool, inside); /* this CPU holds the lock or waits for it */
static const struct console_device *console_device;
static bool line_open; /* the last byte out was not a newline */
static bool forced;
static bool news_output, news_input; /* since console_take_news */
static bool keys_to_hypervisor;
static unsigned int switch_count; /* Ctrl-a in a row */

void (*console_defer)(void);

static uint64_t opt_conring_size;
OPTION_SIZE("conring_size", opt_conring_size, "size of the console ring");

/* The device is always written at once; the name is known so that nobody is warned about it. */
static bool opt_sync_console;
OPTION_BOOL("sync_console", opt_sync_console, "write the console synchronously (always done)");

/* Off, so that xl dmesg, printed on that console, does not read itself. */
static bool opt_console_to_ring;
OPTION_BOOL("console_to_ring", opt_console_to_ring, "keep what dom0 prints in the ring, too");

/* Returns what leave() wants: the interrupt flag, and in *locked whether the lock was taken. */
static unsigned long enter(bool *locked)
{
    unsigned long flags = arch_irq_save();

    *locked = !READ_ONCE(forced) && !this_cpu(inside);
    if (*locked) {
        this_cpu(inside) = true;
        barrier(); /* an NMI from here on sees it */
        spin_lock(&console_lock);
    }
    return flags;
}

static void leave(unsigned long flags, bool locked)
{
    if (locked) {
        spin_unlock(&console_lock);
        barrier();
        this_cpu(inside) = false;
    }
    arch_irq_restore(flags);
}

/* Outside of the lock, which softwork's must not nest in. */
static void defer(void)
{
    void (*fn)(void) = READ_ONCE(console_defer);

    if (fn != NULL) {
        fn();
    }
}

static void put_device(const struct console_device *device, char byte)
{
    if (byte == '\n') {
        device->put('\r');
    }
    device->put(byte);
}

static void emit_device(const char *text, size_t bytes)
{
    for (size_t i = 0; console_device != NULL && i < bytes; i++) {
        put_device(console_device, text[i]);
    }
    if (bytes > 0) {
        line_open = text[bytes - 1] != '\n';
    }
}

static void emit(const char *text, size_t bytes)
{
    size_t i;

    for (i = 0; i < bytes; i++) {
        output.bytes[output.produced++ & (output.size - 1)] = text[i];
        if (output.produced - output.kept > output.size) {
            output.kept = output.produced - output.size;
        }
    }
    if (bytes > 0) {
        news_output = true;
    }
    emit_device(text, bytes);
}

void console_emit_lines(const char *prefix, const char *text, size_t bytes)
{
    size_t prefix_bytes = strlen(prefix);
    bool locked;
    unsigned long flags = enter(&locked);

    if (line_open) {
        emit("\n", 1);
    }
    while (bytes > 0) {
        const char *newline = memchr(text, '\n', bytes);
        size_t line = newline != NULL ? (size_t)(newline - text) + 1 : bytes;

        emit(prefix, prefix_bytes);
        emit(text, line);
        text += line;
        bytes -= line;
    }
    if (line_open) {
        emit("\n", 1);
    }
    leave(flags, locked);
    defer();
}

void console_write(const char *text, size_t bytes)
{
    bool locked;
    unsigned long flags = enter(&locked);

    emit(text, bytes);
    leave(flags, locked);
    defer();
}

void console_write_guest(const char *text, size_t bytes)
{
    bool locked;
    unsigned long flags;

    if (opt_console_to_ring) {
        console_write(text, bytes);
        return;
    }
    flags = enter(&locked);
    emit_device(text, bytes);
    leave(flags, locked);
}

void console_attach(const struct console_device *device)
{
    bool locked;
    unsigned long flags = enter(&locked);
    uint32_t i;

    for (i = output.kept; device != NULL && device != console_device && i != output.produced; i++) {
        put_device(device, output.bytes[i & (output.size - 1)]);
    }
    console_device = device;
    leave(flags, locked);
}

void console_force(void)
{
    WRITE_ONCE(forced, true);
}

uint32_t console_ring_wanted(void)
{
    uint32_t bytes = RING_BYTES_FIRST;

    if (opt_conring_size == 0) {
        return 0;
    }
    while (bytes < opt_conring_size && bytes < RING_BYTES_MAX) {
        bytes *= 2;
    }
    return bytes;
}

void console_ring_resize(uint32_t bytes)
{
    char *larger, *old;
    unsigned long flags;
    bool locked;
    uint32_t i;

    if (bytes <= output.size || bytes > RING_BYTES_MAX || (bytes & (bytes - 1)) != 0) {
        return;
    }
    larger = heap_alloc(bytes);
    if (larger == NULL) {
        pr_warning("No memory for a console ring of %u bytes\n", bytes);
        return;
    }
    flags = enter(&locked);
    for (i = output.kept; i != output.produced; i++) {
        larger[i & (bytes - 1)] = output.bytes[i & (output.size - 1)];
    }
    old = output.bytes;
    output.bytes = larger;
    output.size = bytes;
    leave(flags, locked);
    if (old != output_first) {
        heap_free(old);
    }
}

void console_ring_read(char *text, uint32_t *bytes, uint32_t *index, bool clear)
{
    uint32_t from = *index, count = 0;
    unsigned long flags;
    bool locked;

    flags = enter(&locked);
    /* Too old, or never produced. */
    if (from - output.kept > output.produced - output.kept) {
        from = output.kept;
    }
    while (count < *bytes && from != output.produced) {
        text[count++] = output.bytes[from++ & (output.size - 1)];
    }
    if (clear) {
        output.kept = output.produced;
    }
    leave(flags, locked);
    *bytes = count;
    *index = from;
}

static bool ring_put(struct byte_ring *ring, char byte)
{
    if (ring->produced - ring->kept >= ring->size) {
        return false;
    }
    ring->bytes[ring->produced++ & (ring->size - 1)] = byte;
    return true;
}

static int ring_take(struct byte_ring *ring)
{
    if (ring->kept == ring->produced) {
        return -1;
    }
    return (unsigned char)ring->bytes[ring->kept++ & (ring->size - 1)];
}

/* True when the byte completed three Ctrl-a in a row. */
static bool completes_switch(char byte)
{
    if (byte != CTRL_A || switch_count < 2) {
        return false;
    }
    switch_count = 0;
    keys_to_hypervisor = !keys_to_hypervisor;
    return true;
}

/* A Ctrl-a is held back until it is known not to be one of three. */
static void deliver(char byte)
{
    struct byte_ring *ring = keys_to_hypervisor ? &keys : &input;

    if (byte == CTRL_A) {
        switch_count++;
        return;
    }
    for (; switch_count > 0; switch_count--) {
        (void)ring_put(ring, CTRL_A);
    }
    (void)ring_put(ring, byte);
    news_input |= !keys_to_hypervisor;
}

void console_receive(char byte)
{
    bool locked, switched, to_hypervisor;
    unsigned long flags = enter(&locked);

    switched = completes_switch(byte);
    to_hypervisor = keys_to_hypervisor;
    if (!switched) {
        deliver(byte);
    }
    leave(flags, locked);
    if (switched) {
        pr_error("*** Serial input to %s (type 'CTRL-a' three times to switch input)\n",
                 to_hypervisor ? "Xenios" : "dom0");
    }
    defer();
}

size_t console_read(char *text, size_t bytes)
{
    bool locked;
    unsigned long flags = enter(&locked);
    size_t count = 0;
    int byte;

    while (count < bytes && (byte = ring_take(&input)) >= 0) {
        text[count++] = (char)byte;
    }
    leave(flags, locked);
    return count;
}

int console_take_key(void)
{
    bool locked;
    unsigned long flags = enter(&locked);
    int byte = ring_take(&keys);

    leave(flags, locked);
    return byte;
}

bool console_take_news(bool *input_came)
{
    bool locked;
    unsigned long flags = enter(&locked);
    bool output_came = news_output;

    *input_came = news_input;
    news_output = news_input = false;
    leave(flags, locked);
    return output_came;
}
