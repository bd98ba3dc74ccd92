/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Who may do what, and the records that refusals leave. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "asm/host.h"
#include "hypervisor/console.h"
#include "hypervisor/domain.h"
#include "hypervisor/error.h"
#include "hypervisor/security.h"
#include "hypervisor/trace.h"

static struct domain idle = { .id = DOMAIN_ID(DOMID_IDLE), .kind = DOMAIN_KIND_IDLE };
static struct domain control = { .id = DOMAIN_ID(0),
                                 .kind = DOMAIN_KIND_PV,
                                 .is_privileged = true };
static struct domain hardware = { .id = DOMAIN_ID(1), .kind = DOMAIN_KIND_PV, .is_hardware = true };
static struct domain guest = { .id = DOMAIN_ID(2), .kind = DOMAIN_KIND_PV };
static struct domain other = { .id = DOMAIN_ID(3), .kind = DOMAIN_KIND_PV };

static int setup(void **state)
{
    host_setup(64, 2);
    return 0;
}

static int teardown(void **state)
{
    host_teardown();
    return 0;
}

static void the_privileged_may_do_all(void **state)
{
    unsigned int operation;

    for (operation = 0; operation < SECURITY_OPERATION_COUNT; operation++) {
        assert_int_equal(security_check(&control, &guest, operation), 0);
        assert_int_equal(security_check(&control, NULL, operation), 0);
        assert_int_equal(security_check(&idle, &guest, operation), 0);
    }
    assert_int_equal(security_check(&control, NULL, SECURITY_OPERATION_COUNT), -XEN_EPERM);
}

static void guests_act_on_themselves_only(void **state)
{
    static const enum security_operation self[] = {
        SECURITY_EVENT_UNBOUND,   SECURITY_EVENT_STATUS, SECURITY_EVENT_RESET,
        SECURITY_GRANT_QUERY,     SECURITY_GRANT_SETUP,  SECURITY_MEMORY_ADJUST,
        SECURITY_MMU_FOREIGN_MAP, SECURITY_MMU_UPDATE,
    };
    static const enum security_operation never[] = {
        SECURITY_SHUTDOWN_OTHER, SECURITY_CONSOLE_IO,   SECURITY_PHYSDEV,      SECURITY_PLATFORM,
        SECURITY_DOMCTL,         SECURITY_SYSCTL,       SECURITY_MEMORY_CLAIM, SECURITY_PCI_CONFIG,
        SECURITY_CACHE_FLUSH,    SECURITY_PIN_OVERRIDE,
    };
    unsigned int i;

    for (i = 0; i < ARRAY_SIZE(self); i++) {
        assert_int_equal(security_check(&guest, &guest, self[i]), 0);
        assert_int_equal(security_check(&guest, &other, self[i]), -XEN_EPERM);
        assert_int_equal(security_check(&hardware, &other, self[i]), -XEN_EPERM);
        assert_int_equal(security_check(&guest, NULL, self[i]), -XEN_EPERM);
    }
    for (i = 0; i < ARRAY_SIZE(never); i++) {
        assert_int_equal(security_check(&guest, &guest, never[i]), -XEN_EPERM);
    }
    for (i = SECURITY_PHYSDEV; i <= SECURITY_PIN_OVERRIDE; i++) {
        assert_int_equal(security_check(&hardware, &hardware, i), 0);
    }
    assert_int_equal(security_check(&hardware, NULL, SECURITY_DOMCTL), -XEN_EPERM);
}

static void refusals_are_traced(void **state)
{
    struct vcpu vcpu = { .id = 5, .domain = &guest };
    struct trace_refusal last;
    static char text[65536];
    uint32_t bytes = sizeof(text) - 1, index = 0;

    host_set_current(1, &vcpu);
    assert_int_equal(security_check(&guest, &other, SECURITY_MMU_UPDATE), -XEN_EPERM);
    assert_true(trace_last(1, &last));
    assert_int_equal(last.operation, TRACE_OPERATION_SECURITY);
    assert_int_equal(last.sub_operation, SECURITY_MMU_UPDATE);
    assert_int_equal(last.error, -XEN_EPERM);
    assert_int_equal(last.value, 3);
    assert_int_equal(last.allowed_min, 2);
    trace_refuse(12, 3, 1, -XEN_EINVAL, 0x1234, 1, 9);
    trace_dump();
    host_set_current(0, NULL);
    console_ring_read(text, &bytes, &index, true);
    text[bytes] = '\0';
    assert_non_null(strstr(text, "cpu1 1.000000 d2v5 op 12.3 arg 1: error -22, "
                                 "value 0x1234 not in [0x1, 0x9]"));
}

static void the_ring_keeps_the_newest(void **state)
{
    struct trace_refusal last;
    static char text[65536];
    uint32_t bytes = sizeof(text) - 1, index = 0;
    unsigned int i;

    for (i = 0; i < 1000; i++) {
        trace_refuse(1, 0, 0, -XEN_EINVAL, i, 0, 0);
    }
    assert_true(trace_last(0, &last));
    assert_int_equal(last.value, 999);
    trace_dump();
    console_ring_read(text, &bytes, &index, true);
    text[bytes] = '\0';
    assert_null(strstr(text, "value 0x3c7 ")); /* 967 */
    assert_non_null(strstr(text, "value 0x3c8 "));
    assert_non_null(strstr(text, "value 0x3e7 "));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_privileged_may_do_all),
        TEST(guests_act_on_themselves_only),
        TEST(refusals_are_traced),
        TEST(the_ring_keeps_the_newest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
