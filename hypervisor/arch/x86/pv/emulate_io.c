/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Port instructions of PV guests. No I/O bitmap is ever open to ring 3, so each IN and OUT comes here.
 * Two questions, in this order: may this code do port I/O at all (the guest's virtual IOPL, else the
 * bitmap its kernel registered; no: #GP), and has the domain that port (no: reads give all ones,
 * writes go nowhere, as on a bus without a device).
 */
#include "asm/current.h"
#include "asm/emulate_io.h"
#include "asm/msr.h"
#include "asm/pv.h"
#include "hypervisor/guest.h"
#include "hypervisor/pci.h"
#include "hypervisor/rangeset.h"
#include "hypervisor/work.h"

#define PORT_PCI_ADDRESS 0xcf8u
#define PORT_PCI_DATA    0xcfcu
#define REPEAT_BUDGET    64u

bool pv_io_permitted(struct vcpu *vcpu, unsigned int port, unsigned int bytes)
{
    const struct pv_vcpu *pv = &vcpu->arch.pv;
    uint16_t bits;

    if (pv->iopl >= (pv->kernel_mode ? 1 : 3)) {
        return true;
    }
    if (!pv->io_bitmap_guest || port + bytes > pv->io_bitmap_ports) {
        return false;
    }
    if (guest_read(bits, (uint64_t)(uintptr_t)pv->io_bitmap_guest + port / 8)) {
        return false;
    }
    return !(bits >> (port & 7) & ((1u << bytes) - 1));
}

static bool is_pci_port(unsigned int port, unsigned int bytes)
{
    return (port == PORT_PCI_ADDRESS && bytes == 4) ||
           (port >= PORT_PCI_DATA && port + bytes <= PORT_PCI_DATA + 4);
}

static bool owns_ports(const struct domain *domain, unsigned int port, unsigned int bytes)
{
    return domain->arch.io_ports &&
           rangeset_contains_range(domain->arch.io_ports, port, port + bytes - 1);
}

uint32_t pv_io_read(struct vcpu *vcpu, unsigned int port, unsigned int bytes)
{
    uint32_t all_ones = bytes == 4 ? ~0u : (1u << 8 * bytes) - 1;

    if (is_pci_port(port, bytes)) {
        return pci_port_read(vcpu->domain, port, bytes) & all_ones;
    }
    if (!owns_ports(vcpu->domain, port, bytes)) {
        return all_ones;
    }
    switch (bytes) {
    case 1:
        return io_read8((uint16_t)port);
    case 2:
        return io_read16((uint16_t)port);
    default:
        return io_read32((uint16_t)port);
    }
}

void pv_io_write(struct vcpu *vcpu, unsigned int port, unsigned int bytes, uint32_t value)
{
    if (is_pci_port(port, bytes)) {
        pci_port_write(vcpu->domain, port, bytes, value);
        return;
    }
    if (!owns_ports(vcpu->domain, port, bytes)) {
        return;
    }
    switch (bytes) {
    case 1:
        io_write8((uint16_t)port, (uint8_t)value);
        break;
    case 2:
        io_write16((uint16_t)port, (uint16_t)value);
        break;
    default:
        io_write32((uint16_t)port, value);
        break;
    }
}

/* al, ax or eax; a 32-bit result clears the upper half. */
static void accumulator_set(struct cpu_user_regs *regs, unsigned int bytes, uint32_t value)
{
    if (bytes == 4) {
        regs->rax = value;
    } else if (bytes == 2) {
        regs->ax = (uint16_t)value;
    } else {
        regs->al = (uint8_t)value;
    }
}

/* One element of INS or OUTS; false: the guest's memory faulted (trap injected). */
static bool string_element(struct cpu_user_regs *regs, bool output, unsigned int bytes)
{
    struct vcpu *vcpu = current_vcpu();
    unsigned int port = regs->dx;
    int64_t step = regs->rflags & X86_EFLAGS_DF ? -(int64_t)bytes : (int64_t)bytes;
    uint32_t value = 0;

    if (output) {
        if (guest_copy_from(&value, regs->rsi, bytes)) {
            pv_inject_page_fault(0, regs->rsi);
            return false;
        }
        pv_io_write(vcpu, port, bytes, value);
        regs->rsi += (uint64_t)step;
        return true;
    }
    value = pv_io_read(vcpu, port, bytes);
    if (guest_copy_to(regs->rdi, &value, bytes)) {
        pv_inject_page_fault(PF_WRITE, regs->rdi);
        return false;
    }
    regs->rdi += (uint64_t)step;
    return true;
}

/*
 * REP repeats at most a budget of times, then the guest runs the instruction again: interrupts and
 * deferred work get their turn.
 */
static void emulate_string(struct cpu_user_regs *regs, const struct instruction *in,
                           unsigned int bytes)
{
    bool output = in->opcode >= 0x6e;
    bool repeat = in->repeat || in->repeat_not;

    for (unsigned int i = 0; !repeat || (regs->rcx && i < REPEAT_BUDGET); i++) {
        if (!string_element(regs, output, bytes)) {
            return;
        }
        if (!repeat) {
            regs->rip += in->length;
            return;
        }
        regs->rcx--;
    }
    if (!regs->rcx) {
        regs->rip += in->length;
    }
}

bool pv_emulate_io(struct cpu_user_regs *regs, const struct instruction *in, const uint8_t *bytes,
                   unsigned int count)
{
    struct vcpu *vcpu = current_vcpu();
    bool immediate = in->opcode >= 0xe4 && in->opcode <= 0xe7;
    bool string = in->opcode >= 0x6c && in->opcode <= 0x6f;
    unsigned int width = in->opcode & 1 ? (in->operand16 ? 2 : 4) : 1;
    unsigned int port = regs->dx;

    if (!immediate && !string && (in->opcode < 0xec || in->opcode > 0xef)) {
        return false;
    }
    if (immediate) {
        if (in->length >= count) {
            return false;
        }
        port = bytes[in->length];
    }
    if (!pv_io_permitted(vcpu, port, width)) {
        return false;
    }
    if (string) {
        if (in->address32 || in->segment_override == 0x64 || in->segment_override == 0x65) {
            return false;
        }
        emulate_string(regs, in, width);
        return true;
    }
    if (in->opcode & 2) {
        pv_io_write(vcpu, port, width, (uint32_t)regs->rax);
    } else {
        accumulator_set(regs, width, pv_io_read(vcpu, port, width));
    }
    regs->rip += in->length + immediate;
    regs->rflags &= ~(uint64_t)X86_EFLAGS_RF;
    return true;
}
