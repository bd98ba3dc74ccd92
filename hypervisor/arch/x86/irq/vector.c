/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Which vector of which CPU is which interrupt's, and moves. Theory: irq.c. */
#include "asm/cpu_features.h"
#include "asm/smp.h"
#include "asm/vectors.h"
#include "hypervisor/bug.h"
#include "hypervisor/error.h"

#include "irq_private.h"

/* Without interrupt remapping a pin or message names 8 bits of APIC id, 0xff being all CPUs. */
#define APIC_ID_MAX 254u

static struct spinlock vector_lock = SPINLOCK_INIT(LOCK_IRQ_VECTOR);
static int16_t vector_table[CONFIG_MAX_CPUS][256];
static uint8_t vector_next[CONFIG_MAX_CPUS]; /* where the next search starts */

void vectors_init(void)
{
    for (unsigned int cpu = 0; cpu < CONFIG_MAX_CPUS; cpu++) {
        vector_next[cpu] = VECTOR_DEVICE_FIRST;
        for (unsigned int vector = 0; vector < 256; vector++) {
            vector_table[cpu][vector] = IRQ_NONE;
        }
    }
}

int vector_irq(unsigned int cpu, unsigned int vector)
{
    return READ_ONCE(vector_table[cpu][vector]);
}

static bool vector_is_free(unsigned int cpu, unsigned int vector)
{
    return vector >= VECTOR_DEVICE_FIRST && vector <= VECTOR_DEVICE_LAST &&
           vector != VECTOR_INT80 && vector != VECTOR_INT82 &&
           vector_table[cpu][vector] == IRQ_NONE;
}

static bool cpu_can_take(unsigned int cpu)
{
    return cpu_is_online(cpu) && cpu_apic_id[cpu] <= APIC_ID_MAX;
}

/* A free vector of the CPU, `hint` when that is; 0 when there is none. */
static unsigned int vector_find(unsigned int cpu, unsigned int hint)
{
    unsigned int vector = vector_next[cpu];

    if (vector_is_free(cpu, hint)) {
        return hint;
    }
    for (unsigned int i = VECTOR_DEVICE_FIRST; i <= VECTOR_DEVICE_LAST; i++) {
        if (vector_is_free(cpu, vector)) {
            vector_next[cpu] = vector == VECTOR_DEVICE_LAST ? VECTOR_DEVICE_FIRST : vector + 1;
            return vector;
        }
        vector = vector == VECTOR_DEVICE_LAST ? VECTOR_DEVICE_FIRST : vector + 1;
    }
    return 0;
}

int vector_alloc(struct irq_desc *desc, unsigned int cpu)
{
    unsigned long flags = spin_lock_irqsave(&vector_lock);
    unsigned int vector = 0;

    ASSERT(spin_is_held(&desc->lock));
    if (cpu < CONFIG_MAX_CPUS && (cpu_can_take(cpu) || cpu == 0)) {
        vector = vector_find(cpu, desc->vector);
    }
    for (unsigned int other = 0; vector == 0 && other < CONFIG_MAX_CPUS; other++) {
        if (cpu_can_take(other)) {
            cpu = other;
            vector = vector_find(cpu, desc->vector);
        }
    }
    if (vector != 0) {
        vector_table[cpu][vector] = (int16_t)desc->irq;
        desc->cpu = cpu;
        desc->vector = vector;
    }
    spin_unlock_irqrestore(&vector_lock, flags);
    return vector != 0 ? 0 : -XEN_ENOSPC;
}

static void vector_forget(unsigned int cpu, unsigned int vector)
{
    unsigned long flags = spin_lock_irqsave(&vector_lock);

    vector_table[cpu][vector] = IRQ_NONE;
    spin_unlock_irqrestore(&vector_lock, flags);
}

void vector_free(struct irq_desc *desc)
{
    if (desc->old_vector != 0) {
        vector_forget(desc->old_cpu, desc->old_vector);
    }
    if (desc->vector != 0) {
        vector_forget(desc->cpu, desc->vector);
    }
    desc->vector = 0;
    desc->old_vector = 0;
    desc->move_wanted = false;
}

/* ---- moves ----------------------------------------------------------------------------------- */

static void move_now(struct irq_desc *desc, unsigned int cpu)
{
    uint8_t old_vector = desc->vector;
    uint16_t old_cpu = desc->cpu;

    desc->move_wanted = false;
    if (vector_alloc(desc, cpu) != 0) {
        return;
    }
    if (desc->cpu == old_cpu) {
        /* No room anywhere else: stay. */
        vector_forget(desc->cpu, desc->vector);
        desc->vector = old_vector;
        return;
    }
    desc->old_vector = old_vector;
    desc->old_cpu = old_cpu;
    desc->controller->route(desc);
}

void irq_move(struct irq_desc *desc, unsigned int cpu)
{
    if (desc->vector == 0 || !cpu_can_take(cpu)) {
        return;
    }
    if (desc->cpu == cpu) {
        desc->move_wanted = false;
        return;
    }
    if (desc->old_vector != 0 || (desc->level && !desc->masked)) {
        desc->move_wanted = true;
        desc->move_cpu = cpu;
        return;
    }
    move_now(desc, cpu);
}

void irq_move_wanted(struct irq_desc *desc)
{
    if (desc->move_wanted && desc->old_vector == 0 && desc->cpu != desc->move_cpu) {
        move_now(desc, desc->move_cpu);
    }
}

void irq_move_progress(struct irq_desc *desc, unsigned int vector)
{
    if (desc->old_vector == 0) {
        if (desc->level) {
            irq_move_wanted(desc);
        }
    } else if (arch_cpu_id() == desc->cpu && vector == desc->vector) {
        task_queue(&desc->move_done, desc->old_cpu);
    }
}

/* On the old CPU, interrupts on: what came there before the move was taken. */
void irq_move_done(void *data)
{
    struct irq_desc *desc = data;
    unsigned long flags = spin_lock_irqsave(&desc->lock);

    if (desc->old_vector != 0 && desc->old_cpu == arch_cpu_id()) {
        vector_forget(desc->old_cpu, desc->old_vector);
        desc->old_vector = 0;
        if (!desc->level || desc->masked) {
            irq_move_wanted(desc);
        }
    }
    spin_unlock_irqrestore(&desc->lock, flags);
}

/* Each entry of the table is some interrupt's place, now or before its move. */
bool vectors_valid(void)
{
    for (unsigned int cpu = 0; cpu < CONFIG_MAX_CPUS; cpu++) {
        for (unsigned int vector = 0; vector < 256; vector++) {
            int irq = vector_table[cpu][vector];
            const struct irq_desc *desc = irq != IRQ_NONE ? irq_desc_of((unsigned int)irq) : NULL;

            if (irq != IRQ_NONE &&
                (desc == NULL || !((desc->vector == vector && desc->cpu == cpu) ||
                                   (desc->old_vector == vector && desc->old_cpu == cpu)))) {
                return false;
            }
        }
    }
    return true;
}
