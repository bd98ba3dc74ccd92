/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Building dom0, the first domain: a PV domain from the modules the boot loader brought, laid out as
 * plan/layout.c says.
 *
 * All of it is written while the frames are nobody's page tables yet; then the tables are validated
 * like any guest's (pagetype_adopt_root), and vcpu 0 gets its context like any guest's vcpu.
 */
#include "asm/boot_info.h"
#include "asm/dom0.h"
#include "asm/dom0_plan.h"
#include "dom0.h"
#include "arch/memory.h"
#include "asm/pagetype.h"
#include "asm/pv.h"
#include "hypervisor/atomic.h"
#include "hypervisor/bug.h"
#include "hypervisor/frame.h"
#include "hypervisor/heap.h"
#include "hypervisor/printk.h"
#include "hypervisor/sched.h"
#include "hypervisor/string.h"

#include <xen/sched.h>

#define CONSOLE_OFFSET 2048u /* of the console description in the start info's page */

static struct dom0_memory memory;
static struct kernel_image image;

static void fail(const char *problem)
{
    panic("dom0 cannot be built: %s", problem);
}

/* ---- the kernel --------------------------------------------------------------------------------- */

static struct bytes module_bytes(const struct boot_module *module)
{
    return (struct bytes){ paddr_to_virt(module->start), module->end - module->start };
}

/*
 * The kernel as ELF: the module itself, or a fresh copy that was decompressed. *copy is what to give
 * back afterwards.
 */
static struct bytes kernel_elf(const struct boot_module *module, void **copy)
{
    struct bytes payload, elf;
    enum payload_format format;
    const char *problem = bzimage_payload(module_bytes(module), &payload);
    uint64_t room, length;

    *copy = NULL;
    if (problem) {
        fail(problem);
    }
    format = payload_format(payload);
    if (format == PAYLOAD_ELF) {
        return payload;
    }
    room = payload_unpacked_bytes(payload);
    if (format == PAYLOAD_UNKNOWN || !room) {
        fail("kernel is neither ELF nor bzImage, or its payload is damaged");
    }
    *copy = dom0_buffer_alloc(room);
    if (!*copy) {
        fail("not enough memory to unpack the kernel");
    }
    pr_info("dom0 kernel: %s, %lu KiB unpacked\n", payload_format_name(format),
            (unsigned long)(room >> 10));
    problem = dom0_decompress(payload, *copy, room, &length);
    if (problem) {
        fail(problem);
    }
    elf = (struct bytes){ *copy, length };
    return elf;
}

/* ---- contents ----------------------------------------------------------------------------------- */

static void load_kernel(const struct dom0_layout *layout)
{
    dom0_clear(&memory, 0, layout->end - layout->start);
    for (unsigned int i = 0; i < image.segment_count; i++) {
        const struct kernel_segment *segment = &image.segments[i];

        dom0_copy(&memory, segment->address - layout->start, segment->file.data,
                  segment->file.length);
    }
    if (image.has_hypercall_page) { /* Linux of 2025 and later makes its own stubs */
        pv_hypercall_page_fill(
            dom0_page(&memory, (image.hypercall_page - layout->start) >> PAGE_SHIFT));
    }
}

static void write_p2m(const struct dom0_layout *layout, uint64_t frames)
{
    const uint64_t per_page = PAGE_SIZE / sizeof(uint64_t);
    uint64_t *page = NULL;

    for (uint64_t pfn = 0; pfn < frames; pfn++) {
        if (pfn % per_page == 0) {
            page = dom0_page(&memory, layout->p2m_pfn + pfn / per_page);
        }
        page[pfn % per_page] = dom0_mfn(&memory, pfn).value;
    }
    for (uint64_t i = frames; i % per_page; i++) {
        page[i % per_page] = ~0ull;
    }
}

static void copy_command_line(int8_t *to, const struct boot_module *kernel)
{
    if (!string_copy((char *)to, kernel->command_line, MAX_GUEST_CMDLINE)) {
        pr_warning("dom0: the kernel's command line is longer than %u bytes and was cut\n",
                   MAX_GUEST_CMDLINE - 1);
    }
}

