/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The check of lock order beside a model: a set of held locks a CPU. Random takes, tries and
 * give-backs by several CPUs, one after the other; the check must panic exactly when the model says
 * that the order forbids it.
 */
#include <stdio.h>

#include "arch/cpu.h"
#include "asm/host.h"
#include "hypervisor/bug.h"
#include "hypervisor/lock.h"

#define CPUS   3u
#define LOCKS  24u
#define ROUNDS 60000u

static struct spinlock locks[LOCKS];
static int holder[LOCKS]; /* CPU or -1 */

static unsigned int held_by(int cpu)
{
    unsigned int i, count = 0;

    for (i = 0; i < LOCKS; i++) {
        count += holder[i] == cpu;
    }
    return count;
}

static bool allowed(int cpu, unsigned int lock)
{
    unsigned int i;

    for (i = 0; i < LOCKS; i++) {
        if (holder[i] == cpu && locks[i].class >= locks[lock].class) {
            return false;
        }
    }
    return true;
}

/* A refusal forgets what the CPU holds: the model follows, and the locks start afresh. */
static void forget(int cpu)
{
    unsigned int i;

    for (i = 0; i < LOCKS; i++) {
        if (holder[i] == cpu) {
            holder[i] = -1;
            spin_lock_init(&locks[i], locks[i].class);
        }
    }
}

static void take(int cpu, unsigned int lock)
{
    if (holder[lock] != -1 && holder[lock] != cpu) {
        BUG_ON(spin_trylock(&locks[lock]));
    } else if (allowed(cpu, lock)) {
        spin_lock(&locks[lock]);
        holder[lock] = cpu;
    } else {
        HOST_EXPECT_PANIC(spin_lock(&locks[lock]));
        forget(cpu);
    }
}

static void give(int cpu, unsigned int lock)
{
    if (holder[lock] == cpu) {
        BUG_ON(!spin_is_held(&locks[lock]));
        spin_unlock(&locks[lock]);
        holder[lock] = -1;
    } else {
        BUG_ON(spin_is_held(&locks[lock]));
    }
}

static void try(int cpu, unsigned int lock)
{
    if (held_by(cpu) < 12 && spin_trylock(&locks[lock])) {
        BUG_ON(holder[lock] != -1);
        holder[lock] = cpu;
    }
}

int main(void)
{
    unsigned int round, lock;
    int cpu;

    host_setup(64, CPUS);
    for (lock = 0; lock < LOCKS; lock++) {
        unsigned int class = 1 + lock % 12 * 2; /* two of each */

        spin_lock_init(&locks[lock], class == LOCK_INTERRUPT ? LOCK_TRACE : class);
        holder[lock] = -1;
    }
    for (cpu = 0; cpu < (int)CPUS; cpu++) {
        host_set_current((unsigned int)cpu, NULL);
        arch_irq_disable(); /* for the classes that interrupts take */
    }
    for (round = 0; round < ROUNDS; round++) {
        cpu = (int)host_random_below(CPUS);
        lock = (unsigned int)host_random_below(LOCKS);
        host_set_current((unsigned int)cpu, NULL);
        switch (host_random_below(8)) {
        case 0:
            try(cpu, lock);
            break;
        case 1:
        case 2:
            take(cpu, lock);
            break;
        default:
            give(cpu, lock);
            break;
        }
        BUG_ON(lock_none_held() != (held_by(cpu) == 0));
    }
    for (lock = 0; lock < LOCKS; lock++) {
        if (holder[lock] >= 0) {
            host_set_current((unsigned int)holder[lock], NULL);
            give(holder[lock], lock);
        }
    }
    host_teardown();
    printf("%u rounds\n", ROUNDS);
    return 0;
}
