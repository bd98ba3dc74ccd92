/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * A frame's type word, while other CPUs change it between any two steps: a reference of a simple type
 * is won only from a frame without references, whose old mappings are flushed before, or from one of
 * that type already, by one; the count does not run over. While it is held, nobody takes the type.
 *
 * cbmc: --bounds-check --pointer-check --unwind 5 --unwinding-assertions
 */
#include "hypervisor/arch/x86/pagetype/type.c"

uint64_t nondet_uint64(void);
bool nondet_bool(void);

#define CHANGES_MAX 3u

static struct frame frame;
struct frame *frame_table = &frame;
static uint8_t page[PAGE_SIZE];
uint8_t *host_ram = page;
uint64_t host_ram_bytes = sizeof(page);
static uint64_t left; /* the word as the other CPUs left it before our last step */
static unsigned int room;
static bool ours;    /* we hold PAGETYPE_LOCKED: nobody else writes */
static bool flushed; /* since then */

void host_switch_point(void)
{
    ours = frame.type & PAGETYPE_LOCKED && left != frame.type;
    /* Who has the type locked lets go of it in the end. */
    if (!ours && room && (frame.type & PAGETYPE_LOCKED || nondet_bool())) {
        room--;
        frame.type = nondet_uint64();
        flushed = false;
        __CPROVER_assume(room || !(frame.type & PAGETYPE_LOCKED));
    }
    if (!ours) {
        left = frame.type;
    }
}

void arch_tlb_flush_since(uint32_t stamp)
{
    __CPROVER_assert(stamp == frame.tlb_stamp, "the debt of this frame");
    __CPROVER_assert(frame.type & PAGETYPE_LOCKED, "safety work after the exchange that wins");
    flushed = true;
}

void tlb_poll(void)
{
}

void host_relax(void)
{
}

void panic(const char *format, ...)
{
    __CPROVER_assert(false, "no bug");
    __CPROVER_assume(false);
}

/* All descriptors are fine, or not. */
bool descriptors_validate(uint64_t *descriptors)
{
    (void)descriptors;
    return nondet_bool();
}

int main(void)
{
    enum pagetype type = nondet_bool() ? PAGETYPE_WRITABLE : PAGETYPE_DESCRIPTOR;
    enum pagetype was;
    int result;

    left = frame.type = nondet_uint64();
    __CPROVER_assume(!(left & PAGETYPE_LOCKED));
    frame.tlb_stamp = (uint32_t)nondet_uint64();
    room = CHANGES_MAX;
    result = type_get_simple(&frame, type);
    was = pagetype_of_word(left);
    if (result == 0) {
        __CPROVER_assert(pagetype_of(&frame) == type && !(frame.type & PAGETYPE_LOCKED),
                         "it has the type");
        __CPROVER_assert(pagetype_count_of_word(frame.type) == pagetype_count_of_word(left) + 1,
                         "one reference more");
        __CPROVER_assert(pagetype_count_of_word(left) == 0 || was == type,
                         "a type with references stays");
        __CPROVER_assert(was == type || was == PAGETYPE_NONE || flushed,
                         "no other type without a flush");
    } else if (result == -XEN_EBUSY) {
        __CPROVER_assert(frame.type == left && pagetype_count_of_word(left) == PAGETYPE_COUNT_MASK,
                         "the count is full");
    } else {
        __CPROVER_assert(result == -XEN_EINVAL, "or it has another type");
        __CPROVER_assert(pagetype_count_of_word(left) == 0 || frame.type == left, "and keeps it");
    }
    return 0;
}
