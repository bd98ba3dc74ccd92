/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The table of hypercalls, lists of them, and the small ones: version, console, hvm_op. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/sched_world.h"

#include "abi/xen.h"
#include "hypervisor/console.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/security.h"
#include "hypervisor/trace.h"
#include "hypervisor/version.h"

#include <xen/features.h>
#include <xen/hvm/hvm_op.h>
#include <xen/version.h>

enum { CONTROL, GUEST, DOMAINS };

static struct domain *domains[DOMAINS];
static unsigned int continuations;

static void run_as(unsigned int which)
{
    host_set_current(0, domains[which]->vcpus[0]);
}

static int setup(void **state)
{
    world_create(2);
    domains[CONTROL] = world_domain(1, 1, true);
    domains[GUEST] = world_domain(2, 1, false);
    return 0;
}

static int before_each(void **state)
{
    host_guest_set_hook(NULL);
    host_guest_unmap_all();
    host_set_preempt_odds(0);
    run_as(CONTROL);
    return 0;
}

static int teardown(void **state)
{
    host_set_current(0, domain_idle_vcpu(0));
    for (unsigned int i = 0; i < DOMAINS; i++) {
        world_kill(domains[i]);
    }
    host_teardown_leaky();
    return 0;
}

/* To the end, as a guest's instruction issues it again and again. */
static long call(unsigned int op, unsigned long arg0, unsigned long arg1, unsigned long arg2)
{
    struct hypercall request = { .op = op, .arg = { arg0, arg1, arg2 } };
    long result;

    continuations = 0;
    do {
        result = hypercall_dispatch(&request);
        assert_true(lock_none_held());
        assert_int_equal(request.op, op);
    } while (result == HYPERCALL_CONTINUE && ++continuations < 10000);
    return result;
}

/* ---- the table ------------------------------------------------------------------------------- */

static void numbers_without_a_handler_are_refused(void **state)
{
    static const unsigned int none[] = { 11, 42, 50, 51, 63, 64, 0x7fffffff, 0x80000000, ~0u };

    for (unsigned int i = 0; i < ARRAY_SIZE(none); i++) {
        assert_int_equal(call(none[i], 0, 0, 0), -XEN_ENOSYS);
    }
}

static void every_row_is_complete(void **state)
{
    unsigned int rows = 0;

    for (unsigned int i = 0; i < hypercall_table_count; i++) {
        if (hypercall_table[i].handler) {
            assert_non_null(hypercall_table[i].name);
            assert_true(hypercall_table[i].args <= HYPERCALL_ARGS);
            assert_true(hypercall_table[i].security < SECURITY_OPERATION_COUNT ||
                        hypercall_table[i].security == HYPERCALL_OWN ||
                        hypercall_table[i].security == HYPERCALL_SUB_OPERATION);
            rows++;
        }
    }
    assert_true(rows >= 12);
}

/* Before anything is read, whatever the arguments; and it leaves a record. */
static void the_table_keeps_guests_out(void **state)
{
    static const unsigned int kept[] = { __HYPERVISOR_sysctl, __HYPERVISOR_domctl,
                                         __HYPERVISOR_console_io };
    struct trace_refusal last;

    for (unsigned int i = 0; i < ARRAY_SIZE(kept); i++) {
        run_as(GUEST);
        assert_int_equal(call(kept[i], ~0ul, ~0ul, ~0ul), -XEN_EPERM);
        assert_true(trace_last(0, &last));
        assert_int_equal(last.operation, TRACE_OPERATION_SECURITY);
        assert_int_equal(last.sub_operation, hypercall_table[kept[i]].security);
        run_as(CONTROL);
        assert_int_not_equal(call(kept[i], ~0ul, ~0ul, ~0ul), -XEN_EPERM);
    }
}

/* ---- xen_version ----------------------------------------------------------------------------- */

