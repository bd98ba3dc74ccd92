/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The console: lines and prefixes, the ring, levels and rates, input and its switch, debug keys. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "asm/host.h"
#include "hypervisor/bug.h"
#include "hypervisor/console.h"
#include "hypervisor/debug_key.h"
#include "hypervisor/domain.h"
#include "hypervisor/event.h"
#include "hypervisor/lock.h"
#include "hypervisor/option.h"
#include "hypervisor/printk.h"
#include "hypervisor/work.h"

/* ---- what the console asks of others ---------------------------------------------------------- */

static unsigned int virqs[32];
static bool raised;
static void (*news_handler)(void);

void event_virq_global(unsigned int virq)
{
    BUG_ON(!lock_none_held());
    virqs[virq]++;
}

void softwork_raise(enum softwork work)
{
    BUG_ON(work != SOFTWORK_CONSOLE);
    raised = true;
}

void softwork_register(enum softwork work, void (*handler)(void))
{
    BUG_ON(work != SOFTWORK_CONSOLE);
    news_handler = handler;
}

static void run_news(void)
{
    while (raised) {
        raised = false;
        news_handler();
    }
}

/* ---- a serial line ---------------------------------------------------------------------------- */

static char sent[4096];
static size_t sent_bytes;

static void put(char byte)
{
    BUG_ON(sent_bytes + 1 >= sizeof(sent));
    sent[sent_bytes++] = byte;
    sent[sent_bytes] = '\0';
}

static int get(void)
{
    return -1;
}

static const struct console_device line = { "line", put, get };

static uint32_t index_before;

static int setup(void **state)
{
    static char text[65536];
    uint32_t bytes = sizeof(text);

    host_setup(256, 2);
    options_parse("loglvl=debug guest_loglvl=none/debug");
    console_write("\n", 1); /* whatever the test before left open */
    index_before = 0;
    console_ring_read(text, &bytes, &index_before, true);
    console_attach(&line);
    sent_bytes = 0;
    sent[0] = '\0';
    return 0;
}

static int teardown(void **state)
{
    host_teardown();
    return 0;
}

/* Everything in the ring since the last call. */
static const char *ring_text(void)
{
    static char text[65536];
    uint32_t bytes = sizeof(text) - 1;

    console_ring_read(text, &bytes, &index_before, false);
    text[bytes] = '\0';
    return text;
}

/* ---- output ----------------------------------------------------------------------------------- */

static void prefixes_every_line(void **state)
{
    pr_info("one\ntwo\n");
    pr_info("three");
    assert_string_equal(ring_text(), "(XEN) one\n(XEN) two\n(XEN) three\n");
    assert_string_equal(sent, "(XEN) one\r\n(XEN) two\r\n(XEN) three\r\n");
}

static void raw_output_is_not_prefixed(void **state)
{
    console_write("log", 3);
    console_write("in: ", 4);
    pr_info("hello\n");
    console_write("x\n", 2);
    pr_info("again\n");
    assert_string_equal(ring_text(), "login: \n(XEN) hello\nx\n(XEN) again\n");
}

