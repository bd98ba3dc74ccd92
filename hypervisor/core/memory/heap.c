/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The heap of small objects.
 *
 * A page of the heap is a private frame and holds slots of one size class. What is known about the
 * page lies in its struct frame, so that nothing precedes the slots and their alignment is that of
 * the class (every class from 64 bytes up is a multiple of 64):
 *
 *     frame->type       magic (32) | class (16) | slots in use (16)
 *     frame->validated  first free slot, SLOT_NONE when full; each free slot begins with the next
 *     frame->next/prev  pages of the class with free slots, or without
 *
 * Objects above half a page are whole frames: class CLASS_LARGE, the order in place of the slots in
 * use. One empty page a class is kept, others go back.
 *
 * Debug and host builds ask for eight bytes more and use the slot's end: its last four bytes keep
 * the size asked for, and the bytes between it and the object a pattern; a free slot is filled with
 * another. Both are checked when the slot changes hands and by heap_valid(): an overrun, a write
 * after free and a double free stop the machine, by name of the address.
 *
 * Invariants (heap_valid)
 *  1. A page with a free slot is in the list `partial` of its class, a full one in `full`.
 *  2. slots in use + length of the page's free list = slots of the class.
 *  3. heap_bytes is the sum of slots in use times slot size, and of large objects.
 *  4. The patterns are whole.
 *
 * Lock: heap_lock (LOCK_HEAP). Frames are allocated and freed with it released.
 */
#include "hypervisor/atomic.h"
#include "hypervisor/bug.h"
#include "hypervisor/frame.h"
#include "hypervisor/heap.h"
#include "hypervisor/lock.h"
#include "hypervisor/string.h"
#include "arch/memory.h"
#include "pool.h"

#define HEAP_MAGIC  0x48454150ull
#define CLASS_LARGE 0xffffu
#define SLOT_NONE   0xffffu

#define HEAP_ORDER_MAX 10 /* nobody asks for more than 4 MiB in one piece */

#if defined(CONFIG_DEBUG) || defined(XENIOS_HOST)
#define HEAP_CHECKED 1
#else
#define HEAP_CHECKED 0
#endif

#define CHECK_BYTES (HEAP_CHECKED ? 8u : 0u)
#define RED_ZONE    0xb5
#define FREED       0xd7
#define SIZE_MARK   0x5a5a0000u /* exclusive-or with the size kept in a slot in use */

static const uint16_t class_bytes[] = {
    16, 32, 64, 128, 192, 256, 384, 512, 768, 1024, 1344, 2048
};
#define CLASS_COUNT ARRAY_SIZE(class_bytes)

struct size_class {
    uint32_t partial, full; /* first page of each list */
    unsigned int empty;     /* pages in `partial` without any object */
};

static struct size_class classes[CLASS_COUNT] = {
    [0 ... CLASS_COUNT - 1] = { .partial = FRAME_NO_LINK, .full = FRAME_NO_LINK },
};
static struct spinlock heap_lock = SPINLOCK_INIT(LOCK_HEAP);
static uint64_t heap_bytes; /* under heap_lock */

/* ---- what a page's struct frame says ----------------------------------------------------------- */

static uint64_t page_type(unsigned int class, unsigned int in_use)
{
    return HEAP_MAGIC << 32 | class << 16 | in_use;
}

static bool page_is_heap(const struct frame *page)
{
    return page->type >> 32 == HEAP_MAGIC && (atomic_read(&page->count) & FRAME_PRIVATE);
}

static unsigned int page_class(const struct frame *page)
{
    return page->type >> 16 & 0xffff;
}

static unsigned int page_in_use(const struct frame *page)
{
    return page->type & 0xffff;
}

static unsigned int class_slots(unsigned int class)
{
    return PAGE_SIZE / class_bytes[class];
}

static uint8_t *page_slot(const struct frame *page, unsigned int slot)
{
    return (uint8_t *)mfn_to_virt(frame_mfn(page)) + slot * class_bytes[page_class(page)];
}

static void list_add(uint32_t *list, struct frame *page)
{
    page->prev = FRAME_NO_LINK;
    page->next = *list;
    if (*list != FRAME_NO_LINK) {
        frame_table[*list].prev = frame_index(page);
    }
    *list = frame_index(page);
}

static void list_drop(uint32_t *list, struct frame *page)
{
    if (page->prev == FRAME_NO_LINK) {
        *list = page->next;
    } else {
        frame_table[page->prev].next = page->next;
    }
    if (page->next != FRAME_NO_LINK) {
        frame_table[page->next].prev = page->prev;
    }
}

/* ---- red zones --------------------------------------------------------------------------------- */

static uint32_t *slot_mark(uint8_t *slot, unsigned int bytes)
{
    return (uint32_t *)(void *)(slot + bytes - sizeof(uint32_t));
}

static bool filled_with(const uint8_t *from, const uint8_t *to, uint8_t value)
{
    while (from < to && *from == value) {
        from++;
    }
    return from >= to;
}

