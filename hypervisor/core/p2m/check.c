/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The invariants of a physical map, by number: see p2m.c. */
#include "inside.h"

#include "hypervisor/frame.h"

static bool leaf_valid(const struct p2m *p2m, uint64_t word, unsigned int level)
{
    enum p2m_type type = p2m->format->type(word);

    if (type >= P2M_TYPES || level > p2m->format->leaf_level_max ||
        (p2m_type_is_held(type) && level != 1) ||
        (p2m_type_has_frame(type) && p2m->format->mfn(word).value % p2m_frames(level) != 0)) {
        return false; /* 2, 3 */
    }
    return true;
}

static bool table_valid(struct p2m *p2m, uint64_t *table, unsigned int level, uint64_t *tables)
{
    for (unsigned int i = 0; i < P2M_ENTRIES; i++) {
        if (p2m->format->is_table(table[i], level)) {
            ++*tables;
            if (level == 1 || !table_valid(p2m, p2m_table_of(p2m, table[i]), level - 1, tables)) {
                return false;
            }
        } else if (table[i] != 0 && !leaf_valid(p2m, table[i], level)) {
            return false;
        }
    }
    return true;
}

bool p2m_valid(struct p2m *p2m)
{
    uint64_t tables = 0, pool = 0;
    bool valid;

    spin_lock(&p2m->lock);
    valid = table_valid(p2m, p2m->root, p2m->format->levels, &tables);
    for (uint64_t *table = p2m->pool_first; table != NULL; table = *(uint64_t **)(void *)table) {
        pool++;
    }
    valid &= pool == p2m->pool_free && tables + pool == p2m->pool_total; /* 1 */
    spin_unlock(&p2m->lock);
    return valid;
}
