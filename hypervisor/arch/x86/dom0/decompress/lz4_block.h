/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* One block of LZ4's format: theory in lz4_block.c. */
#ifndef DECOMPRESS_LZ4_BLOCK_H
#define DECOMPRESS_LZ4_BLOCK_H

#include "asm/kernel_image.h"

/* Unpacks into to[0 .. room - 1]: the length, or -1 when the block is corrupt or needs more room. */
int64_t lz4_block_unpack(struct bytes in, uint8_t *to, uint64_t room);

#endif
