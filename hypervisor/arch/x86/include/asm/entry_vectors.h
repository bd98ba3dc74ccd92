/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* What both the stubs and C must know of the vectors. */
#ifndef ASM_ENTRY_VECTORS_H
#define ASM_ENTRY_VECTORS_H

/* #DF #TS #NP #SS #GP #PF #AC #CP #VC #SX: the processor pushes an error code (AMD APM 2, 8.2). */
#define VECTORS_WITH_ERROR_CODE                                                         \
    ((1 << 8) | (1 << 10) | (1 << 11) | (1 << 12) | (1 << 13) | (1 << 14) | (1 << 17) | \
     (1 << 21) | (1 << 29) | (1 << 30))

/* entry_vector of frames that no vector made. */
#define ENTRY_VECTOR_SYSCALL   0x100
#define ENTRY_VECTOR_SYSCALL32 0x101
#define ENTRY_VECTOR_SYSENTER  0x102
#define ENTRY_VECTOR_NONE      0x103 /* registers were made, not entered: must leave by IRET */

#endif
