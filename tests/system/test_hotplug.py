# SPDX-License-Identifier: GPL-2.0-or-later
# Copyright (C) the Xenios authors
"""dom0 takes its CPUs down and up again: VCPUOP_down, VCPUOP_up and the state in between."""
import pytest


@pytest.mark.parametrize("cpus", [2, pytest.param(4, marks=pytest.mark.slow)])
def test_hotplug(machine, cpus):
    vm = machine(
        cpus=cpus, append="dom0_mem=512M", kernel_append="xenios.test=hotplug xenios.rounds=10",
        timeout=400,
    )
    vm.expect(rf"XENIOS-DOM0-READY cpus={cpus} ")
    vm.expect(r"round 10\r")
    vm.expect(r"XENIOS-TEST hotplug exit=0\r")
    vm.expect_end(timeout=120)