static void versions_are_told(void **state)
{
    static const struct {
        unsigned int op;
        size_t bytes;
        const char *text;
    } texts[] = {
        { XENVER_extraversion, sizeof(xen_extraversion_t), XENIOS_EXTRAVERSION },
        { XENVER_capabilities, sizeof(xen_capabilities_info_t), XENIOS_CAPABILITIES },
        { XENVER_commandline, sizeof(xen_commandline_t), "one=two" },
    };
    char out[2048];

    strcpy(version_command_line, "one=two");
    assert_int_equal(call(__HYPERVISOR_xen_version, XENVER_version, 0, 0), 4 << 16 | 17);
    assert_int_equal(call(__HYPERVISOR_xen_version, XENVER_pagesize, 0, 0), 4096);
    assert_int_equal(call(__HYPERVISOR_xen_version, 99, 0, 0), -XEN_ENOSYS);
    for (unsigned int i = 0; i < ARRAY_SIZE(texts); i++) {
        memset(out, 0xcc, sizeof(out));
        (void)host_guest_map(out, sizeof(out));
        assert_int_equal(call(__HYPERVISOR_xen_version, texts[i].op, (uintptr_t)out, 0), 0);
        assert_string_equal(out, texts[i].text);
        /* All of the structure is written, and nothing behind it. */
        for (size_t at = strlen(out); at < texts[i].bytes; at++) {
            assert_int_equal(out[at], 0);
        }
        assert_int_equal((uint8_t)out[texts[i].bytes], 0xcc);
        host_guest_unmap_all();
        assert_int_equal(call(__HYPERVISOR_xen_version, texts[i].op, (uintptr_t)out, 0),
                         -XEN_EFAULT);
    }
}

static void a_guest_learns_no_command_line(void **state)
{
    char out[sizeof(xen_commandline_t)];

    strcpy(version_command_line, "secret");
    run_as(GUEST);
    (void)host_guest_map(out, sizeof(out));
    assert_int_equal(call(__HYPERVISOR_xen_version, XENVER_commandline, (uintptr_t)out, 0), 0);
    assert_string_equal(out, "<denied>");
}

static void compile_info_is_whole(void **state)
{
    struct xen_compile_info info;

    memset(&info, 0xcc, sizeof(info));
    (void)host_guest_map(&info, sizeof(info));
    assert_int_equal(call(__HYPERVISOR_xen_version, XENVER_compile_info, (uintptr_t)&info, 0), 0);
    assert_int_equal(info.compiler[sizeof(info.compiler) - 1], 0);
    assert_null(memchr(&info, 0xcc, sizeof(info)));
}

static uint32_t features(uint32_t submap)
{
    struct xen_feature_info info = { .submap_idx = submap, .submap = 0xcccccccc };

    (void)host_guest_map(&info, sizeof(info));
    assert_int_equal(call(__HYPERVISOR_xen_version, XENVER_get_features, (uintptr_t)&info, 0), 0);
    host_guest_unmap_all();
    return info.submap;
}

static void features_fit_the_kind_of_guest(void **state)
{
    assert_true(features(0) & 1u << XENFEAT_mmu_pt_update_preserve_ad);
    assert_false(features(0) & 1u << XENFEAT_auto_translated_physmap);
    assert_false(features(0) & 1u << XENFEAT_dom0);
    assert_int_equal(features(1), 0);
    assert_int_equal(features(~0u), 0);
    domains[CONTROL]->is_hardware = true;
    assert_true(features(0) & 1u << XENFEAT_dom0);
    domains[CONTROL]->is_hardware = false;
    domains[CONTROL]->kind = DOMAIN_KIND_HVM;
    assert_true(features(0) & 1u << XENFEAT_auto_translated_physmap);
    assert_true(features(0) & 1u << XENFEAT_hvm_safe_pvclock);
    assert_false(features(0) & 1u << XENFEAT_mmu_pt_update_preserve_ad);
    domains[CONTROL]->kind = DOMAIN_KIND_PV;
}

/* ---- console_io ------------------------------------------------------------------------------ */

static char line_sent[4096];
static size_t line_bytes;

static void line_put(char byte)
{
    if (line_bytes < sizeof(line_sent) - 1) {
        line_sent[line_bytes++] = byte;
        line_sent[line_bytes] = '\0';
    }
}

static int line_get(void)
{
    return -1;
}

static void attach_line(void)
{
    static const struct console_device line = { "line", line_put, line_get };

    console_attach(&line);
    line_bytes = 0;
    line_sent[0] = '\0';
}

static void long_texts_are_written_in_pieces(void **state)
{
    char text[1001];

    memset(text, 'x', sizeof(text));
    text[0] = '\n';
    text[1000] = '\n';
    (void)host_guest_map(text, sizeof(text));
    attach_line();
    host_set_preempt_odds(2);
    assert_int_equal(call(__HYPERVISOR_console_io, CONSOLEIO_write, sizeof(text), (uintptr_t)text),
                     0);
    assert_true(continuations > 0 && continuations < 8);
    assert_int_equal(strspn(strchr(line_sent, 'x'), "x"), 999);
    console_attach(NULL);
}

