/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The log of written pages. It is the map itself: while logging, P2M_RAM says that a page was
 * written since somebody looked, P2M_RAM_CLEAN that it was not, and cannot be without a fault.
 */
#include "inside.h"

#include "hypervisor/bitmap.h"
#include "hypervisor/bug.h"
#include "hypervisor/error.h"
#include "hypervisor/string.h"

/* Gives an entry another type of RAM, in place. Locked. */
static void retype(struct p2m *p2m, uint64_t *entry, unsigned int level, enum p2m_type type)
{
    uint64_t word = p2m->format->leaf(p2m->format->mfn(*entry), type, level);

    p2m_write(p2m, entry, word, type == P2M_RAM_CLEAN);
}

static void make_clean(struct p2m *p2m, uint64_t *entry, uint64_t gfn, unsigned int level)
{
    if (p2m->format->type(*entry) == P2M_RAM) {
        retype(p2m, entry, level, P2M_RAM_CLEAN);
    }
}

static void make_plain(struct p2m *p2m, uint64_t *entry, uint64_t gfn, unsigned int level)
{
    if (p2m->format->type(*entry) == P2M_RAM_CLEAN) {
        retype(p2m, entry, level, P2M_RAM);
    }
}

static void logging_set(struct p2m *p2m, bool on)
{
    spin_lock(&p2m->lock);
    if (p2m->logging != on) {
        p2m->logging = on;
        p2m->cursor = 0;
    }
    spin_unlock(&p2m->lock);
}

int p2m_log_start(struct p2m *p2m)
{
    int error;

    logging_set(p2m, true);
    error = p2m_visit(p2m, make_clean);
    if (error == 0) {
        p2m_flush(p2m);
    }
    return error;
}

int p2m_log_stop(struct p2m *p2m)
{
    logging_set(p2m, false);
    return p2m_visit(p2m, make_plain);
}

bool p2m_log_write(struct p2m *p2m, gfn_t gfn)
{
    struct p2m_mapping mapping = p2m_lookup(p2m, gfn), old;
    struct p2m_change change = {
        .gfn = gfn.value,
        .mfn = mapping.mfn,
        .level = 1,
        .type = P2M_RAM,
        .expected = true,
        .expected_mfn = mapping.mfn,
        .expected_type = P2M_RAM_CLEAN,
    };
    int error;

    if (mapping.type != P2M_RAM_CLEAN) {
        return p2m_type_writable(mapping.type); /* somebody was faster, or a stale translation */
    }
    error = p2m_change(p2m, &change, &old);
    if (error == -XEN_ENOMEM) {
        /* No table to split a large entry: all of it counts as written. */
        uint64_t *entry;
        unsigned int level;

        spin_lock(&p2m->lock);
        entry = p2m_find(p2m, gfn.value, 1, &level);
        make_plain(p2m, entry, gfn.value, level);
        spin_unlock(&p2m->lock);
    }
    return true;
}

unsigned int p2m_log_read(struct p2m *p2m, gfn_t first, unsigned int count, unsigned long *bitmap,
                          bool clear)
{
    uint64_t gfn = first.value, end = gfn + count;
    unsigned int written = 0;

    ASSERT(count <= P2M_LOG_COUNT_MAX);
    memset(bitmap, 0, BITMAP_LONGS(count) * sizeof(*bitmap));
    while (gfn < end && p2m_reaches(p2m, gfn)) {
        unsigned int level;
        uint64_t *entry, next;
        bool whole;

        spin_lock(&p2m->lock);
        entry = p2m_find(p2m, gfn, 1, &level);
        next = (gfn | (p2m_frames(level) - 1)) + 1;
        whole = (gfn & (p2m_frames(level) - 1)) == 0 && next <= end;
        if (p2m->format->type(*entry) == P2M_RAM) {
            for (uint64_t i = gfn; i < min(next, end); i++, written++) {
                bit_set(bitmap, (unsigned int)(i - first.value));
            }
            if (clear && whole && p2m->logging) {
                retype(p2m, entry, level, P2M_RAM_CLEAN);
            }
        }
        spin_unlock(&p2m->lock);
        gfn = next;
    }
    return written;
}
