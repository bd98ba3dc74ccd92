/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Starting the processors, one after the other.
 *
 *   boot CPU                                    the other
 *   stack, GDT page, fields of the trampoline
 *   INIT, 10 ms, SIPI, (SIPI)  ------------->   trampoline page -> smp_start_c
 *   waits for `started`        <-------------   own tables, stack, descriptors, APIC, clock
 *   waits for its online bit   <-------------   joins: online; idle loop
 *
 * Invariants:
 *   S1  a CPU sets its own bit of cpu_online_mask, when it can take every IPI;
 *   S2  CPU ids follow the firmware's order, the boot CPU is 0; cpu_apic_id[] is ~0 for no CPU;
 *   S3  one CPU at a time uses the trampoline: its fields and smp_start_stack are the boot CPU's until
 *       `started` is set. A CPU that never answers is left behind in INIT.
 */
#include "asm/smp.h"

#include "asm/apic.h"
#include "asm/clock.h"
#include "asm/cpu_features.h"
#include "asm/current.h"
#include "asm/direct_map.h"
#include "asm/entry.h"
#include "asm/fpu.h"
#include "asm/gdt.h"
#include "asm/irq.h"
#include "asm/msr.h"
#include "asm/paging.h"
#include "asm/tlb.h"
#include "asm/vectors.h"
#include "asm/speculation.h"
#include "hypervisor/acpi.h"
#include "hypervisor/atomic.h"
#include "hypervisor/bug.h"
#include "hypervisor/domain.h"
#include "hypervisor/option.h"
#include "hypervisor/printk.h"
#include "hypervisor/sched.h"
#include "hypervisor/string.h"
#include "smp_private.h"

static bool opt_nosmp;
static unsigned int opt_maxcpus = CONFIG_MAX_CPUS;
OPTION_BOOL("nosmp", opt_nosmp, "use one processor only");
OPTION_UINT("maxcpus", opt_maxcpus, "use at most so many processors");

struct cpu_mask cpu_online_mask = { { 1 } };
struct cpu_mask cpu_present_mask = { { 1 } };
uint32_t cpu_apic_id[CONFIG_MAX_CPUS];

/* As trampoline.S has it. */
struct trampoline_data {
    uint16_t reserved[3];
    uint16_t gdt_limit;
    uint32_t gdt_base;
    uint32_t far_offset;
    uint16_t far_selector, reserved1;
    uint32_t boot_cr3, boot_efer;
} __packed;

extern const char trampoline_start[], trampoline_end[], trampoline_data[];
extern uint64_t boot_l4[];

/* What the starting CPU takes: the top of its stack. */
uint64_t smp_start_stack;
static unsigned int started;

void smp_start_c(void) __noreturn;

int cpu_of_apic_id(uint32_t apic_id)
{
    unsigned int cpu;

    cpu_for_each(cpu, &cpu_present_mask)
    {
        if (cpu_apic_id[cpu] == apic_id) {
            return (int)cpu;
        }
    }
    return -1;
}

unsigned int cpu_node(unsigned int cpu)
{
    return arch_cpu_node(cpu);
}

void smp_prepare(void)
{
    unsigned int i, next = 1, limit = min(opt_nosmp ? 1u : opt_maxcpus, CONFIG_MAX_CPUS + 0u);

    memset(cpu_apic_id, 0xff, sizeof(cpu_apic_id));
    cpu_apic_id[0] = lapic_id();
    for (i = 0; i < acpi_info.cpu_count && next < limit; i++) {
        const struct acpi_cpu *found = &acpi_info.cpus[i];

        if (!found->enabled || found->apic_id == cpu_apic_id[0]) {
            continue;
        }
        if (found->apic_id > 254 && !lapic_is_x2apic()) {
            pr_warning("processor with APIC id %u needs x2apic: left out\n", found->apic_id);
            continue;
        }
        cpu_apic_id[next] = found->apic_id;
        cpu_mask_set(&cpu_present_mask, next);
        next++;
    }
    smp_call_init();
    tlb_init();
}

