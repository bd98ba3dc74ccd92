/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Event records: making the buffers, what is recorded. Theory of the buffers: event_buffer.c.
 *
 *     struct t_info    tbuf_size, mfn_offset[cpu] ...  | frames of CPU 0 | frames of CPU 1 | ...
 *                      16-bit words                      32-bit frame numbers, from
 *                                                        (uint32_t *)info + mfn_offset[cpu] on
 *
 * DOMID_XEN owns the information (read-only) and the buffers (writable: the reader says how far it
 * is), so that the control domain, and nobody else, can map them. They are made once and stay: a
 * reader may still have them mapped.
 *
 * LOCK_TRACE guards the variables below; info_page is set last: who sees it sees buffers everywhere.
 */
#include "event_buffer.h"

#include "arch/memory.h"
#include "hypervisor/atomic.h"
#include "hypervisor/domain.h"
#include "hypervisor/error.h"
#include "hypervisor/event.h"
#include "hypervisor/frame.h"
#include "hypervisor/heap.h"
#include "hypervisor/lock.h"
#include "hypervisor/option.h"
#include "hypervisor/printk.h"
#include "hypervisor/work.h"

#define INFO_WORDS_MAX 65535u /* of 32 bits: mfn_offset has 16 */

static struct spinlock control_lock = SPINLOCK_INIT(LOCK_TRACE);
static struct t_info *info_page;
static unsigned int info_order, buffer_pages;
static bool being_made; /* somebody makes the buffers */
static bool enabled;
static uint32_t chosen_mask = TRC_ALL;

static uint32_t option_pages, option_mask;
OPTION_UINT("tbuf_size", option_pages, "pages of each processor's buffer of event records");
OPTION_UINT("tevt_mask", option_mask, "events recorded from the start, as xentrace -e has them");

static void tell_reader(void)
{
    event_virq_global(VIRQ_TBUF);
}

/* ---- making the buffers --------------------------------------------------------------------------- */

static unsigned int cpu_ids(void)
{
    unsigned int cpu, end = 0;

    cpu_for_each(cpu, &cpu_present_mask)
    {
        end = cpu + 1;
    }
    return end;
}

/* 32-bit words in front of the lists of frames. */
static unsigned int list_start(unsigned int cpus)
{
    return DIV_ROUND_UP((unsigned int)(offsetof(struct t_info, mfn_offset) + 2 * cpus), 4u);
}

static struct t_info *info_create(unsigned int pages, unsigned int cpus)
{
    unsigned int words = list_start(cpus) + pages * cpus, order = 0;
    struct t_info *info;

    while ((PAGE_SIZE << order) < words * sizeof(uint32_t)) {
        order++;
    }
    info = frame_alloc_mapped(order, ALLOC_ZERO);
    if (info != NULL) {
        info->tbuf_size = (uint16_t)pages;
        info_order = order;
    }
    return info;
}

static void pages_free(uint32_t **pages, unsigned int count)
{
    for (unsigned int i = 0; pages != NULL && i < count; i++) {
        if (pages[i] != NULL) {
            frame_free_mapped(pages[i], 0);
        }
    }
    heap_free(pages);
}

static uint32_t **pages_create(unsigned int count)
{
    uint32_t **pages = heap_new_array(uint32_t *, count);

    for (unsigned int i = 0; pages != NULL && i < count; i++) {
        pages[i] = frame_alloc_mapped(0, ALLOC_ZERO);
        if (pages[i] == NULL || virt_to_mfn(pages[i]).value > UINT32_MAX) {
            pages_free(pages, count);
            return NULL;
        }
    }
    return pages;
}

/* The pages are the CPU's and the reader's from now on. */
static void cpu_install(struct t_info *info, unsigned int cpu, unsigned int cpus, uint32_t **pages)
{
    unsigned int count = info->tbuf_size, start = list_start(cpus) + cpu * count;

    info->mfn_offset[cpu] = (uint16_t)start;
    for (unsigned int i = 0; i < count; i++) {
        ((uint32_t *)(void *)info)[start + i] = (uint32_t)virt_to_mfn(pages[i]).value;
        frame_share_with(domain_xen, pages[i], FRAME_SHARE_WRITABLE);
    }
    event_buffer_install(cpu, pages, count);
}

