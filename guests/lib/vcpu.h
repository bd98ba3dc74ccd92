/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The vcpus of this guest: each finds its struct at the foot of its stack. */
#ifndef LIB_VCPU_H
#define LIB_VCPU_H

#include "lib/stack.h"
#include "lib/trap.h"

#define VCPUS_MAX 4

struct vcpu {
    unsigned int id;
    uint64_t guard_sp; /* of trap_guard(); 0 outside of it */
    struct trap_frame last;
    uint64_t last_address;
    void (*work)(void); /* what a started vcpu runs */
    volatile bool finished;
};

/* All of a stack and, at its lowest address, the struct. */
extern uint8_t vcpu_stacks[VCPUS_MAX][VCPU_STACK_BYTES];

struct vcpu *vcpu_self(void);

static inline struct vcpu *vcpu_of(unsigned int id)
{
    return (struct vcpu *)(void *)vcpu_stacks[id];
}

static inline struct vcpu_info *vcpu_info(void)
{
    extern struct shared_info *guest_shared;

    return &guest_shared->vcpu_info[vcpu_self()->id];
}

/* The context in which vcpu `id` (above 0) would start `work`; a probe may spoil it. */
void vcpu_context(unsigned int id, void (*work)(void), struct vcpu_guest_context *context);
/* Starts it. The first error of VCPUOP_initialise and VCPUOP_up. */
long vcpu_start(unsigned int id, void (*work)(void));
/* Waits until its work returned and it went down; it can be started no second time. */
void vcpu_join(unsigned int id);

void __noreturn vcpu_main(void);

#endif
