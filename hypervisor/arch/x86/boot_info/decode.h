/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* What the decoders of the two protocols share. */
#ifndef BOOT_INFO_DECODE_H
#define BOOT_INFO_DECODE_H

#include "asm/boot_info.h"

const char *multiboot1_decode(struct boot_info *out, paddr_t info, boot_read_t read);
const char *multiboot2_decode(struct boot_info *out, paddr_t info, boot_read_t read);

/* At most max_bytes - 1 bytes of a string that ends before `end`; longer ones are cut. */
bool boot_read_string(boot_read_t read, paddr_t from, paddr_t end, char *to, size_t max_bytes);

/* Appends; NULL or what is wrong. Empty ranges are left out, an end beyond 2^64 is cut. */
const char *boot_add_memory(struct boot_info *out, uint64_t start, uint64_t bytes, uint32_t type);

/* The next free module with its range set; NULL and *problem when it cannot be. */
struct boot_module *boot_add_module(struct boot_info *out, uint64_t start, uint64_t end,
                                    const char **problem);

void boot_set_video(struct boot_info *out, const uint8_t geometry[22], const uint8_t colours[6]);

#endif
