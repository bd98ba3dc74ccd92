/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Any command line: nothing may be written outside of the options' variables. */
#include <string.h>

#include "asm/host.h"
#include "hypervisor/bug.h"
#include "hypervisor/option.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct {
    uint8_t before, value, after;
} guarded_small;
#define opt_small guarded_small.value
static const struct option option_small __used __section("options") __aligned(8) = {
    .name = "small", .help = "", .kind = OPTION_KIND_UINT, .bytes = 1, .variable = &opt_small
};

static bool opt_flag;
OPTION_BOOL("flag", opt_flag, "");
static uint64_t opt_bytes;
OPTION_SIZE("bytes", opt_bytes, "");
static char opt_text[9];
OPTION_STRING("text", opt_text, "");

static int parse_custom(const char *value)
{
    return (int)strlen(value) & 1;
}
OPTION_CUSTOM("custom", parse_custom, "");

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char line[2048];

    size = min(size, sizeof(line) - 1);
    memcpy(line, data, size);
    line[size] = '\0';
    options_parse(line);
    BUG_ON(guarded_small.before != 0 || guarded_small.after != 0);
    BUG_ON(memchr(opt_text, '\0', sizeof(opt_text)) == NULL);
    return 0;
}
