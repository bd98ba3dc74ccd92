/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Messages: which of them are printed, and how often.
 *
 * Two filters, the hypervisor's own messages (loglvl=) and those a guest causes (guest_loglvl=),
 * each with two levels as in "loglvl=warning/all": up to the first a message is always printed, up
 * to the second it is printed at a limited rate, beyond that never.
 *
 * The rate: a purse of tokens, RATE_BURST at most, one token added every RATE_INTERVAL_NS; a limited
 * message takes one or is only counted. Both filters share the purse. No lock: the token count and
 * the time of the last refill are atomic, and whoever moves that time forward adds the tokens.
 */
#include "hypervisor/printk.h"

#include "inside.h"

#include "arch/time.h"
#include "hypervisor/atomic.h"
#include "hypervisor/domain.h"
#include "hypervisor/error.h"
#include "hypervisor/option.h"
#include "hypervisor/string.h"

#define PREFIX           "(XEN) "
#define MESSAGE_BYTES    512
#define RATE_BURST       10
#define RATE_INTERVAL_NS (500 * (int64_t)NS_PER_MS)

/* Levels below `always` are printed, those below `limited` at the rate. */
struct log_filter {
    unsigned int always, limited;
};

#define LEVELS_ALL (LOG_DEBUG + 1u)

static struct log_filter own_filter = { CONFIG_LOG_LEVEL_DEFAULT + 1,
                                        CONFIG_LOG_LEVEL_DEFAULT + 1 };
static struct log_filter guest_filter = { 0, CONFIG_LOG_LEVEL_DEFAULT + 1 };

static int32_t rate_tokens = RATE_BURST;
static int64_t rate_refilled;
static uint32_t rate_suppressed;

/* One level's name; *end is left after it. 0 or -XEN_EINVAL. */
static int parse_level(const char *text, const char **end, unsigned int *levels)
{
    static const struct {
        const char *name;
        unsigned int levels;
    } names[] = {
        { "none", 0 },
        { "error", LOG_ERROR + 1 },
        { "warning", LOG_WARNING + 1 },
        { "info", LOG_INFO + 1 },
        { "debug", LOG_DEBUG + 1 },
        { "all", LEVELS_ALL },
    };
    unsigned int i;

    for (i = 0; i < ARRAY_SIZE(names); i++) {
        size_t length = strlen(names[i].name);

        if (strncmp(text, names[i].name, length) == 0 &&
            (text[length] == '\0' || text[length] == '/')) {
            *end = text + length;
            *levels = names[i].levels;
            return 0;
        }
    }
    return -XEN_EINVAL;
}

static int parse_filter(const char *text, struct log_filter *filter)
{
    struct log_filter parsed;

    if (parse_level(text, &text, &parsed.always) != 0) {
        return -XEN_EINVAL;
    }
    parsed.limited = parsed.always;
    if (*text == '/' && parse_level(text + 1, &text, &parsed.limited) != 0) {
        return -XEN_EINVAL;
    }
    if (*text != '\0') {
        return -XEN_EINVAL;
    }
    parsed.limited = max(parsed.limited, parsed.always);
    *filter = parsed;
    return 0;
}

static int parse_loglvl(const char *value)
{
    return parse_filter(value, &own_filter);
}
OPTION_CUSTOM("loglvl", parse_loglvl, "hypervisor messages: <always>[/<rate limited>]");

static int parse_guest_loglvl(const char *value)
{
    return parse_filter(value, &guest_filter);
}
OPTION_CUSTOM("guest_loglvl", parse_guest_loglvl, "messages a guest causes, as loglvl");

static void refill(void)
{
    int64_t now = arch_time_now(), since = atomic_read(&rate_refilled);
    int64_t earned = (now - since) / RATE_INTERVAL_NS;
    int32_t tokens;

    if (earned <= 0 ||
        !atomic_compare_exchange(&rate_refilled, &since, since + earned * RATE_INTERVAL_NS)) {
        return;
    }
    tokens = atomic_read(&rate_tokens);
    while (!atomic_compare_exchange(&rate_tokens, &tokens,
                                    (int32_t)min(tokens + earned, (int64_t)RATE_BURST))) {
    }
}

static bool take_token(void)
{
    int32_t tokens;

    refill();
    tokens = atomic_read(&rate_tokens);
    while (tokens > 0) {
        if (atomic_compare_exchange(&rate_tokens, &tokens, tokens - 1)) {
            return true;
        }
    }
    (void)atomic_add(&rate_suppressed, 1);
    return false;
}

static void report_suppressed(void)
{
    char text[64];
    uint32_t count = atomic_read(&rate_suppressed) == 0 ? 0 : atomic_exchange(&rate_suppressed, 0);

    if (count != 0) {
        console_emit_lines(
            PREFIX, text,
            (size_t)string_format(text, sizeof(text), "(%u messages were suppressed)\n", count));
    }
}

static bool passes(const struct log_filter *filter, enum log_level level)
{
    if (likely((unsigned int)level >= filter->limited)) {
        return false;
    }
    if ((unsigned int)level < filter->always) {
        return true;
    }
    if (!take_token()) {
        return false;
    }
    report_suppressed();
    return true;
}

/* Formats behind what `text` holds already and prints it all. */
static void emit_message(char *text, size_t used, const char *format, va_list args)
{
    size_t length = used + (size_t)string_vformat(text + used, MESSAGE_BYTES - used, format, args);

    console_emit_lines(PREFIX, text, min(length, (size_t)MESSAGE_BYTES - 1));
}

void vprintk(enum log_level level, const char *format, va_list args)
{
    char text[MESSAGE_BYTES];

    if (passes(&own_filter, level)) {
        emit_message(text, 0, format, args);
    }
}

void printk(enum log_level level, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vprintk(level, format, args);
    va_end(args);
}

void guest_printk(enum log_level level, const char *format, ...)
{
    const struct vcpu *vcpu = arch_current_vcpu();
    char text[MESSAGE_BYTES];
    size_t used = 0;
    va_list args;

    if (!passes(&guest_filter, level)) {
        return;
    }
    if (vcpu != NULL) {
        used =
            (size_t)string_format(text, sizeof(text), "d%uv%u ", vcpu->domain->id.value, vcpu->id);
    }
    va_start(args, format);
    emit_message(text, used, format, args);
    va_end(args);
}
