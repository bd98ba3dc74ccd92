/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Event records as a reader in the control domain sees them: it has the frame number of the
 * information from sysctl and nothing else. Buffers are made once, so the tests are in order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/sched_world.h"

#include "arch/memory.h"
#include "hypervisor/frame.h"
#include "hypervisor/hypercall.h"
#include "hypervisor/trace_event.h"

#include <xen/sysctl.h>

#define CPUS        2u
#define EVENT       (TRC_GUEST | 5)
#define OTHER_EVENT (TRC_HW_IRQ + 1)

static struct domain *control;
static struct xen_sysctl op;
static uint8_t cpu_bits;

static int setup(void **state)
{
    world_create(CPUS);
    trace_events_init();
    control = world_domain(1, 1, true);
    domain_hardware = control;
    return 0;
}

static int teardown(void **state)
{
    host_set_current(0, domain_idle_vcpu(0));
    domain_hardware = NULL;
    world_kill(control);
    host_teardown_leaky();
    return 0;
}

static int before_each(void **state)
{
    host_guest_unmap_all();
    (void)host_guest_map(&op, sizeof(op));
    (void)host_guest_map(&cpu_bits, sizeof(cpu_bits));
    host_set_current(0, control->vcpus[0]);
    return 0;
}

static long tbuf(uint32_t cmd)
{
    struct hypercall call = { .op = __HYPERVISOR_sysctl, .arg = { (unsigned long)&op } };

    op.cmd = XEN_SYSCTL_tbuf_op;
    op.interface_version = XEN_SYSCTL_INTERFACE_VERSION;
    op.u.tbuf_op.cmd = cmd;
    return hypercall_dispatch(&call);
}

static long tbuf_size(uint32_t pages)
{
    op.u.tbuf_op.size = pages;
    return tbuf(XEN_SYSCTL_TBUFOP_set_size);
}

static long tbuf_mask(uint32_t mask)
{
    op.u.tbuf_op.evt_mask = mask;
    return tbuf(XEN_SYSCTL_TBUFOP_set_evt_mask);
}

/* ---- the reader ---------------------------------------------------------------------------------- */

static struct t_info *info;

static uint32_t *page_of(unsigned int cpu, unsigned int page)
{
    const uint32_t *list = (const uint32_t *)(const void *)info + info->mfn_offset[cpu];

    return mfn_to_virt(MFN(list[page]));
}

static struct t_buf *meta_of(unsigned int cpu)
{
    return (struct t_buf *)(void *)page_of(cpu, 0);
}

static uint32_t room(void)
{
    return info->tbuf_size * (uint32_t)PAGE_SIZE - (uint32_t)sizeof(struct t_buf);
}

static uint32_t word_at(unsigned int cpu, uint32_t offset)
{
    uint32_t index = (uint32_t)(sizeof(struct t_buf) + offset % room()) / 4;

    return page_of(cpu, index / 1024)[index % 1024];
}

static uint32_t waiting(unsigned int cpu)
{
    return (READ_ONCE(meta_of(cpu)->prod) + 2 * room() - meta_of(cpu)->cons) % (2 * room());
}

struct record {
    uint32_t event, count, words[TRACE_EXTRA_MAX];
    bool has_cycles;
    uint64_t cycles;
};

/* The next record, which must not cross the end; false when there is none. */
static bool read_record(unsigned int cpu, struct record *to)
{
    uint32_t at = meta_of(cpu)->cons, header, bytes;

    if (waiting(cpu) == 0) {
        return false;
    }
    header = word_at(cpu, at);
    to->event = TRC_HD_TO_EVENT(header);
    to->count = TRC_HD_EXTRA(header);
    to->has_cycles = TRC_HD_INCLUDES_CYCLE_COUNT(header);
    bytes = 4 * (1 + 2 * to->has_cycles + to->count);
    assert_true(bytes <= waiting(cpu));
    assert_true(at % room() + bytes <= room());
    if (to->has_cycles) {
        to->cycles = word_at(cpu, at + 4) | (uint64_t)word_at(cpu, at + 8) << 32;
    }
    for (uint32_t i = 0; i < to->count; i++) {
        to->words[i] = word_at(cpu, at + 4 * (1 + 2 * to->has_cycles + i));
    }
    meta_of(cpu)->cons = (at + bytes) % (2 * room());
    return true;
}

static void read_all(unsigned int cpu)
{
    struct record record;

    while (read_record(cpu, &record)) {
    }
}

/* ---- tests ------------------------------------------------------------------------------------- */

