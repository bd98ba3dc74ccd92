/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Debian's libzstd also knows the frame formats from before 1.0 (0.5 to 0.7), which no kernel uses: 90
 * KiB of code. These definitions come before the library's own, so that it stays out of the image.
 * A frame of such a format is refused: its size cannot be told, and no context can be made for it.
 */
#include "hypervisor/types.h"

#define VERSION_UNSUPPORTED 12 /* ZSTD_error_version_unsupported of zstd_errors.h */

void *zstd_legacy_no_context(void);
size_t zstd_legacy_refuse(void);
void zstd_legacy_no_size(const void *from, size_t bytes, size_t *frame_bytes,
                         unsigned long long *bound);

void *zstd_legacy_no_context(void)
{
    return NULL;
}

size_t zstd_legacy_refuse(void)
{
    return (size_t)-VERSION_UNSUPPORTED;
}

void zstd_legacy_no_size(const void *from, size_t bytes, size_t *frame_bytes,
                         unsigned long long *bound)
{
    *frame_bytes = (size_t)-VERSION_UNSUPPORTED;
    *bound = ~0ull;
}

/* One name of the library, made to mean one of the functions above. */
#define STANDS_FOR(name, function) ".globl " #name "\n.set " #name ", " #function "\n"

#define NO_LEGACY(version)                                                                    \
    __asm__(                                                                                  \
        STANDS_FOR(ZSTD##version##_createDCtx, zstd_legacy_no_context) STANDS_FOR(            \
            ZBUFF##version##_createDCtx,                                                      \
            zstd_legacy_no_context) STANDS_FOR(ZSTD##version##_freeDCtx, zstd_legacy_refuse)  \
            STANDS_FOR(ZSTD##version##_getFrameParams, zstd_legacy_refuse) STANDS_FOR(        \
                ZSTD##version##_decompress_usingDict,                                         \
                zstd_legacy_refuse) STANDS_FOR(ZBUFF##version##_freeDCtx, zstd_legacy_refuse) \
                STANDS_FOR(ZBUFF##version##_decompressContinue, zstd_legacy_refuse)           \
                    STANDS_FOR(ZBUFF##version##_decompressInitDictionary, zstd_legacy_refuse) \
                        STANDS_FOR(ZSTD##version##_findFrameSizeInfoLegacy, zstd_legacy_no_size))

NO_LEGACY(v05);
NO_LEGACY(v06);
NO_LEGACY(v07);