static void long_messages_are_cut(void **state)
{
    char text[2000];

    memset(text, 'a', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    pr_info("%s", text);
    assert_int_equal(strlen(ring_text()), 6 + 511 + 1);
}

static void attaching_sends_what_was(void **state)
{
    console_attach(NULL);
    pr_info("early\n");
    assert_int_equal(sent_bytes, 0);
    console_attach(&line);
    assert_string_equal(sent, "(XEN) early\r\n");
    console_attach(&line);
    assert_string_equal(sent, "(XEN) early\r\n");
}

static void ring_keeps_the_newest(void **state)
{
    char text[64], byte = 'a';
    uint32_t bytes, index, produced, i;

    console_attach(NULL);
    for (i = 0; i < 100000; i++) {
        byte = (char)('a' + i % 26);
        console_write(&byte, 1);
    }
    produced = index_before + 100000;
    bytes = sizeof(text);
    index = index_before; /* long gone */
    console_ring_read(text, &bytes, &index, false);
    assert_int_equal(bytes, sizeof(text));
    assert_in_range(produced - (index - bytes), 16384, 100000 - 1);
    assert_int_equal(text[0], 'a' + (index - bytes - index_before) % 26);
    bytes = sizeof(text);
    index = produced - 3;
    console_ring_read(text, &bytes, &index, false);
    assert_int_equal(bytes, 3);
    assert_int_equal(index, produced);
    assert_int_equal(text[2], byte);
    bytes = sizeof(text);
    index = produced + 5; /* not written yet: starts over */
    console_ring_read(text, &bytes, &index, true);
    assert_int_equal(bytes, sizeof(text));
    bytes = sizeof(text);
    index = 0;
    console_ring_read(text, &bytes, &index, false);
    assert_int_equal(bytes, 0); /* cleared */
}

static void ring_grows(void **state)
{
    static char text[40000];
    uint32_t bytes, index, i;

    console_attach(NULL);
    pr_info("before\n");
    options_parse("conring_size=32k");
    assert_int_equal(console_ring_wanted(), 32768);
    console_ring_resize(32768);
    assert_string_equal(ring_text(), "(XEN) before\n");
    console_ring_resize(32769); /* refused */
    for (i = 0; i < 50000; i++) {
        console_write("z", 1);
    }
    bytes = sizeof(text);
    index = 0;
    console_ring_read(text, &bytes, &index, true);
    assert_int_equal(bytes, 32768);
    host_teardown_leaky(); /* the ring stays */
}

static void levels_filter(void **state)
{
    options_parse("loglvl=warning");
    pr_info("no\n");
    pr_warning("yes\n");
    options_parse("loglvl=none");
    pr_error("no\n");
    options_parse("loglvl=nonsense");
    options_parse("loglvl=error/all");
    pr_error("sure\n");
    pr_debug("perhaps\n");
    assert_string_equal(ring_text(), "(XEN) yes\n(XEN) sure\n(XEN) perhaps\n");
}

static unsigned int lines(const char *text)
{
    unsigned int count = 0;

    while ((text = strchr(text, '\n')) != NULL) {
        text++;
        count++;
    }
    return count;
}

static void guests_are_limited(void **state)
{
    struct domain domain = { .id = DOMAIN_ID(7) };
    struct vcpu vcpu = { .id = 2, .domain = &domain };
    const char *text;
    unsigned int i;

    host_advance_time(60 * NS_PER_SECOND);
    host_set_current(0, &vcpu);
    for (i = 0; i < 100; i++) {
        guest_printk(LOG_WARNING, "bad %u\n", i);
    }
    text = ring_text();
    assert_int_equal(lines(text), 10);
    assert_non_null(strstr(text, "(XEN) d7v2 bad 9\n"));
    host_advance_time(NS_PER_SECOND);
    for (i = 0; i < 100; i++) {
        guest_printk(LOG_WARNING, "worse %u\n", i);
    }
    text = ring_text();
    assert_int_equal(lines(text), 3);
    assert_non_null(strstr(text, "90 messages were suppressed"));
    options_parse("guest_loglvl=none");
    guest_printk(LOG_ERROR, "never\n");
    assert_string_equal(ring_text(), "");
    host_set_current(0, NULL);
}

static void print_much(void *data)
{
    unsigned int i;

    for (i = 0; i < 20; i++) {
        pr_info("aaaaaaaaaa\nbbbbbbbbbb\n");
        host_switch_point();
    }
}

static void cpus_do_not_mix(void **state)
{
    const char *text, *at;

    console_attach(NULL);
    host_spawn(0, print_much, NULL);
    host_spawn(1, print_much, NULL);
    host_run();
    text = ring_text();
    assert_int_equal(lines(text), 80);
    for (at = text; *at != '\0'; at += 34) {
        assert_memory_equal(at, "(XEN) aaaaaaaaaa\n(XEN) bbbbbbbbbb\n", 34);
    }
}

static unsigned int nested;

static void put_and_print(char byte)
{
    if (byte == 'q' && nested++ == 0) {
        pr_info("inner\n"); /* as an NMI would */
    }
}

static void printing_inside_of_printing_works(void **state)
{
    static const struct console_device device = { "nested", put_and_print, get };

    nested = 0;
    console_attach(&device);
    pr_info("q\n");
    console_attach(NULL);
    assert_non_null(strstr(ring_text(), "inner\n"));
    assert_true(lock_none_held());
}

/* ---- input ------------------------------------------------------------------------------------ */

static void type(const char *text)
{
    while (*text != '\0') {
        console_receive(*text++);
    }
}

static char pressed[16];
static unsigned int pressed_count;

static void on_key(char key)
{
    pressed[pressed_count++] = key;
}

static void input_goes_to_dom0_or_keys(void **state)
{
    char text[600];

    console_init();
    run_news();
    memset(virqs, 0, sizeof(virqs));
    type("ab\001c");
    run_news();
    assert_int_equal(virqs[VIRQ_CONSOLE], 1);
    assert_int_equal(console_read(text, 2), 2);
    assert_memory_equal(text, "ab", 2);
    assert_int_equal(console_read(text, sizeof(text)), 2);
    assert_memory_equal(text, "\001c", 2);
    debug_key_register('k', on_key, "a test's key");
    type("\001\001\001k");
    run_news();
    assert_int_equal(pressed_count, 1);
    assert_int_equal(pressed[0], 'k');
    assert_int_equal(console_read(text, sizeof(text)), 0);
    assert_true(virqs[VIRQ_CON_RING] > 0); /* the announcement */
    type("\001\001\001d");
    assert_int_equal(console_read(text, sizeof(text)), 1);
    run_news();
    for (unsigned int i = 0; i < 500; i++) {
        console_receive('x'); /* what does not fit is lost */
    }
    assert_int_equal(console_read(text, sizeof(text)), 256);
}

static void keys_are_listed_and_unknown_ones_told(void **state)
{
    const char *text;

    ring_text();
    debug_key_run('h');
    text = ring_text();
    assert_non_null(strstr(text, "key 'h' => list the debug keys"));
    debug_key_run('~');
    assert_non_null(strstr(ring_text(), "No debug key '~'"));
    debug_key_run((char)0xff);
    assert_string_equal(ring_text(), "");
    HOST_EXPECT_PANIC(debug_key_register('h', on_key, "again"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(prefixes_every_line),
        TEST(raw_output_is_not_prefixed),
        TEST(long_messages_are_cut),
        TEST(attaching_sends_what_was),
        TEST(ring_keeps_the_newest),
        TEST(levels_filter),
        TEST(guests_are_limited),
        TEST(cpus_do_not_mix),
        TEST(printing_inside_of_printing_works),
        TEST(input_goes_to_dom0_or_keys),
        TEST(keys_are_listed_and_unknown_ones_told),
        cmocka_unit_test_setup(ring_grows, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
