/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Kernel files: what is accepted, and that each defect is named. */
#include "asm/kernel_image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <lz4.h>
#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "hypervisor/arch/x86/dom0/decompress/lz4_block.h"
#include "asm/host.h"

#include <xen/elfnote.h>

#define BASE       0xffffffff80000000ull
#define FILE_BYTES 0x4000u
#define NOTES_AT   0x200u
#define SEGMENT_AT 0x1000u

/* A file in the making: an ELF header, two program headers, notes, one segment of two pages. */
static uint8_t file[FILE_BYTES];
static unsigned int notes_end;

static void put16(unsigned int at, uint16_t value)
{
    memcpy(file + at, &value, sizeof(value));
}

static void put32(unsigned int at, uint32_t value)
{
    memcpy(file + at, &value, sizeof(value));
}

static void put64(unsigned int at, uint64_t value)
{
    memcpy(file + at, &value, sizeof(value));
}

static void add_note(uint32_t type, const void *descriptor, uint32_t bytes)
{
    put32(notes_end, 4);
    put32(notes_end + 4, bytes);
    put32(notes_end + 8, type);
    memcpy(file + notes_end + 12, "Xen", 4);
    memcpy(file + notes_end + 16, descriptor, bytes);
    notes_end += 16 + ROUND_UP(bytes, 4);
    put64(0x40 + 56 + 32, notes_end - NOTES_AT);
}

static void add_number(uint32_t type, uint64_t value)
{
    add_note(type, &value, sizeof(value));
}

static void make_header(void)
{
    memset(file, 0, sizeof(file));
    memcpy(file, "\177ELF\2\1\1", 7);
    put16(16, 2);
    put16(18, 62);
    put64(24, BASE + 0x1000);
    put64(32, 0x40);
    put16(54, 56);
    put16(56, 2);
    put32(0x40, 1);
    put64(0x40 + 8, SEGMENT_AT);
    put64(0x40 + 16, BASE + 0x1000);
    put64(0x40 + 24, 0x1000);
    put64(0x40 + 32, 0x2000);
    put64(0x40 + 40, 0x3000);
    put32(0x40 + 56, 4);
    put64(0x40 + 56 + 8, NOTES_AT);
    notes_end = NOTES_AT;
}

static void make_kernel(void)
{
    make_header();
    add_number(XEN_ELFNOTE_ENTRY, BASE + 0x1200);
    add_number(XEN_ELFNOTE_HYPERCALL_PAGE, BASE + 0x2000);
    add_number(XEN_ELFNOTE_VIRT_BASE, BASE);
    add_number(XEN_ELFNOTE_MOD_START_PFN, 1);
    add_number(XEN_ELFNOTE_INIT_P2M, 0x8000000000ull);
    add_note(XEN_ELFNOTE_GUEST_OS, "linux", 6);
    add_note(XEN_ELFNOTE_LOADER, "generic", 8);
}

static const char *read_file(struct kernel_image *image)
{
    return kernel_image_read((struct bytes){ file, sizeof(file) }, image);
}

static void whole_kernel_is_read(void **state)
{
    struct kernel_image image;

    (void)state;
    make_kernel();
    assert_null(read_file(&image));
    assert_int_equal(image.entry, BASE + 0x1200);
    assert_int_equal(image.hypercall_page, BASE + 0x2000);
    assert_int_equal(image.start, BASE + 0x1000);
    assert_int_equal(image.end, BASE + 0x4000);
    assert_true(image.module_by_pfn);
    assert_true(image.has_init_p2m);
    assert_string_equal(image.guest_os, "linux");
    assert_int_equal(image.segment_count, 1);
    assert_int_equal(image.segments[0].file.length, 0x2000);
}

static void expect_problem(const char *part)
{
    struct kernel_image image;
    const char *problem = read_file(&image);

    assert_non_null(problem);
    if (!strstr(problem, part)) {
        fail_msg("expected \"%s\" in \"%s\"", part, problem);
    }
}

static void each_defect_is_named(void **state)
{
    (void)state;
    make_header();
    expect_problem("no Xen notes");
    add_number(XEN_ELFNOTE_HYPERCALL_PAGE, BASE + 0x2000);
    expect_problem("ENTRY");
    make_kernel();
    add_number(XEN_ELFNOTE_HYPERCALL_PAGE, BASE + 0x3008);
    expect_problem("hypercall page");
    make_kernel();
    add_number(XEN_ELFNOTE_ENTRY, BASE);
    expect_problem("entry point");
    make_kernel();
    add_note(XEN_ELFNOTE_LOADER, "other", 6);
    expect_problem("LOADER");
    make_kernel();
    put64(0x40 + 32, 0x8000);
    put64(0x40 + 40, 0x9000);
    expect_problem("truncated");
    make_kernel();
    put64(0x40 + 40, UINT64_MAX);
    expect_problem("wraps");
    make_kernel();
    put16(18, 3);
    expect_problem("64-bit x86");
    make_kernel();
    put16(56, 400);
    expect_problem("beyond the file");
    make_kernel();
    file[1] = 'X';
    expect_problem("neither ELF nor bzImage");
}

