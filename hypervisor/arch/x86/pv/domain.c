/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Making and unmaking of PV domains and vcpus (arch/domain.h), and a vcpu's first context.
 */
#include "arch/domain.h"
#include "arch/irq.h"
#include "asm/cpu_features.h"
#include "asm/cpu_policy.h"
#include "asm/entry.h"
#include "asm/fpu.h"
#include "asm/irq.h"
#include "asm/pagetype.h"
#include "asm/page.h"
#include "asm/pv.h"
#include "asm/pv_switch.h"
#include "asm/smp.h"
#include "asm/speculation.h"
#include "arch/sched.h"
#include "hypervisor/acpi.h"
#include "hypervisor/atomic.h"
#include "hypervisor/error.h"
#include "hypervisor/guest.h"
#include "hypervisor/heap.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/rangeset.h"
#include "hypervisor/sched.h"
#include "hypervisor/string.h"

#include <xen/domctl.h>

#define DR6_INITIAL 0xffff0ff0ull
#define DR7_INITIAL 0x400ull

#define CR0_TASK_SWITCHED 8ul

static int create_permissions(struct domain *domain)
{
    domain->arch.io_ports = rangeset_create("I/O ports");
    domain->arch.io_memory = rangeset_create("I/O memory");
    domain->arch.irqs = rangeset_create("interrupts");
    return domain->arch.io_ports && domain->arch.io_memory && domain->arch.irqs ? 0 : -XEN_ENOMEM;
}

int arch_domain_create(struct domain *domain, const struct domain_config *config)
{
    int error;

    (void)config;
    if (domain->kind == DOMAIN_KIND_IDLE) {
        return 0;
    }
    error = create_permissions(domain);
    if (error || domain->kind != DOMAIN_KIND_PV) {
        return error;
    }
    pagetype_domain_init(domain);
    if (domain->is_hardware ? speculation.l1tf_dom0 : speculation.l1tf_domu) {
        domain->arch.check_absent = (uint8_t)boot_cpu.physical_bits;
    }
    error = pv_descriptor_domain_create(domain);
    if (!error) {
        error = cpu_policy_create(domain);
    }
    if (!error) {
        error = arch_pirqs_create(domain);
    }
    return error;
}

int arch_domain_relinquish(struct domain *domain)
{
    struct vcpu *vcpu;
    unsigned int i;
    int error;

    if (domain->kind != DOMAIN_KIND_PV) {
        return 0;
    }
    domain_for_each_vcpu(domain, i, vcpu)
    {
        error = arch_vcpu_reset(vcpu);
        if (error) {
            return error;
        }
    }
    pirq_eoi_map_release(domain);
    return pagetype_relinquish(domain);
}

void arch_domain_free(struct domain *domain)
{
    if (domain->kind == DOMAIN_KIND_PV) {
        arch_pirqs_destroy(domain);
        pv_descriptor_domain_free(domain);
        cpu_policy_free(domain);
    }
    rangeset_destroy(domain->arch.io_ports);
    rangeset_destroy(domain->arch.io_memory);
    rangeset_destroy(domain->arch.irqs);
}

static uint64_t vcpus_made;

int arch_vcpu_create(struct vcpu *vcpu)
{
    struct pv_vcpu *pv = &vcpu->arch.pv;
    int error;

    vcpu->arch.loaded_on = CPU_NOT_LOADED;
    vcpu->arch.unique = atomic_add(&vcpus_made, 1);
    if (vcpu->domain->kind != DOMAIN_KIND_PV) {
        return 0;
    }
    pv->traps = heap_new_array(struct trap_info, 256);
    if (!pv->traps) {
        return -XEN_ENOMEM;
    }
    pv->debug_regs[6] = DR6_INITIAL;
    pv->debug_regs[7] = DR7_INITIAL;
    pv->cr4 = cpu_policy_guest_cr4(vcpu->domain);
    error = fpu_vcpu_create(vcpu);
    if (!error) {
        error = pv_descriptor_vcpu_create(vcpu);
    }
    return error;
}