static void bad_console_calls_are_refused(void **state)
{
    char text[300] = "only this much";

    (void)host_guest_map(text, 200);
    assert_int_equal(call(__HYPERVISOR_console_io, CONSOLEIO_write, 300, (uintptr_t)text),
                     -XEN_EFAULT);
    assert_int_equal(call(__HYPERVISOR_console_io, CONSOLEIO_write, ~0ul, (uintptr_t)text),
                     -XEN_EINVAL);
    assert_int_equal(call(__HYPERVISOR_console_io, CONSOLEIO_read, 1ul << 31, (uintptr_t)text),
                     -XEN_EINVAL);
    assert_int_equal(call(__HYPERVISOR_console_io, 7, 1, (uintptr_t)text), -XEN_ENOSYS);
    run_as(GUEST);
    assert_int_equal(call(__HYPERVISOR_console_io, CONSOLEIO_write, 1, (uintptr_t)text),
                     -XEN_EPERM);
    assert_int_equal(call(__HYPERVISOR_console_io, CONSOLEIO_read, 1, (uintptr_t)text), -XEN_EPERM);
}

static void input_is_read(void **state)
{
    char text[300];

    (void)host_guest_map(text, sizeof(text));
    for (unsigned int i = 0; i < 5; i++) {
        console_receive((char)('a' + i));
    }
    assert_int_equal(call(__HYPERVISOR_console_io, CONSOLEIO_read, 3, (uintptr_t)text), 3);
    assert_memory_equal(text, "abc", 3);
    assert_int_equal(call(__HYPERVISOR_console_io, CONSOLEIO_read, 300, (uintptr_t)text), 2);
    assert_memory_equal(text, "de", 2);
    assert_int_equal(call(__HYPERVISOR_console_io, CONSOLEIO_read, 300, (uintptr_t)text), 0);
}

/* ---- hvm_op ---------------------------------------------------------------------------------- */

static void no_domain_has_hvm_parameters(void **state)
{
    struct xen_hvm_param param = { .domid = DOMID_SELF };

    assert_int_equal(call(__HYPERVISOR_hvm_op, HVMOP_get_param, (uintptr_t)&param, 0), -XEN_EFAULT);
    (void)host_guest_map(&param, sizeof(param));
    assert_int_equal(call(__HYPERVISOR_hvm_op, HVMOP_get_param, (uintptr_t)&param, 0), -XEN_EINVAL);
    param.domid = 77;
    assert_int_equal(call(__HYPERVISOR_hvm_op, HVMOP_set_param, (uintptr_t)&param, 0), -XEN_ESRCH);
    assert_int_equal(call(__HYPERVISOR_hvm_op, HVMOP_flush_tlbs, 0, 0), -XEN_ENOSYS);
    run_as(GUEST); /* whether there is such a domain is not told */
    assert_int_equal(call(__HYPERVISOR_hvm_op, HVMOP_set_param, (uintptr_t)&param, 0), -XEN_EPERM);
    param.domid = domains[CONTROL]->id.value;
    assert_int_equal(call(__HYPERVISOR_hvm_op, HVMOP_get_param, (uintptr_t)&param, 0), -XEN_EPERM);
    param.domid = domains[GUEST]->id.value;
    assert_int_equal(call(__HYPERVISOR_hvm_op, HVMOP_get_param, (uintptr_t)&param, 0), -XEN_EINVAL);
    assert_true(domain_valid(domains[CONTROL]));
}

/* ---- multicall ------------------------------------------------------------------------------- */

#define ENTRIES 40u

static struct multicall_entry list[ENTRIES];

static long run_list(unsigned long count)
{
    (void)host_guest_map(list, sizeof(list));
    return call(__HYPERVISOR_multicall, (uintptr_t)list, count, 0);
}

static void set_entry(unsigned int i, unsigned long op, unsigned long arg0, unsigned long arg1,
                      unsigned long arg2)
{
    list[i] = (struct multicall_entry){ .op = op, .args = { arg0, arg1, arg2 } };
    list[i].result = 0xcccccccc;
}

static void each_entry_gets_its_result(void **state)
{
    set_entry(0, __HYPERVISOR_xen_version, XENVER_version, 0, 0);
    set_entry(1, __HYPERVISOR_xen_version, XENVER_extraversion, 1, 0);
    set_entry(2, 63, 0, 0, 0);
    set_entry(3, __HYPERVISOR_multicall, (uintptr_t)list, 1, 0);
    set_entry(4, __HYPERVISOR_xen_version | 1ul << 32, XENVER_version, 0, 0);
    set_entry(5, __HYPERVISOR_xen_version, XENVER_pagesize, 0, 0);
    set_entry(6, __HYPERVISOR_xen_version, XENVER_pagesize, 0, 0);
    assert_int_equal(run_list(6), 0);
    assert_int_equal(list[0].result, 4 << 16 | 17);
    assert_int_equal(list[1].result, -XEN_EFAULT);
    assert_int_equal(list[2].result, -XEN_ENOSYS);
    assert_int_equal(list[3].result, -XEN_ENOSYS);
    assert_int_equal(list[4].result, -XEN_ENOSYS);
    assert_int_equal(list[5].result, 4096);
    assert_int_equal(list[6].result, 0xcccccccc);
    assert_int_equal(run_list(0), 0);
}

