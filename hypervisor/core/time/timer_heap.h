/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * A pairing heap of timers, linked through the timers themselves: inserting cannot fail.
 *
 *     root -- child --> A -- sibling --> B -- sibling --> C        each the root of a heap of its own
 *             before <--   before <--       before <--             A's before is its parent
 *
 * Invariants:
 *   1. A timer expires no earlier than its parent.
 *   2. before is the left sibling, or for a first child the parent, or NULL for the root.
 *   3. A timer in no heap has all three links NULL; so has one alone in its heap.
 *
 * Inserting is one comparison; taking the first out is logarithmic, amortised. No recursion. Locks
 * are the caller's.
 */
#ifndef CORE_TIME_TIMER_HEAP_H
#define CORE_TIME_TIMER_HEAP_H

#include "hypervisor/timer.h"

/* Both roots (or NULL); the one that expires first becomes the root of both. */
static inline struct timer *timer_heap_meld(struct timer *a, struct timer *b)
{
    if (a == NULL) {
        return b;
    }
    if (b == NULL) {
        return a;
    }
    if (b->expires < a->expires) {
        struct timer *swap = a;

        a = b;
        b = swap;
    }
    b->sibling = a->child;
    if (b->sibling != NULL) {
        b->sibling->before = b;
    }
    b->before = a;
    a->child = b;
    return a;
}

/* Melds a row of siblings in pairs from the left, then the pairs from the right. */
static inline struct timer *timer_heap_meld_row(struct timer *row)
{
    struct timer *pairs = NULL, *root = NULL;

    while (row != NULL) {
        struct timer *a = row, *b = row->sibling;

        row = b != NULL ? b->sibling : NULL;
        a->sibling = a->before = NULL;
        if (b != NULL) {
            b->sibling = b->before = NULL;
        }
        a = timer_heap_meld(a, b);
        a->sibling = pairs; /* a stack of pairs, the last on top */
        pairs = a;
    }
    while (pairs != NULL) {
        struct timer *next = pairs->sibling;

        pairs->sibling = NULL;
        root = timer_heap_meld(root, pairs);
        pairs = next;
    }
    return root;
}

static inline void timer_heap_insert(struct timer **root, struct timer *timer)
{
    *root = timer_heap_meld(*root, timer);
}

static inline void timer_heap_remove(struct timer **root, struct timer *timer)
{
    struct timer *children = timer_heap_meld_row(timer->child);

    timer->child = NULL;
    if (*root == timer) {
        *root = children;
        return;
    }
    if (timer->before->child == timer) {
        timer->before->child = timer->sibling;
    } else {
        timer->before->sibling = timer->sibling;
    }
    if (timer->sibling != NULL) {
        timer->sibling->before = timer->before;
    }
    timer->sibling = timer->before = NULL;
    *root = timer_heap_meld(*root, children);
}

static inline const struct timer *timer_heap_parent(const struct timer *timer)
{
    while (timer->before != NULL && timer->before->child != timer) {
        timer = timer->before;
    }
    return timer->before;
}

/* All timers of a heap, from its root on, parents first; NULL after the last. */
static inline const struct timer *timer_heap_next(const struct timer *timer)
{
    if (timer->child != NULL) {
        return timer->child;
    }
    while (timer != NULL && timer->sibling == NULL) {
        timer = timer_heap_parent(timer);
    }
    return timer != NULL ? timer->sibling : NULL;
}

static inline bool timer_heap_valid(const struct timer *root)
{
    const struct timer *timer;

    if (root != NULL && (root->before != NULL || root->sibling != NULL)) {
        return false;
    }
    for (timer = root; timer != NULL; timer = timer_heap_next(timer)) {
        const struct timer *parent = timer_heap_parent(timer);

        if ((timer->child != NULL && timer->child->before != timer) ||
            (timer->sibling != NULL && timer->sibling->before != timer) ||
            (parent != NULL && parent->expires > timer->expires)) {
            return false;
        }
    }
    return true;
}

#endif