/* All or nothing: -XEN_ENOMEM. */
static int buffers_create(unsigned int pages, unsigned int cpus, struct t_info **to)
{
    uint32_t ***of_cpu = heap_new_array(uint32_t **, cpus);
    struct t_info *info = info_create(pages, cpus);
    unsigned int cpu = 0;

    while (of_cpu != NULL && info != NULL && cpu < cpus &&
           (of_cpu[cpu] = pages_create(pages)) != NULL) {
        cpu++;
    }
    if (of_cpu == NULL || info == NULL || cpu < cpus) {
        while (cpu-- != 0) {
            pages_free(of_cpu[cpu], pages);
        }
        if (info != NULL) {
            frame_free_mapped(info, info_order);
        }
        heap_free(of_cpu);
        return -XEN_ENOMEM;
    }
    for (cpu = 0; cpu < cpus; cpu++) {
        cpu_install(info, cpu, cpus, of_cpu[cpu]);
    }
    for (unsigned int i = 0; i < 1u << info_order; i++) {
        frame_share_with(domain_xen, (char *)info + i * PAGE_SIZE, FRAME_SHARE_READONLY);
    }
    heap_free(of_cpu);
    *to = info;
    return 0;
}

/* 0: the caller makes the buffers. 1: there are such ones. */
static int claim_making(unsigned int pages)
{
    unsigned long flags = spin_lock_irqsave(&control_lock);
    int rc = 0;

    if (info_page != NULL) {
        rc = buffer_pages == pages ? 1 : -XEN_EINVAL;
    } else if (being_made) {
        rc = -XEN_EBUSY;
    } else {
        being_made = true;
    }
    spin_unlock_irqrestore(&control_lock, flags);
    return rc;
}

int trace_events_set_size(unsigned int pages)
{
    unsigned int cpus = cpu_ids();
    struct t_info *info = NULL;
    unsigned long flags;
    int rc;

    if (pages == 0 || pages > (INFO_WORDS_MAX - list_start(cpus)) / cpus) {
        return -XEN_EINVAL;
    }
    rc = claim_making(pages);
    if (rc != 0) {
        return min(rc, 0);
    }
    rc = buffers_create(pages, cpus, &info);
    flags = spin_lock_irqsave(&control_lock);
    info_page = info;
    buffer_pages = pages;
    being_made = false;
    spin_unlock_irqrestore(&control_lock, flags);
    return rc;
}

/* ---- what is recorded -------------------------------------------------------------------------- */

static void wanted_update(void)
{
    WRITE_ONCE(trace_events_wanted, enabled ? chosen_mask : 0);
}

int trace_events_enable(bool on)
{
    unsigned long flags = spin_lock_irqsave(&control_lock);
    int rc = info_page != NULL ? 0 : -XEN_EINVAL;

    if (rc == 0) {
        enabled = on;
        wanted_update();
    }
    spin_unlock_irqrestore(&control_lock, flags);
    return rc;
}

void trace_events_set_mask(uint32_t mask)
{
    unsigned long flags = spin_lock_irqsave(&control_lock);

    chosen_mask = mask;
    wanted_update();
    spin_unlock_irqrestore(&control_lock, flags);
}

void trace_events_set_cpus(const struct cpu_mask *cpus)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(event_cpus.bits); i++) {
        WRITE_ONCE(event_cpus.bits[i], cpus->bits[i]);
    }
}

void trace_events_get_info(struct trace_events_info *info)
{
    unsigned long flags = spin_lock_irqsave(&control_lock);

    info->mask = chosen_mask;
    info->info_mfn = info_page != NULL ? virt_to_mfn(info_page).value : 0;
    info->info_bytes = info_page != NULL ? (uint32_t)(PAGE_SIZE << info_order) : 0;
    spin_unlock_irqrestore(&control_lock, flags);
}

void trace_events_init(void)
{
    trace_events_set_cpus(&cpu_present_mask);
    softwork_register(SOFTWORK_TRACE, tell_reader);
    if (option_mask != 0) {
        chosen_mask = option_mask;
    }
    if (option_pages == 0) {
        return;
    }
    if (trace_events_set_size(option_pages) != 0) {
        pr_warning("No buffers of %u pages for event records\n", option_pages);
    } else if (option_mask != 0) {
        (void)(trace_events_enable(true) == 0);
    }
}
