/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The two old interrupt controllers: silenced for good. They are initialised, so that a spurious
 * interrupt, should one still come, has a device vector (0x20..0x2f) and not an exception's.
 */
#include "asm/irq.h"
#include "asm/msr.h"
#include "asm/vectors.h"
#include "hypervisor/acpi.h"

#define MASTER_COMMAND 0x20
#define MASTER_DATA    0x21
#define SLAVE_COMMAND  0xa0
#define SLAVE_DATA     0xa1
#define ICW1_INIT_ICW4 0x11
#define ICW3_MASTER    0x04
#define ICW3_SLAVE     0x02
#define ICW4_8086      0x01
#define ALL_MASKED     0xff

void i8259_disable(void)
{
    if (!acpi_info.has_8259) {
        return;
    }
    io_write8(MASTER_DATA, ALL_MASKED);
    io_write8(SLAVE_DATA, ALL_MASKED);
    io_write8(MASTER_COMMAND, ICW1_INIT_ICW4);
    io_write8(MASTER_DATA, VECTOR_DEVICE_FIRST);
    io_write8(MASTER_DATA, ICW3_MASTER);
    io_write8(MASTER_DATA, ICW4_8086);
    io_write8(SLAVE_COMMAND, ICW1_INIT_ICW4);
    io_write8(SLAVE_DATA, VECTOR_DEVICE_FIRST + 8);
    io_write8(SLAVE_DATA, ICW3_SLAVE);
    io_write8(SLAVE_DATA, ICW4_8086);
    io_write8(MASTER_DATA, ALL_MASKED);
    io_write8(SLAVE_DATA, ALL_MASKED);
}
