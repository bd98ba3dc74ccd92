/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/*
 * Which bits of an APIC id tell threads, cores and packages apart.
 *
 * Leaf 0xb says so itself (Intel SDM 2, CPUID). Processors without it tell how many ids a package and
 * how many cores (AMD APM 3: 80000008 and 8000001e; Intel: leaf 4), each rounded up to a power of two.
 */
#include "asm/policy.h"

#define EXTENDED          0x80000000u
#define FEATURE_D_HTT     (1u << 28)
#define LEAF_TOPOLOGY     0xbu
#define TOPOLOGY_LEVELS   8u
#define LEVEL_TYPE_NONE   0u
#define LEVEL_TYPE_THREAD 1u

static unsigned int bits_for(uint32_t count)
{
    return count > 1 ? 32u - (unsigned int)__builtin_clz(count - 1) : 0;
}

static bool read_levels(struct cpu_topology *topology, cpuid_reader_t reader)
{
    uint32_t out[4];

    for (uint32_t level = 0; level < TOPOLOGY_LEVELS; level++) {
        uint32_t type, shift;

        reader(LEAF_TOPOLOGY, level, out);
        type = out[CPUID_C] >> 8 & 0xff;
        shift = out[CPUID_A] & 0x1f;
        if (type == LEVEL_TYPE_NONE || out[CPUID_B] == 0) {
            return level != 0;
        }
        if (type == LEVEL_TYPE_THREAD) {
            topology->thread_bits = shift;
        }
        topology->package_shift = shift;
    }
    return true;
}

/* Cores of a package, 0 when neither vendor's leaf tells. */
static uint32_t cores(cpuid_reader_t reader, uint32_t max_basic, uint32_t max_extended)
{
    uint32_t out[4];

    if (max_extended >= EXTENDED + 8) {
        reader(EXTENDED + 8, 0, out);
        if (out[CPUID_C] & 0xff) {
            uint32_t threads = (out[CPUID_C] & 0xff) + 1;

            if (max_extended < EXTENDED + 0x1e) {
                return threads;
            }
            reader(EXTENDED + 0x1e, 0, out);
            return max(threads / ((out[CPUID_B] >> 8 & 0xff) + 1), 1u);
        }
    }
    if (max_basic >= 4) {
        reader(4, 0, out);
        return out[CPUID_A] & 0x1f ? (out[CPUID_A] >> 26) + 1 : 0;
    }
    return 0;
}

void topology_read(struct cpu_topology *topology, cpuid_reader_t reader)
{
    uint32_t out[4], max_basic, max_extended;
    unsigned int core_bits;

    topology->thread_bits = topology->package_shift = 0;
    reader(0, 0, out);
    max_basic = out[CPUID_A];
    reader(EXTENDED, 0, out);
    max_extended = out[CPUID_A];
    if (max_basic >= LEAF_TOPOLOGY && read_levels(topology, reader)) {
        return;
    }
    reader(1, 0, out);
    if (!(out[CPUID_D] & FEATURE_D_HTT)) {
        return;
    }
    topology->package_shift = bits_for(out[CPUID_B] >> 16 & 0xff);
    core_bits = min(bits_for(cores(reader, max_basic, max_extended)), topology->package_shift);
    topology->thread_bits = topology->package_shift - core_bits;
}
