/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Between the files of this folder. */
#ifndef SMP_PRIVATE_H
#define SMP_PRIVATE_H

/* IPI handlers of kicks and calls. */
void smp_call_init(void);

#endif
