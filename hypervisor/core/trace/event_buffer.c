/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Buffers of event records, one a CPU, shared with a reader in the control domain.
 *
 *     pages[0]                              pages[1] ...
 *     cons prod | record | record | .............. | record | padding |
 *     struct t_buf  0 ------- offset in the room for records ------ bytes
 *
 * cons and prod run from 0 to twice the room, so that equal is empty and one room apart is full; both
 * are the offset modulo the room. The CPU adds records behind prod, the reader takes them from cons on.
 *
 * Invariants:
 *   1. A record does not cross the end of the room: what is left there is filled with records
 *      TRC_TRACE_WRAP_BUFFER.
 *   2. prod is written after the record (release), and is only told: we go on from our own copy.
 *   3. The reader's cons is read once a record. One that cannot be is a full buffer: the record is
 *      lost. So a reader who lies loses records, and nothing is written outside of the room.
 *   4. Lost records are counted, and told of by TRC_LOST_RECORDS before the next one that has room.
 *
 * A buffer is written by its own CPU only, with interrupts off: no locks. Pages are never taken back.
 */
#include "event_buffer.h"

#include "arch/time.h"
#include "hypervisor/atomic.h"
#include "hypervisor/bug.h"
#include "hypervisor/domain.h"
#include "hypervisor/work.h"

#define WORD            sizeof(uint32_t)
#define HEADER_WORDS    (sizeof(struct t_buf) / WORD)
#define WORDS_A_PAGE    (PAGE_SIZE / WORD)
#define CYCLE_WORDS     2u
#define LOST_WORDS      4u
#define LOST_BYTES      ((1 + CYCLE_WORDS + LOST_WORDS) * WORD)
#define RECORD_CYCLES   (1u << 31)
#define RECORD_BYTES(n) ((uint32_t)((1 + CYCLE_WORDS + (n)) * WORD))

DEFINE_PER_CPU(struct event_buffer, event_buffers);
struct cpu_mask event_cpus;
uint32_t trace_events_wanted;

static struct t_buf *meta_of(const struct event_buffer *buffer)
{
    return (struct t_buf *)(void *)buffer->pages[0];
}

void event_buffer_install(unsigned int cpu, uint32_t **pages, unsigned int count)
{
    struct event_buffer *buffer = &per_cpu(event_buffers, cpu);

    BUG_ON(buffer->pages != NULL);
    buffer->bytes = (uint32_t)(count * PAGE_SIZE - sizeof(struct t_buf));
    atomic_write_release(&buffer->pages, pages);
}

/* ---- places -------------------------------------------------------------------------------------- */

/* Bytes that wait for the reader; the whole room when its word cannot be true. */
static uint32_t waiting(const struct event_buffer *buffer)
{
    uint32_t consumed = READ_ONCE(meta_of(buffer)->cons), used;

    if (consumed >= 2 * buffer->bytes || consumed % WORD != 0) {
        return buffer->bytes;
    }
    used = buffer->produced >= consumed ? buffer->produced - consumed
                                        : buffer->produced + 2 * buffer->bytes - consumed;
    return min(used, buffer->bytes);
}

/* What a record takes at that offset: itself, and the padding when the end is too near. */
static uint32_t padded(const struct event_buffer *buffer, uint32_t at, uint32_t bytes)
{
    uint32_t left = buffer->bytes - at % buffer->bytes;

    return left < bytes ? left + bytes : bytes;
}

static void put_word(struct event_buffer *buffer, uint32_t word)
{
    uint32_t index = (uint32_t)(HEADER_WORDS + buffer->produced % buffer->bytes / WORD);

    buffer->pages[index / WORDS_A_PAGE][index % WORDS_A_PAGE] = word;
    buffer->produced = (buffer->produced + (uint32_t)WORD) % (2 * buffer->bytes);
}

static void put_words(struct event_buffer *buffer, uint32_t event, uint64_t cycles,
                      const uint32_t *words, unsigned int count)
{
    put_word(buffer, (event & 0x0fffffffu) | count << TRACE_EXTRA_SHIFT | RECORD_CYCLES);
    put_word(buffer, (uint32_t)cycles);
    put_word(buffer, (uint32_t)(cycles >> 32));
    for (unsigned int i = 0; i < count; i++) {
        put_word(buffer, words[i]);
    }
}

/* Fills the rest of the room, less than a record: with the time in it where that helps to fill. */
static void put_padding(struct event_buffer *buffer, uint32_t bytes)
{
    uint32_t words = bytes / (uint32_t)WORD - 1, event = TRC_TRACE_WRAP_BUFFER, extra = words;

    if (extra > TRACE_EXTRA_MAX) {
        extra -= CYCLE_WORDS;
        event |= RECORD_CYCLES;
    }
    put_word(buffer, event | extra << TRACE_EXTRA_SHIFT);
    while (words-- != 0) {
        put_word(buffer, 0);
    }
}

static void put_record(struct event_buffer *buffer, uint32_t event, uint64_t cycles,
                       const uint32_t *words, unsigned int count)
{
    uint32_t left = buffer->bytes - buffer->produced % buffer->bytes;

    if (left < RECORD_BYTES(count)) {
        put_padding(buffer, left);
    }
    put_words(buffer, event, cycles, words, count);
}

/* ---- records ------------------------------------------------------------------------------------- */

static void put_lost(struct event_buffer *buffer, uint64_t cycles)
{
    const struct vcpu *vcpu = arch_current_vcpu();
    const uint32_t words[LOST_WORDS] = {
        buffer->lost,
        vcpu->domain->id.value | vcpu->id << 16,
        TRACE_U64(buffer->lost_cycles),
    };

    put_record(buffer, TRC_LOST_RECORDS, cycles, words, LOST_WORDS);
    buffer->lost = 0;
}

static void write_here(struct event_buffer *buffer, uint32_t event, const uint32_t *words,
                       unsigned int count)
{
    uint32_t used = waiting(buffer), need = 0;
    uint64_t cycles = arch_cycles();

    if (buffer->lost != 0) {
        need = padded(buffer, buffer->produced, LOST_BYTES);
    }
    need += padded(buffer, buffer->produced + need, RECORD_BYTES(count));
    if (need > buffer->bytes - used) {
        if (buffer->lost++ == 0) {
            buffer->lost_cycles = cycles;
        }
        return;
    }
    if (buffer->lost != 0) {
        put_lost(buffer, cycles);
    }
    put_record(buffer, event, cycles, words, count);
    atomic_write_release(&meta_of(buffer)->prod, buffer->produced);
    if (used < buffer->bytes / 2 && used + need >= buffer->bytes / 2) {
        softwork_raise(SOFTWORK_TRACE);
    }
}

void trace_event_write(uint32_t event, const uint32_t *words, unsigned int count)
{
    struct event_buffer *buffer;
    unsigned long flags;

    ASSERT(count <= TRACE_EXTRA_MAX);
    flags = arch_irq_save();
    buffer = &this_cpu(event_buffers);
    if (atomic_read_acquire(&buffer->pages) != NULL && cpu_mask_test(&event_cpus, arch_cpu_id())) {
        write_here(buffer, event, words, count);
    }
    arch_irq_restore(flags);
}
