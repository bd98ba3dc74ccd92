/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* Reproducible random numbers: the seed is the word seed=, and printed by who uses them. */
#ifndef LIB_RANDOM_H
#define LIB_RANDOM_H

#include "hypervisor/types.h"

/* The seed in force; the first call takes it from the command line. */
uint64_t random_seed(void);
uint64_t random_next(void);
/* 0 .. below - 1. */
uint64_t random_below(uint64_t below);

#endif
