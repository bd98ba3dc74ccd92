/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The platform's counters, best first: HPET, ACPI PM timer, PIT. One is chosen at boot (option
 * clocksource=). It is the reference that the TSC is measured against, and kept in step with when
 * the TSC is not to be trusted.
 *
 * The PIT's channel 2 is used (its gate is ours, its output goes to a speaker that is kept silent);
 * channel 0 is left alone. It counts down from 0xffff in 55 ms.
 */
#include "asm/clock.h"
#include "asm/msr.h"
#include "asm/paging.h"
#include "hypervisor/acpi.h"
#include "hypervisor/lock.h"
#include "hypervisor/option.h"
#include "hypervisor/printk.h"
#include "hypervisor/string.h"

#include "source.h"

/* ---- HPET: IA-PC HPET specification 1.0a, 2.3 ------------------------------------------------- */

#define HPET_BYTES         0x400
#define HPET_CAPABILITIES  0x00
#define HPET_CONFIGURATION 0x10
#define HPET_COUNTER       0xf0
#define HPET_TIMER(n)      (0x100 + 0x20 * (n))
#define HPET_ENABLE        1u
#define HPET_LEGACY        2u
#define HPET_TIMER_INT     4u
#define HPET_COUNTER_64BIT (1u << 13)
#define HPET_PERIOD_MAX_FS 100000000u
#define FS_PER_SECOND      1000000000000000ull

static volatile uint8_t *hpet;

static uint32_t hpet_read32(unsigned int reg)
{
    return *(volatile uint32_t *)(hpet + reg);
}

static void hpet_write32(unsigned int reg, uint32_t value)
{
    *(volatile uint32_t *)(hpet + reg) = value;
}

static uint64_t hpet_read(void)
{
    return hpet_read32(HPET_COUNTER);
}

static bool hpet_init(struct clock_source *source)
{
    uint32_t capabilities, period_fs;

    if (acpi_info.hpet.base == 0) {
        return false;
    }
    hpet = ioremap(acpi_info.hpet.base, HPET_BYTES);
    if (hpet == NULL) {
        return false;
    }
    capabilities = hpet_read32(HPET_CAPABILITIES);
    period_fs = hpet_read32(HPET_CAPABILITIES + 4);
    if (capabilities == ~0u || period_fs == 0 || period_fs > HPET_PERIOD_MAX_FS) {
        iounmap((void *)(uintptr_t)hpet);
        hpet = NULL;
        return false;
    }
    /* Comparators off: nobody wants their interrupts. */
    for (unsigned int i = 0; i <= (capabilities >> 8 & 0x1f); i++) {
        hpet_write32(HPET_TIMER(i), hpet_read32(HPET_TIMER(i)) & ~HPET_TIMER_INT);
    }
    hpet_write32(HPET_CONFIGURATION,
                 (hpet_read32(HPET_CONFIGURATION) & ~HPET_LEGACY) | HPET_ENABLE);
    source->bits = 32; /* the low half is read in one piece everywhere */
    source->hz = FS_PER_SECOND / period_fs;
    return true;
}

/* ---- ACPI PM timer: ACPI 6.4, 4.8.3.3 ---------------------------------------------------------- */

#define PM_TIMER_HZ 3579545

static uint16_t pm_timer_port;

static uint64_t pm_timer_read(void)
{
    return io_read32(pm_timer_port);
}

static bool pm_timer_init(struct clock_source *source)
{
    const struct acpi_address *reg = &acpi_info.fadt.pm_timer;
    uint32_t first;

    if (!acpi_info.fadt.present || reg->space != ACPI_SPACE_IO || reg->address == 0 ||
        reg->address > 0xfffc) {
        return false;
    }
    pm_timer_port = reg->address;
    source->bits = acpi_info.fadt.pm_timer_32bit ? 32 : 24;
    source->hz = PM_TIMER_HZ;
    first = pm_timer_read();
    for (unsigned int i = 0; i < 10000; i++) {
        if (pm_timer_read() != first) {
            return true;
        }
    }
    return false;
}

/* ---- PIT: 8254 ------------------------------------------------------------------------------- */

#define PIT_HZ         1193182
#define PIT_CHANNEL2   0x42
#define PIT_COMMAND    0x43
#define PIT_MODE2_CH2  0xb4 /* channel 2, both bytes, rate generator */
#define PIT_LATCH_CH2  0x80
#define PORT_B         0x61
#define PORT_B_GATE2   1
#define PORT_B_SPEAKER 2
#define PIT_PERIOD     0x10000

static struct spinlock pit_lock = SPINLOCK_INIT(LOCK_NONE);

static uint64_t pit_read(void)
{
    unsigned long flags = spin_lock_irqsave(&pit_lock);
    unsigned int count;

    io_write8(PIT_COMMAND, PIT_LATCH_CH2);
    count = io_read8(PIT_CHANNEL2);
    count |= (unsigned int)io_read8(PIT_CHANNEL2) << 8;
    spin_unlock_irqrestore(&pit_lock, flags);
    return (PIT_PERIOD - count) & 0xffff;
}

static bool pit_init(struct clock_source *source)
{
    uint64_t first;

    io_write8(PORT_B, (io_read8(PORT_B) & ~PORT_B_SPEAKER) | PORT_B_GATE2);
    io_write8(PIT_COMMAND, PIT_MODE2_CH2);
    io_write8(PIT_CHANNEL2, 0);
    io_write8(PIT_CHANNEL2, 0);
    source->bits = 16;
    source->hz = PIT_HZ;
    first = pit_read();
    for (unsigned int i = 0; i < 10000; i++) {
        if (pit_read() != first) {
            return true;
        }
    }
    return false;
}

/* ---- choice ---------------------------------------------------------------------------------- */

static struct clock_source sources[] = {
    { .name = "hpet", .title = "HPET", .init = hpet_init, .read = hpet_read },
    { .name = "acpi", .title = "ACPI PM timer", .init = pm_timer_init, .read = pm_timer_read },
    { .name = "pit", .title = "PIT", .init = pit_init, .read = pit_read },
};

struct clock_source *clock_source;

char opt_clock_source[16];
OPTION_STRING("clocksource", opt_clock_source, "hpet, acpi, pit or tsc: the platform's counter");

bool clock_source_choose(void)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(sources) && clock_source == NULL; i++) {
        if (strcmp(opt_clock_source, sources[i].name) == 0 && sources[i].init(&sources[i])) {
            clock_source = &sources[i];
        }
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(sources) && clock_source == NULL; i++) {
        if (sources[i].init(&sources[i])) {
            clock_source = &sources[i];
        }
    }
    return clock_source != NULL;
}