static void bzimage_is_opened(void **state)
{
    struct bytes payload;
    struct bytes whole = { file, sizeof(file) };

    (void)state;
    memset(file, 0, sizeof(file));
    file[0x1f1] = 1;
    memcpy(file + 0x202, "HdrS", 4);
    put16(0x206, 0x20f);
    put32(0x248, 0x10);
    put32(0x24c, 0x100);
    assert_null(bzimage_payload(whole, &payload));
    assert_ptr_equal(payload.data, file + 0x400 + 0x10);
    assert_int_equal(payload.length, 0x100);
    put32(0x24c, FILE_BYTES);
    assert_non_null(strstr(bzimage_payload(whole, &payload), "truncated"));
    put16(0x206, 0x207);
    assert_non_null(strstr(bzimage_payload(whole, &payload), "2.08"));
}

/* ---- payloads -------------------------------------------------------------------------------- */

static uint8_t packed[2 * FILE_BYTES], unpacked[FILE_BYTES + 1];

/* Linux puts the unpacked length behind what the other compressors wrote. */
static size_t add_trailer(size_t at)
{
    const uint32_t bytes = FILE_BYTES;

    memcpy(packed + at, &bytes, sizeof(bytes));
    return at + sizeof(bytes);
}

static const char *unpack(size_t length, size_t room, uint64_t *got)
{
    /* A copy of just that size: the sanitizer sees the first byte too many. */
    uint8_t *copy = malloc(length);
    const char *error;

    assert_non_null(memcpy(copy, packed, length));
    error = payload_decompress((struct bytes){ copy, length }, unpacked, room, got);
    free(copy);
    return error;
}

static void check_unpacking(enum payload_format format, size_t length)
{
    const struct bytes payload = { packed, length };
    uint64_t got;

    assert_int_equal(payload_format(payload), format);
    assert_int_equal(payload_unpacked_bytes(payload), FILE_BYTES);
    assert_null(unpack(length, sizeof(unpacked), &got));
    assert_int_equal(got, FILE_BYTES);
    assert_memory_equal(unpacked, file, FILE_BYTES);
    assert_null(unpack(length, FILE_BYTES, &got));
    assert_non_null(unpack(length, FILE_BYTES - 1, &got));
    for (size_t i = 6; i < length - 8; i++) {
        assert_non_null(unpack(i, sizeof(unpacked), &got));
    }
}

static void xz_is_unpacked_and_damage_is_found(void **state)
{
    size_t at = 0;
    uint64_t got;

    (void)state;
    make_kernel();
    assert_int_equal(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC32, NULL, file, FILE_BYTES, packed,
                                             &at, sizeof(packed) - 4),
                     LZMA_OK);
    check_unpacking(PAYLOAD_XZ, add_trailer(at));
    packed[at / 2] ^= 0x10;
    assert_non_null(unpack(at + 4, sizeof(unpacked), &got));
}

static void gzip_is_unpacked_and_damage_is_found(void **state)
{
    z_stream stream = {
        .next_in = file, .avail_in = FILE_BYTES, .next_out = packed, .avail_out = sizeof(packed)
    };
    uint64_t got;

    (void)state;
    make_kernel();
    assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    assert_int_equal(deflateEnd(&stream), Z_OK);
    check_unpacking(PAYLOAD_GZIP, stream.total_out);
    packed[stream.total_out - 6] ^= 0x10;
    assert_non_null(strstr(unpack(stream.total_out, sizeof(unpacked), &got), "corrupt"));
}

static void zstd_is_unpacked_and_damage_is_found(void **state)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    uint64_t got;
    size_t at;

    (void)state;
    make_kernel();
    assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)));
    at = ZSTD_compress2(context, packed, sizeof(packed) - 4, file, FILE_BYTES);
    assert_false(ZSTD_isError(at));
    assert_int_equal(ZSTD_freeCCtx(context), 0);
    check_unpacking(PAYLOAD_ZSTD, add_trailer(at));
    packed[at / 2] ^= 0x10;
    assert_non_null(strstr(unpack(at + 4, sizeof(unpacked), &got), "corrupt"));
    packed[at / 2] ^= 0x10;
    packed[at + 1] ^= 1;
    assert_non_null(strstr(unpack(at + 4, sizeof(unpacked), &got), "not as long as it says"));
}

/* A legacy frame of two blocks, with its trailer; where the second block begins. */
static size_t make_lz4(size_t *second)
{
    static const uint8_t magic[4] = { 0x02, 0x21, 0x4c, 0x18 };
    size_t at = sizeof(magic);

    make_kernel();
    memcpy(packed, magic, sizeof(magic));
    for (unsigned int half = 0; half < 2; half++) {
        const char *from = (const char *)file + half * (FILE_BYTES / 2);
        uint32_t bytes = (uint32_t)LZ4_compress_default(from, (char *)packed + at + 4,
                                                        FILE_BYTES / 2, FILE_BYTES);

        *second = at;
        assert_int_not_equal(bytes, 0);
        memcpy(packed + at, &bytes, sizeof(bytes));
        at += sizeof(bytes) + bytes;
    }
    return add_trailer(at);
}

