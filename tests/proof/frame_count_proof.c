/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * References to a frame, while other CPUs change its count between any two steps: frame_get raises a
 * count only that is neither zero, nor full, nor one of a free or private frame, by exactly one, and
 * leaves the flags alone; who gets false has changed nothing. frame_clear_allocated tells one caller
 * only.
 *
 * cbmc: --bounds-check --pointer-check --unwind 5 --unwinding-assertions
 */
#include "hypervisor/core/memory/frame.c"

uint64_t nondet_uint64(void);
bool nondet_bool(void);

#define CHANGES_MAX 3u

static struct frame frame;
static uint64_t left;     /* the count as the other CPUs left it */
static unsigned int room; /* how often they may still change it */
static unsigned int claims;

/* The other CPUs: anything may have become of the count, but a flag that fell does not come back. */
void host_switch_point(void)
{
    if (room && nondet_bool()) {
        uint64_t count = nondet_uint64();

        room--;
        if (!(frame.count & FRAME_ALLOCATED)) {
            count &= ~FRAME_ALLOCATED;
        } else if (!(count & FRAME_ALLOCATED)) {
            claims++;
        }
        frame.count = count;
    }
    left = frame.count;
}

static bool may_be_had(uint64_t count)
{
    return !(count & (FRAME_FREE | FRAME_BROKEN | FRAME_PRIVATE)) && (count & FRAME_COUNT_MASK) &&
           (count & FRAME_COUNT_MASK) != FRAME_COUNT_MASK;
}

int main(void)
{
    left = frame.count = nondet_uint64();
    room = CHANGES_MAX;
    if (frame_get(&frame, NULL)) {
        __CPROVER_assert(may_be_had(left), "only what others may refer to");
        __CPROVER_assert(frame.count == left + 1, "by one");
        __CPROVER_assert(((frame.count ^ left) & ~FRAME_COUNT_MASK) == 0, "no flag changes");
    } else {
        __CPROVER_assert(frame.count == left, "a refusal changes nothing");
    }

    claims = 0;
    frame.count |= FRAME_ALLOCATED;
    claims += frame_clear_allocated(&frame);
    claims += frame_clear_allocated(&frame);
    __CPROVER_assert(claims == 1, "one of all CPUs drops the owner's reference");
    return 0;
}