void arch_vcpu_free(struct vcpu *vcpu)
{
    if (vcpu->domain->kind != DOMAIN_KIND_PV) {
        return;
    }
    arch_vcpu_sync_state(vcpu);
    fpu_vcpu_free(vcpu);
    heap_free(vcpu->arch.pv.traps);
    vcpu->arch.pv.traps = NULL;
}

static void vcpu_reset(struct vcpu *vcpu)
{
    arch_vcpu_sync_state(vcpu);
    if (vcpu->arch.pv.traps) {
        memset(vcpu->arch.pv.traps, 0, 256 * sizeof(struct trap_info));
    }
    pv_descriptor_vcpu_free(vcpu);
    root_drop(vcpu);
    vcpu->initialised = false;
}

int arch_vcpu_reset(struct vcpu *vcpu)
{
    vcpu_reset(vcpu);
    return 0;
}

/* ---- context of a vcpu that did not run yet --------------------------------------------------- */

static bool context_acceptable(const struct vcpu_guest_context *context)
{
    if (!address_is_canonical(context->user_regs.rip) ||
        !address_is_canonical(context->event_callback_eip) ||
        !address_is_canonical(context->failsafe_callback_eip) ||
        !address_is_canonical(context->syscall_callback_eip) ||
        !address_is_canonical(context->fs_base) || !address_is_canonical(context->gs_base_kernel) ||
        !address_is_canonical(context->gs_base_user) || !address_is_canonical(context->kernel_sp) ||
        context->gdt_ents > FIRST_RESERVED_GDT_ENTRY || context->ldt_ents > 8192) {
        return false;
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(context->trap_ctxt); i++) {
        if (!address_is_canonical(context->trap_ctxt[i].address)) {
            return false;
        }
    }
    return true;
}

/* What takes references to guest frames, and so may fail. */
static int take_context_frames(struct vcpu *vcpu, const struct vcpu_guest_context *context)
{
    uint64_t frames[PV_GDT_GUEST_FRAMES];
    int error;

    memcpy(frames, context->gdt_frames, sizeof(frames));
    error = pv_set_gdt(vcpu, frames, (unsigned int)context->gdt_ents);
    if (!error) {
        error = pv_set_ldt(vcpu, context->ldt_base, (unsigned int)context->ldt_ents);
    }
    if (!error) {
        error = root_set_kernel(vcpu, MFN(xen_cr3_to_pfn(context->ctrlreg[3])));
    }
    if (!error && context->ctrlreg[1]) {
        error = root_set_user(vcpu, MFN(xen_cr3_to_pfn(context->ctrlreg[1])));
    }
    return error;
}

static void take_context_registers(struct vcpu *vcpu, const struct vcpu_guest_context *context)
{
    struct cpu_user_regs *regs = &vcpu->arch.user_regs;
    struct pv_vcpu *pv = &vcpu->arch.pv;

    *regs = context->user_regs;
    pv->iopl = (uint8_t)(regs->rflags >> 12 & 3);
    regs->rflags = (regs->rflags & ~(uint64_t)(X86_EFLAGS_IOPL | X86_EFLAGS_VM)) | X86_EFLAGS_IF;
    regs->entry_vector = ENTRY_VECTOR_NONE;
    regs->cs = pv_fix_selector(regs->cs);
    regs->ss = pv_fix_selector(regs->ss);
    regs->ds = pv_fix_selector(regs->ds);
    regs->es = pv_fix_selector(regs->es);
    regs->fs = pv_fix_selector(regs->fs);
    regs->gs = pv_fix_selector(regs->gs);
    memcpy(pv->traps, context->trap_ctxt, sizeof(context->trap_ctxt));
    pv->event_callback = (struct pv_callback){ context->event_callback_eip, true };
    pv->failsafe_callback = (struct pv_callback){ context->failsafe_callback_eip,
                                                  context->flags & VGCF_failsafe_disables_events };
    pv->syscall_callback = (struct pv_callback){ context->syscall_callback_eip,
                                                 context->flags & VGCF_syscall_disables_events };
    pv->kernel_ss = pv_fix_selector((uint16_t)context->kernel_ss);
    pv->kernel_sp = context->kernel_sp;
    pv->kernel_mode = context->flags & VGCF_in_kernel;
    pv->fs_base = context->fs_base;
    pv->gs_base_kernel = context->gs_base_kernel;
    pv->gs_base_user = context->gs_base_user;
    vcpu->arch.task_switched = context->ctrlreg[0] & CR0_TASK_SWITCHED;
    for (unsigned int i = 0; i < 8; i++) {
        if (i < 4 || i == 7) {
            /* A breakpoint the guest may not have stays off: the context is good without it. */
            if (pv_set_debug_register(vcpu, i, context->debugreg[i])) {
                vcpu->arch.pv.debug_regs[7] = DR7_INITIAL;
            }
        }
    }
    if (context->flags & VGCF_I387_VALID) {
        fpu_import_legacy(vcpu, &context->fpu_ctxt);
    }
    vcpu->arch.cr3 = mfn_to_paddr(pv->kernel_mode ? vcpu->arch.kernel_root : vcpu->arch.user_root);
}

