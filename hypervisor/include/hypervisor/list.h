/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Doubly linked circular lists. No locks: the owner's. */
#ifndef HYPERVISOR_LIST_H
#define HYPERVISOR_LIST_H

#include "hypervisor/types.h"

struct list {
    struct list *next, *prev;
};

#define LIST_INIT(name)  \
    {                    \
        &(name), &(name) \
    }

static inline void list_init(struct list *head)
{
    head->next = head->prev = head;
}

static inline bool list_empty(const struct list *head)
{
    return head->next == head;
}

static inline void list_insert_between(struct list *item, struct list *prev, struct list *next)
{
    item->prev = prev;
    item->next = next;
    prev->next = item;
    next->prev = item;
}

/* As the first. */
static inline void list_push(struct list *head, struct list *item)
{
    list_insert_between(item, head, head->next);
}

/* As the last. */
static inline void list_append(struct list *head, struct list *item)
{
    list_insert_between(item, head->prev, head);
}

/* Leaves the item an empty list of its own, so that removing twice is harmless. */
static inline void list_remove(struct list *item)
{
    item->prev->next = item->next;
    item->next->prev = item->prev;
    list_init(item);
}

#define list_entry(item, type, member) container_of(item, type, member)
#define list_first(head, type, member) list_entry((head)->next, type, member)

#define list_for_each(item, head, member)                                             \
    for (item = list_first(head, __typeof__(*item), member); &item->member != (head); \
         item = list_first(&item->member, __typeof__(*item), member))

#define list_for_each_safe(item, after, head, member)                 \
    for (item = list_first(head, __typeof__(*item), member),          \
        after = list_first(&item->member, __typeof__(*item), member); \
         &item->member != (head);                                     \
         item = after, after = list_first(&item->member, __typeof__(*item), member))

#endif
