# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) the Xenios authors
"""The machines to measure on, and how time is told there.

Under `instructions` QEMU's clock counts instructions: the same images give the same digits, however
busy the host is. `seconds` is the host's clock, and wants a quiet host.
"""
from dataclasses import dataclass

# QEMU cannot count instructions across a read of the x2APIC timer.
COUNTED_CPU = "max,-rdrand,-rdseed,-x2apic"
COUNTED = ["-icount", "shift=2,sleep=off", "-rtc", "clock=vm,base=2026-01-01T00:00:00",
           "-seed", "1", "-nic", "none"]


@dataclass(frozen=True)
class Mode:
    name: str
    title: str
    cpus: int
    counted: bool

    def machine(self):
        """Options of tests/system/machine.py's Machine."""
        if self.counted:
            return dict(cpus=self.cpus, accel="tcg", cpu=COUNTED_CPU)
        return dict(cpus=self.cpus)

    def devices(self):
        return COUNTED if self.counted else []


MODES = {
    mode.name: mode
    for mode in (
        Mode("instructions", "one CPU, time counted in instructions", 1, True),
        Mode("instructions-two", "two CPUs in turns, time counted in instructions", 2, True),
        Mode("seconds", "two CPUs, the host's clock", 2, False),
    )
}