static void lists_beyond_the_guests_memory_end(void **state)
{
    for (unsigned int i = 0; i < ENTRIES; i++) {
        set_entry(i, __HYPERVISOR_xen_version, XENVER_pagesize, 0, 0);
    }
    assert_int_equal(run_list(ENTRIES + 1), -XEN_EFAULT);
    assert_int_equal(list[ENTRIES - 1].result, 4096);
    assert_int_equal(call(__HYPERVISOR_multicall, ~0ul - 7, 1, 0), -XEN_EFAULT);
    host_guest_unmap_all();
    host_guest_map_at(NULL, (uintptr_t)list, list, sizeof(list), false);
    assert_int_equal(call(__HYPERVISOR_multicall, (uintptr_t)list, 1, 0), -XEN_EFAULT);
}

/* However often it is interrupted: each text once, in order, and each result stored. */
static void interrupted_lists_go_on_where_they_were(void **state)
{
    static char texts[ENTRIES][400];
    unsigned int at = 0;

    (void)host_guest_map(texts, sizeof(texts));
    for (unsigned int i = 0; i < ENTRIES; i++) {
        memset(texts[i], 'a' + (int)(i % 26), sizeof(texts[i]));
    }
    for (unsigned int round = 0; round < 50; round++) {
        unsigned int entries = 1 + (unsigned int)host_random_below(9);

        attach_line();
        console_write("\n", 1);
        line_bytes = 0;
        host_set_preempt_odds(1 + (unsigned int)host_random_below(4));
        for (unsigned int i = 0; i < entries; i++) {
            set_entry(i, __HYPERVISOR_console_io, CONSOLEIO_write, sizeof(texts[i]),
                      (uintptr_t)texts[i]);
        }
        assert_int_equal(run_list(entries), 0);
        for (unsigned int i = 0; i < entries; i++) {
            assert_int_equal(list[i].result, 0);
            at = i * sizeof(texts[i]);
            assert_memory_equal(line_sent + at, texts[i], sizeof(texts[i]));
        }
        assert_int_equal(line_bytes, at + sizeof(texts[0]));
    }
    console_attach(NULL);
}

/* Another vcpu of the guest writes over the list while it is carried out. */
static void scribble(uint64_t address, size_t bytes)
{
    for (unsigned int i = 0; i < ENTRIES; i++) {
        list[i].op = host_random_below(64);
        list[i].args[host_random_below(6)] = host_random();
    }
}

static void a_changing_list_does_no_harm(void **state)
{
    for (unsigned int round = 0; round < 200; round++) {
        for (unsigned int i = 0; i < ENTRIES; i++) {
            set_entry(i, __HYPERVISOR_xen_version, XENVER_extraversion, (uintptr_t)list, 0);
        }
        host_set_preempt_odds(4);
        host_guest_set_hook(round == 0 ? NULL : scribble);
        run_as(GUEST);
        (void)run_list(ENTRIES);
        host_guest_set_hook(NULL);
        host_guest_unmap_all();
    }
    for (unsigned int i = 0; i < DOMAINS; i++) {
        assert_true(domain_valid(domains[i]));
    }
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, before_each)
    const struct CMUnitTest tests[] = {
        TEST(numbers_without_a_handler_are_refused),
        TEST(every_row_is_complete),
        TEST(the_table_keeps_guests_out),
        TEST(versions_are_told),
        TEST(a_guest_learns_no_command_line),
        TEST(compile_info_is_whole),
        TEST(features_fit_the_kind_of_guest),
        TEST(long_texts_are_written_in_pieces),
        TEST(bad_console_calls_are_refused),
        TEST(input_is_read),
        TEST(no_domain_has_hvm_parameters),
        TEST(each_entry_gets_its_result),
        TEST(lists_beyond_the_guests_memory_end),
        TEST(interrupted_lists_go_on_where_they_were),
        TEST(a_changing_list_does_no_harm),
    };

    return cmocka_run_group_tests_name("hypercall", tests, setup, teardown);
}
