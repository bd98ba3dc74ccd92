/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Registers that ACPI names, and what is done with them: power-off and reset. The values for a sleep
 * state come from AML, so from the hardware domain (XENPF_enter_acpi_sleep of xen/platform.h);
 * which register they go to is in our own copy of the FADT. ACPI 6.4, 4.8.3.2 and 4.8.3.6.
 */
#include "arch/cpu.h"
#include "asm/clock.h"
#include "asm/msr.h"
#include "asm/paging.h"
#include "hypervisor/acpi.h"
#include "hypervisor/error.h"
#include "hypervisor/pci.h"
#include "hypervisor/printk.h"

#include <xen/platform.h>

#define PM1_SLEEP_TYPE   (7u << 10)
#define PM1_SLEEP_ENABLE (1u << 13)
#define EXTENDED_ENABLE  (1u << 5) /* sleep control register of hardware-reduced machines */
#define STATE_OFF        5
#define OFF_WAIT_US      1000000

/* Width of an access: what the structure asks for, else the register's size, at most 4 bytes. */
static unsigned int access_bytes(const struct acpi_address *reg)
{
    if (reg->access >= 1 && reg->access <= 3) {
        return 1u << (reg->access - 1);
    }
    if (reg->bit_width == 8) {
        return 1;
    }
    return reg->bit_width == 16 ? 2 : 4;
}

static volatile void *register_map(const struct acpi_address *reg, unsigned int bytes)
{
    return ioremap(reg->address, bytes);
}

int acpi_register_read(const struct acpi_address *reg, uint32_t *value)
{
    unsigned int bytes = access_bytes(reg);
    volatile void *at;

    if (reg->address == 0) {
        return -XEN_ENODEV;
    }
    if (reg->space == ACPI_SPACE_IO && reg->address <= 0xffff) {
        *value = bytes == 1   ? io_read8(reg->address)
                 : bytes == 2 ? io_read16(reg->address)
                              : io_read32(reg->address);
        return 0;
    }
    if (reg->space != ACPI_SPACE_MEMORY) {
        return -XEN_ENODEV;
    }
    at = register_map(reg, bytes);
    if (at == NULL) {
        return -XEN_ENODEV;
    }
    *value = bytes == 1   ? *(volatile uint8_t *)at
             : bytes == 2 ? *(volatile uint16_t *)at
                          : *(volatile uint32_t *)at;
    iounmap((void *)(uintptr_t)at);
    return 0;
}

static void memory_write(volatile void *at, unsigned int bytes, uint32_t value)
{
    if (bytes == 1) {
        *(volatile uint8_t *)at = value;
    } else if (bytes == 2) {
        *(volatile uint16_t *)at = value;
    } else {
        *(volatile uint32_t *)at = value;
    }
}

int acpi_register_write(const struct acpi_address *reg, uint32_t value)
{
    unsigned int bytes = access_bytes(reg);
    volatile void *at;

    if (reg->address == 0) {
        return -XEN_ENODEV;
    }
    if (reg->space == ACPI_SPACE_IO && reg->address <= 0xffff) {
        if (bytes == 1) {
            io_write8(reg->address, value);
        } else if (bytes == 2) {
            io_write16(reg->address, value);
        } else {
            io_write32(reg->address, value);
        }
        return 0;
    }
    if (reg->space != ACPI_SPACE_MEMORY) {
        return -XEN_ENODEV;
    }
    at = register_map(reg, bytes);
    if (at == NULL) {
        return -XEN_ENODEV;
    }
    memory_write(at, bytes, value);
    iounmap((void *)(uintptr_t)at);
    return 0;
}

/* PM1a and PM1b control: sleep type first, then the same with the enable bit. */
static int pm1_sleep(uint16_t value_a, uint16_t value_b)
{
    const struct acpi_fadt *fadt = &acpi_info.fadt;
    bool has_b = fadt->pm1b_control.address != 0;
    unsigned int enable[] = { 0, PM1_SLEEP_ENABLE };
    int error = 0;

    for (unsigned int i = 0; i < ARRAY_SIZE(enable) && error == 0; i++) {
        error = acpi_register_write(&fadt->pm1a_control, (value_a & ~PM1_SLEEP_ENABLE) | enable[i]);
        if (error == 0 && has_b) {
            error =
                acpi_register_write(&fadt->pm1b_control, (value_b & ~PM1_SLEEP_ENABLE) | enable[i]);
        }
    }
    return error;
}

int acpi_enter_sleep(const struct xenpf_enter_acpi_sleep *op)
{
    bool extended = op->flags & XENPF_ACPI_SLEEP_EXTENDED;
    int error;

    if (op->flags & ~XENPF_ACPI_SLEEP_EXTENDED || op->sleep_state < 1 ||
        op->sleep_state > STATE_OFF || (extended && (op->val_a > 7 || op->val_b > 7))) {
        return -XEN_EINVAL;
    }
    if (op->sleep_state != STATE_OFF) {
        return -XEN_ENOSYS;
    }
    if (!acpi_info.fadt.present) {
        return -XEN_ENODEV;
    }
    pr_info("entering ACPI sleep state S5: power off\n");
    if (extended) {
        error = acpi_register_write(&acpi_info.fadt.sleep_control,
                                    (uint32_t)op->val_a << 2 | EXTENDED_ENABLE);
    } else {
        error = pm1_sleep(op->val_a, op->val_b);
    }
    if (error != 0) {
        return error;
    }
    delay_us(OFF_WAIT_US);
    return -XEN_EIO;
}

void acpi_reset(void)
{
    const struct acpi_fadt *fadt = &acpi_info.fadt;
    const struct acpi_address *reg = &fadt->reset;

    if (!fadt->present || !fadt->reset_supported || reg->address == 0) {
        return;
    }
    if (reg->space == ACPI_SPACE_PCI) {
        /* Bus 0: bits 47..32 device, 31..16 function, 15..0 register. */
        struct pci_address address = {
            .devfn = PCI_DEVFN(reg->address >> 32 & 0x1f, reg->address >> 16 & 7),
        };

        pci_config_write(address, reg->address & 0xff, 1, fadt->reset_value);
    } else if (reg->space == ACPI_SPACE_IO && reg->address <= 0xffff) {
        io_write8(reg->address, fadt->reset_value);
    } else if (acpi_register_write(reg, fadt->reset_value) != 0) {
        return;
    }
    delay_us(100000);
}
