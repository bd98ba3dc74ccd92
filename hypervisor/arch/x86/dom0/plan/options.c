/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * dom0_mem=<size>,min:<size>,max:<size>, dom0_max_vcpus=<n> or <min>-<max>, dom0_vcpus_pin. A negative
 * size means: all of the machine but that much.
 */
#include "asm/dom0_plan.h"
#include "hypervisor/bitmap.h"
#include "hypervisor/cpu.h"
#include "hypervisor/error.h"
#include "hypervisor/option.h"
#include "hypervisor/printk.h"
#include "hypervisor/string.h"

/* Without dom0_mem the hypervisor keeps a sixteenth of the machine, at most 128 MiB. */
#define KEEP_SHARE      16u
#define KEEP_FRAMES_MAX (128ull << (20 - PAGE_SHIFT))
#define KEEP_FRAMES_MIN (4ull << (20 - PAGE_SHIFT))

struct amount {
    bool given, negative;
    uint64_t frames;
};

static struct amount mem_wanted, mem_min, mem_max;
static unsigned int vcpus_min = 1, vcpus_max = CONFIG_MAX_CPUS;
static bool opt_dom0_vcpus_pin;

static const char *parse_amount(const char *text, struct amount *amount)
{
    const char *end;

    amount->negative = *text == '-';
    text += amount->negative;
    amount->frames = string_to_size(text, &end) >> PAGE_SHIFT;
    amount->given = end != text;
    return end;
}

static int parse_dom0_mem(const char *text)
{
    while (*text) {
        struct amount *amount = &mem_wanted;

        if (strncmp(text, "min:", 4) == 0) {
            amount = &mem_min;
            text += 4;
        } else if (strncmp(text, "max:", 4) == 0) {
            amount = &mem_max;
            text += 4;
        }
        text = parse_amount(text, amount);
        if (!amount->given || (*text && *text != ',')) {
            return -XEN_EINVAL;
        }
        text += *text == ',';
    }
    return 0;
}

static int parse_dom0_max_vcpus(const char *text)
{
    const char *end = text;

    if (*text != '-') {
        vcpus_min = vcpus_max = (unsigned int)string_to_u64(text, &end, 0);
    }
    if (*end == '-') {
        text = end + 1;
        vcpus_max = CONFIG_MAX_CPUS;
        if (*text) {
            vcpus_max = (unsigned int)string_to_u64(text, &end, 0);
        } else {
            end = text;
        }
    }
    return *end || !vcpus_max || vcpus_min > vcpus_max ? -XEN_EINVAL : 0;
}

OPTION_CUSTOM("dom0_mem", parse_dom0_mem, "memory of dom0: size, min:size, max:size");
OPTION_CUSTOM("dom0_max_vcpus", parse_dom0_max_vcpus, "processors of dom0: n or min-max");
OPTION_BOOL("dom0_vcpus_pin", opt_dom0_vcpus_pin, "each vcpu of dom0 stays on one processor");

static uint64_t amount_frames(const struct amount *amount, uint64_t all)
{
    if (!amount->negative) {
        return amount->frames;
    }
    return all > amount->frames ? all - amount->frames : 0;
}

uint64_t dom0_frames_wanted(uint64_t frames_free)
{
    uint64_t available = frames_free > KEEP_FRAMES_MIN ? frames_free - KEEP_FRAMES_MIN : 0;
    uint64_t frames;

    if (mem_wanted.given) {
        frames = amount_frames(&mem_wanted, frames_free);
    } else {
        frames = frames_free - min(frames_free / KEEP_SHARE, KEEP_FRAMES_MAX);
    }
    if (mem_min.given) {
        frames = max(frames, amount_frames(&mem_min, frames_free));
    }
    if (mem_max.given) {
        frames = min(frames, amount_frames(&mem_max, frames_free));
    }
    if (frames > available) {
        pr_warning("dom0_mem: %lu MiB is more than the %lu MiB this machine has for dom0\n",
                   (unsigned long)(frames >> (20 - PAGE_SHIFT)),
                   (unsigned long)(available >> (20 - PAGE_SHIFT)));
        frames = available;
    }
    return frames;
}

uint64_t dom0_frames_limit(uint64_t frames)
{
    if (!mem_max.given || mem_max.negative) {
        return UINT32_MAX;
    }
    return max(mem_max.frames, frames);
}

unsigned int dom0_vcpus_wanted(void)
{
    unsigned int online = bitmap_weight(cpu_online_mask.bits, CONFIG_MAX_CPUS);

    return min(max(online, vcpus_min), vcpus_max);
}

bool dom0_vcpus_pinned(void)
{
    return opt_dom0_vcpus_pin;
}
