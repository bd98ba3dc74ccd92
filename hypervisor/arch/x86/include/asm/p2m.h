/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* The formats of physical maps that x86 processors walk. */
#ifndef ASM_P2M_H
#define ASM_P2M_H

#include "hypervisor/p2m.h"

extern const struct p2m_format p2m_format_npt;

#endif
