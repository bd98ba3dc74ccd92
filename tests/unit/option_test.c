/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The command line: every kind of option, quoting, negation, and what is warned about. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "asm/host.h"
#include "hypervisor/console.h"
#include "hypervisor/error.h"
#include "hypervisor/option.h"

static bool opt_flag;
OPTION_BOOL("a-flag", opt_flag, "a flag");
static unsigned int opt_number;
OPTION_UINT("number", opt_number, "a number");
static uint8_t opt_small;
OPTION_UINT("small", opt_small, "a small number");
static uint64_t opt_bytes;
OPTION_SIZE("bytes", opt_bytes, "a size");
static char opt_text[8];
OPTION_STRING("text", opt_text, "a text");

static char custom[64];

static int parse_custom(const char *value)
{
    strncpy(custom, value, sizeof(custom) - 1);
    return strcmp(value, "bad") == 0 ? -XEN_EINVAL : 0;
}
OPTION_CUSTOM("custom", parse_custom, "anything");

static unsigned int heard;

static int parse_heard(const char *value)
{
    heard++;
    return 0;
}
OPTION_CUSTOM("number", parse_heard, "somebody else listens too");

static uint32_t ring_index;

static int setup(void **state)
{
    host_setup(64, 1);
    opt_flag = false;
    opt_number = 0;
    opt_small = 0;
    opt_bytes = 0;
    opt_text[0] = custom[0] = '\0';
    return 0;
}

static int teardown(void **state)
{
    host_teardown();
    return 0;
}

static const char *warnings(void)
{
    static char text[16384];
    uint32_t bytes = sizeof(text) - 1;

    console_ring_read(text, &bytes, &ring_index, false);
    text[bytes] = '\0';
    return text;
}

static void sets_every_kind(void **state)
{
    heard = 0;
    options_parse("  a_flag number=0x10\tsmall=255 bytes=2M text=hello custom=a,b=c ");
    assert_true(opt_flag);
    assert_int_equal(opt_number, 16);
    assert_int_equal(heard, 1);
    assert_int_equal(opt_small, 255);
    assert_int_equal(opt_bytes, 2 << 20);
    assert_string_equal(opt_text, "hello");
    assert_string_equal(custom, "a,b=c");
    assert_string_equal(warnings(), "");
}

static void booleans_have_many_words(void **state)
{
    static const char *const yes[] = { "a-flag",      "a-flag=yes", "a_flag=on",
                                       "a-flag=true", "a-flag=1",   "a-flag=enable" };
    static const char *const no[] = { "no-a-flag",    "a-flag=no", "a_flag=off",
                                      "a-flag=false", "a-flag=0",  "a-flag=disable" };
    unsigned int i;

    for (i = 0; i < 6; i++) {
        options_parse(yes[i]);
        assert_true(opt_flag);
        options_parse(no[i]);
        assert_false(opt_flag);
    }
    assert_string_equal(warnings(), "");
}

static void later_ones_win_and_quotes_hold(void **state)
{
    options_parse("number=1 number=2 text=\"a b\" custom=\"x y\"z");
    assert_int_equal(opt_number, 2);
    assert_string_equal(opt_text, "a b");
    assert_string_equal(custom, "x yz");
    options_parse("custom");
    assert_string_equal(custom, "");
    options_parse("no-custom");
    assert_string_equal(custom, "no");
}

static void stops_at_two_dashes(void **state)
{
    options_parse("number=1 -- number=2 nonsense");
    assert_int_equal(opt_number, 1);
    assert_string_equal(warnings(), "");
}

static void warns_by_name(void **state)
{
    static const struct {
        const char *line, *warning;
    } cases[] = {
        { "nonsense=3", "Unknown option \"nonsense\"" },
        { "no-nonsense", "Unknown option \"no-nonsense\"" },
        { "number=12q", "Option number: bad value \"12q\"" },
        { "number", "Option number: bad value" },
        { "number=4294967296", "Option number: bad value" },
        { "no-number", "Option no-number: bad value" },
        { "small=256", "Option small: bad value" },
        { "bytes=M", "Option bytes: bad value" },
        { "text=12345678", "Option text: bad value" },
        { "a-flag=maybe", "Option a-flag: bad value \"maybe\"" },
        { "custom=bad", "Option custom: bad value \"bad\"" },
        { "=", "Unknown option \"\"" },
    };
    unsigned int i;

    for (i = 0; i < ARRAY_SIZE(cases); i++) {
        options_parse(cases[i].line);
        assert_non_null(strstr(warnings(), cases[i].warning));
    }
    assert_int_equal(opt_number, 0);
    assert_int_equal(opt_small, 0);
    assert_string_equal(opt_text, "");
}

static void survives_a_word_without_end(void **state)
{
    static char long_line[2000];

    memset(long_line, 'w', sizeof(long_line) - 1);
    memcpy(long_line + 1000, " number=5 ", 10);
    options_parse(long_line);
    assert_non_null(strstr(warnings(), "Option too long"));
    assert_int_equal(opt_number, 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sets_every_kind),     TEST(booleans_have_many_words),
        TEST(warns_by_name),       TEST(later_ones_win_and_quotes_hold),
        TEST(stops_at_two_dashes), TEST(survives_a_word_without_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