static void describe_linear_video(dom0_vga_console_info_t *console, const struct boot_info *info)
{
    const struct boot_video *video = &info->video;

    console->video_type = info->efi ? XEN_VGATYPE_EFI_LFB : XEN_VGATYPE_VESA_LFB;
    console->u.vesa_lfb.width = (uint16_t)video->width;
    console->u.vesa_lfb.height = (uint16_t)video->height;
    console->u.vesa_lfb.bytes_per_line = (uint16_t)video->pitch_bytes;
    console->u.vesa_lfb.bits_per_pixel = video->bits_per_pixel;
    console->u.vesa_lfb.lfb_base = (uint32_t)video->address;
    console->u.vesa_lfb.ext_lfb_base = (uint32_t)(video->address >> 32);
    console->u.vesa_lfb.lfb_size =
        (uint32_t)DIV_ROUND_UP((uint64_t)video->pitch_bytes * video->height, 65536u);
    console->u.vesa_lfb.red_pos = video->red.position;
    console->u.vesa_lfb.red_size = video->red.bits;
    console->u.vesa_lfb.green_pos = video->green.position;
    console->u.vesa_lfb.green_size = video->green.bits;
    console->u.vesa_lfb.blue_pos = video->blue.position;
    console->u.vesa_lfb.blue_size = video->blue.bits;
}

static void describe_console(dom0_vga_console_info_t *console, const struct boot_info *info)
{
    if (info->video.kind == BOOT_VIDEO_LINEAR) {
        describe_linear_video(console, info);
        return;
    }
    console->video_type = XEN_VGATYPE_TEXT_MODE_3;
    console->u.text_mode_3.font_height = 16;
    console->u.text_mode_3.rows = 25;
    console->u.text_mode_3.columns = 80;
}

static void write_start_info(struct domain *domain, const struct dom0_layout *layout,
                             const struct boot_info *info, uint64_t frames)
{
    uint8_t *page = dom0_page(&memory, (layout->start_info - layout->start) >> PAGE_SHIFT);
    struct start_info *start = (struct start_info *)page;

    _Static_assert(sizeof(struct start_info) <= CONSOLE_OFFSET, "console description");
    (void)string_copy(start->magic, "xen-3.0-x86_64", sizeof(start->magic));
    start->nr_pages = frames;
    start->shared_info = virt_to_paddr(domain->shared_info);
    start->flags = SIF_PRIVILEGED | SIF_INITDOMAIN;
    start->pt_base = layout->tables;
    start->nr_pt_frames = layout->table_count;
    start->mfn_list = layout->p2m_address;
    if (image.has_init_p2m) {
        start->first_p2m_pfn = layout->p2m_pfn;
        start->nr_p2m_frames = layout->p2m_frames + layout->p2m_table_frames;
    }
    if (layout->initrd_bytes) {
        start->mod_len = layout->initrd_bytes;
        start->mod_start = layout->initrd_address;
        if (!layout->initrd_address) {
            start->mod_start = layout->initrd_pfn;
            start->flags |= SIF_MOD_START_PFN;
        }
    }
    start->console.dom0.info_off = CONSOLE_OFFSET;
    start->console.dom0.info_size = sizeof(dom0_vga_console_info_t);
    describe_console((dom0_vga_console_info_t *)(page + CONSOLE_OFFSET), info);
    copy_command_line(start->cmd_line, &info->modules[0]);
}

/* ---- vcpus -------------------------------------------------------------------------------------- */

static void create_vcpus(struct domain *domain)
{
    struct cpu_mask mask;

    for (unsigned int i = 0; i < domain->vcpus_max; i++) {
        struct vcpu *vcpu = vcpu_create(domain, i);

        if (!vcpu) {
            fail("not enough memory for its vcpus");
        }
        if (dom0_vcpus_pinned()) {
            memset(&mask, 0, sizeof(mask));
            cpu_mask_set(&mask, vcpu->processor);
            if (vcpu_set_affinity(vcpu, &mask)) {
                pr_warning("dom0: vcpu %u cannot be pinned\n", i);
            }
        }
    }
}

