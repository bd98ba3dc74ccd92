/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The boot CPU's way from the loader to the idle loop: who is set up when.
 *
 *   words before all        serial line as the firmware left it, descriptors, IDT: faults are told
 *   what is there           loader's information, options, CPU features, memory, ACPI tables
 *   memory                  own page tables, frame allocator (by node, so after ACPI), heap
 *   this CPU                control registers, FPU, machine checks, SYSCALL
 *   interrupts and time     local APIC, IO-APICs, timers, clocks; then interrupts on
 *   domains, scheduler      system domains, idle vcpus
 *   the other CPUs          one by one
 *   dom0                    from the modules
 *
 * Each step may use what stands above it and nothing below.
 */
#include "arch/cpu.h"
#include "asm/apic.h"
#include "asm/boot_info.h"
#include "asm/clock.h"
#include "asm/cpu_features.h"
#include "asm/cpu_policy.h"
#include "asm/direct_map.h"
#include "asm/dom0.h"
#include "asm/efi.h"
#include "asm/entry.h"
#include "asm/fpu.h"
#include "asm/gdt.h"
#include "asm/irq.h"
#include "asm/paging.h"
#include "asm/smp.h"
#include "asm/speculation.h"
#include "hypervisor/acpi.h"
#include "hypervisor/bug.h"
#include "hypervisor/console.h"
#include "hypervisor/domain.h"
#include "hypervisor/event.h"
#include "hypervisor/frame.h"
#include "hypervisor/grant.h"
#include "hypervisor/memory.h"
#include "hypervisor/option.h"
#include "hypervisor/pci.h"
#include "hypervisor/printk.h"
#include "hypervisor/sched.h"
#include "hypervisor/string.h"
#include "hypervisor/timer.h"
#include "hypervisor/trace_event.h"
#include "hypervisor/uart.h"
#include "hypervisor/version.h"
#include "hypervisor/watchdog.h"

/* Called by head.S. */
void boot_start_c(uint32_t magic, uint32_t info, uint32_t image_base) __noreturn;

struct boot_info boot_info;

/* What the boot page tables map. */
#define EARLY_END (1ull << 32)

static bool read_early(paddr_t from, void *to, size_t bytes)
{
    if (from == 0 || from >= EARLY_END || bytes > EARLY_END - from) {
        return false;
    }
    memcpy(to, paddr_to_virt(from), bytes);
    return true;
}

paddr_t boot_rsdp(void)
{
    return boot_info.rsdp_bytes == 0 ? 0 : virt_to_paddr(boot_info.rsdp);
}

static void start_speaking(void)
{
    uart_init_early();
    gdt_init_cpu();
    idt_init();
    idt_load();
}

static void start_knowing(uint32_t magic, uint32_t info)
{
    const char *problem = boot_info_decode(&boot_info, magic, info, read_early);

    options_parse(boot_info.command_line);
    string_copy(version_command_line, boot_info.command_line, sizeof(version_command_line));
    uart_init();
    pr_info("Xenios version %s (%s)\n", XENIOS_VERSION, __VERSION__);
    pr_info("loader: %s\n", boot_info.loader[0] ? boot_info.loader : "unknown");
    pr_info("command line: %s\n", boot_info.command_line);
    if (problem != NULL) {
        panic("the boot loader's information cannot be used: %s", problem);
    }
    if (boot_info.module_count == 0) {
        panic("no module: the boot loader must load a kernel for dom0 as first module");
    }
    efi_init(&boot_info, read_early);
    if (boot_info.efi) {
        pr_info("UEFI: system table 0x%llx, %u configuration tables\n",
                (unsigned long long)boot_info.efi_system_table, efi_info.config_table_count);
    }
    features_init();
    features_init_cpu();
}

static void start_memory(void)
{
    paging_init(&boot_info);
    if (acpi_init(boot_rsdp()) != 0) {
        pr_warning("no usable ACPI tables: one processor, no IO-APIC\n");
    }
    memory_pool_init();
    pr_info("%llu MiB free\n", (unsigned long long)(frame_count_free() >> (20 - PAGE_SHIFT)));
    if (console_ring_wanted() != 0) {
        console_ring_resize(console_ring_wanted());
    }
    console_init();
    memory_init_debug_keys();
    events_init();
    grants_init();
}

static void start_this_cpu(void)
{
    fpu_init();
    fpu_init_cpu();
    machine_check_init_cpu();
    syscall_init_cpu();
    speculation_init();
    speculation_init_cpu();
    cpu_policy_init();
    cpu_dump_init();
}

static void start_interrupts_and_time(void)
{
    pci_init();
    lapic_init();
    irq_init();
    smp_prepare();
    timers_init();
    time_init_boot();
}

static void start_domains(void)
{
    domains_init();
    sched_init();
    sched_cpu_init(0);
    arch_irq_enable();
    uart_start_input();
}

static void start_cpus(void)
{
    smp_boot();
    time_init_smp();
}

void boot_start_c(uint32_t magic, uint32_t info, uint32_t image_base)
{
    image_phys_offset = image_base - IMAGE_START;
    start_speaking();
    start_knowing(magic, info);
    start_memory();
    start_this_cpu();
    start_interrupts_and_time();
    start_domains();
    start_cpus();
    trace_events_init();
    dom0_build(&boot_info);
    frame_scrub_enable(true);
    low_memory_init();
    watchdog_start();
    pr_info("Xenios is up: %llu MiB free\n",
            (unsigned long long)(frame_count_free() >> (20 - PAGE_SHIFT)));
    arch_irq_disable();
    entry_resume_idle();
}