static void lz4_is_unpacked(void **state)
{
    size_t second, length = make_lz4(&second);

    (void)state;
    check_unpacking(PAYLOAD_LZ4, length);
}

static void expect_lz4_problem(size_t length, const char *part)
{
    uint64_t got;
    const char *problem = unpack(length, sizeof(unpacked), &got);

    assert_non_null(problem);
    if (!strstr(problem, part)) {
        fail_msg("expected \"%s\" in \"%s\"", part, problem);
    }
}

/* The format has no checksum: what can be found is what does not fit together. */
static void damage_of_lz4_is_found(void **state)
{
    static const uint32_t wrong_lengths[] = { 0, 1, INT32_MAX, (uint32_t)INT32_MAX + 1,
                                              UINT32_MAX };
    size_t second, length = make_lz4(&second);
    uint32_t right;

    (void)state;
    memcpy(&right, packed + second, sizeof(right));
    for (unsigned int i = 0; i < ARRAY_SIZE(wrong_lengths); i++) {
        memcpy(packed + second, &wrong_lengths[i], sizeof(right));
        expect_lz4_problem(length, "corrupt");
    }
    right++; /* into the trailer */
    memcpy(packed + second, &right, sizeof(right));
    expect_lz4_problem(length, "truncated");
    length = add_trailer(second); /* one block of two */
    expect_lz4_problem(length, "not as long as it says");
    length = make_lz4(&second);
    memset(packed + length - 4, 0, 4);
    length = add_trailer(length); /* bytes between the last block and the trailer */
    expect_lz4_problem(length, "corrupt");
}

/* What the library packs comes back: lengths beyond 15 and 270, matches that overlap themselves. */
static void lz4_blocks_come_back(void **state)
{
    static uint8_t plain[70000], block[80000], back[sizeof(plain) + 1];

    (void)state;
    for (unsigned int round = 0; round < 200; round++) {
        size_t length = 1 + host_random_below(sizeof(plain)), at = 0;

        while (at < length) { /* runs of noise and of repetitions */
            size_t run = min(1 + host_random_below(1u << host_random_below(12)), length - at);
            size_t period = host_random_below(2) ? 0 : 1 + host_random_below(1u << (round % 12));

            for (size_t end = at + run; at < end; at++) {
                plain[at] =
                    period && at >= period ? plain[at - period] : (uint8_t)host_random_below(256);
            }
        }
        int packed_bytes =
            LZ4_compress_default((char *)plain, (char *)block, (int)length, sizeof(block));
        struct bytes in = { block, (uint64_t)packed_bytes };

        assert_true(packed_bytes > 0);
        assert_int_equal(lz4_block_unpack(in, back, length), length);
        assert_memory_equal(back, plain, length);
        assert_int_equal(lz4_block_unpack(in, back, length - 1), -1);
        in.length--;
        assert_true(lz4_block_unpack(in, back, length) != (int64_t)length);
    }
}

/* A payload that is no compressed one: the ELF file as it is, its length behind it or not. */
static void elf_in_a_bzimage_is_read(void **state)
{
    static uint8_t whole[0x800 + FILE_BYTES + 4];
    struct kernel_image image;
    struct bytes payload;
    uint64_t got;

    (void)state;
    memset(file, 0, sizeof(file));
    file[0x1f1] = 1;
    memcpy(file + 0x202, "HdrS", 4);
    put16(0x206, 0x20f);
    put32(0x248, 0x400);
    put32(0x24c, FILE_BYTES + 4);
    memcpy(whole, file, 0x400);
    make_kernel();
    memcpy(whole + 0x800, file, FILE_BYTES);
    assert_null(bzimage_payload((struct bytes){ whole, sizeof(whole) }, &payload));
    assert_ptr_equal(payload.data, whole + 0x800);
    assert_int_equal(payload_format(payload), PAYLOAD_ELF);
    assert_null(kernel_image_read(payload, &image));
    assert_int_equal(image.entry, BASE + 0x1200);
    assert_ptr_equal(image.segments[0].file.data, whole + 0x800 + SEGMENT_AT);
    assert_non_null(payload_decompress(payload, unpacked, sizeof(unpacked), &got));
    assert_int_equal(got, 0);
    assert_non_null(bzimage_payload((struct bytes){ whole, sizeof(whole) - 1 }, &payload));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_kernel_is_read),
        cmocka_unit_test(each_defect_is_named),
        cmocka_unit_test(bzimage_is_opened),
        cmocka_unit_test(xz_is_unpacked_and_damage_is_found),
        cmocka_unit_test(gzip_is_unpacked_and_damage_is_found),
        cmocka_unit_test(zstd_is_unpacked_and_damage_is_found),
        cmocka_unit_test(lz4_is_unpacked),
        cmocka_unit_test(damage_of_lz4_is_found),
        cmocka_unit_test(lz4_blocks_come_back),
        cmocka_unit_test(elf_in_a_bzimage_is_read),
    };

    return cmocka_run_group_tests_name("kernel_image", tests, NULL, NULL);
}
