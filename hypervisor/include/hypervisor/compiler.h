/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* What the compilers offer, under the project's names. */
#ifndef HYPERVISOR_COMPILER_H
#define HYPERVISOR_COMPILER_H

#define __must_check             __attribute__((__warn_unused_result__))
#define __packed                 __attribute__((__packed__))
#define __aligned(n)             __attribute__((__aligned__(n)))
#define __unused                 __attribute__((__unused__))
#define __used                   __attribute__((__used__))
#define __noreturn               __attribute__((__noreturn__))
#define __noinline               __attribute__((__noinline__))
#define __always_inline          inline __attribute__((__always_inline__))
#define __printf_like(fmt, args) __attribute__((__format__(__printf__, fmt, args)))
#define __section(name)          __attribute__((__section__(name)))

/* Used at boot only. The linker gathers these; arch code may give them back after boot. */
#define __init
#define __initdata
#define __read_mostly __section(".data.read_mostly")

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) \
    ((type *)(void *)((char *)(ptr) - __builtin_offsetof(type, member)))

#define min(a, b)                          \
    ({                                     \
        __typeof__(a) _min_a = (a);        \
        __typeof__(b) _min_b = (b);        \
        _min_a < _min_b ? _min_a : _min_b; \
    })
#define max(a, b)                          \
    ({                                     \
        __typeof__(a) _max_a = (a);        \
        __typeof__(b) _max_b = (b);        \
        _max_a > _max_b ? _max_a : _max_b; \
    })

#define ROUND_UP(x, to)     (((x) + ((to)-1)) & ~((__typeof__(x))(to)-1))
#define ROUND_DOWN(x, to)   ((x) & ~((__typeof__(x))(to)-1))
#define DIV_ROUND_UP(x, by) (((x) + (by)-1) / (by))

#define barrier()        __asm__ volatile("" ::: "memory")
#define READ_ONCE(x)     (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

/*
 * Where the host build's seeded scheduler may let another fake CPU run (arch/host/cpu.c); nothing
 * on a machine.
 */
#ifdef XENIOS_HOST
void host_switch_point(void);
#define HOST_SWITCH_POINT() host_switch_point()
#else
#define HOST_SWITCH_POINT() ((void)0)
#endif

#endif
