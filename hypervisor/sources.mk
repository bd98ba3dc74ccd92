# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) the Xenios authors
#
# The folders that make up Xenios, relative to hypervisor/. Every *.c and *.S of a listed
# folder is compiled (not of its subfolders); a folder that does not exist is skipped.
#
#   both-y   compiled twice: into the hypervisor, and into libxenioscore.a for the host
#   metal-y  only in the hypervisor
#   host-y   only on the host
#
# A variation is a folder of its own: both-$(CONFIG_X) += core/x

both-y += lib
both-y += core/console
both-y += core/memory
both-y += core/p2m
both-y += core/domain
both-y += core/event
both-y += core/grant
both-y += core/sched
both-y += core/time
both-y += core/work
both-y += core/watchdog
both-y += core/security
both-y += core/trace
both-y += core/lock
both-y += core/option
both-y += hypercall
both-y += arch/x86/boot_info
both-y += arch/x86/pagetype
both-y += arch/x86/policy
both-y += arch/x86/speculation
both-y += arch/x86/emulate
both-y += arch/x86/p2m
both-y += arch/x86/dom0/plan
both-y += arch/x86/dom0/image
both-y += arch/x86/dom0/decompress
both-y += arch/x86/clock
both-y += arch/x86/irq
both-y += arch/x86/physdev
both-y += arch/x86/domctl
both-y += drivers/acpi
both-y += drivers/pci

metal-y += lib/freestanding
metal-y += arch/x86/boot
metal-y += arch/x86/cpu
metal-y += arch/x86/entry
metal-y += arch/x86/mm
metal-y += arch/x86/apic
metal-y += arch/x86/acpi
metal-y += arch/x86/time
metal-y += arch/x86/pv
metal-y += arch/x86/dom0
metal-y += arch/x86/smp
metal-y += arch/x86/hypercall
metal-y += drivers/uart
metal-y += arch/x86/pci
metal-$(CONFIG_RETPOLINES) += arch/x86/retpoline

host-y += arch/host