int pv_vcpu_set_context(struct vcpu *vcpu, const struct vcpu_guest_context *context)
{
    int error;

    if (!context_acceptable(context)) {
        return -XEN_EINVAL;
    }
    error = take_context_frames(vcpu, context);
    if (!error && !(context->flags & VGCF_in_kernel) && !vcpu->arch.user_root.value) {
        error = -XEN_EINVAL;
    }
    if (error) {
        if (error != -XEN_ERESTART) {
            vcpu_reset(vcpu);
        }
        return error;
    }
    take_context_registers(vcpu, context);
    return 0;
}

int arch_vcpu_initialise(struct vcpu *vcpu, uint64_t guest_address)
{
    struct vcpu_guest_context *context = heap_alloc(sizeof(*context));
    int error;

    if (!context) {
        return -XEN_ENOMEM;
    }
    if (guest_copy_from(context, guest_address, sizeof(*context))) {
        error = -XEN_EFAULT;
    } else {
        error = pv_vcpu_set_context(vcpu, context);
    }
    heap_free(context);
    return error;
}

int arch_vcpu_set_context(struct vcpu *vcpu, const struct vcpu_guest_context *context)
{
    if (vcpu->initialised) {
        vcpu_reset(vcpu);
    }
    return pv_vcpu_set_context(vcpu, context);
}

void arch_vcpu_get_context(struct vcpu *vcpu, struct vcpu_guest_context *context)
{
    const struct pv_vcpu *pv = &vcpu->arch.pv;

    arch_vcpu_sync_state(vcpu);
    memset(context, 0, sizeof(*context));
    context->user_regs = vcpu->arch.user_regs;
    context->user_regs.entry_vector = 0;
    context->user_regs.rflags |= (uint64_t)pv->iopl << 12;
    context->user_regs.saved_upcall_mask = vcpu->info->evtchn_upcall_mask;
    memcpy(context->trap_ctxt, pv->traps, sizeof(context->trap_ctxt));
    fpu_export_legacy(vcpu, &context->fpu_ctxt);
    context->flags = VGCF_I387_VALID | (pv->kernel_mode ? VGCF_in_kernel : 0) |
                     (pv->failsafe_callback.mask_events ? VGCF_failsafe_disables_events : 0) |
                     (pv->syscall_callback.mask_events ? VGCF_syscall_disables_events : 0) |
                     (vcpu->pause_flags & VCPU_DOWN ? 0 : VGCF_online);
    context->ldt_base = pv->ldt_base;
    context->ldt_ents = pv->ldt_entries;
    for (unsigned int i = 0; i < PV_GDT_GUEST_FRAMES; i++) {
        context->gdt_frames[i] = pv->gdt_frames[i];
    }
    context->gdt_ents = pv->gdt_entries;
    context->kernel_ss = pv->kernel_ss;
    context->kernel_sp = pv->kernel_sp;
    context->ctrlreg[0] = pv->cr0 | (vcpu->arch.task_switched ? CR0_TASK_SWITCHED : 0);
    context->ctrlreg[1] =
        vcpu->arch.user_root.value ? xen_pfn_to_cr3(vcpu->arch.user_root.value) : 0;
    context->ctrlreg[3] = xen_pfn_to_cr3(vcpu->arch.kernel_root.value);
    context->ctrlreg[4] = pv->cr4;
    memcpy(context->debugreg, pv->debug_regs, sizeof(context->debugreg));
    context->event_callback_eip = pv->event_callback.address;
    context->failsafe_callback_eip = pv->failsafe_callback.address;
    context->syscall_callback_eip = pv->syscall_callback.address;
    context->fs_base = pv->fs_base;
    context->gs_base_kernel = pv->gs_base_kernel;
    context->gs_base_user = pv->gs_base_user;
    context->vm_assist = vcpu->id == 0 ? vcpu->domain->vm_assist : 0;
}

