/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The command line: words separated by white space, each one "name", "no-name" or "name=value". A
 * part in double quotes keeps its spaces, the quotes themselves are dropped. The same option given
 * twice: the later one counts. "--" ends the hypervisor's part.
 *
 * The table of options is made by the linker: every OPTION_* puts one struct into the section
 * "options". The hypervisor's linker script marks its ends; on the host the linker does it by itself.
 *
 * Runs once, on the boot CPU, before any other; no locks.
 */
#include "hypervisor/option.h"

#include "hypervisor/error.h"
#include "hypervisor/printk.h"
#include "hypervisor/string.h"

#define WORD_BYTES 256

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/*
 * Copies the next word, quotes removed, and returns where it ended; NULL at the end of the line.
 * *fits is false when the word was cut.
 */
static const char *next_word(const char *text, char word[WORD_BYTES], bool *fits)
{
    size_t length = 0;
    bool quoted = false;

    *fits = true;
    while (is_space(*text)) {
        text++;
    }
    if (*text == '\0') {
        return NULL;
    }
    for (; *text != '\0' && (quoted || !is_space(*text)); text++) {
        if (*text == '"') {
            quoted = !quoted;
        } else if (length + 1 < WORD_BYTES) {
            word[length++] = *text;
        } else {
            *fits = false;
        }
    }
    word[length] = '\0';
    return text;
}

static char folded(char c)
{
    return c == '-' ? '_' : c;
}

static bool names_equal(const char *a, const char *b)
{
    while (*a != '\0' && folded(*a) == folded(*b)) {
        a++;
        b++;
    }
    return *a == *b;
}

int option_parse_bool(const char *value)
{
    static const char *const yes[] = { "yes", "on", "true", "1", "enable" };
    static const char *const no[] = { "no", "off", "false", "0", "disable" };
    unsigned int i;

    for (i = 0; i < ARRAY_SIZE(yes); i++) {
        if (strcmp(value, yes[i]) == 0) {
            return 1;
        }
        if (strcmp(value, no[i]) == 0) {
            return 0;
        }
    }
    return -XEN_EINVAL;
}

static int set_bool(const struct option *option, const char *value, bool negated)
{
    int yes = value == NULL ? 1 : option_parse_bool(value);

    if (yes < 0) {
        return yes;
    }
    *(bool *)option->variable = negated ? yes == 0 : yes != 0;
    return 0;
}

static int store_number(const struct option *option, uint64_t value)
{
    if (option->bytes < sizeof(value) && value >> (option->bytes * 8) != 0) {
        return -XEN_ERANGE;
    }
    switch (option->bytes) {
    case 1:
        *(uint8_t *)option->variable = (uint8_t)value;
        return 0;
    case 2:
        *(uint16_t *)option->variable = (uint16_t)value;
        return 0;
    case 4:
        *(uint32_t *)option->variable = (uint32_t)value;
        return 0;
    case 8:
        *(uint64_t *)option->variable = value;
        return 0;
    default:
        return -XEN_EINVAL;
    }
}

static int set_number(const struct option *option, const char *value)
{
    const char *end;
    uint64_t number;

    if (value == NULL) {
        return -XEN_EINVAL;
    }
    number = option->kind == OPTION_KIND_SIZE ? string_to_size(value, &end)
                                              : string_to_u64(value, &end, 0);
    if (end == value || *end != '\0') {
        return -XEN_EINVAL;
    }
    return store_number(option, number);
}

static int set_option(const struct option *option, const char *value, bool negated)
{
    if (negated && option->kind != OPTION_KIND_BOOL && option->kind != OPTION_KIND_CUSTOM) {
        return -XEN_EINVAL;
    }
    switch (option->kind) {
    case OPTION_KIND_BOOL:
        return set_bool(option, value, negated);
    case OPTION_KIND_UINT:
    case OPTION_KIND_SIZE:
        return set_number(option, value);
    case OPTION_KIND_STRING:
        if (value == NULL || strlen(value) >= option->bytes) {
            return -XEN_EINVAL;
        }
        string_copy(option->variable, value, option->bytes);
        return 0;
    case OPTION_KIND_CUSTOM:
        return option->parse(negated ? "no" : value == NULL ? "" : value);
    }
    return -XEN_EINVAL;
}

/* Sets every option of that name: several modules may listen to one. */
static unsigned int set_all(const char *name, const char *value, bool negated)
{
    const struct option *option;
    unsigned int found = 0;

    for (option = options_start; option < options_end; option++) {
        if (!names_equal(option->name, name)) {
            continue;
        }
        found++;
        if (set_option(option, value, negated) != 0) {
            pr_warning("Option %s%s: bad value \"%s\" (%s)\n", negated ? "no-" : "", option->name,
                       value == NULL ? "" : value, option->help);
        }
    }
    return found;
}

static void handle_word(char *word)
{
    char *value = strchr(word, '=');

    if (value != NULL) {
        *value++ = '\0';
    }
    if (set_all(word, value, false) != 0) {
        return;
    }
    if (strncmp(word, "no-", 3) == 0 && value == NULL && set_all(word + 3, NULL, true) != 0) {
        return;
    }
    pr_warning("Unknown option \"%s\"\n", word);
}

void options_parse(const char *command_line)
{
    char word[WORD_BYTES];
    bool fits;

    while ((command_line = next_word(command_line, word, &fits)) != NULL) {
        if (strcmp(word, "--") == 0) {
            return;
        }
        if (fits) {
            handle_word(word);
        } else {
            pr_warning("Option too long: \"%.40s...\"\n", word);
        }
    }
}
