/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The last refusals, a ring of RECORDS per CPU, written over when full.
 *
 *     ring of CPU n:  records[next % RECORDS] is the next to be written; next counts all of them
 *
 * A record is written by its own CPU: `next` is advanced first, so that an interrupt or NMI in the
 * middle takes a record of its own. A dump reads other CPUs' rings while they may write: a record
 * is marked empty (operation and time 0) before it is filled and its time is written last, so a
 * half-written one is skipped or, at worst, mixed: these are hints for a human. No locks.
 */
#include "hypervisor/trace.h"

#include "arch/time.h"
#include "hypervisor/cpu.h"
#include "hypervisor/domain.h"
#include "hypervisor/printk.h"

#define RECORDS 32

struct record {
    int64_t time; /* system time + 1; 0: empty */
    struct trace_refusal refusal;
    uint16_t domain; /* of the current vcpu, DOMID_INVALID when there was none */
    uint16_t vcpu;
};

struct trace_ring {
    uint32_t next;
    struct record records[RECORDS];
};

static DEFINE_PER_CPU(struct trace_ring, rings);

void trace_refuse(uint16_t operation, uint16_t sub_operation, uint16_t argument, int error,
                  uint64_t value, uint64_t allowed_min, uint64_t allowed_max)
{
    const struct vcpu *vcpu = arch_current_vcpu();
    struct trace_ring *ring = &this_cpu(rings);
    struct record *record = &ring->records[ring->next++ % RECORDS];

    WRITE_ONCE(record->time, 0);
    barrier();
    record->refusal = (struct trace_refusal){
        .operation = operation,
        .sub_operation = sub_operation,
        .argument = argument,
        .error = (int16_t)error,
        .value = value,
        .allowed_min = allowed_min,
        .allowed_max = allowed_max,
    };
    record->domain = vcpu != NULL ? vcpu->domain->id.value : DOMID_INVALID;
    record->vcpu = vcpu != NULL ? (uint16_t)vcpu->id : 0;
    barrier();
    WRITE_ONCE(record->time, arch_time_now() + 1);
}

bool trace_last(unsigned int cpu, struct trace_refusal *out)
{
    const struct trace_ring *ring = &per_cpu(rings, cpu);
    const struct record *record = &ring->records[(ring->next - 1) % RECORDS];

    if (READ_ONCE(record->time) == 0) {
        return false;
    }
    *out = record->refusal;
    return true;
}

static void dump_record(unsigned int cpu, const struct record *record)
{
    const struct trace_refusal *what = &record->refusal;
    int64_t time = READ_ONCE(record->time);

    if (time == 0) {
        return;
    }
    pr_error(" cpu%u %ld.%06ld d%uv%u op %u.%u arg %u: error %d, value %#lx not in [%#lx, %#lx]\n",
             cpu, (long)(time / (int64_t)NS_PER_SECOND),
             (long)(time % (int64_t)NS_PER_SECOND / (int64_t)NS_PER_US), record->domain,
             record->vcpu, what->operation, what->sub_operation, what->argument, what->error,
             (unsigned long)what->value, (unsigned long)what->allowed_min,
             (unsigned long)what->allowed_max);
}

void trace_dump(void)
{
    unsigned int cpu;
    uint32_t i;

    pr_error("Last refusals:\n");
    for (cpu = 0; cpu < CONFIG_MAX_CPUS; cpu++) {
        const struct trace_ring *ring = &per_cpu(rings, cpu);

        for (i = 0; i < RECORDS; i++) {
            dump_record(cpu, &ring->records[(ring->next + i) % RECORDS]);
        }
    }
}