static void nothing_before_there_are_buffers(void **state)
{
    assert_int_equal(tbuf(XEN_SYSCTL_TBUFOP_get_info), 0);
    assert_int_equal(op.u.tbuf_op.buffer_mfn, 0);
    assert_int_equal(op.u.tbuf_op.size, 0);
    assert_int_equal(op.u.tbuf_op.evt_mask, TRC_ALL);
    assert_int_equal(tbuf(XEN_SYSCTL_TBUFOP_enable), -XEN_EINVAL);
    assert_int_equal(tbuf(XEN_SYSCTL_TBUFOP_disable), -XEN_EINVAL);
    assert_int_equal(tbuf_size(0), -XEN_EINVAL);
    assert_int_equal(tbuf_size(UINT32_MAX), -XEN_EINVAL);
    assert_int_equal(tbuf_size(30000), -XEN_ENOMEM);
    assert_int_equal(tbuf(77), -XEN_EINVAL);
    trace_event(EVENT, 1);
}

static void buffers_are_made_once(void **state)
{
    assert_int_equal(tbuf_size(2), 0);
    assert_int_equal(tbuf_size(2), 0);
    assert_int_equal(tbuf_size(3), -XEN_EINVAL);
    assert_int_equal(tbuf(XEN_SYSCTL_TBUFOP_get_info), 0);
    assert_int_equal(op.u.tbuf_op.size, PAGE_SIZE);
    info = mfn_to_virt(MFN(op.u.tbuf_op.buffer_mfn));
    assert_int_equal(info->tbuf_size, 2);
    assert_true(frame_owner(frame_of(virt_to_mfn(info))) == domain_xen);
    for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
        for (unsigned int page = 0; page < 2; page++) {
            struct frame *frame = frame_of(virt_to_mfn(page_of(cpu, page)));

            assert_true(frame_owner(frame) == domain_xen);
        }
        assert_int_equal(waiting(cpu), 0);
    }
}

static void a_record_is_as_it_was_written(void **state)
{
    struct record record;

    trace_event(EVENT, 1); /* still off */
    assert_int_equal(tbuf(XEN_SYSCTL_TBUFOP_enable), 0);
    read_all(0);
    trace_event(EVENT, 7, TRACE_U64(0x123456789abcdef0ull));
    assert_true(read_record(0, &record));
    assert_int_equal(record.event, EVENT);
    assert_int_equal(record.count, 3);
    assert_int_equal(record.words[0], 7);
    assert_int_equal(record.words[1], 0x9abcdef0);
    assert_int_equal(record.words[2], 0x12345678);
    assert_true(record.has_cycles);
    assert_int_equal(record.cycles, time_now());
    assert_false(read_record(0, &record));
    assert_int_equal(waiting(1), 0);
}

static void only_what_is_wanted(void **state)
{
    struct record record;

    assert_int_equal(tbuf_mask(TRC_HW), 0);
    read_all(0);
    trace_event(EVENT, 1);
    assert_false(read_record(0, &record));
    trace_event(OTHER_EVENT, 1);
    assert_true(read_record(0, &record));
    assert_int_equal(tbuf_mask(TRC_HW_PM), 0); /* the class, another subclass */
    trace_event(OTHER_EVENT, 1);
    assert_false(read_record(0, &record));
    assert_int_equal(tbuf_mask(TRC_GUEST), 0);
    read_all(0);

    cpu_bits = 2;
    op.u.tbuf_op.cpu_mask.bitmap.p = &cpu_bits;
    op.u.tbuf_op.cpu_mask.nr_bits = 8;
    assert_int_equal(tbuf(XEN_SYSCTL_TBUFOP_set_cpu_mask), 0);
    trace_event(EVENT, 1);
    assert_false(read_record(0, &record));
    (void)world_cpu(1);
    trace_event(EVENT, 1);
    assert_true(read_record(1, &record));
    host_set_current(0, control->vcpus[0]);
    cpu_bits = 3;
    op.u.tbuf_op.cpu_mask.bitmap.p = &cpu_bits;
    op.u.tbuf_op.cpu_mask.nr_bits = 8;
    assert_int_equal(tbuf(XEN_SYSCTL_TBUFOP_set_cpu_mask), 0);
    op.u.tbuf_op.cpu_mask.bitmap.p = (void *)16;
    assert_int_equal(tbuf(XEN_SYSCTL_TBUFOP_set_cpu_mask), -XEN_EFAULT);
}

