/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Building the fake machine, and looking at what a test left behind. */
#include "inside.h"
#include "optional.h"

#include "hypervisor/bug.h"

static uint64_t heap_bytes_at_start;

void host_setup(unsigned int frames, unsigned int cpus)
{
    host_random_setup();
    host_cpus_setup(cpus);
    host_time_setup();
    host_guest_setup();
    host_irq_setup();
    host_console_setup();
    host_memory_setup(frames);
    heap_bytes_at_start = host_has(heap_bytes_in_use) ? heap_bytes_in_use() : 0;
}

static void check_locks(void *data)
{
    if (!lock_none_held()) {
        lock_held_dump();
        panic("CPU %u still holds a lock", arch_cpu_id());
    }
}

void host_teardown_leaky(void)
{
    unsigned int cpu;

    for (cpu = 0; cpu < host_cpu_count; cpu++) {
        host_as_cpu(cpu, check_locks, NULL);
    }
    host_memory_check();
    host_guest_unmap_all();
    host_cpu = &host_cpus[0];
}

void host_teardown(void)
{
    uint64_t bytes = host_has(heap_bytes_in_use) ? heap_bytes_in_use() : 0;

    host_teardown_leaky();
    if (bytes != heap_bytes_at_start) {
        panic("the heap has %ld bytes more in use than at the start",
              (long)(bytes - heap_bytes_at_start));
    }
}