int arch_domain_config_check(const struct xen_domctl_createdomain *config)
{
    return config->arch.emulation_flags != 0 ||
                   (config->arch.misc_flags & ~XEN_X86_MSR_RELAXED) != 0
               ? -XEN_EINVAL
               : 0;
}

void arch_domain_describe(const struct domain *domain, struct xen_domctl_getdomaininfo *info)
{
    (void)domain;
    info->gpaddr_bits = (uint8_t)boot_cpu.physical_bits;
}

static long send_nmi(struct vcpu *vcpu)
{
    /* A barrier: either vcpu_block() sees it, or it is seen here that the vcpu is blocked. */
    (void)atomic_exchange(&vcpu->arch.pv.nmi_pending, true);
    vcpu_unblock(vcpu);
    vcpu_kick(vcpu);
    return 0;
}

/* The processor under a vcpu that cannot leave it; only the hardware domain is told. */
static long get_physid(const struct vcpu *vcpu, uint64_t guest_address)
{
    const struct cpu_mask pinned = vcpu->affinity_hard;
    struct vcpu_get_physid out = { 0 };
    const struct acpi_cpu *found;
    uint32_t apic_id;

    if (!vcpu->domain->is_hardware || bitmap_weight(pinned.bits, CONFIG_MAX_CPUS) != 1) {
        return -XEN_EINVAL;
    }
    apic_id = cpu_apic_id[bitmap_find_set(pinned.bits, CONFIG_MAX_CPUS, 0)];
    found = acpi_cpu_find(apic_id);
    out.phys_id = apic_id | (uint64_t)(found ? found->acpi_id : ~0u) << 32;
    return guest_write(guest_address, out);
}

long arch_vcpu_op(struct vcpu *vcpu, unsigned int op, uint64_t guest_address)
{
    switch (op) {
    case VCPUOP_send_nmi:
        return send_nmi(vcpu);
    case VCPUOP_get_physid:
        return get_physid(vcpu, guest_address);
    default:
        return -XEN_ENOSYS;
    }
}

bool arch_vcpu_nmi_pending(const struct vcpu *vcpu)
{
    const struct pv_vcpu *pv = &vcpu->arch.pv;

    return READ_ONCE(pv->nmi_pending) && !pv->nmi_masked && pv->traps[TRAP_NMI].address;
}

void arch_vcpu_mark_pending(struct vcpu *vcpu)
{
    (void)vcpu; /* the flag in vcpu_info is all a PV guest looks at */
}

bool arch_vcpu_kernel_in_reach(const struct vcpu *vcpu)
{
    return vcpu->arch.pv.kernel_mode;
}

void arch_vcpu_enable_upcalls(struct vcpu *vcpu)
{
    WRITE_ONCE(vcpu->info->evtchn_upcall_mask, 0);
}