/* Every record comes in order, or is counted as lost: a reader of random appetite. */
static void none_is_lost_untold(void **state)
{
    uint32_t next = 0, expected = 0, lost = 0, wraps = 0;
    struct record record;

    read_all(0);
    for (unsigned int i = 0; i < 20000; i++) {
        uint32_t words[TRACE_EXTRA_MAX] = { next++ };

        trace_event_write(EVENT, words, 1 + (unsigned int)host_random_below(TRACE_EXTRA_MAX));
        if (host_random_below(300) != 0) {
            continue;
        }
        for (uint64_t some = host_random_below(600); some != 0; some--) {
            if (!read_record(0, &record)) {
                break;
            }
            if (record.event == TRC_LOST_RECORDS) {
                assert_int_equal(record.count, 4);
                assert_int_equal(record.words[1] & 0xffff, control->id.value);
                expected += record.words[0];
                lost++;
            } else if (record.event == TRC_TRACE_WRAP_BUFFER) {
                assert_int_equal(meta_of(0)->cons % room(), 0);
                wraps++;
            } else {
                assert_int_equal(record.event, EVENT);
                assert_int_equal(record.words[0], expected);
                expected++;
            }
        }
    }
    assert_true(lost > 3 && wraps > 10);
}

static void a_lying_reader_loses_records(void **state)
{
    const uint32_t lies[] = { 2 * room(), UINT32_MAX, 1, room() + 2 };
    uint32_t produced;

    read_all(0);
    produced = meta_of(0)->prod;
    for (unsigned int i = 0; i < ARRAY_SIZE(lies); i++) {
        meta_of(0)->cons = lies[i];
        meta_of(0)->prod = lies[i];
        trace_event(EVENT, 1);
        assert_int_equal(meta_of(0)->prod, lies[i]);
    }
    meta_of(0)->cons = meta_of(0)->prod = produced;
    trace_event(EVENT, 1);
    assert_int_equal(waiting(0) / 4 >= 7 + 4, 1); /* with the number of those lost */
    read_all(0);
}

static void the_reader_is_told_at_half(void **state)
{
    struct evtchn_bind_virq bind = { .virq = VIRQ_TBUF };
    struct shared_info *shared = control->shared_info;

    host_run_softwork(); /* what the tests before left */
    assert_int_equal(event_bind_virq(control, &bind), 0);
    read_all(0);
    while (waiting(0) < room() / 2 - 64) {
        trace_event(EVENT, 1);
    }
    host_run_softwork();
    assert_false(shared->evtchn_pending[0] >> bind.port & 1);
    while (waiting(0) < room() / 2) {
        trace_event(EVENT, 1);
    }
    host_run_softwork();
    assert_true(shared->evtchn_pending[0] >> bind.port & 1);
    assert_int_equal(event_close(control, EVTCHN(bind.port)), 0);
}

static void hypercalls_are_recorded_with_arguments(void **state)
{
    struct hypercall call = { .op = __HYPERVISOR_vcpu_op,
                              .arg = { 99, 0x100000001ull, 0x7fff00000002ull } };
    struct record record;

    assert_int_equal(tbuf_mask(TRC_PV), 0);
    read_all(0);
    (void)hypercall_dispatch(&call);
    assert_true(read_record(0, &record));
    assert_int_equal(record.event, TRC_PV_HYPERCALL_V2);
    assert_int_equal(record.count, 6);
    assert_int_equal(record.words[0], __HYPERVISOR_vcpu_op | TRC_PV_HYPERCALL_V2_ARG_32(0) |
                                          TRC_PV_HYPERCALL_V2_ARG_64(1) |
                                          TRC_PV_HYPERCALL_V2_ARG_64(2));
    assert_int_equal(record.words[1], 99);
    assert_int_equal(record.words[3], 1);
    assert_int_equal(record.words[4], 2);
    assert_int_equal(tbuf(XEN_SYSCTL_TBUFOP_disable), 0);
    read_all(0);
    (void)hypercall_dispatch(&call);
    assert_false(read_record(0, &record));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_before_there_are_buffers, before_each),
        cmocka_unit_test_setup(buffers_are_made_once, before_each),
        cmocka_unit_test_setup(a_record_is_as_it_was_written, before_each),
        cmocka_unit_test_setup(only_what_is_wanted, before_each),
        cmocka_unit_test_setup(none_is_lost_untold, before_each),
        cmocka_unit_test_setup(a_lying_reader_loses_records, before_each),
        cmocka_unit_test_setup(the_reader_is_told_at_half, before_each),
        cmocka_unit_test_setup(hypercalls_are_recorded_with_arguments, before_each),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
