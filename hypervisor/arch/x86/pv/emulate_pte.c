/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Page-table entries that a PV kernel writes with ordinary instructions. The write faults (page
 * tables are mapped read-only), the instruction is done here with the checks of a hypercall.
 */
#include "asm/current.h"
#include "asm/page.h"
#include "asm/pagetype.h"
#include "asm/pte_write.h"
#include "asm/pv.h"
#include "arch/memory.h"
#include "hypervisor/error.h"
#include "hypervisor/perf_counter.h"
#include "hypervisor/trace_event.h"

/*
 * The L1 table of the domain that the current guest's tables map at the address, with a reference:
 * what is read of it must not be another domain's by then.
 */
static bool mapped_table_get(const struct vcpu *vcpu, uint64_t address, mfn_t *table)
{
    struct pte_place place;
    struct frame *frame;

    if (!pagetype_find_pte(vcpu, address, &place) || !(place.value & PTE_PRESENT)) {
        return false;
    }
    *table = pte_mfn(place.value);
    if (!frame_valid(*table)) {
        return false;
    }
    frame = frame_of(*table);
    if (!frame_get(frame, vcpu->domain)) {
        return false;
    }
    if (pagetype_of(frame) == PAGETYPE_L1) {
        return true;
    }
    frame_put(frame);
    return false;
}

/* `width` bytes at `offset` of an entry replaced. */
static uint64_t entry_with(uint64_t entry, uint64_t part, unsigned int offset, unsigned int width)
{
    uint64_t mask = width == 8 ? ~0ull : ((1ull << 8 * width) - 1) << 8 * offset;

    return (entry & ~mask) | (part << 8 * offset & mask);
}

/* True when it was done, or is to be tried again. */
static bool emulate_on(struct vcpu *vcpu, struct cpu_user_regs *regs, uint64_t address, mfn_t table)
{
    unsigned int offset = address & 7, index = (unsigned int)(address >> 3 & 511), count;
    uint8_t bytes[INSTRUCTION_BYTES_MAX];
    struct cpu_user_regs after = *regs;
    struct pte_write op;
    uint64_t old, part;
    int error;

    count = instruction_fetch(regs, bytes);
    if (!pte_write_decode(&op, bytes, count) || offset + op.width > 8) {
        return false;
    }
    old = READ_ONCE(((uint64_t *)mfn_to_virt(table))[index]);
    if (pte_write_execute(&op, &after, old >> 8 * offset, &part)) {
        error = pagetype_write_pte(vcpu->domain, table, index, old,
                                   entry_with(old, part, offset, op.width), true);
        if (error == -XEN_EAGAIN || error == -XEN_ERESTART) {
            return true; /* somebody else was faster, or it takes long: the guest tries again */
        }
        if (error) {
            return false;
        }
    }
    after.rip += op.length;
    after.rflags &= ~(uint64_t)X86_EFLAGS_RF;
    *regs = after;
    return true;
}

bool pv_emulate_pte_write(struct cpu_user_regs *regs, uint64_t address)
{
    struct vcpu *vcpu = current_vcpu();
    mfn_t table;
    bool done;

    if (!mapped_table_get(vcpu, address, &table)) {
        return false;
    }
    perf_count(pte_emulations);
    trace_event(TRC_PV_PTWR_EMULATION | TRC_64_FLAG, TRACE_U64(mfn_to_paddr(table)),
                TRACE_U64(address), TRACE_U64(regs->rip));
    done = emulate_on(vcpu, regs, address, table);
    frame_put(frame_of(table));
    return done;
}