static void start_first_vcpu(struct domain *domain, const struct dom0_layout *layout, mfn_t root)
{
    struct vcpu *vcpu = domain->vcpus[0];
    struct vcpu_guest_context *context = heap_new(struct vcpu_guest_context);

    if (!context) {
        fail("not enough memory for the context of its first vcpu");
    }
    context->flags = VGCF_in_kernel | VGCF_online;
    context->user_regs.rip = image.entry;
    context->user_regs.rsp = layout->stack_end;
    context->user_regs.rsi = layout->start_info;
    context->user_regs.cs = FLAT_KERNEL_CS;
    context->user_regs.ss = FLAT_KERNEL_SS;
    context->user_regs.rflags = X86_EFLAGS_IF;
    context->kernel_sp = layout->stack_end;
    context->kernel_ss = FLAT_KERNEL_SS;
    context->ctrlreg[3] = xen_pfn_to_cr3(root.value);
    if (pv_vcpu_set_context(vcpu, context)) {
        fail("the context of its first vcpu was refused");
    }
    heap_free(context);
    vcpu->info->evtchn_upcall_mask = 1;
    vcpu->initialised = true;
    (void)atomic_and(&vcpu->pause_flags, ~VCPU_DOWN);
}

/* ---- all of it ---------------------------------------------------------------------------------- */

static struct domain *create_domain(void)
{
    struct domain_config config = {
        .kind = DOMAIN_KIND_PV,
        .vcpus_max = dom0_vcpus_wanted(),
        .grant_frames_max = -1,
        .maptrack_frames_max = -1,
        .grant_version_max = 2,
        .privileged = true,
        .hardware = true,
    };
    int error;
    struct domain *domain = domain_create(DOMAIN_ID(0), &config, &error);

    if (!domain) {
        panic("dom0 cannot be built: error %d", error);
    }
    if (dom0_grant_hardware(domain)) {
        fail("not enough memory for its permissions");
    }
    create_vcpus(domain);
    return domain;
}

static const char *fill_memory(struct domain *domain, const struct boot_info *info,
                               struct dom0_layout *layout, uint64_t frames)
{
    struct bytes initrd = { NULL, 0 };
    const char *problem;
    uint64_t needed;

    if (info->module_count > 1) {
        initrd = module_bytes(&info->modules[1]);
    }
    needed = dom0_layout_plan(layout, &image, initrd.length, frames);
    if (needed > frames) {
        panic("dom0 cannot be built: %lu MiB of memory are too little for its kernel and "
              "initramfs, which need %lu MiB",
              (unsigned long)(frames >> (20 - PAGE_SHIFT)),
              (unsigned long)DIV_ROUND_UP(needed, 1ull << (20 - PAGE_SHIFT)));
    }
    domain->frames_max = dom0_frames_limit(frames);
    problem = dom0_memory_allocate(domain, &memory, frames);
    if (problem) {
        return problem;
    }
    load_kernel(layout);
    if (initrd.length) {
        dom0_copy(&memory, layout->initrd_pfn << PAGE_SHIFT, initrd.data, initrd.length);
    }
    write_p2m(layout, frames);
    write_start_info(domain, layout, info, frames);
    return NULL;
}

void dom0_build(const struct boot_info *info)
{
    struct dom0_layout layout;
    struct domain *domain;
    const char *problem;
    uint64_t frames;
    void *copy;
    mfn_t root;

    if (!info->module_count) {
        fail("no module: the boot loader must bring a kernel, and after it an initramfs");
    }
    problem = kernel_image_read(kernel_elf(&info->modules[0], &copy), &image);
    if (problem) {
        fail(problem);
    }
    if (image.paddr_offset) {
        fail("kernel's Xen note PADDR_OFFSET is not 0");
    }
    pr_info("dom0 kernel: %s %s, %lx-%lx, entry %lx\n", image.guest_os, image.guest_version,
            (unsigned long)image.start, (unsigned long)image.end, (unsigned long)image.entry);
    domain = create_domain();
    frames = dom0_frames_wanted(frame_count_free());
    problem = fill_memory(domain, info, &layout, frames);
    if (problem) {
        fail(problem);
    }
    dom0_buffer_free(copy);
    root = dom0_tables_build(&memory, &layout);
    if (pagetype_adopt_root(domain, root)) {
        fail("its page tables were refused");
    }
    start_first_vcpu(domain, &layout, root);
    for (unsigned int i = 0; i < info->module_count; i++) {
        boot_module_release(i);
    }
    pr_info("dom0: %u vcpus, %lu MiB\n", domain->vcpus_max,
            (unsigned long)(frames >> (20 - PAGE_SHIFT)));
    domain_unpause(domain);
}