static void trampoline_prepare(paddr_t page)
{
    uint8_t *copy = paddr_to_virt(page);
    struct trampoline_data *data;

    memcpy(copy, trampoline_start, (size_t)(trampoline_end - trampoline_start));
    data = (struct trampoline_data *)(copy + (trampoline_data - trampoline_start));
    data->gdt_base += (uint32_t)page;
    data->far_offset += (uint32_t)page;
    data->boot_cr3 = (uint32_t)virt_to_paddr(boot_l4);
    data->boot_efer = EFER_LME | (cpu_has(CPU_NX) ? EFER_NXE : 0);
}

/* True within `us` microseconds of waiting. */
static bool wait_started(unsigned int us)
{
    for (; us > 0; us -= min(us, 100u)) {
        if (atomic_read_acquire(&started)) {
            return true;
        }
        delay_us(min(us, 100u));
    }
    return atomic_read_acquire(&started);
}

static bool start_cpu(unsigned int cpu, paddr_t page)
{
    uint32_t apic_id = cpu_apic_id[cpu];

    atomic_write_release(&started, 0);
    lapic_send_init(apic_id);
    delay_us(10000);
    lapic_send_startup(apic_id, (unsigned int)(page >> PAGE_SHIFT));
    if (!wait_started(1000)) {
        lapic_send_startup(apic_id, (unsigned int)(page >> PAGE_SHIFT));
    }
    return wait_started(1000000);
}

static bool boot_cpu_number(unsigned int cpu, paddr_t page)
{
    struct cpu_stack_top *top;
    void *stack = vmap_stack();

    if (stack == NULL || !gdt_create(cpu)) {
        pr_error("CPU %u: no memory to start it\n", cpu);
        return false;
    }
    top = (struct cpu_stack_top *)((uint8_t *)stack + STACK_BYTES) - 1;
    top->cpu = cpu;
    top->current = NULL;
    smp_start_stack = (uint64_t)top;
    if (!start_cpu(cpu, page)) {
        /* It may wake up yet: what it was given stays its own, and it stays in INIT. */
        lapic_send_init(cpu_apic_id[cpu]);
        pr_error("CPU %u (APIC id %u) does not start\n", cpu, cpu_apic_id[cpu]);
        return false;
    }
    while (!cpu_is_online(cpu)) {
        arch_cpu_relax();
        tlb_poll();
    }
    return true;
}

void smp_boot(void)
{
    paddr_t page = trampoline_page();
    unsigned int cpu;

    if (page == 0 && bitmap_weight(cpu_present_mask.bits, CONFIG_MAX_CPUS) > 1) {
        pr_error("no memory below 1 MiB to start other processors from\n");
    }
    if (page != 0) {
        trampoline_prepare(page);
    }
    cpu_for_each(cpu, &cpu_present_mask)
    {
        if (cpu != 0 && (page == 0 || !boot_cpu_number(cpu, page))) {
            cpu_mask_clear(&cpu_present_mask, cpu);
            cpu_apic_id[cpu] = ~0u;
        }
    }
    if (page != 0) {
        memset(paddr_to_virt(page), 0, PAGE_SIZE);
    }
    paging_forget_boot();
    pr_info("%u CPUs online\n", bitmap_weight(cpu_online_mask.bits, CONFIG_MAX_CPUS));
}

/* The other CPU, on its own stack, on the hypervisor's tables, interrupts off. */
void smp_start_c(void)
{
    unsigned int cpu = arch_cpu_id();

    features_init_cpu();
    speculation_init_cpu();
    gdt_init_cpu();
    idt_load();
    syscall_init_cpu();
    atomic_write_release(&started, 1);
    fpu_init_cpu();
    machine_check_init_cpu();
    lapic_init_cpu();
    time_init_cpu();
    sched_cpu_init(cpu);
    cpu_mask_set(&cpu_online_mask, cpu);
    entry_resume_idle();
}