static bool slot_used_valid(uint8_t *slot, unsigned int bytes)
{
    uint32_t size = *slot_mark(slot, bytes) ^ SIZE_MARK;

    return size <= bytes - CHECK_BYTES &&
           filled_with(slot + size, (uint8_t *)slot_mark(slot, bytes), RED_ZONE);
}

static bool slot_free_valid(const uint8_t *slot, unsigned int bytes)
{
    return filled_with(slot + sizeof(uint16_t), slot + bytes, FREED);
}

static void slot_mark_used(uint8_t *slot, unsigned int bytes, size_t size)
{
    if (HEAP_CHECKED) {
        if (!slot_free_valid(slot, bytes)) {
            panic("heap: object at %p (%u bytes) written after it was freed", slot, bytes);
        }
        memset(slot + size, RED_ZONE, bytes - size);
        *slot_mark(slot, bytes) = (uint32_t)size ^ SIZE_MARK;
    }
}

static void slot_mark_free(uint8_t *slot, unsigned int bytes)
{
    if (HEAP_CHECKED) {
        if (!slot_used_valid(slot, bytes)) {
            panic("heap: object at %p (slot of %u bytes) overrun or freed twice", slot, bytes);
        }
        memset(slot, FREED, bytes);
    }
}

/* ---- small objects ----------------------------------------------------------------------------- */

static unsigned int class_for(size_t bytes)
{
    unsigned int class = 0;

    while (class_bytes[class] < bytes) {
        class ++;
    }
    return class;
}

/* A new page of a class, not in any list yet. */
static struct frame *page_create(unsigned int class)
{
    struct frame *page = frame_alloc(0, ALLOC_NODE_ANY, ALLOC_NO_SCRUB);
    unsigned int slots = class_slots(class);

    if (page == NULL) {
        return NULL;
    }
    (void)atomic_or(&page->count, FRAME_HYPERVISOR);
    page->type = page_type(class, 0);
    page->validated = 0;
    if (HEAP_CHECKED) {
        memset(mfn_to_virt(frame_mfn(page)), FREED, PAGE_SIZE);
    }
    for (unsigned int i = 0; i < slots; i++) {
        *(uint16_t *)(void *)page_slot(page, i) = i + 1 < slots ? (uint16_t)(i + 1) : SLOT_NONE;
    }
    return page;
}

/* Takes a slot of a page in the partial list. Under heap_lock. */
static uint8_t *page_take_slot(struct frame *page)
{
    unsigned int class = page_class(page);
    uint8_t *slot = page_slot(page, page->validated);

    if (page_in_use(page) == 0) {
        classes[class].empty--;
    }
    page->validated = *(uint16_t *)(void *)slot;
    page->type++;
    if (page->validated == SLOT_NONE) {
        list_drop(&classes[class].partial, page);
        list_add(&classes[class].full, page);
    }
    heap_bytes += class_bytes[class];
    return slot;
}

static void *small_alloc(size_t bytes)
{
    unsigned int class = class_for(bytes + CHECK_BYTES);
    struct size_class *size = &classes[class];
    struct frame *page;
    uint8_t *slot;

    spin_lock(&heap_lock);
    while (size->partial == FRAME_NO_LINK) {
        spin_unlock(&heap_lock);
        page = page_create(class);
        if (page == NULL) {
            return NULL;
        }
        spin_lock(&heap_lock);
        list_add(&size->partial, page);
        size->empty++;
    }
    slot = page_take_slot(&frame_table[size->partial]);
    spin_unlock(&heap_lock);
    slot_mark_used(slot, class_bytes[class], bytes);
    return slot;
}

static void small_free(struct frame *page, uint8_t *slot)
{
    unsigned int class = page_class(page), bytes = class_bytes[class];
    struct frame *unused = NULL;

    BUG_ON(((uintptr_t)slot & ~PAGE_MASK) % bytes != 0 || page_in_use(page) == 0);
    slot_mark_free(slot, bytes);
    spin_lock(&heap_lock);
    if (page->validated == SLOT_NONE) {
        list_drop(&classes[class].full, page);
        list_add(&classes[class].partial, page);
    }
    *(uint16_t *)(void *)slot = page->validated;
    page->validated = (uint16_t)(((uintptr_t)slot & ~PAGE_MASK) / bytes);
    page->type--;
    heap_bytes -= bytes;
    if (page_in_use(page) == 0 && classes[class].empty++ != 0) {
        classes[class].empty--;
        list_drop(&classes[class].partial, page);
        unused = page;
    }
    spin_unlock(&heap_lock);
    if (unused != NULL) {
        unused->type = 0;
        frame_free(unused, 0);
    }
}

/* ---- whole frames ------------------------------------------------------------------------------ */

static unsigned int order_for(size_t bytes)
{
    unsigned int order = 0;

    while (PAGE_SIZE << order < bytes) {
        order++;
    }
    return order;
}

static void heap_account(int64_t bytes)
{
    spin_lock(&heap_lock);
    heap_bytes += (uint64_t)bytes;
    spin_unlock(&heap_lock);
}

