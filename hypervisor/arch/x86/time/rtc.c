/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The battery-backed clock (MC146818), read once at boot and taken to keep UTC. */
#include "asm/clock.h"
#include "asm/msr.h"
#include "hypervisor/acpi.h"
#include "hypervisor/string.h"

#include "source.h"

#define CMOS_INDEX       0x70
#define CMOS_DATA        0x71
#define RTC_SECONDS      0x00
#define RTC_MINUTES      0x02
#define RTC_HOURS        0x04
#define RTC_DAY          0x07
#define RTC_MONTH        0x08
#define RTC_YEAR         0x09
#define RTC_STATUS_A     0x0a
#define RTC_STATUS_B     0x0b
#define RTC_UPDATING     0x80
#define RTC_24_HOURS     0x02
#define RTC_BINARY       0x04
#define RTC_PM           0x80
#define UPDATE_POLLS_MAX 100000

struct rtc_fields {
    uint8_t second, minute, hour, day, month, year, century;
};

static uint8_t cmos_read(uint8_t index)
{
    io_write8(CMOS_INDEX, index);
    return io_read8(CMOS_DATA);
}

static void fields_read(struct rtc_fields *out)
{
    uint32_t century = acpi_info.fadt.century;

    *out = (struct rtc_fields){
        .second = cmos_read(RTC_SECONDS),
        .minute = cmos_read(RTC_MINUTES),
        .hour = cmos_read(RTC_HOURS),
        .day = cmos_read(RTC_DAY),
        .month = cmos_read(RTC_MONTH),
        .year = cmos_read(RTC_YEAR),
        .century = century != 0 && century < 0x80 ? cmos_read(century) : 0,
    };
}

static bool update_wait(void)
{
    for (unsigned int i = 0; i < UPDATE_POLLS_MAX; i++) {
        if (!(cmos_read(RTC_STATUS_A) & RTC_UPDATING)) {
            return true;
        }
    }
    return false;
}

static uint8_t from_bcd(uint8_t value, bool binary)
{
    return binary ? value : (value >> 4) * 10 + (value & 15);
}

bool rtc_read(uint64_t *seconds)
{
    struct rtc_fields a, b;
    uint8_t status = cmos_read(RTC_STATUS_B);
    bool binary = status & RTC_BINARY;
    unsigned int year, hour, century;
    bool same = false;

    if (acpi_info.fadt.no_cmos_rtc || status == 0xff) {
        return false;
    }
    for (unsigned int i = 0; i < 8 && !same; i++) {
        if (!update_wait()) {
            return false;
        }
        fields_read(&a);
        fields_read(&b);
        same = memcmp(&a, &b, sizeof(a)) == 0;
    }
    hour = from_bcd(a.hour & ~RTC_PM, binary);
    if (!(status & RTC_24_HOURS)) {
        hour = hour % 12 + (a.hour & RTC_PM ? 12 : 0);
    }
    year = from_bcd(a.year, binary);
    century = from_bcd(a.century, binary);
    year += century >= 19 && century <= 30 ? century * 100 : year < 70 ? 2000 : 1900;
    a.month = from_bcd(a.month, binary);
    a.day = from_bcd(a.day, binary);
    if (!same || a.month < 1 || a.month > 12 || a.day < 1 || a.day > 31 || hour > 23 ||
        year < 1970) {
        return false;
    }
    *seconds = clock_date_to_seconds(year, a.month, a.day, hour, from_bcd(a.minute, binary),
                                     from_bcd(a.second, binary));
    return true;
}
