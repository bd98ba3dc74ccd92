/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * The boot options spec-ctrl= and pv-l1tf=, in the words of Xen's documentation: lists of words
 * "name", "no-name" or "name=boolean", where some names take "pv=boolean" as well. A later word counts
 * more than an earlier one.
 */
#include "asm/speculation.h"
#include "hypervisor/error.h"
#include "hypervisor/option.h"
#include "hypervisor/string.h"

#define WORD_BYTES 48u

/* The next word of a list, cut at a comma; NULL at the end. *good is false for one too long. */
static const char *next_word(const char *list, char word[WORD_BYTES], bool *good)
{
    size_t length = 0;

    if (*list == '\0') {
        return NULL;
    }
    for (; list[length] != '\0' && list[length] != ','; length++) {
        if (length + 1 < WORD_BYTES) {
            word[length] = list[length];
        }
    }
    *good = length < WORD_BYTES;
    word[min(length, (size_t)WORD_BYTES - 1)] = '\0';
    return list[length] == ',' ? list + length + 1 : list + length;
}

/*
 * "name", "no-name", "name=boolean", and the last also behind "pv=" or "hvm=" as in "rsb=pv=no": the
 * boolean, -1 for hvm's (there is no such guest), or -XEN_EINVAL; *word is cut to the name.
 */
static int word_value(char **word)
{
    char *value = strchr(*word, '=');

    if (value == NULL) {
        if (strncmp(*word, "no-", 3) != 0) {
            return 1;
        }
        *word += 3;
        return 0;
    }
    *value++ = '\0';
    if (strncmp(value, "hvm=", 4) == 0) {
        return option_parse_bool(value + 4) < 0 ? -XEN_EINVAL : -1;
    }
    return option_parse_bool(strncmp(value, "pv=", 3) == 0 ? value + 3 : value);
}

/* What is done at the border to PV guests. */
static void set_border(struct speculation_options *options, int8_t value)
{
    options->rsb_entry = options->verw_exit = options->ibpb_entry = value;
}

/* All that is for the hypervisor's own sake. */
static void set_hypervisor(struct speculation_options *options, int8_t value)
{
    set_border(options, value);
    options->ibpb_switch = options->ibrs = value;
}

/* Names that choose one thing each. */
static const struct {
    const char *name;
    size_t offset;
} choices[] = {
    { "msr-sc", offsetof(struct speculation_options, guest_msrs) },
    { "rsb", offsetof(struct speculation_options, rsb_entry) },
    { "md-clear", offsetof(struct speculation_options, verw_exit) },
    { "verw", offsetof(struct speculation_options, verw_exit) },
    { "ibpb-entry", offsetof(struct speculation_options, ibpb_entry) },
    { "ibpb", offsetof(struct speculation_options, ibpb_switch) },
    { "ibrs", offsetof(struct speculation_options, ibrs) },
    { "ssbd", offsetof(struct speculation_options, ssbd) },
    { "psfd", offsetof(struct speculation_options, psfd) },
};

/* What there is one way of, or nothing to do for: -1 any value, else the only one. */
static const struct {
    const char *name;
    int only;
} fixed[] = {
    { "hvm", -1 },
    { "l1d-flush", -1 },
    { "eager-fpu", 1 },
    { "branch-harden", 1 },
};

static int set_thunk(const char *kind)
{
#ifdef CONFIG_RETPOLINES
    return strcmp(kind, "retpoline") == 0 ? 0 : -XEN_EINVAL;
#else
    return strcmp(kind, "jmp") == 0 ? 0 : -XEN_EINVAL;
#endif
}

static int parse_word(struct speculation_options *options, char *word)
{
    int value;

    if (strncmp(word, "bti-thunk=", 10) == 0) {
        return set_thunk(word + 10);
    }
    value = option_parse_bool(word);
    if (value >= 0) {
        set_hypervisor(options, value ? -1 : 0);
        options->guest_msrs = value ? -1 : 0;
        return 0;
    }
    value = word_value(&word);
    if (value < -1) {
        return -XEN_EINVAL;
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(choices); i++) {
        if (strcmp(word, choices[i].name) == 0) {
            if (value >= 0) {
                *(int8_t *)((char *)options + choices[i].offset) = (int8_t)value;
            }
            return 0;
        }
    }
    if (strcmp(word, "xen") == 0) {
        set_hypervisor(options, value != 0 ? -1 : 0);
        return 0;
    }
    if (strcmp(word, "pv") == 0) {
        set_border(options, value != 0 ? -1 : 0);
        options->guest_msrs = value != 0 ? -1 : 0;
        return 0;
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(fixed); i++) {
        if (strcmp(word, fixed[i].name) == 0) {
            return fixed[i].only < 0 || fixed[i].only == value ? 0 : -XEN_EINVAL;
        }
    }
    return -XEN_EINVAL;
}

static int parse_l1tf_word(struct speculation_options *options, char *word)
{
    int value = option_parse_bool(word);

    if (value >= 0) {
        options->l1tf_dom0 = options->l1tf_domu = (int8_t)value;
        return 0;
    }
    value = word_value(&word);
    if (value < 0) {
        return -XEN_EINVAL;
    }
    if (strcmp(word, "dom0") == 0) {
        options->l1tf_dom0 = (int8_t)value;
    } else if (strcmp(word, "domu") == 0) {
        options->l1tf_domu = (int8_t)value;
    } else {
        return -XEN_EINVAL;
    }
    return 0;
}

static int parse_list(struct speculation_options *options, const char *list,
                      int (*parse)(struct speculation_options *options, char *word))
{
    char word[WORD_BYTES];
    int result = 0;
    bool good;

    while ((list = next_word(list, word, &good)) != NULL) {
        if (!good || parse(options, word) != 0) {
            result = -XEN_EINVAL;
        }
    }
    return result;
}

int speculation_parse(struct speculation_options *options, const char *value)
{
    return parse_list(options, value, parse_word);
}

int speculation_parse_l1tf(struct speculation_options *options, const char *value)
{
    return parse_list(options, value, parse_l1tf_word);
}