static void *large_alloc(size_t bytes)
{
    unsigned int order = order_for(bytes);
    uint8_t *object;

    object = frame_alloc_mapped(order, ALLOC_NO_SCRUB);
    if (object != NULL) {
        struct frame *page = frame_of(virt_to_mfn(object));

        page->type = page_type(CLASS_LARGE, order);
        page->tlb_stamp = (uint32_t)bytes;
        if (HEAP_CHECKED) {
            memset(object + bytes, RED_ZONE, (PAGE_SIZE << order) - bytes);
        }
        heap_account((int64_t)(PAGE_SIZE << order));
    }
    return object;
}

static void large_free(struct frame *page, uint8_t *object)
{
    unsigned int order = page_in_use(page);

    BUG_ON((uintptr_t)object % PAGE_SIZE != 0);
    if (HEAP_CHECKED &&
        !filled_with(object + page->tlb_stamp, object + (PAGE_SIZE << order), RED_ZONE)) {
        panic("heap: object at %p (%u bytes) overrun", object, page->tlb_stamp);
    }
    page->type = 0;
    heap_account(-(int64_t)(PAGE_SIZE << order));
    frame_free(page, order);
}

/* ---- the interface ----------------------------------------------------------------------------- */

void *heap_alloc(size_t bytes)
{
    if (bytes == 0 || bytes > PAGE_SIZE << HEAP_ORDER_MAX) {
        return NULL;
    }
    if (bytes + CHECK_BYTES <= class_bytes[CLASS_COUNT - 1]) {
        return small_alloc(bytes);
    }
    return large_alloc(bytes);
}

void *heap_zalloc(size_t bytes)
{
    void *object = heap_alloc(bytes);

    return object == NULL ? NULL : memset(object, 0, bytes);
}

void *heap_zalloc_array(size_t count, size_t bytes)
{
    size_t product;

    return __builtin_mul_overflow(count, bytes, &product) ? NULL : heap_zalloc(product);
}

void heap_free(void *object)
{
    struct frame *page;

    if (object == NULL) {
        return;
    }
    page = frame_of(virt_to_mfn(object));
    if (!page_is_heap(page)) {
        panic("heap: %p is not an object of the heap", object);
    }
    if (page_class(page) == CLASS_LARGE) {
        large_free(page, object);
    } else {
        small_free(page, object);
    }
}

uint64_t heap_bytes_in_use(void)
{
    return READ_ONCE(heap_bytes);
}

/* ---- invariants -------------------------------------------------------------------------------- */

static bool page_valid(const struct frame *page, unsigned int class)
{
    unsigned int slots = class_slots(class), free = 0;
    uint64_t is_free[PAGE_SIZE / 16 / 64] = { 0 };

    if (!page_is_heap(page) || page_class(page) != class) {
        return false;
    }
    for (unsigned int i = page->validated; i != SLOT_NONE; free++) {
        if (i >= slots || (is_free[i / 64] >> (i % 64) & 1)) {
            return false;
        }
        is_free[i / 64] |= 1ull << (i % 64);
        i = *(uint16_t *)(void *)page_slot(page, i);
    }
    if (free + page_in_use(page) != slots) {
        return false;
    }
    for (unsigned int i = 0; HEAP_CHECKED && i < slots; i++) {
        bool unused = is_free[i / 64] >> (i % 64) & 1;

        if (unused ? !slot_free_valid(page_slot(page, i), class_bytes[class])
                   : !slot_used_valid(page_slot(page, i), class_bytes[class])) {
            return false;
        }
    }
    return true;
}

static bool class_valid(unsigned int class, uint64_t *bytes)
{
    unsigned int empty = 0;

    for (uint32_t i = classes[class].partial; i != FRAME_NO_LINK; i = frame_table[i].next) {
        if (!page_valid(&frame_table[i], class) || frame_table[i].validated == SLOT_NONE) {
            return false;
        }
        empty += page_in_use(&frame_table[i]) == 0;
        *bytes += (uint64_t)page_in_use(&frame_table[i]) * class_bytes[class];
    }
    for (uint32_t i = classes[class].full; i != FRAME_NO_LINK; i = frame_table[i].next) {
        if (!page_valid(&frame_table[i], class) || frame_table[i].validated != SLOT_NONE) {
            return false;
        }
        *bytes += (uint64_t)page_in_use(&frame_table[i]) * class_bytes[class];
    }
    return empty == classes[class].empty;
}

bool heap_valid(void)
{
    uint64_t bytes = 0;
    bool valid = true;

    spin_lock(&heap_lock);
    for (unsigned int class = 0; valid && class < CLASS_COUNT; class ++) {
        valid = class_valid(class, &bytes);
    }
    /* Large objects are in no list: they make up the rest, whole pages of it. */
    valid = valid && heap_bytes >= bytes && (heap_bytes - bytes) % PAGE_SIZE == 0;
    spin_unlock(&heap_lock);
    return valid;
}
