/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Between the files of churn. */
#ifndef DOM0_CHURN_H
#define DOM0_CHURN_H

#include <stdint.h>

/* The clock that never goes back. */
uint64_t now_ns(void);

/* Prints the line `ticks ...`. */
void ticks_print(void);

#endif
