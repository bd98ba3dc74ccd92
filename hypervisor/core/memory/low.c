/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Low memory: dom0 is told by VIRQ_ENOMEM before a request has to fail, and may give up some of its
 * own.
 *
 *     free
 *      |\        /\            armed above limit + limit/8,
 *      |-\------/--\------     limit + limit/8
 *      |  \    /    \
 *      |---x--/------x----     limit: the event, and disarmed
 *      |    \/
 *
 * What is looked at is the free memory that nobody has claimed, at each reservation. It goes down and
 * up across the limit as guests come and go; the event is sent once for each time it falls from where
 * it is armed, so allocations around the limit send none.
 *
 * Reservations happen with locks held and in any context, so they only leave a note. Two CPUs may
 * see `armed`; the exchange lets one of them send.
 */
#include "hypervisor/atomic.h"
#include "hypervisor/event.h"
#include "hypervisor/frame.h"
#include "hypervisor/option.h"
#include "hypervisor/work.h"
#include "pool.h"

static uint64_t option_limit = 64ull << 20;
OPTION_SIZE("low_mem_virq_limit", option_limit, "dom0 is told when less memory is free; 0: never");

static uint64_t limit_frames;
static bool armed;

static void look(uint64_t frames)
{
    if (frames >= limit_frames + limit_frames / 8) {
        if (!READ_ONCE(armed)) {
            WRITE_ONCE(armed, true);
        }
    } else if (frames < limit_frames && READ_ONCE(armed) && atomic_exchange(&armed, false)) {
        softwork_raise(SOFTWORK_MEMORY);
    }
}

static void tell(void)
{
    event_virq_global(VIRQ_ENOMEM);
}

void low_memory_init(void)
{
    softwork_register(SOFTWORK_MEMORY, tell);
    limit_frames = option_limit >> PAGE_SHIFT;
    armed = false;
    look(frame_count_free() - frame_count_claimed());
    WRITE_ONCE(pool_watcher, look);
}
