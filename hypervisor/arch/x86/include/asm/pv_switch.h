/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright (C) the Xenios authors */
/* What switching of vcpus shares inside arch/x86/pv. */
#ifndef ASM_PV_SWITCH_H
#define ASM_PV_SWITCH_H

#include "hypervisor/domain.h"

#define CPU_NOT_LOADED UINT32_MAX

void pv_load_debug_registers(const struct vcpu *vcpu);

#endif
