/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* From the start of the domain to the probes. */
#include "lib/guest.h"
#include "hypervisor/string.h"
#include "lib/check.h"
#include "lib/console.h"
#include "lib/hypercall.h"
#include "lib/page.h"
#include "lib/pagetable.h"
#include "lib/vcpu.h"

#include <xen/sched.h>
#include <xen/version.h>

const struct start_info *guest_start;
struct shared_info *guest_shared;
bool guest_on_xenios;

static uint8_t shared_page[PAGE_SIZE] __aligned(4096);

/* Behind "name=", or NULL. */
const char *guest_option(const char *name)
{
    const char *at = (const char *)guest_start->cmd_line;
    size_t length = strlen(name);

    while (*at) {
        if (strncmp(at, name, length) == 0 && at[length] == '=') {
            return at + length + 1;
        }
        while (*at && *at != ' ') {
            at++;
        }
        while (*at == ' ') {
            at++;
        }
    }
    return NULL;
}

uint64_t guest_option_number(const char *name, uint64_t otherwise)
{
    const char *text = guest_option(name);

    return text ? string_to_u64(text, &text, 0) : otherwise;
}

bool guest_option_has(const char *name, const char *word)
{
    const char *at = guest_option(name);
    size_t length = strlen(word);

    while (at && *at && *at != ' ') {
        if (strncmp(at, word, length) == 0 &&
            (at[length] == ',' || at[length] == ' ' || !at[length])) {
            return true;
        }
        while (*at && *at != ' ' && *at++ != ',') {
        }
    }
    return false;
}

bool guest_is_first(void)
{
    return guest_start->flags & SIF_INITDOMAIN;
}

void guest_shutdown(unsigned int reason)
{
    struct sched_shutdown op = { reason };

    console_drain();
    hypercall_op(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &op);
    for (;;) {
    }
}

static void find_version(void)
{
    xen_extraversion_t extra = "";

    must(hypercall_op(__HYPERVISOR_xen_version, XENVER_extraversion, extra), "version");
    guest_on_xenios = strncmp(extra, "-xenios", 7) == 0;
}

static void map_shared_info(void)
{
    guest_shared = (struct shared_info *)(void *)shared_page;
    must(hypercall4(__HYPERVISOR_update_va_mapping, address_of(shared_page),
                    guest_start->shared_info | PTE_PRESENT | PTE_WRITE | PTE_USER, UVMF_INVLPG, 0),
         "shared info");
    guest_shared->vcpu_info[0].evtchn_upcall_mask = 1;
}

void guest_main(const struct start_info *start, uint64_t boot_sp)
{
    guest_start = start;
    map_shared_info();
    trap_init_vcpu();
    console_init();
    find_version();
    page_init(boot_sp);
    check_main();
    guest_shutdown(check_failed() ? SHUTDOWN_crash : SHUTDOWN_poweroff);
}
